"""Marching in time: once with some accuracy, then with more, until the two differ by no more than is allowed.

Of two marches of which the second allows a tenth of the error in every step and in every mode, the second is returned.
What they differ by is the error of the first, which the second should not exceed: that is the estimate. Where marches
do not come closer to one another, as errors grow in the problem itself, it is what the last three differ by together.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

from gmnm_pde._errors import GmnmError
from gmnm_pde.evolution.comparing import FALL, differences, differences_up_to, estimated
from gmnm_pde.evolution.marched import Marched
from gmnm_pde.evolution.marching import March
from gmnm_pde.evolution.preparing import ROUGH, Marches
from gmnm_pde.evolution.reading import Statements
from gmnm_pde.evolution.reading.faces import Unsuited
from gmnm_pde.evolution.resuming import resume
from gmnm_pde.evolution.steps import Ended, Step
from gmnm_pde.evolution.tolerance import FieldTolerances
from gmnm_pde.fitting.candidate import Candidate
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.fitting.estimate import ErrorEstimate
from gmnm_pde.interruption import OutOfTime, finishing, limited
from gmnm_pde.io.states import restoring
from gmnm_pde.run.result import Result, Status, beside, good_status, is_good
from gmnm_pde.run.run import Run
from gmnm_pde.strategies.marching_state import Course
from gmnm_pde.strategies.strategy import Strategy

_TENTH = 0.1
"""By how much the allowed errors fall from one march to the next."""

_THIRD = 0.3
"""The same where it has only to be seen that the last one was good enough."""

_LEAST = 1e-3
"""They fall by no more than this: the error of a field that is zero, as a pressure may be, tells nothing at first."""

_BEGIN, _DEAR = 5.0, 10.0
"""The first march allows this times the tolerance in a step: errors come out far smaller than what is allowed. The
second number is for several dimensions of space and methods of high order."""

_TIED = 0.3
"""The same of flows between walls: the errors of their pressures are not seen in steps, and larger than those seen."""

_AIM = 1e-12
"""The error aimed at where no tolerance was given."""

_FIRST = 1e-7
"""The error allowed in a step of the first march then."""

_LARGEST = 1e-2
"""The largest error that may be allowed in a step."""

_FINEST = 1e-14
"""The least error that may be allowed in a step."""

_TOLD = 10
"""Marches in time alone tell of every so many steps."""


@dataclass(frozen=True)
class Marching:
    """Marches until the error estimate is as small as was asked for.

    Args:
        setup: Of the solve.
        statements: The problem, read for marching.
        stages: Of the method, if that was chosen.
        polynomials: In a cell, if that was chosen.
        otherwise: What is done where the first step fails.
        tolerances: By field, where such were given.
    """

    takes: ClassVar[frozenset[str]] = frozenset({"events", "checkpoint"})

    setup: Setup
    statements: Statements
    stages: int | None = None
    polynomials: int | None = None
    otherwise: Strategy | None = None
    tolerances: FieldTolerances | None = None

    @property
    def description(self) -> str:
        """What the report says."""
        space = "modes in space, " if self.statements.space else ""
        return f"evolution: {space}implicit Runge-Kutta steps (Radau IIA) in time"

    @property
    def identity(self) -> dict[str, Any]:
        """What was chosen of the marches, beside what is done where they fail."""
        otherwise = {} if self.otherwise is None else self.otherwise.identity
        return {**otherwise, "stages": self.stages, "polynomials": self.polynomials}

    def run(self, run: Run) -> Result:
        """March, and march again."""
        if self.otherwise is not None and "stage" in (run.resumed or {}):  # as it was kept
            return replace(self.otherwise.run(run), method=self.otherwise.description)
        course, why = self._begun(run), ""
        aim = _AIM if run.tol is None else run.tol
        while True:
            marched, why = self._march(course, run)
            if marched is None:
                break
            candidate = self._candidate(marched, course, run)
            run.record(candidate)
            best = course.best
            error, least = self._judged(candidate, run), math.nan if best is None else self._judged(best, run)
            if best is None or not best.fit.reached or (marched.reached and not error > least):
                course.best, course.ended = candidate, why
            elif run.late and not marched.reached and math.isnan(best.error):
                best = replace(best, estimate=self._up_to(marched, best.fit, course.last, run))
                return self._partly_judged(best, marched.until, run)
            course.stalls = course.stalls + 1 if error > FALL * least else 0
            done = course.before is not None and (error <= aim or course.stalls > (0 if run.tol is None else 1))
            if not marched.reached or done or course.allowed <= _FINEST or run.late:
                break
            likely = error * course.allowed / course.last  # of this march, as the estimate is about the one before
            course.last, course.allowed = course.allowed, self._next(course.allowed, likely, aim, run)
            course.before, course.number = marched, course.number + 1
            if run.writes:
                run.save(course.saved())
        best = course.best
        unjudged = best is None or (best.fit.reached and math.isnan(best.error) and not run.late)
        if best is None or (unjudged and self.otherwise is not None):
            run.require_time()
            if best is None and len(self.setup.problem.terms) == len(self.statements.equations):
                raise self.setup.problem.unconditioned()
            if self.otherwise is not None and not self.setup.problem.events:
                anew = replace(run, resumed=None)
                other = replace(self.otherwise.run(anew), method=self.otherwise.description)
                return self._better(other, best, marched, why, course, run)
            raise GmnmError(f"{self.setup.problem.name}: {why}")
        return self._result(best, course.ended, run)

    def _begun(self, run: Run) -> Course:
        """How far the file that is gone on from has come, or the beginning."""
        if run.resumed is not None:
            return Course.of(run.resumed["state"], self.statements, self.setup.seed)
        fine = len(self.statements.space) > 1 and run.tol is not None and run.tol < ROUGH
        flow = len(self.statements.space) > 1 and self.statements.free and self.statements.sides
        begin = _TIED if flow else _DEAR if fine else _BEGIN
        allowed = _FIRST if run.tol is None else min(_LARGEST, begin * run.tol)
        return Course(allowed, allowed)

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
        less = _TENTH if math.isnan(error) else _THIRD if error < aim else min(_TENTH, max(_LEAST, aim / error / 2))
        return max(_FINEST, allowed * less)

    def _march(self, course: Course, run: Run) -> tuple[Marched | None, str]:
        """The steps of the next march; None without any; and why they ended, if before the final time."""

        def keep(state: Callable[[], dict[str, Any]]) -> None:
            if run.writes:
                run.save(course.saved(state), now=False)

        try:
            march = self._marches.prepared(course.allowed, course.before, course.number, self._told(run), keep)
            if course.begun is not None and isinstance(march, March):
                with restoring():
                    resume(march, course.begun)
                course.begun = None
        except Unsuited as unsuited:
            return None, str(unsuited)
        why = ""
        try:
            with limited(run.allowance):
                march.run()
        except Ended as ended:
            (time,), until = self.setup.problem.domain.time, self.statements.when(ended.time)
            why = f"steps end at {time} = {until:.6g}: {ended.why}"
        except OutOfTime:
            why = f"stopped by {run.ended_by}"
        if not march.steps:
            return None, why
        told = self._marches.told(march)
        marched = Marched(
            self.statements, march.steps, self.setup.seed, reached=not why, counts=march.counts, told=told
        )
        return marched, why

    @cached_property
    def _marches(self) -> Marches:
        return Marches(self.statements, self.setup.features, self.stages, self.polynomials, self.tolerances)

    def _told(self, run: Run) -> Callable[[Step], None]:
        """News of steps; without space, where steps take a fraction of a millisecond, of some."""
        number, every = 0, 1 if self.statements.space else _TOLD

        def tell(step: Step) -> None:
            nonlocal number
            number += 1
            if number % every == 0:
                run.marched(self.statements.when(step.start + step.length), number)

        return tell

    def _candidate(self, marched: Marched, course: Course, run: Run) -> Candidate:
        """A march with its error, as far as those before it tell."""
        before = course.before
        if before is None or not (before.reached and marched.reached):
            return Candidate(marched, ErrorEstimate.unknown(self.setup.problem))
        with finishing():
            apart, earlier = differences(marched, before, run.points), course.apart
        course.apart = apart
        return Candidate(marched, estimated(marched, apart, earlier))

    def _up_to(self, marched: Marched, before: Marched, allowed: float, run: Run) -> ErrorEstimate:
        """The error of a march by what the next one shows, which did not come to the end: it grows from there on.

        Of what is still to come the next one shows nothing; the march may be wrong there by what it was allowed.
        """
        with finishing():
            apart = differences_up_to(marched, before, run.points)
        if apart is None:
            return ErrorEstimate.unknown(self.setup.problem)
        whole = abs(self.statements.end - self.statements.start)
        grown = whole / max(abs(marched.end - self.statements.start), 1e-3 * whole)
        return estimated(marched, [max(allowed, grown * part) for part in apart])

    def _better(
        self, other: Result, best: Candidate | None, after: Marched | None, why: str, course: Course, run: Run
    ) -> Result:
        """What was done instead, or a march that the next one, which ended before, judges as far as it came."""
        if other.converged or best is None or after is None or after.reached:
            return other
        judged = replace(best, estimate=self._up_to(after, best.fit, course.last, run))
        if not judged.error < other.best.error:
            return other
        (time,), words = self.setup.problem.domain.time, beside(judged.error, run.tol)
        details = f"{words}, from how far it was marched again, up to {time} = {after.until:.6g}: {why}"
        return Result(judged, Status.STALLED, f"{details}; {self._made(best)}")

    def _partly_judged(self, best: Candidate, end: float, run: Run) -> Result:
        """A march that the next one, cut short, judges up to some time."""
        (time,) = self.setup.problem.domain.time
        words = f"{beside(best.error, run.tol)}, from how far it was marched again, up to {time} = {end:.6g}"
        return Result(best, Status.TIME, f"{words}: stopped by {run.ended_by}; {self._made(best)}")

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
        if self._marches.ordinary is not None:
            made = "; ".join([made, *self._marches.ordinary.notes])
        if best.fit.told.stopped:
            (time,) = self.setup.problem.domain.time
            made = f"the event '{best.fit.told.stopped}' ends it at {time} = {best.fit.until:.10g}; {made}"
        return made

    def _result(self, best: Candidate, why: str, run: Run) -> Result:
        """What came of it; no answer meets initial conditions that the equations contradict."""
        result, ordinary = self._result_of(best, why, run), self._marches.ordinary
        missed = None if ordinary is None else ordinary.contradicted
        if missed is None:
            return result
        status = Status.UNSOLVED if result.converged else result.status
        details = f"{missed.described()}; before that, {result.details}"
        return replace(result.with_errors_of(missed.left), status=status, details=details)

    def _result_of(self, best: Candidate, why: str, run: Run) -> Result:
        tol, words, made = run.tol, beside(best.error, run.tol), self._made(best)
        if not best.fit.reached:
            status = Status.TIME if run.timed and run.late else Status.NOT_CONVERGED
            until = f"solved up to {self.setup.problem.domain.time[0]} = {best.fit.until:.6g}"
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
