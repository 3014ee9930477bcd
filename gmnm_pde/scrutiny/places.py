"""How many conditions hold at places of a boundary."""

from dataclasses import replace

import torch
from torch import Tensor

from gmnm_pde._errors import GmnmError
from gmnm_pde.geometry import Chart, Region
from gmnm_pde.sampling import sample
from gmnm_pde.scrutiny.unit_box import UnitBox
from gmnm_pde.statement.problem import Problem

_ON = 1e-3
"""A place is on a flat side that is no farther off, as a part of the domain."""

_POINTS, _NEAR = {1: 400, 2: 2000, 3: 4000}, 6.0
"""Points of other pieces, by their dimension; a place within so many spacings of one is on the piece."""


def conditions_at(problem: Problem, box: UnitBox, places: Tensor) -> Tensor:
    """How many conditions hold at places of the boundary in the unit box, [n, d]: [n]."""
    given = torch.zeros(len(places), dtype=torch.long)
    if not len(places):
        return given
    for term in problem.terms:
        if term.group == "interior" or term.partner is not None or not isinstance(term.region, Region):
            continue
        on = torch.stack([_on(term.region, chart, box, places) for chart in term.region.charts])
        given += on.any(dim=0) * len(term.trace.names)
    return given


def _on(region: Region, chart: Chart, box: UnitBox, places: Tensor) -> Tensor:
    """Which places [n, d] are on one piece of a region."""
    if chart.flat is not None:
        axis, value = chart.flat
        at = box.unscaled(places)
        near = (at[:, axis] - value).abs() <= _ON * box.extent[axis]
        at[:, axis] = value
        return near & region.keep_on(chart, at)
    number = _POINTS[chart.dimension]
    try:
        points = sample(replace(region, charts=(chart,)), number, "sobol", seed=1).points
    except GmnmError:  # nothing of this piece is selected
        return torch.zeros(len(places), dtype=torch.bool)
    reach = _NEAR * number ** (-1 / chart.dimension)
    return torch.cdist(places, box.scaled(points)).amin(dim=1) < reach
