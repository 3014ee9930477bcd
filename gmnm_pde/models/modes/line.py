"""What the functions of one coordinate offer, of which products are made."""

from typing import Any, Protocol

from torch import Tensor


class Line(Protocol):
    """Orthonormal functions of one coordinate on an interval.

    Attributes:
        bounds: The interval.
        points: Of a quadrature rule that integrates products of two of them exactly, and of three well, [n].
        weights: Of the rule, [n].
        count: How many functions there are.
    """

    bounds: tuple[float, float]
    points: Tensor
    weights: Tensor
    count: int

    def rows(self, x: Tensor, order: int) -> Tensor:
        """The derivatives of an order of every function at x [n]: [n, count]."""
        ...

    def tails(self, coefficients: Tensor) -> Tensor:
        """How large the finest parts of expansions [..., count] are, in each cell: [..., cells]."""
        ...

    def finer(self, cells: Tensor) -> "Line":
        """Functions that contain these, with more of them where ``cells`` [cells] says."""
        ...

    def coarser(self, cells: Tensor) -> "Line | None":
        """Fewer functions where ``cells`` says; None if there is nothing to take away."""
        ...

    def spread(self, unit: Tensor) -> tuple[Tensor, Tensor]:
        """Numbers in [0, 1], [n], as places, half by length and half by cell, and how much of the line, in parts of its
        mean, each place stands for.
        """  # noqa: D205
        ...

    def plain(self) -> "Line":
        """Functions whose expansions hold the same numbers on every machine."""
        ...

    def config(self) -> dict[str, Any]:
        """The arguments that make the same functions."""
        ...
