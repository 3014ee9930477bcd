"""Marches through a problem in time alone, from its statements."""

import warnings
from collections.abc import Callable, Sequence

import numpy as np
import torch

from gmnm_pde._doors import stacklevel
from gmnm_pde._errors import NumericalWarning
from gmnm_pde.evolution.marched import Told
from gmnm_pde.evolution.ordinary.branches import is_linear, ways_on
from gmnm_pde.evolution.ordinary.constraints import Constraints
from gmnm_pde.evolution.ordinary.contradicted import contradicted
from gmnm_pde.evolution.ordinary.data import look_at_data
from gmnm_pde.evolution.ordinary.events import Events, Observable
from gmnm_pde.evolution.ordinary.index import lowered
from gmnm_pde.evolution.ordinary.initial import Given, initial_state
from gmnm_pde.evolution.ordinary.march import OrdinaryMarch
from gmnm_pde.evolution.ordinary.scales import Aim
from gmnm_pde.evolution.ordinary.start import Start
from gmnm_pde.evolution.ordinary.system import System
from gmnm_pde.evolution.reading.faces import Unsuited
from gmnm_pde.evolution.reading.statements import Statements
from gmnm_pde.evolution.steps import Step
from gmnm_pde.evolution.tolerance import FieldTolerances

_STAGES = ((1e-4, 5), (0.0, 7))
"""Errors aimed at, from there on up, and the stages that steps then have."""

_MET = 1e-7
"""Initial values meet the equations where these would change them by no more than this part."""


