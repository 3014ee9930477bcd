"""Tables of measured values as functions with derivatives: ``drive = table(times, values)``, then ``drive(t)``."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._doors import front_door
from gmnm_pde._errors import nearest, refuse
from gmnm_pde.jets import Quantity
from gmnm_pde.jets.values import Coordinate
from gmnm_pde.statement.grid_tables import GridTable, grid_table


class Table:
    """A function through tabulated values; before the first place and after the last it stays at their values.

    Attributes:
        breaks: The places between which it is smooth.
    """

    def __init__(self, places: Tensor, pieces: Tensor, kind: str):
        self.places, self.kind = places, kind
        self._pieces = pieces

    @property
    def breaks(self) -> tuple[float, ...]:
        return tuple(self.places.tolist())

    def __repr__(self) -> str:
        return f"table of {len(self.places)} values from {self.breaks[0]:g} to {self.breaks[-1]:g}, {self.kind}"

    def __call__(self, at: Any) -> Any:
        """Values at a number, an array, a tensor or a coordinate of an equation, as the same kind."""
        if isinstance(at, Coordinate):
            at.frame.breaks.setdefault(at.name, set()).update(self.breaks)
        if isinstance(at, Quantity):
            return Quantity(self._values(at.tensor), at.frame)
        if isinstance(at, Tensor):
            return self._values(at)
        values = self._values(torch.as_tensor(at, dtype=torch.float64)).numpy()
        return values if values.ndim else values.item()

    def _values(self, at: Tensor) -> Tensor:
        """Values at places [...], by the polynomial of the piece that each lies in."""
        places, pieces = self.places.to(at), self._pieces.to(at)
        number = torch.searchsorted(places, at.detach().contiguous(), right=True).clamp(0, len(places))
        start = places[(number - 1).clamp(min=0)]
        total, away = 0.0 * at, at - start
        for column in reversed(pieces[number].unbind(-1)):
            total = total * away + column
        return total


@front_door
def table(places: Any, values: Any, kind: str = "linear") -> Table | GridTable:
    """A function of one coordinate through tabulated values, or of several through values on a grid.

    On a grid, ``table((xs, ys), values)`` with values [len(xs), len(ys)] is a function of two coordinates in this
    order: ``k(x, y)``. Kinds are ``"linear"``, ``"cubic"``, by splines with two continuous derivatives, and
    ``"smooth"`` for even steps: splines that smooth over two steps, and never leave the range of the values.

    Args:
        places: Where they are known, [m], increasing; a tuple of such for each coordinate of a grid.
        values: [m]; [m_1, m_2, ...] on a grid.
        kind: How they are joined: ``"linear"``, by straight lines; ``"cubic"``, by a spline with two continuous
            derivatives; ``"previous"``, where each value stays until the next one.

    Raises:
        GmnmError: there are too few of them, or they are no increasing places with finite values.
    """
    if isinstance(places, tuple) and len(places) > 1 and all(hasattr(one, "__len__") for one in places):
        return grid_table(places, values, kind)
    if kind not in _KINDS:
        raise refuse(f"table(kind={kind!r})", expected="a kind of table", got=repr(kind), remedy=nearest(kind, _KINDS))
    least, make = _KINDS[kind]
    x, y = _numbers(places, "places"), _numbers(values, "values")
    if len(x) != len(y) or len(x) < least:
        got = f"{len(x)} and {len(y)}"
        raise refuse("table(places, values)", expected=f"as many values as places, at least {least}", got=got)
    if not (x.diff() > 0).all():
        row = int((x.diff() <= 0).nonzero()[0, 0])
        got = f"{x[row + 1]:g} after {x[row]:g}"
        raise refuse("table(places, values)", expected="increasing places", got=got, remedy="Sort them, each once.")
    inner = make(x, y)
    ends = torch.zeros(1, inner.shape[1], dtype=torch.float64)
    before, after = ends.clone(), ends.clone()
    before[0, 0], after[0, 0] = y[0], y[-1]
    return Table(x, torch.cat([before, inner, after]), kind)


def _numbers(values: Any, what: str) -> Tensor:
    try:
        read = torch.as_tensor(values, dtype=torch.float64, device="cpu").detach().clone()
    except (TypeError, ValueError, RuntimeError):
        raise refuse(f"table: {what}", expected="numbers, [m]", got=repr(values)) from None
    if read.ndim != 1 or not torch.isfinite(read).all():
        got = f"shape {tuple(read.shape)}" if read.ndim != 1 else "NaN or infinity among them"
        raise refuse(f"table: {what}", expected="finite numbers, [m]", got=got)
    return read


def _previous(x: Tensor, y: Tensor) -> Tensor:
    return y[:-1, None]


def _linear(x: Tensor, y: Tensor) -> Tensor:
    return torch.stack([y[:-1], y.diff() / x.diff()], dim=1)


def _cubic(x: Tensor, y: Tensor) -> Tensor:
    """The coefficients of the spline whose first two and last two pieces are each one polynomial, [m - 1, 4]."""
    h, slope = x.diff(), y.diff() / x.diff()
    m = len(x)
    lower, middle, upper = h[:-1].clone(), 2 * (h[:-1] + h[1:]), h[1:].clone()
    right = 6 * slope.diff()
    middle[0] += h[0] * (h[0] + h[1]) / h[1]
    upper[0] -= h[0] ** 2 / h[1]
    middle[-1] += h[-1] * (h[-1] + h[-2]) / h[-2]
    lower[-1] -= h[-1] ** 2 / h[-2]
    bend = torch.zeros(m, dtype=torch.float64)
    bend[1:-1] = _tridiagonal(lower, middle, upper, right)
    bend[0] = bend[1] - h[0] / h[1] * (bend[2] - bend[1])
    bend[-1] = bend[-2] + h[-1] / h[-2] * (bend[-2] - bend[-3])
    first = slope - h * (2 * bend[:-1] + bend[1:]) / 6
    return torch.stack([y[:-1], first, bend[:-1] / 2, bend.diff() / (6 * h)], dim=1)


def _tridiagonal(lower: Tensor, middle: Tensor, upper: Tensor, right: Tensor) -> Tensor:
    """The solution of a tridiagonal system by elimination; ``lower[0]`` and ``upper[-1]`` are not used."""
    a, b, c, d = (values.tolist() for values in (lower, middle, upper, right))
    for k in range(1, len(b)):
        factor = a[k] / b[k - 1]
        b[k] -= factor * c[k - 1]
        d[k] -= factor * d[k - 1]
    found = [d[-1] / b[-1]]
    for k in range(len(b) - 2, -1, -1):
        found.append((d[k] - c[k] * found[-1]) / b[k])
    return torch.tensor(found[::-1], dtype=torch.float64)


_KINDS: dict[str, tuple[int, Callable[[Tensor, Tensor], Tensor]]] = {
    "linear": (2, _linear),
    "cubic": (4, _cubic),
    "previous": (2, _previous),
}
"""The least number of values, and what makes the coefficients of the pieces, by kind."""
