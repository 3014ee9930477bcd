"""Boundary layers that the coefficients of the equations foretell.

Where along a coordinate convection b outweighs diffusion a by far, a solution of -a u'' + b u' + ... = f changes within
a / |b| of the end that the convection runs into. Where a reaction c outweighs it, within sqrt(a / c) of both ends.
If the boxes do not resolve such a layer, least squares prefers a smeared solution to the right one, and the residual
does not show where boxes are too large: the layers have to be known beforehand.
"""

from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from gmnm_pde.fitting.data_start import prescribed_values
from gmnm_pde.fitting.discretization import small_system
from gmnm_pde.geometry import Region
from gmnm_pde.geometry.flat import flat_side
from gmnm_pde.jets import Alpha
from gmnm_pde.residuals import Placed
from gmnm_pde.residuals.pointwise import linearize, reference_jets
from gmnm_pde.sampling import sample
from gmnm_pde.statement.problem import Problem

_THIN = 0.02
"""Layers are taken account of where they are thinner than this part of the domain."""

_NEAR = 1e-9
"""Planes that differ by no more than this part of the domain are one."""

_POINTS = 256
"""Points at which coefficients are looked at."""


@dataclass(frozen=True)
class Layers:
    """Widths of layers at the low and at the high end of each coordinate, on [-1, 1]; 0 where no layer is foretold."""

    low: tuple[float, ...]
    high: tuple[float, ...]


def layers_of_flow(problem: Problem, seed: int) -> Layers:
    """The layers of a nonlinear problem linearised halfway between prescribed values, where values are prescribed."""
    if any(problem.reference) or problem.domain.parts:
        return find_layers(problem, seed)
    ends = prescribed_values(small_system(problem, seed))
    middles = [0.0 if own is None else sum(own) / 2 for own in ends]
    return find_layers(problem.restated(problem.terms, reference=middles), seed, valued=True)


def find_layers(problem: Problem, seed: int, *, valued: bool = False, free: bool = False) -> Layers:
    """The layers that second-order equations, linearised at zero, foretell along the coordinates of space.

    Where they end with ``valued`` a condition has to prescribe the field's values: what flows out freely has none.
    Of ``free`` vibrations reactions foretell none: these fade towards where reactions are strong.
    """
    d = problem.domain.dimension
    low, high = [0.0] * d, [0.0] * d
    for term in problem.terms:
        if term.group != "interior":
            continue
        cloud = sample(term.region, _POINTS, "sobol", seed=seed)
        points = cloud.points
        guesses = [torch.tensor(value, dtype=points.dtype) for value in problem.parameters.values()]
        jets = reference_jets(term, points, problem)
        axes = [axis for axis, name in enumerate(problem.domain.coordinates) if name not in problem.domain.time]
        for linearized in linearize(problem, Placed(term, cloud), points, jets, guesses).values():
            for axis, field in product(axes, range(len(problem.branches))):
                slopes = {alpha: slope for (k, alpha), slope in linearized.slopes.items() if k == field}
                ends = problem.domain.bounds[axis]
                none = (0,) * d
                slopes = {alpha: slope for alpha, slope in slopes.items() if not free or alpha != none}
                widths = _widths(slopes, axis, ends[1] - ends[0])
                for end, width, known in zip(ends, widths, (low, high), strict=True):
                    if width and (not valued or _is_prescribed(problem, field, axis, end)):
                        known[axis] = _thinner(known[axis], width)
    return Layers(tuple(low), tuple(high))


def _is_prescribed(problem: Problem, field: int, axis: int, end: float) -> bool:
    """Whether a condition prescribes values of a field on some piece of the boundary at the end of a coordinate."""
    value, (low, high) = (field, (0,) * problem.domain.dimension), problem.domain.bounds[axis]
    holding = [term for term in problem.terms if term.group != "interior" and value in term.trace.asked]
    regions = [term.region for term in holding if isinstance(term.region, Region)]
    sides = [flat_side(chart) for region in regions for chart in region.charts]
    return any(side and side[0] == axis and abs(side[1] - end) <= _NEAR * (high - low) for side in sides)


def _widths(slopes: dict[Alpha, Tensor], axis: int, length: float) -> tuple[float, float]:
    """The widths of the layers at both ends of a coordinate that the operator on one field foretells; 0 for none."""
    d, low, high = len(next(iter(slopes), ())), 0.0, 0.0
    second, first, none = (tuple(order * (k == axis) for k in range(d)) for order in (2, 1, 0))
    diffusion = slopes.get(second)
    if diffusion is None or max(sum(alpha) for alpha in slopes) > 2 or not bool((diffusion != 0).all()):
        return low, high
    if first in slopes:
        rate = -slopes[first] / diffusion * length  # positive where convection runs towards the high end
        ends = -rate.min().item(), rate.max().item()
        low, high = (2 / fastest if fastest > 1 / _THIN else 0.0 for fastest in ends)
    if none in slopes:
        fastest = (-slopes[none] / diffusion).clamp_min(0).max().sqrt().item() * length
        if fastest > 1 / _THIN:
            low, high = _thinner(low, 2 / fastest), _thinner(high, 2 / fastest)
    return low, high


def _thinner(known: float, width: float) -> float:
    return min(known, width) if known else width
