"""Where a function on lines changes within much less than their length: found on a grid, then magnified.

A function is suspicious where it is steep at few places only, so that ordinary points may miss them; one that is steep
in many places, such as a wave, is not. Each such place is magnified until the function is smooth between neighbouring
points, which tells how narrow it is, or until the points are as near as rounding allows, and then it jumps.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass

import torch
from torch import Tensor

from gmnm_pde.scrutiny.looks.feature import Kind

Probe = Callable[[Tensor, Tensor], Tensor]
"""The function at positions [c, k] of some lines [c]: [c, k]."""

_STEEP = 0.3
"""A place is steep with at least this part of the largest difference between neighbours."""

_GOOD_PART = 0.05
"""A change by less than this part of the function's range is of no account."""

_ROUNDS = 6
"""How often what was found is left out, and what remains is looked at again."""

_MOST = 128
"""The most places that are magnified in one round."""

_PARTS = 48
"""Into how many parts an interval is divided to magnify it."""

_LEVELS = 14
"""How often it is magnified at most: then neighbours differ by rounding."""

_SMOOTH = 0.06
"""A function is smooth on an interval if no part of it has more than this part of the change."""

_GROWTH = 3.0
"""A difference that grows by more than this factor as points come nearer belongs to a singular point."""

_INFINITE = 1e300
"""What changes by more has a pole."""

_TAIL = 8.0
"""What is no farther from a pole than so many of its widths may belong to it: that of 1 / x^n is about x / n."""

_BESIDE = (((1, 0), slice(None, -1)), ((0, 1), slice(1, None)))
"""How values [lines, m] are moved to those before them and after them."""

_CLOSE = 2e-16
"""Positions on a line of length 1 that differ by no more are the same to rounding."""


@dataclass(frozen=True)
class Rarity:
    """When a steep place is one that ordinary points may miss.

    Attributes:
        part: It takes up less than this part of all lines.
        width: It is narrower than this part of a line.
    """

    part: float
    width: float


@dataclass
class Found:
    """Places of one kind: their lines [c], positions on them [c], widths [c] and changes [c]; lines have length 1.

    ``tail`` [c] is whether a place lies beside a pole, towards which the function grows all the way.
    """

    kind: Kind
    lines: Tensor
    t: Tensor
    width: Tensor
    change: Tensor
    tail: Tensor

    def some(self, rows: Tensor) -> "Found":
        """Some of the places."""
        return Found(self.kind, *(column[rows] for column in astuple(self)[1:]))


@dataclass
class _Magnified:
    """What magnifying made of some places, [c] each; ``width`` is NaN where a place is of no account, 0 at a jump.

    The function is ``infinite`` at some.
    """

    t: Tensor
    width: Tensor
    change: Tensor
    singular: Tensor
    infinite: Tensor


def find(values: Tensor, probe: Probe, rarity: Rarity) -> Iterator[Found]:
    """The places on lines, whose values on an even grid are ``values`` [lines, m], NaN outside of the domain."""
    v = _filled(values - 0.0 * values)  # infinite values become NaN
    alive = torch.ones_like(v[:, 1:], dtype=torch.bool)
    size, largest = _range(v)
    poles = torch.zeros(0, dtype=torch.long), torch.zeros(0, dtype=torch.float64)
    for _ in range(_ROUNDS):
        steps = v.diff(dim=1).abs().nan_to_num(0.0) * alive
        peak = steps.max().item()
        if size <= 1e-9 * largest or peak * v.shape[1] * rarity.width < size:
            break
        steep = steps > _STEEP * peak
        if steep.double().mean() > rarity.part:
            break
        lines, at = _tops(steps, steep)
        seen = _magnified(v, size, probe, lines, at, rarity)
        there = seen.singular | seen.infinite | (seen.change > _INFINITE)
        poles = torch.cat([poles[0], lines[there]]), torch.cat([poles[1], seen.t[there]])
        jumps, narrow = seen.width == 0, (seen.width > 0) & (seen.width < rarity.width)
        for kind, some in (("jump", jumps), ("narrow", narrow)):
            if bool(some.any()):
                places = lines[some], seen.t[some], seen.width[some]
                yield Found(kind, *places, seen.change[some], _tails(probe, *places, *poles))  # type: ignore[arg-type]
        widths = seen.width[narrow]
        reach = int(4 * widths.max().item() * v.shape[1]) + 4 if len(widths) else 4
        near = _dilated(steep, reach)
        alive &= ~near
        if bool(seen.singular.any()):
            v[:, 1:][near] = torch.nan
            size, largest = _range(v)
    if size > 1e-9 * largest and v.shape[1] > 2:
        yield from _kinks(v, alive, probe, rarity, size, largest)


