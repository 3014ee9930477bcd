"""Regions at one value of a coordinate, such as a time."""

from dataclasses import replace

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.geometry.region import Chart, Region

_PROBES = 4


def sliced(region: Region, name: str, value: float, call: str) -> Region:
    """The region at ``name = value``, of one dimension less, in the same coordinates.

    Raises:
        GmnmError: the coordinate does not run by itself along a side of the charts, as time does and as the coordinates
            of boxes do, or the value is beyond its ends.
    """
    column = region.coordinates.index(name)
    charts = tuple(_slice(chart, column, value, f"{call[:-4]}{name}={value:g})", region) for chart in region.charts)
    return replace(region, charts=charts, name=f"{region.name} at {name}={value:g}")


def _slice(chart: Chart, column: int, value: float, call: str, region: Region) -> Chart:
    """The piece of a chart at one value of the coordinate of some number."""
    axis, low, high = _side(chart, column, call, region)
    slack = 1e-12 * (high - low)
    if not low - slack <= value <= high + slack:
        raise refuse(call, expected=f"a value from {low:g} to {high:g}", got=f"{value:g}")
    at = min(max((value - low) / (high - low), 0.0), 1.0)

    def filled(unit: Tensor) -> Tensor:
        return torch.cat([unit[:, :axis], unit.new_full((len(unit), 1), at), unit[:, axis:]], dim=1)

    def smooth(unit: Tensor) -> tuple[Tensor, Tensor]:
        points, volume = chart.mapped(filled(unit))
        return points, volume / (high - low)

    def less(axes: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(k - (k > axis) for k in axes if k != axis)

    return replace(
        chart,
        dimension=chart.dimension - 1,
        measure=chart.measure / (high - low),
        embed=lambda unit: chart.embed(filled(unit)),
        smooth=smooth,
        periodic=less(chart.periodic),
        uncut=less(chart.uncut),
        origin=None,
        level=None,
        flat=None,
    )


def _side(chart: Chart, column: int, call: str, region: Region) -> tuple[int, float, float]:
    """The axis of the cube along which a coordinate runs, it alone, and the coordinate's ends."""
    if chart.nodes is None and chart.given is None and chart.dimension:
        generator = torch.Generator().manual_seed(0)
        unit = torch.rand(_PROBES, chart.dimension, generator=generator, dtype=torch.float64)
        moving = []
        for axis in range(chart.dimension):
            ends = []
            for end in (0.0, 1.0):
                moved = unit.clone()
                moved[:, axis] = end
                ends.append(chart.mapped(moved)[0][:, column])
            if (ends[0] - ends[1]).abs().max() > 0:
                moving.append((axis, *ends))
        if len(moving) == 1:
            axis, low, high = moving[0]
            unit[:, axis] = 0.5
            middle = chart.mapped(unit)[0][:, column]
            straight = (middle - (low + high) / 2).abs().max() <= 1e-12 * (high - low).abs().max()
            if straight and low.std() == 0 and high.std() == 0:
                return axis, low[0].item(), high[0].item()
    coordinate = region.coordinates[column]
    remedy = f"Give a region without {coordinate}, such as a shape in the other coordinates: over=shape."
    got = f"'{region.name}', along which it does not run by itself"
    expected = f"a region along which {coordinate} runs by itself, as time does"
    raise refuse(call, expected=expected, got=got, remedy=remedy)
