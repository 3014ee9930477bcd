"""Where functions cross zero within a step, and events that follow each other without end."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from scipy.optimize import brentq

from gmnm_pde.evolution.steps import Ended
from gmnm_pde.statement.events import Happening

_LOOKS = 16
"""Places within a step at which functions of events are looked at."""

_NOTHING = 1e-11
"""A function is as good as zero below this part of its size in the step."""

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
    """

    happening: Happening
    direction: int
    values: Callable[[np.ndarray], np.ndarray]


def first_crossing(watched: Sequence[Watched], after: float) -> Crossing | None:
    """The first events in a step that come after some part of it."""
    if not watched:
        return None
    parts = np.linspace(after, 1.0, _LOOKS + 1)
    found: list[tuple[float, Happening]] = []
    for own in watched:
        seen = own.values(parts)
        for end in (0, -1):  # an event at an end of a step belongs to the step before
            if abs(seen[end]) <= _NOTHING * np.abs(seen).max():
                seen[end] = 0.0
        rises, falls = (seen[:-1] < 0) & (seen[1:] >= 0), (seen[:-1] > 0) & (seen[1:] <= 0)
        crosses = (rises & (own.direction >= 0)) | (falls & (own.direction <= 0))
        if crosses.any():
            k = int(crosses.argmax())
            part = parts[k + 1]
            if seen[k + 1] != 0:
                part = cast(float, brentq(lambda at, f=own.values: f(np.array([at]))[0], *parts[k : k + 2], xtol=1e-15))
            found.append((float(part), own.happening))
    if not found:
        return None
    first = min(part for part, _ in found)
    return Crossing(first, tuple(own for part, own in found if part - first <= _CLOSE))


def first_change(
    within: Callable[[float], Crossing | None], happened: dict[str, list[float]], start: float, length: float
) -> Crossing | None:
    """The first events in a step that end it or change the state; those before, which do neither, are noted.

    Args:
        within: The first events that come after some part of the step.
        happened: Times of events, by name.
        start: When the step begins.
        length: How long it is.
    """
    after = 0.0
    while crossing := within(after):
        if any(own.stop or own.changes for own in crossing.happenings):
            return crossing
        after = crossing.part
        note(happened, crossing.happenings, start + after * length)
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
