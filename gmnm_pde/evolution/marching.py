"""From step to step: lengths by the embedded error estimate, modes by what the finest of them carry."""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from gmnm_pde.evolution.events import Events
from gmnm_pde.evolution.keeping import Kept, work_of
from gmnm_pde.evolution.lengths import factor_of_pressures, power_of_growth
from gmnm_pde.evolution.moments import Moments
from gmnm_pde.evolution.reading.statements import Statements
from gmnm_pde.evolution.resuming import saved_state
from gmnm_pde.evolution.scales import Scales
from gmnm_pde.evolution.settling import TINY, settled
from gmnm_pde.evolution.solvers import StageSolver, roundings, solver_of
from gmnm_pde.evolution.space.control import SpaceControl
from gmnm_pde.evolution.space.systems import system_of
from gmnm_pde.evolution.stages import Trial
from gmnm_pde.evolution.steps import Accuracy, Ended, Outcome, Step
from gmnm_pde.evolution.transient import Transient
from gmnm_pde.evolution.within_steps.along import Along, terms_watched
from gmnm_pde.evolution.within_steps.crossings import first_change, note, refuse_endless
from gmnm_pde.evolution.within_steps.driven import floor_of_driven
from gmnm_pde.interruption import pause, unbroken
from gmnm_pde.models.modes import Product, Radau, radau
from gmnm_pde.residuals.natural import beside_others
from gmnm_pde.statement.events import Happening

_SAFETY, _LEAST, _MOST = 0.9, 0.2, 8.0
"""Of the factor by which steps change."""

_KEPT = 1.2
"""A step that could grow by no more than this stays as it is, and its factorisation with it."""

_FRESH = 1e-3
"""Slopes are kept where Newton's steps shrink by this factor or more."""

_SHORTEST = 1e-15
"""Steps below this part of the time's largest magnitude are none."""

_RENEWED = 50
"""So many steps apart all is made anew that is kept from step to step, and the march may be kept in a file."""

_FAILURES = 40
"""So many failures of Newton's method one after another end the march."""

_OF_WIGGLES, _SHORTER = 0.3, 0.1
"""This part of what polynomials miss at the beginning of a first step is their error within it; with more than is
allowed the step is tried again, shorter by a factor."""

_CAUTION, _LONGEST_FIRST = 0.3, 1e-2
"""The first step is this part of the time in which a field changes by as much as it is, in a step's accuracy; and no
longer than a part of the whole time."""


