"""Training all parameters of a model by one method or several in order, with the course of it on record."""

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from gmnm_pde.adaptivity.p_refinement import Climb, Rung
from gmnm_pde.collocation.moving import Aid, Mover, Moving
from gmnm_pde.collocation.whole import Counts
from gmnm_pde.fitting.estimate import ErrorEstimate, estimate_error
from gmnm_pde.fitting.fit import Fit, Setup, systems
from gmnm_pde.methods import LBFGS, SOAP, Adam, GaussNewton, LeastSquares, SelfScaled
from gmnm_pde.methods.least_squares import Outcome, solve_linearized
from gmnm_pde.methods.loop import Hooks, Trained, run
from gmnm_pde.methods.weighting import Weighting
from gmnm_pde.models import GMNM, Normalized, has_readout
from gmnm_pde.residuals import ReadoutSystem, Shard, TrainingSystem
from gmnm_pde.statement.problem import Problem

Method = LeastSquares | Adam | SOAP | LBFGS | SelfScaled | GaussNewton

_POINTS, _POINTS_OF_GAUSS_NEWTON = 2500, 450
"""Interior points where none are given: all in all, and for Gauss-Newton, whose steps cost the square of their number,
for each coordinate."""

_SPACING, _LEAST, _LEAST_OF_GRADIENTS = 1.1, 5, 50
"""Rows of the history lie this factor of steps apart, and at least so many steps: more where a step is a mere gradient,
against which a row, which is judged on thousands of points, is not cheap."""


@dataclass(frozen=True)
class Plan:
    """What is trained, and how.

    Args:
        model: A torch module; a copy of it is trained.
        methods: Run in order; each starts where the one before it ended.
        weighting: How weights adapt.
        moving: How points move.
        compiled: Whether torch.compile is tried on the loss.
    """

    model: nn.Module
    methods: Sequence[Method]
    weighting: Weighting | None = None
    moving: Moving | None = None
    compiled: bool = False


State = dict[str, Any]
"""All that the rest of a training depends on: nested dicts and lists of tensors and plain values."""


def train(
    setup: Setup,
    plan: Plan,
    judged_on: Tensor,
    *,
    tol: float | None,
    deadline: float,
    on_rung: Callable[[Rung, int], None],
    resume: State | None = None,
    save: Callable[[State, bool], None] | None = None,
) -> Climb:
    """Train a copy of the plan's model.

    Args:
        setup: The problem and what is common to all fits.
        plan: What is trained, and how.
        judged_on: Points for the error estimate, [n, d].
        tol: The error wanted.
        deadline: On the clock of time.monotonic().
        on_rung: Called with the state now and then, and the number of steps.
        resume: A state that ``save`` was given by the same training.
        save: Called with the state after every look, and with whether a method ends; it may well not write each.

    Raises:
        GmnmError: a residual is not finite at the start; the message names term and point.
    """
    training = _Training(setup, plan, on_rung, save)
    if resume is not None:
        training.restore(resume)
    reason, converged = training.go(deadline, resume)
    return training.end(judged_on, tol, reason, converged=converged)


