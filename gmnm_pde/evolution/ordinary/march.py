"""From step to step through a problem in time alone."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch

from gmnm_pde.evolution.ordinary.between import Taken
from gmnm_pde.evolution.ordinary.constraints import Constraints
from gmnm_pde.evolution.ordinary.data import Data
from gmnm_pde.evolution.ordinary.events import Events
from gmnm_pde.evolution.ordinary.hindsight import KINK, Hindsight
from gmnm_pde.evolution.ordinary.refining import is_amplified, refined
from gmnm_pde.evolution.ordinary.scales import Aim, Scales
from gmnm_pde.evolution.ordinary.stages import Linearization, Numbers, embedded_error, numbers, solve_stages
from gmnm_pde.evolution.ordinary.start import Start, consistent
from gmnm_pde.evolution.ordinary.system import System
from gmnm_pde.evolution.steps import Ended, Step
from gmnm_pde.evolution.within_steps.crossings import first_change, note, refuse_endless
from gmnm_pde.interruption import pause
from gmnm_pde.models.modes import Product
from gmnm_pde.statement.events import Happening

_SAFETY, _LEAST, _MOST = 0.9, 0.2, 8.0
"""Of the factor by which steps change."""

_KEPT = 1.2
"""A step that could grow by no more than this stays as it is, and its inverses with it."""

_FAR = 0.5
"""A step that was too long by more than this factor may have met a jump or a kink in the state."""

_FRESH = 1e-3
"""Slopes are kept where Newton's steps shrink by this factor or more."""

_SHORTEST, _SHORTEST_OF_SPAN = 2e-15, 1e-24
"""Steps below this part of the time as it stands, or of all of it, are none."""

_FAILURES = 50
"""So many failures of Newton's method one after another end the march."""

_CAUTION, _LONGEST_FIRST = 0.3, 1e-2
"""The first step is this part of the time in which the solution changes, in a step's accuracy; and no longer than a
part of the whole time."""

_ASIDE = 1e-15
"""Data that break off are evaluated so near to the break, as a part of the time, on the side where steps are."""

_SHORTER = 0.8
"""Steps of a march that is to tell the error of another are shorter by this factor at least."""

_GROWN = 1e8
"""A solution that has grown by this factor when steps end grows without bound."""

_ALONE = Product([])