class March:
    """A march through the time of a problem.

    Args:
        statements: The problem.
        accuracy: What steps are to hold.
        control: Chooses the modes.
        breaks: Times at which a step is to end, ascending.
        on_step: Is called with every step taken.
        keep: Is called now and then with what makes a function of the state that the march can go on from.
        longest: Times, ascending, and how long steps may be from there on.
    """

    def __init__(
        self,
        statements: Statements,
        accuracy: Accuracy,
        control: SpaceControl,
        breaks: Sequence[float] = (),
        on_step: Callable[[Step], None] = lambda step: None,
        longest: Sequence[tuple[float, float]] = (),
        keep: Callable[[Callable[[], dict[str, Any]]], None] = lambda state: None,
    ):
        self.statements, self.accuracy, self.control = statements, accuracy, control
        self.method: Radau = radau(accuracy.stages)
        self.breaks = [*(t for t in breaks if statements.start < t < statements.end), statements.end]
        self.on_step, self.keep, self._longest = on_step, keep, list(longest)
        self.time, self.steps = statements.start, list[Step]()
        self.counts: dict[str, int] = dict.fromkeys(("steps", "rejected", "slopes", "bases"), 0)
        self.first, self.before = True, None
        self._slopes: StageSolver | None = None
        self.solver: StageSolver | None = None
        self.kept = Kept()
        self.events, self.along = Events(statements), Along(statements)
        self.happened, self.stopped = dict[str, list[float]](), ""
        self._tiny = _SHORTEST * max(abs(statements.start), abs(statements.end))

    def run(self) -> list[Step]:
        """All steps to the end.

        Raises:
            Ended: steps came to an end before; those taken are in ``steps``.
        """
        if not self.steps:
            self._begin()
            self._happen(self.events.at(self.time))
        for end in [end for end in self.breaks if end > self.time]:
            while self.time < end - 10 * self._tiny and not self.stopped:
                if self.first:
                    self.transient = Transient(self.time, self.statements.end - self.time)
                happenings = self._until(end)
                self._slopes, self.first = None, True
                self._happen(happenings)
            if self.stopped:
                break
            if end < self.statements.end:
                self._happen(self.events.at(end))
        return self.steps

    def _happen(self, happenings: Sequence[Happening]) -> None:
        """What events at one time make of the state."""
        if not happenings:
            return
        note(self.happened, happenings, self.time)
        refuse_endless(self.happened, happenings, self.statements.end - self.statements.start)
        self.stopped = next((own.name for own in happenings if own.stop), "")
        if self.stopped or not any(own.changes for own in happenings):
            return
        base, basis = self.system.base, self.system.basis
        whole = [self._by_field(own if k else own + base)[None] for k, own in enumerate(self.state)]
        now = Moments(torch.tensor([self.time], dtype=torch.float64), basis, whole)
        finer, state = self.control.showing(basis, lambda basis: self.events.changed(happenings, now, basis))
        self.take(finer)
        self.state = [state[0] - self.system.base, *state[1:]]
        self.first, self.before = True, None
        self._settle()

    def _begin(self) -> None:
        basis, self.state = self.control.initial()
        self.take(basis)
        sizes, base = self.sizes(self.state[0]), self.sizes(self.system.base)
        tied, natural = bool(self.statements.free), self._natural(sizes)
        self.scales = Scales.of(self.accuracy, self.statements.orders, sizes, base, tied=tied, natural=natural)
        self.control.natural = natural
        if len(self.breaks) > 1:
            watched = terms_watched(self.statements)
            own = floor_of_driven(self.statements, watched, basis, self.method.stages, self.breaks)
            self.scales.will_be(own)
        self._settle()

    def _natural(self, sizes: Tensor) -> Tensor | None:
        """How large each field would be if it counted in the equations as the others do; None of one field."""
        problem = self.statements.problem
        several = len(sizes) > 1 and len(sizes) == len(problem.fields) and bool(sizes.any())
        return beside_others(problem, sizes, sizes) if several else None

    def take(self, basis: Product) -> None:
        """Go on with the equations of some modes; the state is to follow."""
        self.system = system_of(self.statements, basis)
        self.counts["bases"] += 1
        self._slopes = None

    def _settle(self) -> None:
        """Algebraic fields that meet their equations, and by the slope at the start the length of a first step."""
        self.slope = torch.zeros_like(self.state[0])
        found = settled(self)
        self.settled = found is not None
        if found is not None:
            self.state[0], self.slope = found
            self._slopes = None
        span = self.statements.end - self.statements.start
        sizes = self.sizes(self.state[0])
        self.scales.begin(sizes)
        pairs = zip(sizes.tolist(), self.sizes(self.slope).tolist(), strict=True)
        wanted = [own / rate for own, rate in pairs if rate > 0 and own > 0]
        cautious = _CAUTION * self.accuracy.time ** (1 / (self.accuracy.stages + 1))
        self.length = max(TINY * 1e-3 * span, min([_LONGEST_FIRST * span, *(cautious * own for own in wanted)]))

    def trial(self, method: Radau, length: float) -> Trial:
        """A step to try; slopes are made anew where there are none."""
        self.system.moment = self.time + length / 2
        if self._slopes is None:
            self._renew()
            assert self._slopes is not None
        allowed = self.scales.allowed(self.scales.scale)
        return Trial(self.system, method, self.time, length, self.state, allowed, self._slopes)

    def sizes(self, state: Tensor) -> Tensor:
        """The norms of fields, [fields], of a state [..., M]."""
        return self.system.basis.norms(self.system.shaped([state])[0])

    def _measure(self, change: Tensor, scale: Tensor) -> float:
        """How large a change of the state [..., M] is, relative to what a step may make wrong."""
        return self.scales.measure(self.sizes(change), scale)

    def _measure_stages(self, change: Tensor, increments: Tensor) -> float:
        """The same of a change of increments [stages, M] that are not known well yet."""
        sizes = self.sizes(self.state[0] + increments).amax(dim=0)
        return self._measure(change, torch.maximum(self.scales.scale, sizes))

    def _renew(self) -> None:
        """The slopes at the state as it is."""
        missing = self.statements.order + 1 - len(self.state)
        jets = [*self.state, *[torch.zeros_like(self.state[0])] * missing]
        if self.steps and self.steps[-1].basis is self.system.basis:
            jets[-1] = self.top
        stamp = torch.tensor(self.time + roundings(self.time, self.statements.end), dtype=torch.float64)
        refused = self.kept.refused(self.system, self.method.stages, self.statements.order)
        if refused is not None:
            raise Ended(self.time, refused)
        with unbroken(work_of(self.system)):
            self._slopes = self.solver = solver_of(self.system, stamp, jets, self.solver)
        self.counts["slopes"] += 1

    def _until(self, end: float) -> Sequence[Happening]:
        """Steps to a break or to the end, or to events that come before."""
        failures, tiny, self._crossed = 0, self._tiny, ()
        while self.time < end - 10 * tiny:
            pause()
            length = self._fitting(end)
            if length < tiny:
                raise Ended(self.time, f"steps became shorter than {tiny:.0e}")
            fresh = self._slopes is None
            outcome = self._attempt(length)
            if outcome is Outcome.FAILED:
                failures += 1
                if failures > _FAILURES:
                    raise Ended(self.time, "Newton's method did not converge however short the step")
                self.length = length / 4 if fresh or self.statements.autonomous else self.length
                self._slopes = self._slopes if self.statements.autonomous else None
            elif outcome is Outcome.TAKEN:
                failures = 0
                if self._crossed:
                    break
                if self.counts["steps"] % _RENEWED == 0 and self.time < end - 10 * tiny:
                    self._slopes = self.solver = None  # as where the march goes on from a file
                    self.keep(lambda: saved_state(self))
        return self._crossed

    def _fitting(self, end: float) -> float:
        """The length of the next step, so that the last one before ``end`` is none too short."""
        left = end - self.time
        if self._longest:
            place = bisect_right(self._longest, (self.time * (1 + 1e-12), math.inf)) - 1
            self.length = min(self.length, self._longest[max(0, place)][1])
        if self.length >= 0.999 * left:
            return left
        return left / 2 if self.length > left / 2 else self.length

    def _guess(self, length: float) -> Tensor:
        """Increments by the polynomial of the last step."""
        if self.before is None or self.first:
            return (length * self.method.nodes)[:, None] * (self.slope if not self.steps else 0 * self.state[0])
        at = 1 + self.method.nodes * length / self.before.length
        return self.method.lagrange(at) @ self.before.states.flatten(1) - self.state[0]

    def _attempt(self, length: float) -> Outcome:
        """Try a step, and take it if it holds what it is to hold; the next length follows from how well it does."""
        guess = self._guess(length)
        guess = guess if bool(guess.isfinite().all()) else torch.zeros_like(guess)
        trial = self.trial(self.method, length)
        solved = trial.solved(guess, self._measure_stages, linear=self.statements.autonomous)
        increments = solved.increments
        if increments is None or not bool(increments.isfinite().all()):
            return Outcome.FAILED
        sizes = self.sizes(self.state[0] + increments).amax(dim=0)
        scale = self.scales.within(sizes)
        error = trial.error(increments, lambda own: self._measure(own, scale), first=self.first)
        allowance, past = self.transient.allowance(self.time + length), self.scales.beside_past(scale)
        if self.first and self._wiggle(increments, scale, length) > 1:
            self.counts["rejected"] += 1
            self.length = _SHORTER * length
            return Outcome.REJECTED
        factor = self._factor(error / allowance)
        if not error < allowance and bool((past > scale).any()):
            error = trial.error(increments, lambda own: self._measure(own, past), first=self.first)
            factor = 1.0 if error < allowance else self._factor(error / allowance)
        if not error < allowance:
            self.counts["rejected"] += 1
            self.length = length * min(factor, _SAFETY)
            if self.first:
                self.transient.saw(length, error, scale[self.scales.worst].item())
            return Outcome.REJECTED
        if self._passes_by(trial, increments, allowance * scale):
            self.counts["rejected"] += 1
            return Outcome.REJECTED
        after = self._by_field(self.state[0] + increments[-1])
        finer = self.control.finer(self.system.basis, after, allowance * past, self.time)
        if finer is not None:
            self._move(finer)
            return Outcome.REJECTED
        if self.transient.active and self.statements.free:  # it goes on as long as modes need the allowance
            finer = self.control.finer(self.system.basis, after, scale, self.time)
            error = error if finer is None else max(error, 1.0)
        of_pressures = self._factor_of_pressures(increments, scale)
        self._accept(trial, increments, scale, solved.rate)
        self.transient.took(error)
        factor = min(factor, of_pressures)
        if not 1 <= factor <= _KEPT:
            self.length = length * factor
        return Outcome.TAKEN

    def _factor_of_pressures(self, increments: Tensor, scale: Tensor) -> float:
        """By which the next step may be longer as far as pressures between walls are concerned."""
        statements, natural = self.statements, self.scales.natural
        if natural is None or not (statements.free and statements.sides and len(statements.space) > 1):
            return math.inf
        highest = self.sizes(self.method.highest @ (self.state[0] + increments))
        larger, allowed = torch.maximum(scale, natural), self.accuracy.time
        return factor_of_pressures(highest, larger, statements.free, allowed, self.method.stages)

    def _passes_by(self, trial: Trial, increments: Tensor, scale: Tensor) -> bool:
        """Whether the step passes by what is narrow in the state; the next one is then shorter."""
        if not self.along.looks:
            return False
        states = self._by_field(torch.cat([self.state[0][None], self.state[0] + increments]))
        missed = self.along.missed(Step(self.time, trial.length, states, self.system.basis, self.method.stages))
        shares = missed.errors / self.scales.allowed(torch.maximum(scale, missed.narrow)).clamp_min(1e-300)
        worst = int(shares.argmax())
        if not shares[worst] >= 1:
            return False
        self.length = trial.length * missed.parts[worst].item()
        self.scales.will_be(missed.within)
        return True

    def _wiggle(self, increments: Tensor, scale: Tensor, length: float) -> float:
        """How far the polynomial through the stages is from the state at the beginning, for what such a time counts.

        Where a fast motion dies out within the first step, its end is right and all between is not.
        """
        apart = self._measure(self.method.at_start @ increments, scale)
        part = length / (self.statements.end - self.statements.start)
        states = torch.stack([self.state[0], *(self.state[0] + increments[[0, -1]])])
        begun, early, late = self.sizes(states)[:, self.scales.worst].tolist()
        power = power_of_growth(begun, early, late, self.method.nodes[0].item())
        return _OF_WIGGLES * apart * part ** (0.5 + power)

    def _factor(self, error: float) -> float:
        """By which the next step may be longer, or the same one has to be shorter."""
        if not math.isfinite(error):
            return _LEAST
        if self.transient.active:
            return self.transient.factor(error)
        return min(_MOST, max(_LEAST, _SAFETY * max(error, 1e-10) ** (-1 / (self.method.stages + 1))))

    def _by_field(self, state: Tensor) -> Tensor:
        return self.system.shaped([state])[0]

    def _accept(self, trial: Trial, increments: Tensor, scale: Tensor, rate: float) -> None:
        """Take a step."""
        length, jets = trial.length, trial.jets(increments)
        states = torch.cat([self.state[0][None], self.state[0] + increments])
        if self.first and not self.settled:
            states[0] = torch.where(self.system.orders == 0, self.method.at_start @ states[1:], states[0])
        times = self.time + length * torch.cat([self.method.nodes.new_zeros(1), self.method.nodes])
        own = self._by_field(states)
        kept = self.system.gauged(times, own) + self._by_field(self.system.base)
        step = Step(self.time, length, kept, self.system.basis, self.method.stages)
        crossing = first_change(self.events.within(step), self.happened, self.time, length)
        if crossing is not None:
            self._crossed, part = crossing.happenings, crossing.part
            cut = self.method.lagrange(part * torch.cat([self.method.nodes.new_zeros(1), self.method.nodes]))
            own, kept = (torch.einsum("ns,sfm->nfm", cut, values) for values in (own, kept))
            step = replace(step, length=part * length, states=kept)
            whole = zip(self.state, jets, strict=False)
            jets = [*(cut[1:] @ torch.cat([first[None], jet]) for first, jet in whole), jets[-1]]
        self.steps.append(step)
        too_much = self.kept.add(step.states)
        self.state, self.top = [jet[-1] for jet in jets[:-1]], jets[-1][-1]
        self.time += step.length
        if abs(self.statements.end - self.time) < 1e-14 * abs(self.statements.end - self.statements.start):
            self.time = self.statements.end
        self.scales.take(scale, step.length / (self.statements.end - self.statements.start))
        self.counts["steps"] += 1
        self.first, self.before = False, replace(step, states=own)
        self.on_step(step)
        if too_much is not None:
            raise Ended(self.time, too_much)
        if not self.statements.autonomous and rate > _FRESH:
            self._slopes = None
        coarser = self.control.coarser(self.system.basis, self._by_field(self.state[0]), scale, self.time)
        if coarser is not None:
            self._move(coarser)

    def _move(self, basis: Product) -> None:
        """Go over to other modes."""
        old = self.system.basis
        moved = [old.transfer(self._by_field(own), basis).flatten() for own in self.state]
        self.take(basis)
        self.state = moved
        self.slope = torch.zeros(self.system.count, dtype=torch.float64)
        if self.before is not None:
            self.before = replace(self.before, states=old.transfer(self.before.states, basis), basis=basis)
