"""Where functions cross zero within a step, and events that follow each other without end."""

from bisect import insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gmnm_pde.evolution.steps import Ended
from gmnm_pde.evolution.within_steps.zeros import Bracket, Values, brackets, zero_in
from gmnm_pde.statement.events import Happening

_CLOSE = 1e-14
"""Events nearer to each other than this part of a step are at one time."""

_ENDLESS, _ZENO = 12, 1e-9
"""So many events, each sooner after the one before, the last within this part of the whole time, have no end."""


@dataclass(frozen=True)
class Crossing:
    """Events within a step: where, as a part of it, and which."""

    part: float
    happenings: tuple[Happening, ...]


@dataclass(frozen=True)
class Watched:
    """A function of an event within a step.

    Attributes:
        happening: The event.
        direction: 1 where it must rise through zero, -1 where it must fall, 0 for both.
        values: At parts of the step [n]: [n].
        looks: Places in the step at which it is looked at to begin with.
    """

    happening: Happening
    direction: int
    values: Values
    looks: int


class TooMany(Exception):
    """A function of an event, by its name, has more zeros than can be told apart."""


def crossings(watched: Sequence[Watched]) -> Iterator[Crossing]:
    """The events in a step, one after another.

    Raises:
        TooMany: a function has more zeros than can be told apart.
    """
    ahead: list[tuple[float, int, Bracket]] = []
    for number, own in enumerate(watched):
        found = brackets(own.values, own.looks)
        if found is None:
            raise TooMany(own.happening.name)
        ahead += [(each.low, number, each) for each in found if own.direction * each.direction >= 0]
    ahead.sort(key=lambda own: own[:2])
    zeros: list[tuple[float, int]] = []
    while ahead or zeros:
        while ahead and (not zeros or ahead[0][0] <= zeros[0][0] + _CLOSE):
            _, number, bracket = ahead.pop(0)
            insort(zeros, (zero_in(watched[number].values, bracket), number))
        part = zeros[0][0]
        here = [number for own, number in zeros if own - part <= _CLOSE]
        zeros = zeros[len(here) :]
        yield Crossing(part, tuple(watched[number].happening for number in sorted(here)))


def first_change(
    within: Iterable[Crossing], happened: dict[str, list[float]], start: float, length: float
) -> Crossing | None:
    """The first events in a step that end it or change the state; those before, which do neither, are noted.

    Args:
        within: The events in the step.
        happened: Times of events, by name.
        start: When the step begins.
        length: How long it is.

    Raises:
        Ended: there are more events than can be told apart.
    """
    try:
        for crossing in within:
            if any(own.stop or own.changes for own in crossing.happenings):
                return crossing
            note(happened, crossing.happenings, start + crossing.part * length)
    except TooMany as event:
        told = "has more zeros within a step than can be told apart: a function that varies less often can be followed"
        raise Ended(start, f"the event '{event}' {told}") from None
    return None


def note(happened: dict[str, list[float]], happenings: Sequence[Happening], time: float) -> None:
    """Note the time of some events, by name."""
    for own in happenings:
        happened.setdefault(own.name, []).append(float(time))


def refuse_endless(happened: Mapping[str, Sequence[float]], happenings: Sequence[Happening], span: float) -> None:
    """End where an event that was noted follows itself ever more quickly (Zeno), in a march of length ``span``.

    Raises:
        Ended: it does.
    """
    for own in happenings:
        times = happened[own.name]
        gaps = np.diff(times[-_ENDLESS:])
        if len(gaps) == _ENDLESS - 1 and gaps[-1] < _ZENO * span and (np.diff(gaps) <= 0).all():
            told = "follow each other without end before it (Zeno): Event(..., stop=True) at a small speed ends that"
            raise Ended(times[-1], f"events '{own.name}' {told}")
