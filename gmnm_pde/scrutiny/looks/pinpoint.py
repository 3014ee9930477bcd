"""Places where a function is narrow between the lines along which it is looked at, by what its operations act on."""

from collections.abc import Callable
from itertools import combinations

import torch
from torch import Tensor

from gmnm_pde.geometry.unit import unit_points
from gmnm_pde.sampling import Cloud
from gmnm_pde.scrutiny.looks.arguments import Arguments
from gmnm_pde.scrutiny.looks.lines import Lines
from gmnm_pde.statement.recording import NOT_RECORDED

_SAMPLE = 2048
"""Points at which arguments are evaluated at once."""

_MOST_TOGETHER = 10
"""So many of them are looked at two or three at a time."""

_BEGINNINGS, _MORE = 4, 60
"""From so many of the points each is followed to where it is largest; each by itself from so many others, too."""

_APART = 0.15
"""These are so far apart, on the unit cube."""

_REACH, _HALVINGS = 0.1, 46
"""The first steps in which they are followed, on the unit cube, and how often these are halved: to 1e-15."""

_SAME = 1e-7
"""Places that are nearer to each other are one."""

_MOST = 192
"""The most places that are looked at."""


def places(function: Callable[[Cloud], list[Tensor]], lines: Lines, seed: int) -> Tensor:
    """Where a function may be narrow, on the unit cube, [k, e]; none if its operations cannot be recorded.

    Args:
        function: From points to values [n, ...].
        lines: The unit cube, and where it lies in space.
        seed: Of the points from which it is looked for.
    """
    dimension = lines.base.shape[1]
    sample = _inside(lines, unit_points(4 * _SAMPLE, dimension, "sobol", seed=seed))[:_SAMPLE]
    if not len(sample):
        return sample
    try:
        arguments = Arguments(function, lines.cloud(lines.embed(sample)))
        if not len(arguments):
            return sample[:0]
        found = _inside(lines, _Climb(arguments, lines).tops(sample))
    except (*NOT_RECORDED, RuntimeError):
        return sample[:0]
    return _distinct(found)[:_MOST]


def _inside(lines: Lines, unit: Tensor) -> Tensor:
    return unit if lines.keep is None else unit[lines.keep(lines.embed(unit))]


def _distinct(places: Tensor) -> Tensor:
    """One of those that are the same."""
    if not len(places):
        return places
    near = torch.cdist(places, places) <= _SAME
    return places[near.double().argmax(dim=1) == torch.arange(len(places))]


class _Climb:
    """Sums of arguments, followed to where they are largest without derivatives, many at once.

    Args:
        arguments: What is followed.
        lines: The unit cube, and where it lies in space.
    """

    def __init__(self, arguments: Arguments, lines: Lines):
        self._at = lambda units: arguments.at(lines.cloud(lines.embed(units)))
        self._alone = len(arguments)
        alone = torch.eye(self._alone, dtype=torch.float64)
        chosen = range(self._alone)[:_MOST_TOGETHER]
        sums = [alone]
        for many in range(2, min(lines.base.shape[1], 3) + 1):
            some = list(combinations(chosen, many))
            if some:
                sums.append(alone[torch.tensor(some)].sum(dim=1))
        self._sums = torch.cat(sums)

    def tops(self, sample: Tensor) -> Tensor:
        """Where they are largest, beginning with points of a sample, [k, e]."""
        units, weights = self._begun(sample)
        e = sample.shape[1]
        steps = torch.cat([torch.eye(e, dtype=torch.float64), -torch.eye(e, dtype=torch.float64)])
        pairs = list(combinations(range(e), 2))
        corners = [steps[i] + steps[j] for i, j in pairs]
        stencil = torch.stack([*steps, *corners])
        reach = _REACH
        best = self._values(units, weights)
        for _ in range(_HALVINGS):
            around = (units[:, None] + reach * stencil).clamp(0, 1)
            values = self._values(around.flatten(0, 1), weights.repeat_interleave(len(stencil), 0)).view(len(units), -1)
            newton = (units + reach * _vertex(best, values, pairs, e)).clamp(0, 1)
            options = torch.cat([units[:, None], around, newton[:, None]], dim=1)
            found = torch.cat([best[:, None], values, self._values(newton, weights)[:, None]], dim=1)
            best, which = found.max(dim=1)
            units = options[torch.arange(len(units)), which]
            reach *= 0.5
        return units

    def _begun(self, sample: Tensor) -> tuple[Tensor, Tensor]:
        """The points from which each sum is followed, and what it is made of, one row for each."""
        values = (self._at(sample) @ self._sums.mT).mT.clone()
        starts = []
        for _ in range(_BEGINNINGS):
            best = sample[values.argmax(dim=1)]
            starts.append(best)
            values[torch.cdist(best, sample) < _APART] = -torch.inf
        more = sample[:_MORE]
        alone = self._sums[: self._alone].repeat_interleave(len(more), 0)
        weights = torch.cat([self._sums.repeat(_BEGINNINGS, 1), alone])
        return torch.cat([*starts, more.repeat(self._alone, 1)]), weights

    def _values(self, units: Tensor, weights: Tensor) -> Tensor:
        return (self._at(units) * weights).sum(dim=1).nan_to_num(-torch.inf)


def _vertex(center: Tensor, around: Tensor, pairs: list[tuple[int, int]], e: int) -> Tensor:
    """The step to the top of the parabola through a stencil, in its units and at most 4, [k, e]."""
    up, down = around[:, :e], around[:, e : 2 * e]
    slope = (up - down) / 2
    curved = torch.diag_embed(up + down - 2 * center[:, None])
    for number, (i, j) in enumerate(pairs):
        mixed = around[:, 2 * e + number] - up[:, i] - up[:, j] + center
        curved[:, i, j] = curved[:, j, i] = mixed
    values, vectors = torch.linalg.eigh(curved.nan_to_num(0, 0, 0))
    bent = -values.abs().clamp_min(1e-3 * values.abs().amax(dim=1, keepdim=True).clamp_min(1e-300))
    along = (vectors.mT @ slope.nan_to_num(0, 0, 0)[:, :, None])[:, :, 0]
    step = (vectors @ (-along / bent)[:, :, None])[:, :, 0]
    return step * (4 / step.norm(dim=1, keepdim=True).clamp_min(4))
