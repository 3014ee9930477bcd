"""Values on a grid as functions of several coordinates: products of B-splines."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gmnm_pde._errors import nearest, refuse
from gmnm_pde.jets import Quantity

_KINDS = {"linear": 1, "cubic": 3, "smooth": 3}
"""The degree of the splines, by kind."""

_EVEN = 1e-6
"""Steps that differ by less than this part are even."""


class GridTable:
    """A function of several coordinates from values on a grid; outside of the grid it stays at the values at its edge.

    Args:
        knots: Of the splines along each coordinate.
        coefficients: Of their products, an axis for each coordinate.
        bounds: Where the grid begins and ends along each.
        kind: How the values are joined.
    """

    def __init__(self, knots: Sequence[Tensor], coefficients: Tensor, bounds: Sequence[tuple[float, float]], kind: str):
        self.knots, self.coefficients, self.bounds, self.kind = tuple(knots), coefficients, tuple(bounds), kind
        self._degree = _KINDS[kind]

    def __repr__(self) -> str:
        told = {
            "linear": "joined linearly",
            "cubic": "interpolated by cubic splines",
            "smooth": "smoothed by cubic splines over two steps",
        }
        shape = " x ".join(str(size) for size in self.coefficients.shape)
        where = ", ".join(f"({low:g}, {high:g})" for low, high in self.bounds)
        return f"table of {shape} coefficients on {where}, {told[self.kind]}"

    def __call__(self, *at: Any) -> Any:
        """Values at numbers, arrays, tensors or coordinates of an equation, as the same kind."""
        if len(at) != len(self.knots):
            raise refuse("table(...)", expected=f"{len(self.knots)} coordinates", got=len(at))
        quantity = next((one for one in at if isinstance(one, Quantity)), None)
        plain = [one.tensor if isinstance(one, Quantity) else one for one in at]
        as_tensor = any(isinstance(one, Tensor) for one in plain)
        tensors = torch.broadcast_tensors(
            *[one if isinstance(one, Tensor) else torch.as_tensor(np.asarray(one, dtype=float)) for one in plain]
        )
        values = self._values([one.reshape(-1) for one in tensors]).reshape(tensors[0].shape)
        if quantity is not None:
            return Quantity(values, quantity.frame)
        if as_tensor:
            return values
        return values.numpy() if values.ndim else values.item()

    def _values(self, columns: Sequence[Tensor]) -> Tensor:
        """Values at points given by columns, [n] each: the few products that are not zero, summed."""
        total: Tensor | None = None
        index: Tensor | None = None
        sizes = self.coefficients.shape
        for column, knots, (low, high), size in zip(columns, self.knots, self.bounds, sizes, strict=True):
            first, basis = _basis(column.clamp(low, high), knots.to(column), self._degree)
            own = first[:, None] + torch.arange(self._degree + 1, device=first.device)
            index = own if index is None else (index[:, :, None] * size + own[:, None, :]).flatten(1)
            total = basis if total is None else (total[:, :, None] * basis[:, None, :]).flatten(1)
        assert total is not None and index is not None
        return (self.coefficients.to(total).reshape(-1)[index] * total).sum(dim=1)


def grid_table(places: Sequence[Any], values: Any, kind: str) -> GridTable:
    """See ``table``."""
    call = "table((xs, ys, ...), values)"
    if kind not in _KINDS:
        raise refuse(f"{call}: kind", expected="a kind of grid", got=repr(kind), remedy=nearest(kind, _KINDS))
    try:
        lines = [np.asarray(line, dtype=float) for line in places]
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise refuse(call, expected="numbers", got="something else") from None
    least = 4 if kind == "cubic" else 2
    shape = tuple(len(line) for line in lines)
    if array.shape != shape or min(shape) < least or any(line.ndim != 1 for line in lines):
        expected = f"values of the shape of the grid, {shape}, at least {least} along each side"
        raise refuse(call, expected=expected, got=f"shape {array.shape}")
    if not np.isfinite(array).all() or not all(np.isfinite(line).all() and (np.diff(line) > 0).all() for line in lines):
        raise refuse(call, expected="increasing places and finite values", got="others", remedy="Sort them, each once.")
    knots = []
    for axis, line in enumerate(lines):
        own, array = _splines(line, array, axis, kind, call)
        knots.append(torch.from_numpy(own))
    bounds = [(float(line[0]), float(line[-1])) for line in lines]
    return GridTable(knots, torch.from_numpy(np.ascontiguousarray(array)), bounds, kind)


def _splines(line: np.ndarray, values: np.ndarray, axis: int, kind: str, call: str) -> tuple[np.ndarray, np.ndarray]:
    """The knots of the splines along one axis, and the values with that axis as their coefficients."""
    if kind == "smooth":
        steps = np.diff(line)
        if np.ptp(steps) > _EVEN * steps.mean():
            raise refuse(f"{call}: kind='smooth'", expected="even steps", got="others", remedy="Use kind='cubic'.")
        step = (line[-1] - line[0]) / (len(line) - 1)
        padding = [(1, 1) if k == axis else (0, 0) for k in range(values.ndim)]
        return line[0] + step * np.arange(-3, len(line) + 3), np.pad(values, padding, mode="edge")
    from scipy.interpolate import make_interp_spline  # here: it takes a quarter of a second to import

    spline = make_interp_spline(line, values, k=_KINDS[kind], axis=axis)
    return np.asarray(spline.t), np.moveaxis(spline.c, 0, axis)


def _basis(x: Tensor, knots: Tensor, degree: int) -> tuple[Tensor, Tensor]:
    """The number of the first spline that is not zero at x [n], and the values of all that are not, [n, degree + 1].

    By the recurrence of Cox and de Boor, in operations that autograd differentiates.
    """
    inner = knots[degree : len(knots) - degree].contiguous()
    first = (torch.searchsorted(inner, x.detach().contiguous(), right=True) - 1).clamp(0, len(inner) - 2)
    span = first + degree
    values = [torch.ones_like(x)]
    for p in range(1, degree + 1):
        saved, grown = torch.zeros_like(x), []
        for r in range(p):
            right, left = knots[span + r + 1], knots[span + 1 - p + r]
            part = values[r] / (right - left)
            grown.append(saved + (right - x) * part)
            saved = (x - left) * part
        values = [*grown, saved]
    return first, torch.stack(values, dim=1)
