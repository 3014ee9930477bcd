"""Integrals over charts that are cut: lines through the cube are cut at the boundary, each piece has Gauss' rule."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from gmnm_pde.geometry.adaptive import adaptive
from gmnm_pde.geometry.box import Box
from gmnm_pde.geometry.gauss import line, product_rule, ring
from gmnm_pde.geometry.region import Chart
from gmnm_pde.geometry.unit import unit_points

_SITES = 128
"""Places on a line at which it is tried whether they are kept."""

_HALVINGS = 48
"""Of the gap between two such places, until the boundary is known to rounding."""

_EDGE = 1e-9
"""How near to the sides of the cube the first and the last of these places are."""

_TURNS, _CLOSE = 4, 1e-13
"""So often it is looked for places where lines are cut into another number of pieces; what is nearer is one place."""

_GOLDEN = (math.sqrt(5) - 1) / 2

_LINES = 64
"""Lines along each axis of the cube that are tried, to see along which the chart is cut most often."""

Mask = Callable[[Tensor], Tensor]
Found = tuple[Tensor, Tensor, Tensor]
"""Integrals, about how far off they are, and those of the absolute values, [k] each."""


def along_lines(
    chart: Chart, values: Mask, kept: Mask, hints: Sequence[Tensor], free: Sequence[int], tol: float, most: int
) -> Found:
    """The integrals over the kept part of a chart.

    Along one axis of the cube lines are cut; over the others, but for those that are free, integrals are adaptive.

    Args:
        chart: The chart.
        values: Functions to integrate, from points [n, d] to [n, k].
        kept: Which points are kept.
        hints: Points on pieces of boundary that may cut the chart.
        free: Axes of the cube along which nothing is cut.
        tol: How far off answers may be, in parts of the size of what is integrated.
        most: Points of one rule at most.
    """
    axes = [axis for axis in range(chart.dimension) if axis not in free]
    marks, along = _marks(chart, hints), _most_cut(chart, kept, axes)
    outer_axes = [axis for axis in axes if axis != along]
    back = torch.tensor([*outer_axes, along, *free]).argsort()
    sites = torch.cat(
        [(torch.arange(_SITES).double() + 0.5) / _SITES, torch.tensor([_EDGE, 1 - _EDGE], dtype=torch.float64)]
    )
    sites = torch.cat([sites, torch.tensor(marks[along], dtype=torch.float64)]).sort().values

    def at_unit(function: Mask) -> Mask:
        def at(unit: Tensor) -> Tensor:
            middle = unit.new_full((len(unit), len(free)), 0.5)
            return function(chart.mapped(torch.cat([unit, middle], dim=1)[:, back])[0])

        return at

    margin = None if chart.margin is None else at_unit(chart.margin)

    def over_lines(outer: Tensor, panels: int) -> Tensor:
        """Integrals, and those of absolute values, along lines at places [n, outer axes]: [n, 2 k]."""
        row, low, high = pieces(outer, sites, at_unit(kept), margin)
        if not len(row):
            row, low, high = torch.zeros(1, dtype=torch.long), *torch.full((2, 1), 0.5, dtype=torch.float64)
        periodic = tuple(k + 1 for k, axis in enumerate(free) if axis in chart.periodic)
        rules = [line(16 * panels), *((ring if k + 1 in periodic else line)(8 * panels) for k in range(len(free)))]
        unit, weights = product_rule(rules)
        span = (high - low)[:, None]
        inner = torch.cat([(low[:, None] + span * unit[:, 0])[..., None], unit[:, 1:].expand(len(row), -1, -1)], dim=2)
        every = torch.cat([outer[row][:, None].expand(-1, len(unit), -1), inner], dim=2).flatten(0, 1)
        points, volume = chart.mapped(every[:, back])
        at = values(points)
        weighted = torch.cat([at, at.abs()], dim=1) * ((span * weights).reshape(-1) * volume)[:, None].to(at)
        per_piece = weighted.reshape(len(row), len(unit), -1).sum(dim=1)
        return per_piece.new_zeros(len(outer), per_piece.shape[1]).index_add_(0, row, per_piece)

    outer_marks, over_smooth = [marks[axis] for axis in outer_axes], over_lines
    if len(outer_axes) == 1:
        outer_marks = [_turns(outer_marks[0], sites, at_unit(kept), margin)]
        over_smooth = _eased(over_lines, outer_marks[0])
    found: Found | None = None
    for panels in (1, 2, 4, 8):
        both, rough = adaptive(
            lambda outer, n=panels: over_smooth(outer, n), len(outer_axes), outer_marks, tol, most // 32
        )
        k = len(both) // 2
        inner = both.new_zeros(k) if found is None else (both[:k] - found[0]).abs()
        agree = found is not None and not (inner > tol * both[k:]).any()
        found = both[:k], inner + rough[:k], both[k:]
        if agree or (rough[:k] > math.sqrt(tol) * both[k:]).any():
            break
    assert found is not None
    return found


def _eased(function: Callable[[Tensor, int], Tensor], marks: Sequence[float]) -> Callable[[Tensor, int], Tensor]:
    """A function whose integral over [0, 1] is the same, and which is smooth where that has square roots at marks.

    Between marks places are taken at s^2 (3 - 2 s) in place of s.
    """
    edges = torch.tensor(sorted({0.0, *marks, 1.0}), dtype=torch.float64)

    def eased(outer: Tensor, panels: int) -> Tensor:
        own = torch.bucketize(outer[:, 0].contiguous(), edges[1:-1])
        low, span = edges[own], edges.diff()[own]
        s = (outer[:, 0] - low) / span
        values = function((low + span * s * s * (3 - 2 * s))[:, None], panels)
        return values * (6 * s * (1 - s))[:, None].to(values)

    return eased


def _turns(marks: Sequence[float], sites: Tensor, kept: Mask, margin: Mask | None) -> list[float]:
    """Marks, and to rounding the places at which lines begin to be cut into more pieces or fewer, or none.

    There integrals along lines have infinite slopes, as at the ends of a round hole.
    """

    def count(places: Tensor) -> Tensor:
        return pieces(places[:, None], sites, kept, margin)[0].bincount(minlength=len(places))

    places = torch.cat([sites, torch.tensor([*marks, *(1 - _EDGE, _EDGE)], dtype=torch.float64)]).unique()
    found = torch.tensor(marks, dtype=torch.float64)
    for _ in range(_TURNS):
        numbers = count(places)
        turned = (numbers.diff() != 0) & (places.diff() > _CLOSE)
        if not turned.any():
            break
        low, high, first = places[:-1][turned], places[1:][turned], numbers[:-1][turned]
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            before = count(middle) == first
            low, high = torch.where(before, middle, low), torch.where(before, high, middle)
        found, places = torch.cat([found, (low + high) / 2]), torch.cat([places, low, high]).unique()
    return found.unique().tolist()


def _marks(chart: Chart, hints: Sequence[Tensor]) -> list[list[float]]:
    """By axis of the cube, where pieces of boundary begin and end, where that is easily told: in a box."""
    marks: list[list[float]] = [[] for _ in range(chart.dimension)]
    if not isinstance(chart.origin, Box) or chart.dimension != chart.origin.dimension:
        return marks
    for points in hints:
        for axis, (low, high) in enumerate(chart.origin.bounds):
            at = (points[:, axis] - low) / (high - low)
            marks[axis] += [at.min().item(), at.mean().item(), at.max().item()]
    return [sorted({mark for mark in listed if _EDGE < mark < 1 - _EDGE}) for listed in marks]


def _most_cut(chart: Chart, kept: Mask, axes: Sequence[int]) -> int:
    """Along which of some axes of the cube the chart is cut most often."""
    changes = {}
    for axis in axes:
        unit = unit_points(_LINES, chart.dimension, "sobol").repeat_interleave(_SITES, 0)
        unit[:, axis] = ((torch.arange(_SITES).double() + 0.5) / _SITES).repeat(_LINES)
        there = kept(chart.mapped(unit)[0]).reshape(_LINES, _SITES)
        changes[axis] = int((there[:, 1:] != there[:, :-1]).sum())
    return max(axes, key=lambda axis: (changes[axis], axis))


def pieces(outer: Tensor, sites: Tensor, kept: Mask, margin: Mask | None) -> tuple[Tensor, Tensor, Tensor]:
    """The kept pieces of lines at places [n, d - 1]: the number of the line, and where each begins and ends, [m].

    Args:
        outer: The lines.
        sites: Places on every line at which it is looked first.
        kept: Whether points of the cube are kept.
        margin: About how far they are from where that changes; with it pieces between two sites are found too.
    """
    n, count = len(outer), len(sites)

    def on_lines(function: Mask, row: Tensor, at: Tensor) -> Tensor:
        return function(torch.cat([outer[row], at[:, None]], dim=1))

    rows, every = torch.arange(n).repeat_interleave(count), sites.repeat(n)
    there = on_lines(kept, rows, every).reshape(n, count)
    row, left = (there[:, 1:] != there[:, :-1]).nonzero().unbind(1)
    low, high, begins = sites[left], sites[left + 1], ~there[row, left]
    if margin is not None:
        depth = on_lines(margin, rows, every).reshape(n, count)
        short, start, end = _near_misses(depth, sites)
        state = on_lines(kept, short, start)
        side = torch.where(state, 1.0, -1.0).to(depth)
        least = _lowest(lambda at: side * on_lines(margin, short, at), start, end)
        hit = on_lines(kept, short, least) != state
        short, start, end, least, state = (part[hit] for part in (short, start, end, least, state))
        row = torch.cat([row, short, short])
        low, high = torch.cat([low, start, least]), torch.cat([high, least, end])
        begins = torch.cat([begins, ~state, state])
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        later = on_lines(kept, row, middle) != begins
        low, high = torch.where(later, middle, low), torch.where(later, high, middle)
    at = (low + high) / 2
    whole = torch.arange(n)
    starts = torch.cat([whole[there[:, 0]], row[begins]]), torch.cat([at.new_zeros(int(there[:, 0].sum())), at[begins]])
    ends = (
        torch.cat([row[~begins], whole[there[:, -1]]]),
        torch.cat([at[~begins], at.new_ones(int(there[:, -1].sum()))]),
    )
    first, last = (torch.argsort(number + place / 2, stable=True) for number, place in (starts, ends))
    return starts[0][first], starts[1][first], ends[1][last]


def _near_misses(depth: Tensor, sites: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Where a line comes so near to the boundary between sites that it may cross it there twice: line, from, to."""
    size, side = depth.abs(), depth > 0
    padded = torch.nn.functional.pad(size[:, None], (1, 1), mode="replicate")[:, 0]
    before, after = padded[:, :-2], padded[:, 2:]
    last = torch.arange(len(sites)) == len(sites) - 1
    lowest = (size <= before) & ((size < after) | last)  # of two that are equal one
    near = size < 4 * torch.maximum(before - size, after - size) + 1e-12
    row, at = (lowest & near).nonzero().unbind(1)
    left, right = (at - 1).clamp_min(0), (at + 1).clamp_max(len(sites) - 1)
    same = (side[row, left] == side[row, at]) & (side[row, right] == side[row, at])
    return row[same], sites[left[same]], sites[right[same]]


def _lowest(function: Mask, low: Tensor, high: Tensor) -> Tensor:
    """Where functions of one variable are least between two places, by golden sections, [m]."""
    if not len(low):
        return low
    first, second = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_first, at_second = function(first), function(second)
    best, least = torch.where(at_first < at_second, first, second), torch.minimum(at_first, at_second)
    for _ in range(_HALVINGS // 2):
        left = at_first < at_second
        low, high = torch.where(left, low, first), torch.where(left, second, high)
        first, second = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        at_first, at_second = function(first), function(second)
        for place, value in ((first, at_first), (second, at_second)):
            best, least = torch.where(value < least, place, best), torch.minimum(value, least)
    return best
