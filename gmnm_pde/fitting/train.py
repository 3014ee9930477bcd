"""Training all parameters of a model by one method or several in order, with the course of it on record."""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from gmnm_pde.fitting.collocation import Counts
from gmnm_pde.fitting.estimate import ErrorEstimate, estimate_error
from gmnm_pde.fitting.fit import Fit, Setup, systems
from gmnm_pde.fitting.ladder import Climb, Rung
from gmnm_pde.methods import LBFGS, Adam, GaussNewton, LeastSquares
from gmnm_pde.methods.least_squares import Outcome, solve_linearized
from gmnm_pde.models import GMNM, Normalized, has_readout
from gmnm_pde.residuals import ReadoutSystem, TrainingSystem

Method = LeastSquares | Adam | LBFGS | GaussNewton

_POINTS = 2500
"""Interior points where none are given."""

_SPACING = 1.1
"""Rows of the history lie this factor of steps apart, and at least ten steps."""


def train(
    setup: Setup,
    model: nn.Module,
    methods: Sequence[Method],
    judged_on: Tensor,
    *,
    tol: float | None,
    deadline: float,
    on_rung: Callable[[Rung, int], None],
) -> Climb:
    """Train a copy of ``model``; every method starts where the one before it ended.

    Raises:
        GmnmError: a residual is not finite at the start; the message names term and point.
    """
    problem, setup = setup.problem, replace(setup, points=setup.points or Counts(_POINTS))
    normalized = Normalized(copy.deepcopy(model), problem.domain.bounds)
    normalized = normalized.to(dtype=setup.dtype, device=setup.device)
    system, held_out = systems(setup, normalized, 0)
    training = TrainingSystem(problem, normalized, system.placed, setup.weights, setup.engine)
    training.check()
    trained = sum(parameter.numel() for parameter in training.unknowns())
    components = model.components if isinstance(model, GMNM) else None
    unknown = ErrorEstimate(
        dict.fromkeys(setup.problem.fields, math.nan), dict.fromkeys(setup.problem.parameters, math.nan)
    )

    def state(loss: float, steps: int, converged: bool, reason: str) -> Fit:
        norm = math.sqrt(loss * system.rows)
        outcome = Outcome(_theta(training, system), norm, steps, converged, reason)
        return Fit(components, (), normalized, system, held_out, outcome, trained)

    done, recorded, reasons, converged, loss = 0, -math.inf, [], True, math.inf
    for method in methods:
        before = done

        def watch(step: int, loss: float, before: int = before) -> None:
            nonlocal recorded
            if before + step >= max(recorded + 10, _SPACING * recorded):
                recorded = before + step
                on_rung(Rung(state(loss, recorded, False, "under way"), unknown), recorded)

        if isinstance(method, LeastSquares):
            outcome = method.run(system, start=_theta(training, system), deadline=deadline)
            _put(training, system, outcome.theta)
            steps, fine, reason = outcome.steps, outcome.converged, outcome.reason
        else:
            ended = method.run(training, deadline=deadline, watch=watch)
            steps, fine, reason = ended.steps, ended.converged, ended.reason
        done, converged = done + steps, converged and fine
        reasons.append(reason)
        if not fine:
            break
    with torch.no_grad():
        loss = training.loss()[0].item()
    last = state(loss, done, converged, ", then ".join(reasons))
    if not has_readout(normalized):
        rung = Rung(last, unknown)
        on_rung(rung, done)
        return Climb(
            rung,
            converged and tol is None,
            f"{last.outcome.reason}; without a linear readout there is no error estimate",
        )
    triangle, solver = solve_linearized(system, last.theta)
    last.outcome = replace(last.outcome, triangle=triangle, solver=solver)
    rung = Rung(last, estimate_error(last, judged_on))
    on_rung(rung, done)
    estimate = rung.estimate.overall
    met = estimate <= (1e-2 if tol is None else tol)
    missed = "" if met or tol is None else f" does not meet tol={tol:g}"
    return Climb(rung, converged and met, f"{last.outcome.reason}; error estimate {estimate:.1e}{missed}")


@torch.no_grad()
def _theta(training: TrainingSystem, system: ReadoutSystem) -> Tensor:
    """The unknowns of the readout system at the state of training; the parameters alone where there is no readout."""
    scalars = torch.stack([scalar.detach() for scalar in training.scalars]) if training.scalars else system.guesses()
    if not has_readout(system.model):
        return scalars
    return torch.cat([scalars, system.model.readout.detach().mT.reshape(-1)])


@torch.no_grad()
def _put(training: TrainingSystem, system: ReadoutSystem, theta: Tensor) -> None:
    system.model.set_readout(system.readout(theta))
    for scalar, value in zip(training.scalars, theta[: system.extra], strict=True):
        scalar.copy_(value)
