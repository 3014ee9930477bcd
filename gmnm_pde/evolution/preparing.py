"""Marches through one problem, each with an error that its steps and modes may make."""

from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

from gmnm_pde.evolution.events import drift
from gmnm_pde.evolution.marched import Marched, Told
from gmnm_pde.evolution.marching import March
from gmnm_pde.evolution.moments import Observable
from gmnm_pde.evolution.ordinary import Ordinary, OrdinaryMarch
from gmnm_pde.evolution.reading.narrow import Interval, narrow_at_first, narrow_sources
from gmnm_pde.evolution.reading.pulses import pulses, with_ends
from gmnm_pde.evolution.reading.statements import Statements
from gmnm_pde.evolution.reading.switches import switching_times
from gmnm_pde.evolution.space.control import SpaceControl
from gmnm_pde.evolution.steps import Accuracy, Step
from gmnm_pde.evolution.tolerance import FieldTolerances
from gmnm_pde.scrutiny import Feature

ROUGH = 1e-4
"""Errors from which on methods of low order are used."""

_SIZES = ((1e-4, 8), (1e-7, 10), (1e-9, 12), (0.0, 16))
"""Errors allowed, from there on up, and the polynomials that a cell then has."""

_RICHER, _SHORTER = (0, 2, 3), 0.75
"""Cells have so many polynomials more: in the first march, the second, fourth and so on, and the third and so on. Steps
are no longer than this part of those that the march before took at the time."""

_WAVES = (12, 14)
"""Marches begin in turns with so many waves, which grow by 1.3, and each has more than the one before at all times:
what that one left out is seen in the difference."""

_SHORT, _SHORTEST = 0.3, 2e-5
"""Cells are no shorter than this, relative to their line: times the allowed error to the power 2/3, and at least. What
is not resolved at first, a jump within a cell of length h, counts as h^(3/2) where it is smoothed."""

_NEXT = 1e-7
"""Marks that are closer than this part of the line are one."""

_SAME = 1e-6
"""Breaks that are found are known ones where they are no farther from them than this part of the time."""

_MARKS = 64
"""Of a feature of initial values as many places count."""


_BESIDE = (-3.0, -1.0, 1.0, 3.0)
"""So many widths beside the middle of what is narrow in data cells end."""

_WIDE = 6.0
"""What extends over more widths along a coordinate is not narrow along that."""


