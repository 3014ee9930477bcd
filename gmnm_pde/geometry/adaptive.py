"""Integrals over a unit cube of one or two dimensions of functions with kinks: cells are cut where they are rough."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from gmnm_pde.geometry.gauss import line, product_rule
from gmnm_pde.geometry.unit import unit_points

_FINE, _COARSE = 7, 5
"""Points along each side of a cell of two rules, whose difference tells how rough a function is there."""

_CELLS = {1: 8, 2: 4}
"""Cells along each side at first."""

_PART = 0.1
"""Cells are halved along an axis if they are this much as rough along it as along any."""

_SMALLEST = 2.0**-40
"""Cells are not cut into smaller ones."""


def adaptive(
    values: Callable[[Tensor], Tensor], dimension: int, marks: Sequence[Sequence[float]], tol: float, most: int
) -> tuple[Tensor, Tensor]:
    """The integrals of functions over the unit cube, and about how far off they are, [k] each.

    Args:
        values: The functions, of points [n, dimension]: [n, k]; the second half of them are sizes of the first.
        dimension: Of the cube; in more than two Sobol's points are used.
        marks: By axis, places at which cells begin and end.
        tol: How far off they may be, in parts of these sizes.
        most: Points of the finer rule at most.
    """
    if dimension == 0:
        value = values(torch.zeros(1, 0, dtype=torch.float64))[0]
        return value, torch.zeros_like(value)
    if dimension > 2:
        at = values(unit_points(most, dimension, "sobol"))
        first, second = at[: len(at) // 2].mean(dim=0), at[len(at) // 2 :].mean(dim=0)
        return (first + second) / 2, (first - second).abs()
    corners, sides = _cells(dimension, marks)
    fine, rough = _rules(values, corners, sides)
    done, off, used = torch.zeros(()), torch.zeros(()), 0
    while True:
        used += len(corners) * _FINE**dimension
        error = rough.sum(dim=0)
        total, missed = done + fine.sum(dim=0), off + error.sum(dim=1)
        k = len(total) // 2
        allowed = (tol * total[k:]).clamp_min(1e-300)
        if not (missed[:k] > allowed).any() or used > most:
            return total, missed
        each = (rough[:, :k].sum(dim=2) / allowed).amax(dim=1)
        again = (each > 0.5 / len(each)) & (sides.amin(dim=1) > _SMALLEST)
        if not again.any():
            return total, missed
        done, off = done + fine[~again].sum(dim=0), off + rough[~again].sum(dim=(0, 2))
        along = (rough[again, :k] / allowed[:, None]).amax(dim=1)
        corners, sides = _halved(corners[again], sides[again], along >= _PART * along.amax(dim=1, keepdim=True))
        fine, rough = _rules(values, corners, sides)


def _cells(dimension: int, marks: Sequence[Sequence[float]]) -> tuple[Tensor, Tensor]:
    """Corners and sides of the cells at first, [m, dimension] each."""
    count = _CELLS[dimension]
    edges = [sorted({*(k / count for k in range(count + 1)), *marks[axis]}) for axis in range(dimension)]
    spans = [torch.tensor([(low, high - low) for low, high in pairwise(ends)], dtype=torch.float64) for ends in edges]
    corners = torch.cartesian_prod(*[span[:, 0] for span in spans]).reshape(-1, dimension)
    return corners, torch.cartesian_prod(*[span[:, 1] for span in spans]).reshape(-1, dimension)


def _halved(corners: Tensor, sides: Tensor, rough: Tensor) -> tuple[Tensor, Tensor]:
    """The halves of cells along those axes along which they are rough, a mask [m, dimension]."""
    for axis in range(corners.shape[1]):
        half = torch.where(rough[:, axis, None] & (torch.arange(corners.shape[1]) == axis), sides / 2, sides)
        moved = corners + sides - half
        cut = rough[:, axis]
        corners, sides = torch.cat([corners, moved[cut]]), torch.cat([half, half[cut]])
        rough = torch.cat([rough, rough[cut]])
    return corners, sides


def _rules(values: Callable[[Tensor], Tensor], corners: Tensor, sides: Tensor) -> tuple[Tensor, Tensor]:
    """The integral over each cell [m, k], and how far rules that are coarser along one axis are off, [m, k, axes]."""
    dimension = corners.shape[1]
    every = []
    for counts in (
        [_FINE] * dimension,
        *([_FINE] * k + [_COARSE] + [_FINE] * (dimension - k - 1) for k in range(dimension)),
    ):
        unit, weights = product_rule([line(count) for count in counts])
        at = values((corners[:, None] + unit * sides[:, None]).reshape(-1, dimension))
        at = at.reshape(len(corners), len(unit), -1)
        every.append(torch.einsum("n,mnk->mk", weights.to(at), at) * sides.prod(dim=1)[:, None].to(at))
    fine, *coarse = every
    return fine, torch.stack([(fine - other).abs() for other in coarse], dim=2)
