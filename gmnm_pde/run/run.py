"""The run of a solve, beside its mathematics: tolerance, time limit, evaluation, and the log of every fit."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor

from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.geometry import Parted
from gmnm_pde.interruption import LIMIT, Allowance, limited
from gmnm_pde.methods import Step
from gmnm_pde.methods.monitor import Monitor
from gmnm_pde.models import ByPart, Lifted, Normalized
from gmnm_pde.processes import agreed
from gmnm_pde.results.solution import Solution
from gmnm_pde.run.checkpoint import Checkpoint
from gmnm_pde.run.clock import Clock, WallClock, WorkClock
from gmnm_pde.run.evaluation import Evaluator
from gmnm_pde.run.interrupts import require_time
from gmnm_pde.run.log import Log
from gmnm_pde.run.result import Result, Status
from gmnm_pde.run.watching import Watch
from gmnm_pde.statement.problem import Problem

_OVER, _MORE = 0.05, 0.4
"""What was done may be brought to an end, such as by an error estimate, for this part of a time limit and these seconds
more."""


@dataclass(frozen=True)
class Run(Monitor):
    """The tolerance, the clock, the evaluation and the log of a solve, or of a part of one.

    A time slab or a step of a continuation gets a run of its own by ``part``; all parts write to one log.

    Attributes:
        problem: What is solved.
        tol: What the error estimate is to meet; None where no tolerance was given.
        evaluator: Errors and residuals, on points at which nothing is fitted.
        log: Of the whole solve.
        clock: What ``deadline`` is measured on.
        deadline: When to end.
        allowance: When work under way is given up: where there is a time limit, or where somebody asks for the end.
        resumed: The state of the interrupted solve that this one resumes, if any.
        kept: What checkpoints hold beside the states that are saved; with None this run writes no checkpoint.
    """

    problem: Problem
    tol: float | None
    evaluator: Evaluator
    log: Log
    clock: Clock = field(default_factory=WallClock)
    deadline: float = math.inf
    allowance: Allowance = field(default_factory=Allowance)
    resumed: Any = None
    kept: Mapping[str, Any] | None = None

    @classmethod
    def begin(
        cls,
        setup: Setup,
        started: float,
        tol: float | None,
        time_limit: float | None,
        watch: Watch | None,
        checkpoint: Checkpoint | None = None,
    ) -> "Run":
        """The run of a whole solve.

        Args:
            setup: What is solved.
            started: When, by time.monotonic().
            tol: What the error estimate is to meet.
            time_limit: In seconds.
            watch: All that look at it; nobody by default.
            checkpoint: A file to resume from, if it exists, and to write.
        """
        problem, watch = setup.problem, watch or Watch()
        log = Log(problem.domain, started, watch, checkpoint)
        resumed = log.resume()
        evaluator = Evaluator(problem, seed=setup.seed, dtype=setup.dtype, device=setup.device)
        deadline, last = math.inf, math.inf
        if time_limit is not None:
            deadline = agreed(started + time_limit)
            last = deadline + _OVER * time_limit + _MORE
        allowance = Allowance(deadline, last, request=watch.request, tick=watch.tick)
        return cls(problem, tol, evaluator, log, deadline=deadline, allowance=allowance, resumed=resumed, kept={})

    @property
    def points(self) -> Tensor:
        """Points to estimate errors on, at which nothing is fitted, [n, d]."""
        return self.evaluator.points

    @property
    def late(self) -> bool:
        """Whether the time is up, or somebody asked for the end."""
        return self.interrupted or self.clock.now() > self.deadline

    @property
    def interrupted(self) -> bool:
        """Whether somebody asked for the end."""
        return bool(self.allowance.request.by)

    @property
    def ended_by(self) -> str:
        """Who ends the work before it is done, in words."""
        return self.allowance.request.by or LIMIT

    @property
    def timed(self) -> bool:
        """Whether the clock decides, or somebody who asked for the end, and not a bound on work alone."""
        return self.allowance.ends

    @property
    def limited(self) -> bool:
        """Whether there is a limit of time or work, or somebody asked for the end."""
        return self.interrupted or math.isfinite(self.deadline)

    def affords(self, seconds: float) -> bool:
        """Whether there is time for work that takes some seconds."""
        return not self.interrupted and self.clock.now() + seconds <= self.deadline

    def share(self, part: float) -> float:
        """The deadline for work that may take a part of the time that is left, such as 0.5."""
        now = self.clock.now()
        return min(self.deadline, now + part * (self.deadline - now))

    def part(self, problem: Problem | None = None, *, points: int | None = None, **changes: Any) -> "Run":
        """The run of a part of the solve, such as a time slab; it writes no checkpoint unless ``kept`` is given.

        Args:
            problem: Of the part, if it is another one.
            points: How many points its errors are estimated on.
            changes: Other attributes of the run, such as ``tol`` and ``deadline``.
        """
        evaluator = self.evaluator if problem is None else self.evaluator.of(problem, points)
        return replace(self, **{"problem": problem or self.problem, "evaluator": evaluator, "kept": None, **changes})

    @property
    def end_of_time(self) -> tuple[Status, str]:
        """The status, and in words why, of a solve that has no time left for the next, larger fit."""
        if isinstance(self.clock, WorkClock) and not self.interrupted:
            status = Status.POOR if self.tol is None else Status.LARGEST
            return status, "the next fit would be more work than is done unasked: give time_limit= for more"
        return Status.TIME, f"stopped by {self.ended_by} before the next, larger fit"

    def bounded_by_work(self, seconds: float) -> "Run":
        """This run, if it has a time limit; else one limited by work, in predicted seconds of one core."""
        if self.limited:
            return self
        done = self.resumed["work"] if self.resumed else 0.0
        return replace(self, clock=WorkClock(done), deadline=seconds)

    def require_time(self) -> None:
        """Go on to the least answer, where a limit or a callback came before there was any; not after Ctrl-C."""
        require_time(self.allowance.request)

    def keeping(self, **kept: Any) -> "Run":
        """This run with more that its checkpoints hold beside the states that are saved."""
        return self if self.kept is None else replace(self, kept={**self.kept, **kept})

    def record(self, candidate: Any, state: Any = None, *, step: int | None = None) -> None:
        """Record a finished fit: in the history, as progress, and in a checkpoint where a state is given."""
        whole = not self.interrupted  # what a request cut short is nothing to go on from
        with limited(None):
            figures = candidate.figures(self.evaluator)
        self.log.add(figures, candidate.message, self.problem.domain, step)
        if state is not None and whole:
            self.save(state)

    @property
    def writes(self) -> bool:
        """Whether states are written to a file."""
        return self.kept is not None and self.log.checkpoint is not None

    def save(self, state: Any, *, now: bool = True) -> None:
        """Write a checkpoint, if this run writes any; unless ``now``, only if the last one is old enough."""
        if self.writes:
            assert self.kept is not None
            self.log.save({**self.kept, "state": state, "work": self.clock.work}, now=now)

    def step(self, step: Step) -> None:
        """Report a step of a method as progress."""
        self.log.tell(step)

    def marched(self, time: float, steps: int) -> None:
        """Report how far a march in time has come as progress."""
        domain = self.problem.domain
        (name,) = domain.time
        self.log.tell_time(name, time, domain.bounds[domain.coordinates.index(name)], steps)

    def tried(self, components: int, residual: float) -> None:
        """Report a trial of widths as progress."""
        self.log.tell_trial(components, residual)

    def trained(self, step: int, loss: float, last: int) -> None:
        """Report a step of a training as progress, of ``last`` at most."""
        self.log.tell_training(step, loss, last)

    def worked(self, seconds: float) -> None:
        """Take account of work, in predicted seconds of one core."""
        self.clock.count(seconds)

    def solution(self, result: Result, stated: Problem, method: str) -> Solution:
        """What the solve returns.

        Args:
            result: The result.
            stated: The problem as the user stated it, before conditions were built into it.
            method: How it was solved, in words.
        """
        details = result.details
        if self.timed and self.late and self.ended_by not in details and not self.interrupted:
            details += "; the time limit has passed"
        fit, domain, lift = result.best.fit, self.problem.domain, self.problem.lift
        report = self.evaluator.report(result, method=method, seconds=self.log.seconds, details=details)
        model = fit.model if lift is None else Lifted(fit.model, lift.functions)
        if isinstance(domain, Parted):
            bounds = fit.model.bounds
            model = Normalized(ByPart.of(fit.model.inner, domain, bounds), bounds).to(next(fit.model.parameters()))
        place = (domain.coordinates, domain.time, domain.bounds, self.problem.fields)
        solution = Solution(model, *place, report, self.log.history, stated, result.posterior)
        marked = self.log.watch.marked(report)  # last, so that no request is overlooked
        return solution if marked is report else replace(solution, report=marked)
