"""Marching in time: once with some accuracy, then with more, until the two differ by no more than is allowed.

Of two marches of which the second allows a tenth of the error in every step and in every mode, the second is returned.
What they differ by is the error of the first, which bounds that of the second; the estimate is a part of it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import Tensor

from gmnm_pde._errors import GmnmError, refuse
from gmnm_pde.evolution.counting import require_conditions
from gmnm_pde.evolution.faces import Unsuited
from gmnm_pde.evolution.initial import missing_values, with_base
from gmnm_pde.evolution.marched import Marched
from gmnm_pde.evolution.marching import March
from gmnm_pde.evolution.ordinary import Ordinary, OrdinaryMarch
from gmnm_pde.evolution.reading import Statements, read
from gmnm_pde.evolution.space import SpaceControl
from gmnm_pde.evolution.steps import Accuracy, Ended, Step
from gmnm_pde.evolution.switches import switching_times
from gmnm_pde.evolution.tolerance import FieldTolerances
from gmnm_pde.fitting.candidate import Candidate
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.fitting.estimate import ErrorEstimate
from gmnm_pde.interruption import OutOfTime, finishing, limited
from gmnm_pde.run.result import Result, Status, beside, good_status, is_good
from gmnm_pde.run.run import Run
from gmnm_pde.strategies.strategy import Strategy, StrategyMethod

_TENTH = 0.1
"""By how much the allowed errors fall from one march to the next."""

_THIRD = 0.3
"""The same where it has only to be seen that the last one was good enough."""

_PART = 0.6
"""The estimate of the second of two marches is this part of what they differ by."""

_BEGIN, _DEAR = 5.0, 10.0
"""The first march allows this times the tolerance in a step: errors come out far smaller than what is allowed. The
second number is for several dimensions of space and methods of high order."""

_ROUGH = 1e-4
"""Errors from which on methods of low order are used."""

_AIM = 1e-12
"""The error aimed at where no tolerance was given."""

_FIRST = 1e-7
"""The error allowed in a step of the first march then."""

_LARGEST = 1e-2
"""The largest error that may be allowed in a step."""

_FALL = 0.5
"""An estimate that falls by no more than this factor has stopped to fall."""

_FINEST = 1e-14
"""The least error that may be allowed in a step."""

_SIZES = ((1e-4, 8), (1e-7, 10), (1e-9, 12), (0.0, 16))
"""Errors allowed, from there on up, and the polynomials that a cell then has."""

_RICHER, _SHORTER = 2, 0.75
"""After the first march cells have so many polynomials more, and steps are no longer than this part of those that the
march before it took at the time."""

_SHORT, _SHORTEST = 0.3, 2e-5
"""Cells are no shorter than this, relative to their line: times the allowed error to the power 2/3, and at least. What
is not resolved at first, a jump within a cell of length h, counts as h^(3/2) where it is smoothed."""

_MARKS = 64
"""Of a feature of initial values as many places count."""

_IN_STEP = 1000
"""Points of the steps at which marches are compared; there is at least one in each step."""

_NOTHING = 10.0
"""A field whose size is below so many times the rounding in it is zero."""

_TOLD = 10
"""Marches in time alone tell of every so many steps."""

_ROUNDING, _OF_MODES, _OF_WAVES = 2e-15, 5e-14, 2e-13
"""No estimate is below this: the rounding of marches in time alone, of those with modes in space, and of those with
derivatives of second and higher order in time, which are differences of differences."""


@dataclass(frozen=True)
class Evolution(StrategyMethod):
    """Marching in time by implicit Runge-Kutta methods (Radau IIA), with modes in space that follow the solution.

    Args:
        stages: Of the method: 3, 5 or 7, of order 5, 9 and 13; by default by the tolerance.
        polynomials: In each cell of a coordinate that is not periodic; by default by the tolerance.
    """

    stages: int | None = None
    polynomials: int | None = None

    def __post_init__(self) -> None:
        if self.stages not in (None, 3, 5, 7):
            raise refuse(f"Evolution(stages={self.stages!r})", expected="3, 5 or 7", got=repr(self.stages))
        given = self.polynomials
        if given is not None and not (isinstance(given, int) and 4 <= given <= 40):
            raise refuse(f"Evolution(polynomials={given!r})", expected="a number from 4 to 40", got=repr(given))

    def strategy(self, setup: Setup) -> Strategy:
        statements = suited(setup)
        if isinstance(statements, str):
            raise refuse(
                f"solve({setup.problem.name}, method=Evolution())",
                expected="a problem on Time, or on a box or a torus times Time, with initial values",
                got=f"one that cannot be marched: {statements}",
                remedy="Leave method out.",
            )
        return Marching(setup, statements, self)


def suited(setup: Setup) -> Statements | str:
    """The problem of a solve, read for marching; in words why it cannot be marched."""
    if setup.dtype != torch.float64:
        return "float32 leaves steps too few digits"
    try:
        statements = read(setup.problem)
        require_conditions(statements)
    except Unsuited as why:
        return str(why)
    if statements.problem.events and statements.space:
        return "events are followed in time alone"
    if not statements.space:
        return statements
    missing = missing_values(statements)
    if missing:
        number, order = missing[0]
        name = setup.problem.branches[number]
        return f"no initial value of {'the derivative of ' * order}'{name}' is given"
    try:
        return with_base(statements)
    except Unsuited as why:
        return str(why)


@dataclass(frozen=True)
class Marching:
    """Marches until the error estimate is as small as was asked for.

    Args:
        setup: Of the solve.
        statements: The problem, read for marching.
        method: What was chosen by hand.
        otherwise: What is done where the first step fails.
        tolerances: By field, where such were given.
    """

    takes: ClassVar[frozenset[str]] = frozenset({"events"})

    setup: Setup
    statements: Statements
    method: Evolution = field(default_factory=Evolution)
    otherwise: Strategy | None = None
    tolerances: FieldTolerances | None = None

    @property
    def description(self) -> str:
        """What the report says."""
        space = "modes in space, " if self.statements.space else ""
        return f"evolution: {space}implicit Runge-Kutta steps (Radau IIA) in time"

    @property
    def identity(self) -> dict[str, Any]:
        """Nothing: no checkpoint is written."""
        return {}

    def run(self, run: Run) -> Result:
        """March, and march again."""
        aim = _AIM if run.tol is None else run.tol
        fine = len(self.statements.space) > 1 and run.tol is not None and run.tol < _ROUGH
        begin = _DEAR if fine else _BEGIN
        allowed = _FIRST if run.tol is None else min(_LARGEST, begin * run.tol)
        before, last = None, allowed
        best: Candidate | None = None
        ended, stalls = "", 0
        while True:
            marched, why = self._march(allowed, run, before)
            if marched is None:
                break
            candidate = self._candidate(marched, before, run)
            run.record(candidate)
            error, least = self._judged(candidate, run), math.nan if best is None else self._judged(best, run)
            if best is None or not best.fit.reached or (marched.reached and not error > least):
                best, ended = candidate, why
            elif run.late and not marched.reached and math.isnan(best.error):
                best = replace(best, estimate=self._up_to(marched, best.fit, run))
                return self._partly_judged(best, marched.end, run)
            stalls = stalls + 1 if error > _FALL * least else 0
            done = before is not None and (error <= aim or stalls > (0 if run.tol is None else 1))
            if not marched.reached or done or allowed <= _FINEST or run.late:
                break
            likely = error * allowed / last  # of this march, as the estimate is about the one before
            before, last, allowed = marched, allowed, self._next(allowed, likely, aim, run)
        unjudged = best is None or (best.fit.reached and math.isnan(best.error) and not run.late)
        if best is None or (unjudged and self.otherwise is not None):
            run.require_time()
            if self.otherwise is not None and not self.setup.problem.events:
                return replace(self.otherwise.run(run), method=self.otherwise.description)
            raise GmnmError(f"{self.setup.problem.name}: {why}")
        return self._result(best, ended, run)

    @staticmethod
    def _next(allowed: float, error: float, aim: float, run: Run) -> float:
        """The error that the next march may make in a step.

        Args:
            allowed: What the last one was allowed.
            error: What its error is likely to be; the next march has only to show that.
            aim: What the error is to be.
            run: The solve.
        """
        if run.tol is None:
            return max(_FINEST, allowed * _TENTH**2)
        less = _TENTH if math.isnan(error) else _THIRD if error < 2 * aim else min(_TENTH, aim / error / 2)
        return max(_FINEST, allowed * less)

    def _march(self, allowed: float, run: Run, before: Marched | None) -> tuple[Marched | None, str]:
        """The steps with some allowed error; None without any; and why they ended, if before the final time."""
        try:
            march = self._prepared(allowed, run, before)
        except Unsuited as unsuited:
            return None, str(unsuited)
        why = ""
        try:
            with limited(run.allowance):
                march.run()
        except Ended as ended:
            why = f"steps end at {self.setup.problem.domain.time[0]} = {ended.time:.6g}: {ended.why}"
        except OutOfTime:
            why = f"stopped by {run.ended_by}"
        if not march.steps:
            return None, why
        told = self._ordinary.told(march) if self._ordinary is not None and isinstance(march, OrdinaryMarch) else None
        marched = Marched(
            self.statements, march.steps, self.setup.seed, reached=not why, counts=march.counts, told=told
        )
        return marched, why

    def _prepared(self, allowed: float, run: Run, before: Marched | None) -> March | OrdinaryMarch:
        """A march with some allowed error; in nothing the same as the one before it, or the two would tell nothing."""
        if self._ordinary is not None:
            return self._ordinary.march(allowed, self.method.stages, self._told(run), self.tolerances)
        stages = self.method.stages or (3 if allowed >= _ROUGH else 5 if allowed >= 1e-9 else 7)
        size = self.method.polynomials or next(n for least, n in _SIZES if allowed >= least)
        size += 0 if before is None else _RICHER
        shortest = max(_SHORTEST, _SHORT * allowed ** (2 / 3))
        control = SpaceControl(self.statements, allowed, size=size, shortest=shortest, marks=self._marks())
        longest = () if before is None else [(step.start, _SHORTER * step.length) for step in before.steps]
        accuracy = Accuracy(allowed, allowed, stages)
        return March(self.statements, accuracy, control, self._breaks(), self._told(run), longest)

    def _breaks(self) -> Sequence[float]:
        """Times at which the data have jumps and kinks, and at which conditions switch."""
        axis, times = self.statements.axis, set(switching_times(self.statements))
        for feature in self.setup.features:
            if feature.plane is not None and feature.plane[0] == axis:
                times.add(feature.plane[1])
        return sorted(times)

    def _marks(self) -> list[list[float]]:
        """For each coordinate of space the places at which initial values jump or have kinks."""
        names = {name for term in self.statements.initial for name in term.trace.names}
        sharp = [own for own in self.setup.features if own.term in names and own.kind != "narrow"]
        planes = {own.plane for own in sharp if own.plane is not None}
        if len(self.statements.space) == 1:
            (axis,) = self.statements.space
            planes |= {(axis, place) for own in sharp for place in own.at[:_MARKS, axis].tolist()}
        inside = {axis: ends for axis, ends in zip(self.statements.space, self.statements.bounds, strict=True)}
        return [
            sorted({place for across, place in planes if across == axis and low < place < high})
            for axis, (low, high) in inside.items()
        ]

    @cached_property
    def _ordinary(self) -> Ordinary | None:
        """Marches without space."""
        return None if self.statements.space else Ordinary(self.statements, self._breaks())

    def _told(self, run: Run) -> Callable[[Step], None]:
        """News of steps; without space, where steps take a fraction of a millisecond, of some."""
        number, every = 0, 1 if self.statements.space else _TOLD

        def tell(step: Step) -> None:
            nonlocal number
            number += 1
            if number % every == 0:
                run.marched(step.start + step.length, number)

        return tell

    def _candidate(self, marched: Marched, before: Marched | None, run: Run) -> Candidate:
        """A march with its error, as far as the one before it tells."""
        names = self.setup.problem.fields
        if before is None or not (before.reached and marched.reached):
            return Candidate(marched, ErrorEstimate.unknown(self.setup.problem))
        fields = len(names)
        errors = [self._rounding] * fields
        with finishing():
            # points of the run tell of the whole; those of the steps of what lives for a short time
            for points, weights in ((run.points, None), marched.in_steps(_IN_STEP)):
                own, others = marched.outputs(points), before.outputs(points)
                both = (own.isfinite() & others.isfinite()).all(dim=1)  # as events may end one sooner than the other
                part = None if weights is None else weights[both]
                found = _relative(own[both], others[both], marched.told.noise, self._rounding, part)
                errors = [max(pair) for pair in zip(errors, found, strict=True)]
        return Candidate(marched, ErrorEstimate(dict(zip(names, errors, strict=True)), {}))

    def _up_to(self, marched: Marched, before: Marched, run: Run) -> ErrorEstimate:
        """The error of a march by what the next one shows, which did not come to the end."""
        with finishing():
            fields, others = (own.outputs(run.points) for own in (marched, before))
        both = (fields.isfinite() & others.isfinite()).all(dim=1)
        if not bool(both.any()):
            return ErrorEstimate.unknown(self.setup.problem)
        errors = _relative(fields[both], others[both], marched.told.noise, self._rounding, None)
        names = self.setup.problem.fields
        return ErrorEstimate({name: own / _PART for name, own in zip(names, errors, strict=True)}, {})

    def _partly_judged(self, best: Candidate, end: float, run: Run) -> Result:
        """A march that the next one, cut short, judges up to some time."""
        (time,) = self.setup.problem.domain.time
        words = f"{beside(best.error, run.tol)} up to {time} = {end:.6g}, as far as it was marched again"
        return Result(best, Status.TIME, f"{words}: stopped by {run.ended_by}; {self._made(best)}")

    @property
    def _rounding(self) -> float:
        """The least error that an estimate may show."""
        if not self.statements.space:
            return _ROUNDING
        return _OF_MODES if self.statements.order < 2 else _OF_WAVES

    def _judged(self, candidate: Candidate, run: Run) -> float:
        """The error that decides: the largest over the fields, or where they have tolerances of their own, beside
        these.
        """  # noqa: D205
        if self.tolerances is None or not candidate.fit.reached:
            return candidate.error
        fields = candidate.fit.outputs(run.points)
        sizes = fields[fields.isfinite().all(dim=1)].square().mean(dim=0).sqrt().tolist()
        return self.tolerances.excess(candidate.estimate.by_field, sizes)

    def _made(self, best: Candidate) -> str:
        """What was done, in words."""
        made = f"{best.fit.counts['steps']} steps, {best.fit.unknowns} unknowns"
        if self._ordinary is not None:
            made = "; ".join([made, *self._ordinary.notes])
        if best.fit.told.stopped:
            (time,) = self.setup.problem.domain.time
            made = f"the event '{best.fit.told.stopped}' ends it at {time} = {best.fit.end:.10g}; {made}"
        return made

    def _result(self, best: Candidate, why: str, run: Run) -> Result:
        tol, words, made = run.tol, beside(best.error, run.tol), self._made(best)
        if not best.fit.reached:
            status = Status.TIME if run.timed and run.late else Status.NOT_CONVERGED
            until = f"solved up to {self.setup.problem.domain.time[0]} = {best.fit.end:.6g}"
            return Result(best, status, f"{until}: {why}; {words}; {made}", partial=True)
        if self.tolerances is not None and best.fit.converged:
            met = self._judged(best, run) <= self.tolerances.least
            named = ", ".join(f"{name} {error:.1e}" for name, error in best.estimate.by_field.items())
            words = f"the error estimates {named} {'meet' if met else 'do not meet'} the tolerances"
            return Result(best, Status.MET if met else Status.STALLED, f"{words}; {made}")
        if is_good(best, tol):
            return Result(best, good_status(tol), f"{words}; {made}")
        if run.timed and run.late:
            return Result(best, Status.TIME, f"{words}: stopped by {run.ended_by}; {made}")
        return Result(best, Status.POOR if tol is None else Status.STALLED, f"{words}; {made}")


def _relative(
    fields: Tensor, others: Tensor, noise: Tensor | None, least: float, weights: Tensor | None
) -> list[float]:
    """The estimated errors of fields, [n, fields] at some points, from those of a march with less accuracy.

    ``weights`` [n] say how much of the domain each point stands for; by default all for the same.
    """
    apart = (fields - others).abs()
    if noise is not None:  # a field that is zero all the time is met by its rounding
        nothing = fields.square().mean(dim=0).sqrt() < _NOTHING * noise.to(fields)
        apart = torch.where(nothing, (apart - noise.to(apart)).clamp_min(0.0), apart)
    share = 1.0 if weights is None else weights.sqrt()[:, None]
    size = (share * fields).norm(dim=0)
    whole = torch.where(size > 0, size, torch.ones_like(size))
    return [max(least, _PART * own) for own in ((share * apart).norm(dim=0) / whole).tolist()]