def _tails(probe: Probe, lines: Tensor, t: Tensor, width: Tensor, on: Tensor, poles: Tensor) -> Tensor:
    """Which of some places [c] lie within a few widths of a pole and belong to it: the function grows towards it."""
    tail = torch.zeros(len(t), dtype=torch.bool)
    for line, pole in zip(on, poles, strict=True):
        away = t - pole
        near = ((lines == line) & (away.abs() <= _TAIL * width) & (away != 0)).nonzero()[:, 0]
        if len(near):
            parts = torch.logspace(-1, 0, _PARTS, dtype=torch.float64) * (1 + 2 * width / away.abs())[near, None]
            grid = pole + away[near, None] * parts
            sizes = probe(lines[near], grid.clamp(0, 1)).abs()
            tail[near] |= (sizes.diff(dim=1) <= 0).all(dim=1)
    return tail


def _filled(v: Tensor) -> Tensor:
    """Values on lines, a single one that is not finite, as of s/|s| at s = 0, replaced by the one before it."""
    before, after = (torch.nn.functional.pad(v, pad, value=torch.nan)[:, cut] for pad, cut in _BESIDE)
    return v.where(v.isfinite() | ~(before.isfinite() & after.isfinite()), before)


def _range(v: Tensor) -> tuple[float, float]:
    """The range of finite values, and the largest magnitude."""
    low, high = (end.item() for end in v.aminmax())
    if math.isnan(low):
        low, high = v.nan_to_num(torch.inf).min().item(), v.nan_to_num(-torch.inf).max().item()
    return (high - low, max(abs(low), abs(high))) if high >= low else (0.0, 0.0)


def _tops(steps: Tensor, steep: Tensor) -> tuple[Tensor, Tensor]:
    """The tops among steep places: their lines and numbers on them; evenly chosen ones if there are too many."""
    left = torch.nn.functional.pad(steps, (1, 0))[:, :-1]
    right = torch.nn.functional.pad(steps, (0, 1))[:, 1:]
    lines, at = (steep & (steps >= left) & (steps > right)).nonzero().unbind(1)
    if len(lines) > _MOST:
        chosen = torch.linspace(0, len(lines) - 1, _MOST).round().long()
        lines, at = lines[chosen], at[chosen]
    return lines, at


def _dilated(mask: Tensor, reach: int) -> Tensor:
    """The places no farther than ``reach`` along a line from those of a mask."""
    sums = torch.nn.functional.pad(mask.to(torch.int64).cumsum(dim=1), (1, 0))
    every = torch.arange(mask.shape[1])
    above, below = (every + reach + 1).clamp(max=mask.shape[1]), (every - reach).clamp(min=0)
    return sums[:, above] > sums[:, below]