class OrdinaryMarch:
    """A march through a problem in time alone.

    Args:
        system: The equations.
        tolerance: What steps are to hold.
        begin: The state at the initial time.
        breaks: Times at which a step is to end, ascending.
        on_step: Is called with every step taken.
        constraints: What the state has to meet beside the equations.
        events: What may happen on the way.
        data: What depends on time explicitly.
        before: A march with less accuracy, whose steps these are to be shorter than.
    """

    def __init__(
        self,
        system: System,
        tolerance: Aim,
        begin: Start,
        breaks: Sequence[float] = (),
        on_step: Callable[[Step], None] = lambda step: None,
        *,
        constraints: Constraints | None = None,
        events: Events | None = None,
        data: Data | None = None,
        before: "OrdinaryMarch | None" = None,
    ):
        self.constraints, self.events = constraints, events
        self.ends: list[tuple[float, np.ndarray, np.ndarray]] = []
        self.happened: dict[str, list[float]] = {}
        self.stopped = ""
        self._longest = None if before is None else before.lengths
        self.system, self.tolerance, self.on_step = system, tolerance, on_step
        self.method: Numbers = numbers(tolerance.stages)
        self.start, self.end = system.statements.start, system.statements.end
        self.breaks = [*(t for t in sorted(breaks) if self.start < t < self.end), self.end]
        self.time, self.state, self.steps = self.start, begin.state, list[Step]()
        self.counts: dict[str, int] = dict.fromkeys(("steps", "rejected", "slopes", "bases"), 0)
        self.scales = Scales(tolerance, begin.state, None if before is None else before.scales.largest)
        self._enough = tolerance.newton
        self.length, self._linearization = math.inf, None
        self._start = begin
        self._fresh = math.inf if system.statements.autonomous else _FRESH
        self.crossed: Sequence[Happening] = ()
        self._finite = True
        self.hindsight = Hindsight(self, data)

    def run(self) -> list[Step]:
        """All steps to the end.

        Raises:
            Ended: steps came to an end before; those taken are in ``steps``.
        """
        self._begin(self._start)
        first = self.scales.largest.copy()
        try:
            self._happen(self.events.at(self.time) if self.events is not None else ())
            for end in self.breaks:
                while self.time < end - 2 * self._tiny and not self.stopped:
                    self._happen(self._until(end))
                if self.stopped:
                    break
                if end < self.end:
                    happenings = self.events.at(end) if self.events is not None else ()
                    self._happen(happenings)
                    if not happenings:
                        self._begin(self._again())
        except Ended as ended:
            self.steps = [own for own in self.steps if own.start < ended.time] or self.steps[:1]  # seen in hindsight
            raise self._explained(ended, first) from None
        return self.steps

    def _again(self) -> Start:
        """Values that meet the equations after a break."""
        time = self.time + _ASIDE * abs(self.time)
        with np.errstate(all="ignore"):
            start = self._consistent(time)
        return start or Start(self.state, np.zeros_like(self.state), np.zeros_like(self.state))

    def _consistent(self, time: float) -> Start | None:
        """The state with what follows from it."""
        return consistent(self.system, time, self.state, self.slope)

    def _linearized(self) -> Linearization:
        """The equations' slopes at the state."""
        return Linearization(self.system, self.method, self._now, self.state, self.slope)

    def _begin(self, start: Start) -> None:
        """A first length, and what is to be learnt anew, at the beginning and where data break off."""
        smooth = bool(self.steps) and np.allclose(start.slope, self.slope, rtol=KINK, atol=0.0)
        self.state, self.slope = start.state, start.slope
        self.ends.append((self.time, self.state, self.slope))
        self.scales.begin(self.state)
        self._last: tuple[np.ndarray, float] | None = None
        self._linearization = self._linearization if self.system.statements.autonomous else None
        self._error, self._before = 1e-2, 0.0
        pairs = [(np.abs(self.state), np.abs(self.slope)), (np.abs(self.slope), np.abs(start.bend))]
        times = [a / b for own, rate in pairs for a, b in zip(own.tolist(), rate.tolist(), strict=True) if a > 0 < b]
        cautious = _CAUTION * float(self.scales.embedded.min()) ** (1 / (self.method.stages + 1))
        span = self.end - self.start
        before, self.length = self.length, min([_LONGEST_FIRST * span, *(cautious * own for own in times)])
        if smooth:  # at a kink
            self.length = max(self.length, before / 2)
        self.length = max(self.length, 10 * self._tiny)

    @property
    def lengths(self) -> np.ndarray:
        """When steps begin and how long they are, [2, steps]."""
        return np.array([(step.start, step.length) for step in self.steps]).reshape(-1, 2).T

    def _until(self, end: float) -> Sequence[Happening]:
        """Steps to a break or to the end, or to events that come before."""
        failures, stuck = 0, ""
        margin = _ASIDE * max(abs(self.time), abs(end))
        self.inside = (self.time + margin if self.time > self.start else self.time, end - margin)
        while True:
            over = bool(self.crossed or stuck) or self.time >= end - 2 * self._tiny
            if self.hindsight.goes_back(over=over):
                failures, stuck, self.crossed = 0, "", ()
                self._linearization = self._linearization if self.system.statements.autonomous else None
                continue
            if stuck:
                raise Ended(self.time, stuck)
            if over:
                happenings, self.crossed = self.crossed, ()
                return happenings
            pause()
            length = self._fitting(end)
            if length < self._tiny:
                stuck = self.hindsight.sliding.suspected or f"steps became shorter than {self._tiny:.0e}"
                continue
            with np.errstate(all="ignore"):
                failures = 0 if self._attempt(length) else failures + 1
            if failures > _FAILURES:
                why = "Newton's method did not converge" if self._finite else "the equations are not finite"
                stuck = f"{why} however short the step"

    def _happen(self, happenings: Sequence[Happening]) -> None:
        """What events at one time make of the state."""
        if not happenings:
            return
        assert self.events is not None
        note(self.happened, happenings, self.time)
        refuse_endless(self.happened, happenings, self.end - self.start)
        self.hindsight.sliding.begin()
        self.state = self.events.changed(happenings, self.time, self.state, self.slope)
        self.stopped = next((own.name for own in happenings if own.stop), "")
        if self.constraints is not None:
            self.state = self.constraints.nearest(self.time, self.state, np.abs(self.state).max() + 0.0 * self.state)
        self._begin(self._again())

    def _fitting(self, end: float) -> float:
        """The length of the next step, so that the last one before ``end`` is none too short."""
        left = end - self.time
        length = self.length
        if self._longest is not None and self._longest.size:
            number = max(0, int(np.searchsorted(self._longest[0], self.time, side="right")) - 1)
            length = min(length, _SHORTER * self._longest[1, number])
        if length >= 0.999 * left:
            return left
        return left / 2 if length > left / 2 else length

    @property
    def _tiny(self) -> float:
        """The length of a step that is none."""
        return max(_SHORTEST * abs(self.time), _SHORTEST_OF_SPAN * (self.end - self.start))

    @property
    def _now(self) -> float:
        """The time, on the side of a break where the next step is."""
        return max(self.time, self.inside[0])

    def _stamps(self, length: float) -> np.ndarray:
        """The times at which the equations are evaluated in a step: its beginning and its stages."""
        times = self.time + length * np.concatenate([[0.0], self.method.nodes])
        return np.clip(times, *self.inside)

    def _guess(self, length: float) -> np.ndarray:
        """Increments by the polynomial of the last step."""
        states, before = self._last or (self.state, 0.0)
        anew = self.hindsight.guess(length, before)
        if anew is not None:
            return anew
        guess = self.method.at(states, 1 + self.method.nodes * (length / before)) - self.state
        return guess if math.isfinite(guess.sum()) else np.zeros_like(guess)

    def _attempt(self, length: float) -> bool:
        """Try a step, and take it if it holds what it is to hold; the next length follows from how well it does."""
        method, fresh = self.method, self._linearization is None
        if self._linearization is None:
            self._linearization = self._linearized()
            self.counts["slopes"] += 1
        linearization, guess = self._linearization, self._guess(length)
        if not linearization.for_length(length):
            self._finite = linearization.finite
            return self._failed(length, fresh, guess)
        arguments = (self.system, linearization, self._stamps(length), length, self.state)

        rounding = np.zeros_like(self.state)

        def weigh(sizes: np.ndarray, noise: np.ndarray) -> np.ndarray:
            nonlocal rounding
            rounding = noise
            return 1 / self.scales.allowed(np.maximum(self.scales.scale, sizes), noise)

        solved = solve_stages(*arguments, guess, weigh, self._enough)
        increments = solved.increments
        if increments is None:
            self._finite = solved.finite
            return self._failed(length, fresh, guess)
        if is_amplified(self.system, rounding, np.abs(self.state + increments).max(axis=0)):
            increments = refined(*arguments, increments)
        sizes = np.maximum(np.abs(self.state + increments).max(axis=0), np.abs(self.state))
        scale = self.scales.of(self.hindsight.sizes(sizes))
        weights = 1 / (self.scales.allowed(scale, rounding) * self.scales.growth(sizes, self.state))
        errors = np.abs(embedded_error(*arguments, increments, weights) * weights)
        states = np.concatenate([self.state[None], self.state + increments])
        errors = np.maximum(errors, self.scales.part * method.between(states) * weights)
        unseen = self.hindsight.unseen.of_data(linearization, arguments[2][1:], self.time, length, scale)
        errors = np.maximum(errors, unseen)
        error = float(errors.max())
        factor = self._factor(error, length, solved.iterations)
        if not error < 1:
            self.counts["rejected"] += 1
            self.scales.rejected(errors, sizes, self.state, length)
            self.length = length * min(factor, _SAFETY)
            if not fresh and solved.rate > self._fresh:
                self._linearization = None
            if factor < _FAR:
                self.hindsight.stop_short(length, states)
            return False
        before, start = self.hindsight.before(), self.time
        self.scales.taken(scale, rounding)
        states, taken = self._accept(length, states, solved.rate)
        self.hindsight.took(before, Taken(start, taken, states, self.inside), linearization.real, (scale, rounding))
        self._error, self._before = max(error, 1e-4), length
        if not 1 <= factor <= _KEPT:
            self.length = length * factor
        self.hindsight.lead()
        return True

    def go_on(self, length: float) -> None:
        """Go on beyond a kink with steps of some length."""
        self.length, self._last, self._before = length, None, 0.0

    def begin_again(self) -> None:
        """Begin anew beyond a jump."""
        self._begin(self._again())

    def _factor(self, error: float, length: float, iterations: int) -> float:
        """By how much the next step is to be longer, by this one and the one before."""
        if not math.isfinite(error):
            return _LEAST
        power = 1 / (self.method.stages + 1)
        safety = _SAFETY * 21 / (20 + iterations)
        factor = safety * max(error, 1e-12) ** -power
        if self._before and error > 1e-6:
            factor = min(factor, factor * (length / self._before) * (self._error / error) ** power)
        return min(_MOST, max(_LEAST, factor))

    def _failed(self, length: float, fresh: bool, guess: np.ndarray) -> bool:
        """After Newton's method failed: new slopes, or a shorter step."""
        if fresh or self.system.statements.autonomous:
            self.length, self._last = length / 4, None if not self._finite else self._last
            self.hindsight.stop_short(length, np.concatenate([self.state[None], self.state + guess]))
        else:
            self._linearization = None
        return False

    def _accept(self, length: float, states: np.ndarray, rate: float) -> tuple[np.ndarray, float]:
        """Take a step, up to the first event that stops it or changes the state: its states then, and its length."""
        length, states = self._cut(length, states)
        fields = torch.from_numpy(states[:, self.system.fields, None])
        step = Step(self.time, length, fields, _ALONE, self.method.stages)
        self.steps.append(step)
        self._last = (states, length)
        self.state, time = states[-1], self.time + length
        self.slope = self.method.inverse[-1] @ (states[1:] - states[0]) / length
        if self.constraints is not None:
            self._project(time, self.scales.scale)
        self.time = time
        if abs(self.end - self.time) < 1e-14 * (self.end - self.start):
            self.time = self.end
        self.counts["steps"] += 1
        self.ends.append((self.time, self.state, self.slope))
        if rate > self._fresh:
            self._linearization = None
        self.on_step(step)
        return states, length

    def _cut(self, length: float, states: np.ndarray) -> tuple[float, np.ndarray]:
        """A step as far as events leave it; those within it are noted."""
        if self.events is None:
            return length, states
        within = self.events.within(self.method, self.time, length, states)
        crossing = first_change(within, self.happened, self.time, length)
        if crossing is None:
            return length, states
        self.crossed = crossing.happenings
        nodes = crossing.part * np.concatenate([[0.0], self.method.nodes])
        return crossing.part * length, self.method.at(states, nodes)

    def _project(self, time: float, scale: np.ndarray) -> None:
        """Bring the state back to its constraints, and what is not differentiated in line with it."""
        assert self.constraints is not None
        self.state = self.constraints.nearest(time, self.state, scale * self.system.differential)
        start = self._consistent(min(time, self.inside[1]))
        if start is not None:
            self.state, self.slope = start.state, start.slope

    def _explained(self, ended: Ended, first: np.ndarray) -> Ended:
        """Why steps ended, with what the solution does there."""
        size = np.abs(self.state).max()
        growing = np.abs(self.slope).max() * (self.end - self.start) > _GROWN * size
        if size > _GROWN * max(first.max(), 1e-300) and growing:
            return Ended(ended.time, "the solution grows without bound")
        return ended
