"""What a model can do beyond its call: a protocol for each capability, asked for by ``can(model, capability)``.

The two that derivatives in closed form need, ``OutputJet`` and ``FeatureCombination``, are in ``gmnm_pde.jets``, which
knows how derivatives are made.
"""

from typing import Any, Protocol

from torch import Tensor, nn

from gmnm_pde.jets.capabilities import FeatureCombination as FeatureCombination
from gmnm_pde.jets.capabilities import OutputJet as OutputJet
from gmnm_pde.jets.capabilities import Wrapper as Wrapper
from gmnm_pde.jets.capabilities import can as can
from gmnm_pde.multiindex import Operator


class LinearReadout(Protocol):
    """Features followed by a linear readout, outputs = features(x) @ readout.T: what least squares needs of a model."""

    def features(self, x: Tensor, /) -> Tensor:
        """The features at x [n, d]: [n, features]."""
        ...

    @property
    def readout(self) -> Tensor:
        """The weights that mix features into outputs: [outputs, features]."""
        ...

    def set_readout(self, readout: Tensor, /) -> None:
        """Put other weights, [outputs, features], in place."""
        ...


class OutputCombination(Protocol):
    """Whole linear differential operators on the outputs in one pass: what a training step needs of a linear equation.

    Cheaper than the derivatives one by one, which ``OutputJet`` gives.
    """

    def output_combination(self, x: Tensor, coefficients: Operator, /) -> Tensor:
        """sum_alpha c_alpha D^alpha of every output at x [n, d], for c_alpha of shape [n] or []: [n, outputs]."""
        ...


class OutputAlong(Protocol):
    """Operators given on directions, which may be fewer than the coordinates (``residuals/directions.py``)."""

    def output_along(self, x: Tensor, directions: Any, /) -> tuple[Tensor, Tensor]:
        """The outputs at x [n, d], and an operator on directions applied to them: [n, outputs] each."""
        ...


class OutputRows(Protocol):
    """Rows of the Jacobian by the parameters, which Gauss-Newton needs; those of other models come from autograd."""

    def output_rows(self, x: Tensor, coefficients: Operator, output: int, /) -> dict[str, Tensor]:
        """The derivatives of one output's ``output_combination`` by every trained parameter, each [n, *its shape]."""
        ...


class Configurable(Protocol):
    """Construction again from plain values, which a file holds."""

    def config(self) -> dict[str, Any]:
        """The arguments that build a model of this shape."""
        ...


def has_readout(model: nn.Module) -> bool:
    """Whether ``model`` is features followed by a linear readout."""
    return can(model, LinearReadout)
