"""Training all parameters of a model, by one method or several in order."""

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from gmnm_pde.collocation.moving import Aid, Mover, Moving
from gmnm_pde.collocation.whole import Counts
from gmnm_pde.fitting.candidate import Candidate
from gmnm_pde.fitting.correction import estimate_of_trained
from gmnm_pde.fitting.discretization import Setup, systems
from gmnm_pde.fitting.estimate import ErrorEstimate
from gmnm_pde.fitting.fit import Fit
from gmnm_pde.interruption import Allowance, OutOfTime, finishing, limited
from gmnm_pde.io.states import restoring
from gmnm_pde.methods import LeastSquares, Method, TrainingMethod
from gmnm_pde.methods.least_squares import Outcome, solve_linearized
from gmnm_pde.methods.loop import Hooks, Trained
from gmnm_pde.methods.loop import run as run_method
from gmnm_pde.methods.weighting import Weighting
from gmnm_pde.models import GMNM, Normalized, has_readout, plain
from gmnm_pde.processes import apart
from gmnm_pde.residuals import ReadoutSystem, Shard, TrainingSystem
from gmnm_pde.residuals.replay import aside
from gmnm_pde.run.checkpoint import DRAWN
from gmnm_pde.run.result import Result, Status, beside, good_status, is_good
from gmnm_pde.run.run import Run
from gmnm_pde.statement.problem import Problem
from gmnm_pde.strategies.training_state import checked_training, drawn

_SPACING = 1.1
"""The history gets a row when the number of steps has grown by this factor since the last one."""

_LEAST = 5
"""The least number of steps between two rows."""

_LEAST_OF_GRADIENTS = 50
"""The same where a step is a mere gradient, which takes little time beside a row: that has errors on many points."""


@dataclass(frozen=True)
class Plan:
    """What is trained, and how.

    Args:
        model: A torch module; a copy of it is trained.
        methods: Run in order; each starts where the one before it ended.
        weighting: How the weights of terms adapt, if they do.
        moving: How points move, if they do.
        compiled: Whether torch.compile is tried on the loss.
    """

    model: nn.Module
    methods: Sequence[Method]
    weighting: Weighting | None = None
    moving: Moving | None = None
    compiled: bool = False


@dataclass(frozen=True)
class Training:
    """Training a copy of the plan's model.

    Args:
        setup: Of the solve.
        plan: What is trained, and how.
        reason: Why these methods, where they were not chosen by hand.
    """

    takes: ClassVar[frozenset[str]] = frozenset({"checkpoint", "engine", "compiled"})

    setup: Setup
    plan: Plan
    reason: str = ""

    @property
    def description(self) -> str:
        """The methods, and why they were chosen."""
        methods = ", then ".join(repr(method) for method in self.plan.methods)
        return f"{methods}, {self.reason}" if self.reason else methods

    @property
    def identity(self) -> dict[str, Any]:
        """The model, the methods, and what changes weights and points."""
        plan, given = self.plan, plain(self.plan.model)
        return {
            "strategy": "training",
            "model": f"{type(given).__name__} of {sum(p.numel() for p in plan.model.parameters())} parameters",
            "layers": str(given),
            DRAWN: drawn(plan.model, self.setup.dimension),
            "method": repr(plan.methods),
            "weighting": repr(plan.weighting),
            "moving": repr(plan.moving),
            "compiled": plan.compiled,
        }

    def run(self, run: Run) -> Result:
        """Train, from the beginning or from a checkpoint.

        Raises:
            GmnmError: a residual is not finite at the start; the message names term and point.
        """
        training = _Training(self.setup, self.plan, run)
        under_way = None
        if run.resumed is not None:
            under_way = training.restore(run.resumed)
        with limited(training.allowance), aside(self.setup.device), apart():  # they share points, and agree on the end
            training.go(under_way)
        return training.end()