def _magnified(v: Tensor, size: float, probe: Probe, lines: Tensor, at: Tensor, rarity: Rarity) -> _Magnified:
    """Magnify the interval after each of some grid points until the function is smooth on it."""
    m = v.shape[1]
    h = 1 / (m - 1)
    a, b = (at.double() - 1) * h, (at.double() + 2) * h
    around = (at[:, None] + torch.arange(-int(rarity.width * m) - 1, int(rarity.width * m) + 3)).clamp(0, m - 1)
    near = v[lines[:, None], around]
    whole = near.nan_to_num(-torch.inf).amax(dim=1) - near.nan_to_num(torch.inf).amin(dim=1)
    count = len(at)
    t, width = (a + b) / 2, torch.full((count,), torch.nan, dtype=torch.float64)
    change, last = torch.zeros_like(width), torch.full_like(width, torch.inf)
    singular, infinite = torch.zeros(count, dtype=torch.bool), torch.zeros(count, dtype=torch.bool)
    active = torch.ones(count, dtype=torch.bool)
    parts = torch.linspace(0, 1, _PARTS + 1, dtype=torch.float64)
    for level in range(_LEVELS):
        rows = active.nonzero()[:, 0]
        if not len(rows):
            break
        low, high = a[rows].clamp(0, 1), b[rows].clamp(0, 1)
        grid = low[:, None] + (high - low)[:, None] * parts
        found = _filled(probe(lines[rows], grid))
        steps, where = found.diff(dim=1).abs().nan_to_num(0.0).max(dim=1)
        total = found.nan_to_num(-torch.inf).amax(dim=1) - found.nan_to_num(torch.inf).amin(dim=1)
        low, high = grid.gather(1, where[:, None])[:, 0], grid.gather(1, where[:, None] + 1)[:, 0]
        t[rows], delta = (low + high) / 2, high - low
        whole[rows] = torch.maximum(whole[rows], total)
        grows = (steps > _GROWTH * last[rows]) & (level >= 2)
        little = ~(total.isfinite() & (total >= _GOOD_PART * size))
        smooth = total.isfinite() & (steps <= _SMOOTH * total) & ~grows
        close = ~smooth & ~grows & (delta <= _CLOSE)
        width[rows[smooth]] = (whole[rows] * delta / steps.clamp_min(1e-300))[smooth]
        change[rows[smooth]] = whole[rows][smooth]
        width[rows[close & ~little]] = 0.0
        change[rows[close]] = steps[close]
        singular[rows[grows]], infinite[rows] = True, ~total.isfinite()
        active[rows[smooth | close | little | grows]] = False
        last[rows] = steps
        a[rows], b[rows] = low - delta, high + delta
    width[~(change >= _GOOD_PART * size)] = torch.nan
    return _Magnified(t, width, change, singular, infinite)


def _kinks(v: Tensor, alive: Tensor, probe: Probe, rarity: Rarity, size: float, largest: float) -> Iterator[Found]:
    """The places where the slope jumps."""
    bends = v.diff(n=2, dim=1).abs().nan_to_num(0.0) * (alive[:, 1:] & alive[:, :-1])
    peak, h = bends.max().item(), 1 / (v.shape[1] - 1)
    rounding = 64 * torch.finfo(v.dtype).eps * largest
    steep = bends > _STEEP * peak
    if peak <= rounding or peak / h < 2 * _GOOD_PART * size or steep.double().mean() > rarity.part:
        return
    lines, at = _tops(bends, steep)
    first, t, half = None, (at.double() + 1) * h, 2 * h
    parts = torch.linspace(-1, 1, _PARTS + 1, dtype=torch.float64)
    kink = torch.ones(len(lines), dtype=torch.bool)
    bend = torch.zeros(len(lines), dtype=torch.float64)
    for _ in range(4):
        grid = t.clamp(half, 1 - half)[:, None] + half * parts
        delta = 2 * half / _PARTS
        if len(grid) == 0 or delta * peak / h <= 1e3 * rounding:
            break
        bend, where = probe(lines, grid).diff(n=2, dim=1).abs().nan_to_num(0.0).max(dim=1)
        bend = bend / delta
        first = bend if first is None else first
        kink &= (bend >= 0.5 * first) & (bend <= 2 * first)
        t, half = grid.gather(1, where[:, None] + 1)[:, 0], 2 * delta
    kink &= bend >= 2 * _GOOD_PART * size
    if first is not None and bool(kink.any()):
        yield Found("kink", lines[kink], t[kink], torch.zeros_like(t[kink]), bend[kink], torch.zeros_like(kink[kink]))
