"""Boundary layers that the coefficients of the equations foretell.

Where along a coordinate convection b outweighs diffusion a by far, a solution of -a u'' + b u' + ... = f changes within
a / |b| of the end that the convection runs into. Where a reaction c outweighs it, within sqrt(a / c) of both ends.
If the boxes do not resolve such a layer, least squares prefers a smeared solution to the right one, and the residual
does not show where boxes are too large: the layers have to be known beforehand.
"""

from dataclasses import dataclass
from typing import NamedTuple

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
from gmnm_pde.statement.terms import Term

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


def find_layers(problem: Problem, seed: int, *, valued: bool = False) -> Layers:
    """The layers that second-order equations, linearised at zero, foretell along the coordinates of space.

    Where they end with ``valued`` a condition has to prescribe the field's values: what flows out freely has none.
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
        for linearized in linearize(problem, Placed(term, cloud), points, jets, guesses).values():
            for axis, name in enumerate(problem.domain.coordinates):
                if name not in problem.domain.time:
                    for field in range(len(problem.branches)):
                        slopes = {alpha: slope for (k, alpha), slope in linearized.slopes.items() if k == field}
                        found = _Ends(low, high) if not valued else _Ends([0.0] * d, [0.0] * d)
                        _add(slopes, axis, problem.domain.bounds[axis], found.low, found.high)
                        if valued:
                            _keep(problem, field, axis, found, _Ends(low, high))
    return Layers(tuple(low), tuple(high))


class _Ends(NamedTuple):
    """Widths of layers at both ends of each coordinate."""

    low: list[float]
    high: list[float]


def _keep(problem: Problem, field: int, axis: int, found: _Ends, known: _Ends) -> None:
    """Note the layers of a field at the ends of a coordinate where its values are prescribed."""
    value = (field, (0,) * problem.domain.dimension)
    holding = [term for term in problem.terms if term.group != "interior" and value in term.trace.asked]
    for place, widths, every in zip(problem.domain.bounds[axis], found, known, strict=True):
        near = _NEAR * (problem.domain.bounds[axis][1] - problem.domain.bounds[axis][0])
        if widths[axis] and any(_holds_at(term, axis, place, near) for term in holding):
            every[axis] = _thinner(every[axis], widths[axis])


def _holds_at(term: Term, axis: int, place: float, near: float) -> bool:
    """Whether some piece of a term's region lies in the plane in which a coordinate has some value."""
    sides = [flat_side(chart) for chart in term.region.charts] if isinstance(term.region, Region) else []
    return any(side is not None and side[0] == axis and abs(side[1] - place) <= near for side in sides)


def _add(
    slopes: dict[Alpha, Tensor], axis: int, ends: tuple[float, float], low: list[float], high: list[float]
) -> None:
    """Note the layers at both ends of one coordinate that the operator on one field foretells."""
    d, length = len(low), ends[1] - ends[0]
    second, first, none = (tuple(order * (k == axis) for k in range(d)) for order in (2, 1, 0))
    diffusion = slopes.get(second)
    if diffusion is None or max(sum(alpha) for alpha in slopes) > 2 or not bool((diffusion != 0).all()):
        return
    if first in slopes:
        rate = -slopes[first] / diffusion * length  # positive where convection runs towards the high end
        for widths, fastest in ((high, rate.max().item()), (low, -rate.min().item())):
            if fastest > 1 / _THIN:
                widths[axis] = _thinner(widths[axis], 2 / fastest)
    if none in slopes:
        fastest = (-slopes[none] / diffusion).clamp_min(0).max().sqrt().item() * length
        if fastest > 1 / _THIN:
            low[axis], high[axis] = _thinner(low[axis], 2 / fastest), _thinner(high[axis], 2 / fastest)


def _thinner(known: float, width: float) -> float:
    return min(known, width) if known else width