class _Training(Hooks):
    """A training under way: its systems of residuals, what acts between its steps, and the methods that are done."""

    def __init__(self, setup: Setup, plan: Plan, run: Run):
        problem = setup.problem
        self._setup = replace(setup, points=setup.points or _default_points(problem, plan.methods))
        self._plan, self._run = plan, run
        model = Normalized(copy.deepcopy(plan.model), problem.domain.bounds)
        self.model, shard = model.to(dtype=setup.dtype, device=setup.device), Shard.of_process()
        if shard is not None:
            shard.share(self.model)
        self.readouts, self.held = systems(self._setup, self.model, 0)
        self.system = TrainingSystem(problem, self.model, self.readouts.placed, setup.weights, setup.engine, shard)
        self.system.check()
        if plan.compiled:
            self.system.compile()
        self._aids: list[Aid] = []
        if plan.moving is not None:
            self._aids.append(Mover(plan.moving, self.system, setup.seed))
        if plan.weighting is not None:
            self._aids.append(plan.weighting.begin(self.system, setup.seed))
        self._done: list[Trained] = []
        self._recorded = -math.inf

    def go(self, under_way: Mapping[str, Any] | None) -> None:
        """Run the methods that are not done, in order; the first of them resumes from a state, if there is one."""
        for method in self._plan.methods[len(self._done) :]:
            if self._done and not self._done[-1].converged:
                break
            if isinstance(method, LeastSquares):
                ended = self._fit_readout(method)
            else:
                assert isinstance(method, TrainingMethod)
                self.system.estimate(getattr(method, "directions", None))
                ended = run_method(method, self.system, hooks=self, seed=self._setup.seed, resume=under_way)
            under_way = None
            self._done.append(ended)
            if not ended.late:
                self.save(None, now=True)

    @property
    def allowance(self) -> Allowance | None:
        """What a step may be given up by; none where a checkpoint wants whole steps, or where processes wait in it."""
        return None if self._run.writes or self.system.shard is not None else self._run.allowance

    @property
    def late(self) -> bool:
        """Whether the time is up."""
        return self._run.late

    @property
    def left(self) -> float:
        """The seconds that are left."""
        return self._run.deadline - self._run.clock.now()

    @property
    def interrupted(self) -> bool:
        """Whether somebody asked for the end; processes that train together agree on it where they read the loss."""
        return self._run.interrupted and self.system.shard is None

    @property
    def ended_by(self) -> str:
        """Who ends it before it is done."""
        return self._run.ended_by

    def _fit_readout(self, method: LeastSquares) -> Trained:
        try:
            outcome = method.run(self.readouts, start=self._theta(), monitor=self._run)
        except OutOfTime:
            why = f"stopped by {self._run.ended_by} before the readout was solved for"
            return Trained(self._loss(), 0, False, why, True)
        self.readouts.model.set_readout(self.readouts.readout(outcome.theta))
        with torch.no_grad():
            for scalar, value in zip(self.system.scalars, outcome.theta[: self.readouts.extra], strict=True):
                scalar.copy_(value)
        return Trained(self._loss(), outcome.steps, outcome.converged, outcome.reason, outcome.late)

    @property
    def _steps_before(self) -> int:
        return sum(ended.steps for ended in self._done)

    @property
    def _steps_of_all(self) -> int:
        """The most steps of all methods."""
        return sum(method.steps for method in self._plan.methods if isinstance(method, TrainingMethod))

    def before(self, step: int) -> None:
        """Let points and weights change before a step."""
        for aid in self._aids:
            aid.before(step)

    def watch(self, step: int, loss: float) -> None:
        """Add a row to the history, if enough steps have passed since the last one."""
        step += self._steps_before
        method = self._plan.methods[len(self._done)]
        self._run.trained(step, loss, self._steps_of_all)
        least = _LEAST_OF_GRADIENTS if isinstance(method, TrainingMethod) and method.cheap_steps else _LEAST
        if step >= max(self._recorded + least, _SPACING * self._recorded):
            self._recorded = step
            fit = self._fit(loss, step, "under way", converged=False)
            self._run.record(Candidate(fit, ErrorEstimate.unknown(self._setup.problem)), step=step)

    def held_out(self) -> float:
        """The root mean square of the residual at held-out points."""
        return self.held.residual(self._theta()).square().mean().sqrt().item()

    def save(self, under_way: Mapping[str, Any] | None, *, now: bool) -> None:
        """Write a checkpoint, if it is time to, or in any case with ``now``: at the end of a method."""
        if not self._run.writes:
            return
        state = {
            "model": self.model.state_dict(),
            "scalars": [scalar.detach() for scalar in self.system.scalars],
            "aids": [aid.state() for aid in self._aids],
            "latest": self.system.latest,
            "done": [[ended.loss, ended.steps, ended.converged, ended.reason] for ended in self._done],
            "recorded": self._recorded,
            "under_way": under_way,
        }
        self._run.save(state, now=now)

    @restoring()
    def restore(self, resumed: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Go on from a state; that of the method under way, if one is."""
        state = checked_training(resumed, self.system.unknowns(), len(self._plan.methods))
        self.model.load_state_dict(state["model"])
        with torch.no_grad():
            for scalar, value in zip(self.system.scalars, state["scalars"], strict=True):
                scalar.copy_(value)
        for aid, its_state in zip(self._aids, state["aids"], strict=True):
            aid.restore(its_state)
        self.system.latest = state["latest"]
        self._done = [Trained(*ended) for ended in state["done"]]
        self._recorded, under_way = state["recorded"], state["under_way"]
        if under_way is not None:
            method = self._plan.methods[len(self._done)]
            assert isinstance(method, TrainingMethod)
            method.begin(self.system, self._setup.seed).restore(under_way["work"])  # to see whether it can be
        return under_way

    def end(self) -> Result:
        """The result, with an error estimate."""
        reason, converged = ", then ".join(ended.reason for ended in self._done), self._done[-1].converged
        failed = Status.TIME if self._done[-1].late else Status.NOT_CONVERGED
        sound = converged or self._done[-1].late  # what was cut short is judged by its estimate
        last, tol = self._fit(self._loss(), self._steps_before, reason, converged=sound), self._run.tol
        candidate = Candidate(last, self._estimate(last))
        self._run.record(candidate, step=self._steps_before)
        if math.isnan(candidate.error) and not has_readout(self.model):
            status = Status.NO_ESTIMATE if converged else failed
            return Result(candidate, status, f"{reason}; without a linear last layer there is no error estimate")
        bad = Status.POOR if tol is None else Status.MISSED
        status = good_status(tol) if is_good(candidate, tol) else bad if converged else failed
        return Result(candidate, status, f"{reason}; {beside(candidate.error, tol)}")

    def _estimate(self, last: Fit) -> ErrorEstimate:
        """The estimate from what corrects the network, or none where there is no time for it."""
        try:
            with limited(self._run.allowance), finishing():
                if has_readout(self.model):
                    last.outcome = replace(last.outcome, solver=solve_linearized(self.readouts, last.theta))
                return estimate_of_trained(self._setup, last, self._run.points)
        except OutOfTime:
            return ErrorEstimate.unknown(self._setup.problem)

    def _loss(self) -> float:
        with torch.no_grad():
            return self.system.loss()[0].item()

    def _fit(self, loss: float, steps: int, reason: str, *, converged: bool) -> Fit:
        outcome = Outcome(self._theta(), math.sqrt(loss * self.readouts.rows), steps, converged, reason)
        components = self._plan.model.components if isinstance(self._plan.model, GMNM) else None
        trained = sum(parameter.numel() for parameter in self.system.unknowns())
        return Fit(components, (), self.model, self.readouts, self.held, outcome, trained)

    @torch.no_grad()
    def _theta(self) -> Tensor:
        """The present unknowns of the readout system; the scalars alone where there is no linear readout."""
        system: ReadoutSystem = self.readouts
        scalars = [scalar.detach() for scalar in self.system.scalars]
        theta = torch.stack(scalars) if scalars else system.guesses()
        if not has_readout(system.model):
            return theta
        return torch.cat([theta, system.model.readout.detach().mT.reshape(-1)])


def _default_points(problem: Problem, methods: Sequence[Method]) -> Counts:
    """As many points as the method asks for that asks for the fewest."""
    dimension = problem.domain.dimension
    asked = [method.points(dimension) for method in methods if isinstance(method, TrainingMethod)]
    return Counts(min(asked))
