"""Events of a problem in time alone: where they are in a step, and what they make of the state."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from gmnm_pde.evolution.ordinary.evaluation import Evaluation, Original, evaluation_of
from gmnm_pde.evolution.ordinary.stages import Numbers
from gmnm_pde.evolution.ordinary.system import System
from gmnm_pde.evolution.reading.statements import Statements
from gmnm_pde.evolution.within_steps.crossings import Crossing, Watched, crossings
from gmnm_pde.statement.events import Happening
from gmnm_pde.statement.terms import Term

_LOOKS, _LOOKS_OF_ALL = 64, 2048
"""Places within a step at which functions of events are looked at, and in all the time: a step has its part of them."""


class Observable:
    """A function of the solution, evaluated at states of a march.

    Args:
        statements: The problem.
        term: The function.
        system: The equations that states belong to.
    """

    def __init__(self, statements: Statements, term: Term, system: System):
        asked = tuple(dict.fromkeys((field, alpha[0]) for field, alpha in term.trace.asked))
        own = replace(statements, equations=(term,))
        self._evaluation: Evaluation = evaluation_of(own, asked)[0] if asked else Original(own, asked)
        self._columns = np.array([0, *(1 + system.place(*one) for one in asked)])

    def __call__(self, times: np.ndarray, states: np.ndarray, slopes: np.ndarray) -> np.ndarray:
        """Its values at some times, for states and slopes [n, m]: [n]."""
        whole = np.concatenate([times[:, None], states, slopes], axis=1)
        with np.errstate(all="ignore"):
            return self._evaluation.values(whole[:, self._columns])[:, 0]


class Events:
    """Those of a problem.

    Args:
        statements: The problem.
        system: Its equations.
    """

    def __init__(self, statements: Statements, system: System):
        self._happenings: Sequence[Happening] = statements.problem.events
        self._span = statements.end - statements.start
        fields = statements.problem.fields
        self._seen = [
            (own, Observable(statements, own.function, system)) for own in self._happenings if own.function is not None
        ]
        self._changes = {
            own.name: [
                (system.unknowns.index((fields.index(c.field), c.order)), Observable(statements, c.value, system))
                for c in own.changes
            ]
            for own in self._happenings
        }
        self.times = tuple(sorted({time for own in self._happenings for time in own.at}))

    def at(self, time: float) -> tuple[Happening, ...]:
        """Those at a known time."""
        return tuple(own for own in self._happenings if time in own.at)

    def within(self, method: Numbers, start: float, length: float, states: np.ndarray) -> Iterator[Crossing]:
        """Those in a step, one after another.

        Args:
            method: Whose step it is.
            start: When it begins.
            length: How long it is.
            states: At its beginning and its stages, [s + 1, m].
        """

        def values(observable: Observable, at: np.ndarray) -> np.ndarray:
            slopes = method.slopes_at(states, at) / length
            return observable(start + length * at, method.at(states, at), slopes)

        looks = max(_LOOKS, int(_LOOKS_OF_ALL * length / self._span))
        seen = [(own, partial(values, observable)) for own, observable in self._seen]
        return crossings([Watched(own, own.direction, function, looks) for own, function in seen])

    def changed(self, happenings: Sequence[Happening], time: float, state: np.ndarray, slope: np.ndarray) -> np.ndarray:
        """The state after some events at one time, each of which sees what those before it made."""
        for happening in happenings:
            at = (np.array([time]), state[None], slope[None])
            values = [(number, value(*at)[0]) for number, value in self._changes[happening.name]]
            state = state.copy()
            for number, value in values:
                state[number] = value
        return state
