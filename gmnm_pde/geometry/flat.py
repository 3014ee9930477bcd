"""Which pieces of a boundary lie in a plane in which one coordinate is fixed, as sides of boxes do."""

import torch

from gmnm_pde.geometry.region import Chart

_PLACES = 7
"""Places on a curve at which it is looked."""

_SAME = 1e-12
"""Coordinates that differ by no more than this part of the curve's length are the same."""


def flat_side(chart: Chart) -> tuple[int, float] | None:
    """The coordinate that is fixed on a chart, and its value; None if there is none."""
    if chart.flat is not None or chart.dimension != 1:
        return chart.flat
    points = chart.embed(torch.linspace(0, 1, _PLACES, dtype=torch.float64)[:, None])
    low, high = points.amin(dim=0), points.amax(dim=0)
    fixed = (high - low <= _SAME * (high - low).max()).nonzero()[:, 0].tolist()
    return (fixed[0], points[0, fixed[0]].item()) if len(fixed) == 1 else None
