"""How many conditions hold at places of a boundary."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gmnm_pde._errors import GmnmError
from gmnm_pde.geometry import Chart, Region
from gmnm_pde.sampling import sample
from gmnm_pde.scrutiny.characteristics.unit_box import UnitBox
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

_ON = 1e-3
"""A place is on a flat side that is no farther off, as a part of the domain."""

_POINTS, _LEAST, _NEAR = {1: 400, 2: 2000, 3: 4000}, 100, 6.0
"""Points of other pieces, by their dimension, fewer of each where there are many; a place within so many parts of the
length of a piece, as many as there are points along it, is on the piece."""


@dataclass(frozen=True)
class Condition:
    """Where one condition holds.

    Attributes:
        region: Its region.
        count: The number of its residuals.
        points: Of those pieces of the region that lie in no plane of constant coordinates, in the unit box, [m, d].
        reach: How near to each of them a place is on its piece, [m].
    """

    region: Region
    count: int
    points: Tensor
    reach: Tensor

    def holds(self, box: UnitBox, places: Tensor) -> Tensor:
        """At which places of the boundary in the unit box, [n, d], it holds: [n]."""
        on = torch.zeros(len(places), dtype=torch.bool)
        if len(self.points) and len(places):
            on = (torch.cdist(places, self.points) < self.reach).any(dim=1)
        for chart in self.region.charts:
            if chart.flat is not None:
                axis, value = chart.flat
                at = box.unscaled(places)
                near = (at[:, axis] - value).abs() <= _ON * box.extent[axis]
                at[:, axis] = value
                on |= near & self.region.keep_on(chart, at)
        return on


def conditions_of(problem: Problem, box: UnitBox) -> list[Condition]:
    """The conditions of a problem but periodic ones and values at given points."""
    terms = [term for term in problem.terms if term.group != "interior" and term.partner is None]
    return [_condition(term, term.region, box) for term in terms if isinstance(term.region, Region)]


def conditions_at(conditions: Sequence[Condition], box: UnitBox, places: Tensor) -> Tensor:
    """How many conditions hold at places of the boundary in the unit box, [n, d]: [n]."""
    given = torch.zeros(len(places), dtype=torch.long)
    for condition in conditions:
        given += condition.count * condition.holds(box, places)
    return given


def _condition(term: Term, region: Region, box: UnitBox) -> Condition:
    bent = [chart for chart in region.charts if chart.flat is None]
    clouds = [box.scaled(_sampled(region, chart, len(bent))) for chart in bent]
    reaches = [_reach(points, chart.dimension) for points, chart in zip(clouds, bent, strict=True)]
    none = torch.zeros(0, box.domain.dimension, dtype=torch.float64)
    return Condition(region, len(term.trace.names), torch.cat([none, *clouds]), torch.cat([none[:, 0], *reaches]))


def _sampled(region: Region, chart: Chart, among: int) -> Tensor:
    """Points of one of so many pieces, [m, d]."""
    number = max(_LEAST, _POINTS[chart.dimension] // among)
    try:
        return sample(replace(region, charts=(chart,)), number, "sobol", seed=1).points
    except GmnmError:  # nothing of this piece is selected
        return torch.zeros(0, len(region.coordinates), dtype=torch.float64)


def _reach(points: Tensor, dimension: int) -> Tensor:
    """How near to points [m, d] of a piece of some dimension places are on it, [m]."""
    if not len(points):
        return points[:, 0]
    size = (points.amax(dim=0) - points.amin(dim=0)).max()
    return (_NEAR * size * len(points) ** (-1 / dimension)).expand(len(points))
