"""What adaptive methods and reports need of an approximate solution: of a fit, a chain of time slabs, or a mode."""

from typing import Any, Protocol

from torch import Tensor

from gmnm_pde.models import Normalized


class InitialGuess(Protocol):
    """What Newton's method can start from: a fit, or a solution extended to a later time slab."""

    @property
    def theta(self) -> Tensor:
        """The unknowns: the problem's parameters, then the readout."""
        ...

    def solved_for(self, points: Tensor) -> Tensor:
        """The outputs of the model alone, before conditions are built into them, at points [n, d]: [n, fields]."""
        ...


class Approximation(Protocol):
    """An approximate solution of a problem, with its residuals and its size.

    Attributes:
        widths: The widths of its components, empty where it has none.
        trained: How many parameters were trained; 0 where only a readout was solved for.
    """

    widths: tuple[float, ...]
    trained: int

    @property
    def model(self) -> Normalized: ...
    @property
    def fits(self) -> Any:
        """The fits that it is made of, one for each time slab."""
        ...

    @property
    def converged(self) -> bool:
        """Whether the method that made it converged."""
        ...

    @property
    def loss(self) -> float:
        """The mean squared residual that was fitted, rows scaled."""
        ...

    @property
    def components(self) -> int | None: ...
    @property
    def unknowns(self) -> int: ...
    @property
    def points(self) -> int: ...
    @property
    def parameters(self) -> dict[str, float]:
        """The values of the problem's unknown parameters."""
        ...

    def outputs(self, points: Tensor) -> Tensor:
        """The fields at points [n, d]: [n, fields]."""
        ...

    def named_residuals(self) -> dict[str, Tensor]:
        """The unscaled residuals on held-out points, by name."""
        ...