class Ordinary:
    """Marches through one problem in time alone.

    Args:
        statements: The problem.
        breaks: Times at which data break off, as far as they are known.

    Attributes:
        notes: What was found out about the problem, in words.
        contradicted: An initial condition that the equations do not let hold, if there is one.

    Raises:
        Unsuited: it cannot be marched.
    """

    def __init__(self, statements: Statements, breaks: Sequence[float] = ()):
        self.statements = statements
        given, low = initial_state(statements), lowered(statements)
        self.system, self.notes = System(low.statements), list[str]()
        self.constraints = None
        if low.constraints is not None:
            self.constraints = Constraints(low.constraints, self.system.unknowns)
            often = ", ".join(low.differentiated)
            self.notes.append(f"of index {low.index}, which is lowered by differentiating {often}")
        self.begin = self._start(given)
        plain = is_linear(self.system, statements.start, self.begin.state)  # otherwise derivatives are guesses
        self.contradicted = contradicted(statements, self.system, self.begin) if plain else None
        self.data = look_at_data(self.system, self.begin.state)
        self.events = Events(statements, self.system) if statements.problem.events else None
        invariants = statements.problem.invariants
        self._kept = [(name, Observable(statements, own, self.system)) for name, own in invariants.items()]
        found = () if self.data is None else self.data.breaks
        known = (*statements.problem.breaks, *(() if self.events is None else self.events.times))
        near = 1e-6 * (statements.end - statements.start)
        self.breaks = list(dict.fromkeys(known))
        self.breaks += [own for own in found if all(abs(own - other) > 1e-3 * near for other in self.breaks)]
        self.breaks += [own for own in breaks if all(abs(own - other) > near for other in self.breaks)]
        self._before: OrdinaryMarch | None = None

    def march(
        self,
        tol: float,
        stages: int | None,
        on_step: Callable[[Step], None],
        tolerances: FieldTolerances | None = None,
    ) -> OrdinaryMarch:
        """One that aims at a relative error of each unknown at all times; each has shorter steps than the one before.

        Args:
            tol: The error aimed at.
            stages: Of the method; by default by the error.
            on_step: Is called with every step taken.
            tolerances: By field, where these are not all the same: ``tol`` is then the smallest that is aimed at.
        """
        count = self.system.count
        relative, absolute = np.full(count, tol), np.zeros(count)
        if tolerances is not None:
            part = tol / tolerances.least
            relative = part * np.array([tolerances.relative[field] for field, _ in self.system.unknowns])
            own = [tolerances.absolute[field] if not order else 0.0 for field, order in self.system.unknowns]
            absolute = part * np.array(own)
        number = stages or next(number for above, number in _STAGES if tol >= above)
        tolerance = Aim(relative, absolute, number)
        arguments = (self.system, tolerance, self.begin, self.breaks, on_step)
        march = OrdinaryMarch(
            *arguments, constraints=self.constraints, events=self.events, data=self.data, before=self._before
        )
        self._before = march
        return march

    def told(self, march: OrdinaryMarch) -> Told:
        """What is told of a march beside its steps."""
        noise = torch.from_numpy(march.scales.noise[self.system.fields])
        return Told(march.stopped, march.happened, {name: self._drift(own, march) for name, own in self._kept}, noise)

    def _drift(self, invariant: Observable, march: OrdinaryMarch) -> float:
        """By how much it changes at most, at the ends of steps, relative to its largest size."""
        if not march.ends:
            return 0.0
        times, states, slopes = (np.array(column) for column in zip(*march.ends, strict=True))
        values = invariant(times, states, slopes)
        return float(np.ptp(values) / (np.abs(values).max() or 1.0))

    def _start(self, given: Given) -> Start:
        """The state at the beginning, with what the equations make of it."""
        system, time = self.system, self.statements.start
        state = np.array([given.values.get(own, 0.0) for own in system.unknowns])
        slope = np.array([given.values.get((field, order + 1), 0.0) for field, order in system.unknowns])
        stated = np.array([own in given.values for own in system.unknowns])
        size = np.abs(state).max() or 1.0
        self._refuse_missing(time, state, ~stated & system.differential)
        if self.constraints is not None:
            state = self.constraints.nearest(time, state, size * ~stated)
            if (self.constraints.left(time, state) > _MET * size).any():
                state = self.constraints.nearest(time, state, np.full(len(state), size))
        guesses = (stated & ~system.differential).any() or self._guesses_slopes(given)
        ways = ways_on(system, time, state, slope, guessed=bool(guesses))
        if not ways:
            raise Unsuited("its derivatives at the beginning do not follow from the equations")
        if len(ways) > 1:
            self._tell_of(ways)
        self._warn_of_contradictions(given, ways[0].state, size)
        return ways[0]

    def _refuse_missing(self, time: float, state: np.ndarray, open_: np.ndarray) -> None:
        """Initial values that neither the conditions nor constraints tell."""
        if open_.any() and (self.constraints is None or not self.constraints.determine(time, state, open_)):
            field, order = self.system.unknowns[int(open_.nonzero()[0][0])]
            name = self.statements.problem.fields[field]
            raise Unsuited(f"no initial value of {'the derivative of ' * order}'{name}' is given")

    def _guesses_slopes(self, given: Given) -> bool:
        """Whether a derivative was given that equations determine."""
        return any(order and order == self.statements.orders[field] for field, order in given.values)

    def _name(self, field: int, order: int) -> str:
        (time,), names = self.statements.problem.domain.time, self.statements.problem.fields
        return names[field] if not order else f"d{order if order > 1 else ''}{names[field]}/d{time}"[:40]

    def _tell_of(self, ways: Sequence[Start]) -> None:
        """That there are several ways to go on."""
        slopes, states = np.stack([own.slope for own in ways]), np.stack([own.state for own in ways])
        differing = np.ptp(slopes, axis=0) > _MET * np.abs(slopes).max()
        values = slopes if differing.any() else states
        which = int(np.ptp(values, axis=0).argmax())
        field, order = self.system.unknowns[which]
        order += int(differing.any())
        named = " or ".join(f"{own:.6g}" for own in values[:, which])
        guess = f"Initial({self.statements.problem.fields[field]}={values[1, which]:.6g}"
        told = (
            f"the equations leave {len(ways)} ways to go on from the initial values, with "
            f"{self._name(field, order)} = {named}: the first is taken; "
            f"{guess}{f', order={order}' if order else ''}) asks for another"
        )
        self.notes.append(told)
        warnings.warn(f"{self.statements.problem.name}: {told}", NumericalWarning, stacklevel=stacklevel())

    def _warn_of_contradictions(self, given: Given, state: np.ndarray, size: float) -> None:
        """Initial values that the equations change."""
        for own, value in given.values.items():
            if own not in self.system.unknowns:
                continue
            found = float(state[self.system.unknowns.index(own)])
            if abs(found - value) > _MET * max(size, abs(found), abs(value)):
                told = (
                    f"the initial value {self._name(*own)} = {value:.6g} contradicts the equations, "
                    f"which ask for {found:.6g}: that is taken"
                )
                self.notes.append(told)
                warnings.warn(f"{self.statements.problem.name}: {told}", NumericalWarning, stacklevel=stacklevel())