class _Training(Hooks):
    """A training under way: the systems that it works on, what acts around its steps, and its record."""

    def __init__(
        self,
        setup: Setup,
        plan: Plan,
        on_rung: Callable[[Rung, int], None],
        save: Callable[[State, bool], None] | None,
    ):
        problem = setup.problem
        self._setup = replace(setup, points=setup.points or _default_points(problem, plan.methods))
        self._plan, self._on_rung, self._save = plan, on_rung, save
        model = Normalized(copy.deepcopy(plan.model), problem.domain.bounds)
        self.model = model.to(dtype=setup.dtype, device=setup.device)
        self.readouts, self.held = systems(self._setup, self.model, 0)
        self.system = TrainingSystem(
            problem, self.model, self.readouts.placed, setup.weights, setup.engine, Shard.of_process()
        )
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

    def go(self, deadline: float, resume: State | None) -> tuple[str, bool]:
        """Run the methods in order; why the last one stopped, and whether all went well."""
        under_way = resume and resume["under_way"]
        for method in self._plan.methods[len(self._done) :]:
            if self._done and not self._done[-1].converged:
                break
            if isinstance(method, LeastSquares):
                ended = self._fit_readout(method, deadline)
            else:
                ended = run(method, self.system, deadline=deadline, hooks=self, seed=self._setup.seed, resume=under_way)
            under_way = None
            self._done.append(ended)
            if not ended.late:
                self.save(None, now=True)
        return ", then ".join(ended.reason for ended in self._done), all(ended.converged for ended in self._done)

    def _fit_readout(self, method: LeastSquares, deadline: float) -> Trained:
        outcome = method.run(self.readouts, start=self._theta(), deadline=deadline)
        self.readouts.model.set_readout(self.readouts.readout(outcome.theta))
        with torch.no_grad():
            for scalar, value in zip(self.system.scalars, outcome.theta[: self.readouts.extra], strict=True):
                scalar.copy_(value)
        return Trained(self._loss(), outcome.steps, outcome.converged, outcome.reason)

    @property
    def _steps_before(self) -> int:
        return sum(ended.steps for ended in self._done)

    def before(self, step: int) -> None:
        """Points and weights change."""
        for aid in self._aids:
            aid.before(step)

    def watch(self, step: int, loss: float) -> None:
        """Put a row on record, where enough steps have passed."""
        step += self._steps_before
        method = self._plan.methods[len(self._done)]
        least = _LEAST_OF_GRADIENTS if isinstance(method, Adam | SOAP) else _LEAST
        if step >= max(self._recorded + least, _SPACING * self._recorded):
            self._recorded = step
            self._on_rung(Rung(self._fit(loss, step, "under way", converged=False), self._unknown), step)

    def held_out(self) -> float:
        """The root mean square of the residual at points that are not trained on."""
        return self.held.residual(self._theta()).square().mean().sqrt().item()

    def save(self, under_way: Mapping[str, Any] | None, *, now: bool) -> None:
        """Hand the state on; ``now``: a method is about to end, or has ended."""
        if self._save is not None:
            self._save(
                {
                    "model": self.model.state_dict(),
                    "scalars": [scalar.detach() for scalar in self.system.scalars],
                    "aids": [aid.state() for aid in self._aids],
                    "done": [[one.loss, one.steps, one.converged, one.reason] for one in self._done],
                    "recorded": self._recorded,
                    "under_way": under_way,
                },
                now,
            )

    @torch.no_grad()
    def restore(self, state: State) -> None:
        """Go on from a state."""
        self.model.load_state_dict(state["model"])
        for scalar, value in zip(self.system.scalars, state["scalars"], strict=True):
            scalar.copy_(value)
        for aid, known in zip(self._aids, state["aids"], strict=True):
            aid.restore(known)
        self._done = [Trained(*one) for one in state["done"]]
        self._recorded = state["recorded"]

    def end(self, judged_on: Tensor, tol: float | None, reason: str, *, converged: bool) -> Climb:
        """The state at the end, with an error estimate where the model has a linear readout."""
        last = self._fit(self._loss(), self._steps_before, reason, converged=converged)
        if not has_readout(self.model):
            rung = Rung(last, self._unknown)
            self._on_rung(rung, self._steps_before)
            return Climb(
                rung, converged and tol is None, f"{reason}; without a linear readout there is no error estimate"
            )
        last.outcome = replace(last.outcome, solver=solve_linearized(self.readouts, last.theta))
        rung = Rung(last, estimate_error(last, judged_on))
        self._on_rung(rung, self._steps_before)
        estimate = rung.estimate.overall
        met = estimate <= (1e-2 if tol is None else tol)
        missed = "" if met or tol is None else f" does not meet tol={tol:g}"
        return Climb(rung, converged and met, f"{reason}; error estimate {estimate:.1e}{missed}")

    def _loss(self) -> float:
        with torch.no_grad():
            return self.system.loss()[0].item()

    @property
    def _unknown(self) -> ErrorEstimate:
        problem = self._setup.problem
        return ErrorEstimate(dict.fromkeys(problem.fields, math.nan), dict.fromkeys(problem.parameters, math.nan))

    def _fit(self, loss: float, steps: int, reason: str, *, converged: bool) -> Fit:
        outcome = Outcome(self._theta(), math.sqrt(loss * self.readouts.rows), steps, converged, reason)
        components = self._plan.model.components if isinstance(self._plan.model, GMNM) else None
        trained = sum(parameter.numel() for parameter in self.system.unknowns())
        return Fit(components, (), self.model, self.readouts, self.held, outcome, trained)

    @torch.no_grad()
    def _theta(self) -> Tensor:
        """The unknowns of the readout system as they are; the scalars alone where there is no readout."""
        system: ReadoutSystem = self.readouts
        scalars = [scalar.detach() for scalar in self.system.scalars]
        theta = torch.stack(scalars) if scalars else system.guesses()
        if not has_readout(system.model):
            return theta
        return torch.cat([theta, system.model.readout.detach().mT.reshape(-1)])


def _default_points(problem: Problem, methods: Sequence[Method]) -> Counts:
    if any(isinstance(method, GaussNewton) for method in methods):
        return Counts(_POINTS_OF_GAUSS_NEWTON * problem.domain.dimension)
    return Counts(_POINTS)