class Marches:
    """What marches through a problem have in common.

    Args:
        statements: The problem.
        features: What is sharp in its data.
        stages: Of the method, if that was chosen.
        polynomials: In a cell, if that was chosen.
        tolerances: By field, where such were given.
    """

    def __init__(
        self,
        statements: Statements,
        features: Sequence[Feature],
        stages: int | None = None,
        polynomials: int | None = None,
        tolerances: FieldTolerances | None = None,
    ):
        self._statements, self._features = statements, features
        self._stages, self._polynomials, self._tolerances = stages, polynomials, tolerances

    def prepared(
        self,
        allowed: float,
        before: Marched | None,
        number: int,
        on_step: Callable[[Step], None],
        keep: Callable[[Callable[[], dict[str, Any]]], None],
    ) -> March | OrdinaryMarch:
        """A march with some allowed error; in nothing the same as the one before it, or the two would tell nothing.

        Args:
            allowed: The error in a step and in the finest modes.
            before: The march before it.
            number: Of marches before it.
            on_step: Is called with every step taken.
            keep: Is called now and then with what makes a function of the state that the march can go on from.

        Raises:
            Unsuited: the problem cannot be marched.
        """
        if self.ordinary is not None:
            return self.ordinary.march(allowed, self._stages, on_step, self._tolerances)
        stages = self._stages or (3 if allowed >= ROUGH and not self._statements.free else 5 if allowed >= 1e-9 else 7)
        size = self._polynomials or next(n for least, n in _SIZES if allowed >= least)
        size += _RICHER[0 if not number else 1 if number % 2 else 2]
        shortest = max(_SHORTEST, _SHORT * allowed ** (2 / 3))
        own = {"size": size, "waves": _WAVES[number % 2], "shortest": shortest}
        fewest = [] if before is None else [(s.start, [line.count for line in s.basis.lines]) for s in before.steps]
        control = SpaceControl(
            self._statements, allowed, **own, fewest=fewest, marks=self._marks(), narrow=self._narrow_at_first()
        )
        longest = () if before is None else [(step.start, _SHORTER * step.length) for step in before.steps]
        accuracy = Accuracy(allowed, allowed, stages)
        return March(self._statements, accuracy, control, self._breaks(), on_step, longest, keep)

    @cached_property
    def ordinary(self) -> Ordinary | None:
        """Marches without space."""
        return None if self._statements.space else Ordinary(self._statements, self._breaks())

    def _breaks(self) -> Sequence[float]:
        """Times at which the data have jumps and kinks, conditions switch, and events happen that are known."""
        axis, problem = self._statements.axis, self._statements.problem
        when = self._statements.when
        known = {*map(when, problem.breaks), *(time for event in problem.events for time in event.at)}
        found, narrow = set(switching_times(self._statements)), set[float]()
        for own in self._features:
            if own.plane is not None and own.plane[0] == axis:
                (narrow if own.kind == "narrow" else found).add(when(own.plane[1]))
            elif own.plane is None and own.kind == "narrow":
                narrow |= {when(place) for place in _around(own, axis)}
        found = with_ends(known | found, narrow, self._pulses) - known
        near = _SAME * (self._statements.end - self._statements.start)
        return sorted(known | {own for own in found if all(abs(own - other) > near for other in known)})

    def told(self, march: March | OrdinaryMarch) -> Told:
        """What is told of a march beside its steps."""
        if isinstance(march, OrdinaryMarch):
            assert self.ordinary is not None
            return self.ordinary.told(march)
        invariants = self._statements.problem.invariants
        drifts = {name: drift(Observable(self._statements, own), march.steps) for name, own in invariants.items()}
        return Told(march.stopped, march.happened, drifts)

    @cached_property
    def _pulses(self) -> list[Interval]:
        return pulses(self._statements) if self._statements.space else []

    @cached_property
    def _of_line(self) -> tuple[list[float], list[Interval]]:
        """On a line, places beside what is narrow in what drives the problem, and where initial values are narrow."""
        return narrow_sources(self._statements), narrow_at_first(self._statements)

    @cached_property
    def _at_first(self) -> set[str]:
        """The names of initial values."""
        return {name for term in self._statements.initial for name in term.trace.names}

    def _marks(self) -> list[list[float]]:
        """For each coordinate of space the places at which initial values jump or have kinks, or something is narrow
        in what drives the problem.
        """  # noqa: D205
        statements = self._statements
        sharp = [own for own in self._features if own.term in self._at_first and own.kind != "narrow"]
        planes = {own.plane for own in sharp if own.plane is not None}
        if len(statements.space) == 1:
            (axis,) = statements.space
            planes |= {(axis, place) for own in sharp for place in own.at[:_MARKS, axis].tolist()}
            if axis not in statements.periodic:
                planes |= {(axis, place) for place in self._of_line[0]}
        else:
            narrow = [own for own in self._features if own.kind == "narrow" and own.term not in self._at_first]
            planes |= {(axis, place) for own in narrow for axis in statements.space for place in _around(own, axis)}
        return [
            _apart({place for across, place in planes if across == axis and low < place < high}, high - low)
            for axis, (low, high) in zip(statements.space, statements.bounds, strict=True)
        ]

    def _narrow_at_first(self) -> list[list[Interval]]:
        """For each coordinate of space intervals in which initial values are narrow."""
        statements = self._statements
        if len(statements.space) == 1:
            return [[] if statements.periodic else self._of_line[1]]
        narrow = [own for own in self._features if own.kind == "narrow" and own.term in self._at_first]
        return [[interval for own in narrow for interval in pairwise(_around(own, axis))] for axis in statements.space]


def _around(spot: Feature, axis: int) -> list[float]:
    """Places on both sides of something narrow along a coordinate, if it is narrow along that."""
    if spot.plane is not None and spot.plane[0] != axis:
        return []
    across = spot.at[:, axis]
    if across.max() - across.min() > _WIDE * spot.width:
        return []
    middle = across.median().item() if spot.plane is None else spot.plane[1]
    return [middle + part * spot.width for part in _BESIDE]


def _apart(places: Collection[float], extent: float) -> list[float]:
    """The places, ascending, but those that are next to another one."""
    kept: list[float] = []
    for place in sorted(places):
        if not kept or place - kept[-1] > _NEXT * extent:
            kept.append(place)
    return kept
