"""States that are passed within a step in less time than there is between the places at which it is looked at.

What functions such as exp(-((u - a) / w)^2) are given is as smooth in time as fields are, however narrow the functions
may be: where it turns, or is zero, is known far better than by looking for what comes out.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from gmnm_pde.evolution.steps import Step
from gmnm_pde.evolution.within_steps.arguments import Argument, crossing, turning
from gmnm_pde.evolution.within_steps.watched import Watched

_EACH, _MOST = 64, 12
"""So many places and times at which each function may be narrow are looked at, and so many ladders are put up."""

_SAME = 1e-9
"""Times that differ by less than this part of a step are one."""

_CLOSER = (1.0, 1e-3, 1e-6)
"""Lines and parabolas are drawn through places this near, in parts of the distance between those looked at before."""

_LADDER = 2.0 ** -torch.arange(0, 41, dtype=torch.float64)
"""At such parts of that distance on both sides it is looked at what is there."""

_NARROW, _TAILS = 1e-3, 3.0
"""What is above this part of the most is a pulse; a step ends so many times as far before its middle."""


class Passed(NamedTuple):
    """A time at which something is passed.

    Attributes:
        part: Of the step.
        before: Where the step is to end, to be next to it.
        over: What is left there beyond what is left around, over the time as a part of the step, by name, [places].
    """

    part: float
    before: float
    over: dict[str, Tensor]


def passed(own: Watched, step: Step, parts: Tensor, left: dict[str, Tensor], heard: list[Argument]) -> list[Passed]:
    """What a term passes in a step.

    Args:
        own: The term.
        step: The step.
        parts: Those at which it was looked at, ascending, from 0 to 1, [n].
        left: What it leaves between these two that is not smooth, by name, [n - 2, places].
        heard: What functions are given at all of them.
    """
    found = []
    for part, row in _candidates(own, step, parts, heard):
        gap = 1.0 / len(parts)
        offsets = gap * torch.cat([-_LADDER, _LADDER.new_zeros(1), _LADDER.flip(0)])
        inside = (part + offsets).clamp(0, 1)
        near, _ = own.left_and_heard(step, inside)
        rows = slice(max(0, row - 3), row + 3)
        over, reach = {}, 0.0
        for name, values in near.items():
            smooth = values[[0, -1]].mean(dim=0)
            beyond = ((values - smooth).abs() - left[name][rows].abs().amax(dim=0) - _spread(values)).clamp_min(0)
            over[name] = torch.trapezoid(beyond, inside, dim=0)
            tall = beyond.amax(dim=1)
            wide = offsets.abs()[tall > _NARROW * tall.max().clamp_min(1e-300)]
            reach = max(reach, wide.max().item() if len(wide) else 0.0)
        if any(bool(own_over.any()) for own_over in over.values()):
            found.append(Passed(part, part - _TAILS * reach, over))
    return found


def _spread(values: Tensor) -> Tensor:
    """How far apart values [n, places] are at the ends of a ladder."""
    return (values[0] - values[-1]).abs()


def _candidates(own: Watched, step: Step, parts: Tensor, heard: list[Argument]) -> list[tuple[float, int]]:
    """Where what functions are given is zero or turns within less than the distance of two parts, and after which."""
    every = [
        (number, row, place)
        for number, argument in enumerate(heard)
        for row, place in _rows(argument, argument.values.view(len(parts), -1))[:_EACH]
    ]
    found: list[tuple[float, int]] = []
    for part, (_, row, _) in zip(_closer(own, step, parts, every), every, strict=True):
        if len(found) < _MOST and all(abs(part - other) > _SAME for other, _ in found):
            found.append((part, row))
    return found


def _rows(argument: Argument, values: Tensor) -> list[tuple[int, int]]:
    """After which parts, and at which places, what a function is given [n, places] does what makes it narrow."""
    if argument.at_zero:
        steep = (values[1:] - values[:-1]).abs() > argument.steep
        there = (values[:-1] * values[1:] <= 0) & steep
    else:
        size = values.abs() if argument.relative else -values
        far = torch.full_like(size[:1], math.inf)
        before, after = torch.cat([far, size[:-1]]), torch.cat([size[1:], far])
        rise = torch.maximum(before.where(before < math.inf, size), after.where(after < math.inf, size)) - size
        rise = rise / size.clamp_min(1e-300) if argument.relative else rise
        there = (size <= before) & (size < after) & (rise > argument.steep)
    rows = there.nonzero()
    return [(int(row), int(place)) for row, place in rows]


def _closer(own: Watched, step: Step, parts: Tensor, every: list[tuple[int, int, int]]) -> list[float]:
    """Where in a step what functions are given is zero or turns, by their numbers, parts nearby, and places."""
    if not every:
        return []
    numbers, rows, places = torch.tensor(every).unbind(1)
    found, gap = parts[rows], 1.5 / len(parts)
    for nearer in _CLOSER:
        around = found[:, None] + nearer * gap * torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64)
        _, heard = own.left_and_heard(step, around.flatten())
        values = torch.stack([argument.values for argument in heard]).view(len(heard), len(every), 3, -1)
        values = values[numbers, torch.arange(len(every)), :, places]
        at_zero = torch.tensor([argument.at_zero for argument in heard])[numbers]
        found = found + nearer * gap * torch.where(at_zero, crossing(values), turning(values))
    return found.clamp(0, 1).tolist()
