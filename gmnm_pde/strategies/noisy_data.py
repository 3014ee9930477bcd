"""Inverse problems with noise: how smooth the unknown fields are to be, and what the data leave uncertain.

Equations and conditions are to hold as well as the mixture can; the data, which contradict one another by their noise,
count little beside them and decide what is left open. Fields that are not observed are kept smooth by a penalty on
their second derivatives, which is a prior: the least sum of all squares in units of the noise is then as large as there
are data, on average, and by that (the discrepancy principle, for data and prior together) its factor is chosen, on a
ladder from smooth to rough where each fit starts from the one before. Generalised cross-validation (G. Golub, M. Heath,
G. Wahba, Technometrics 21, 1979) is there too; it is flat about its least value and often chooses too rough a field.

The posterior is that of the problem linearised at the answer: its covariance is (J'J)^-1, J the rows in units of the
noise, and R of the QR of J is at hand.
"""

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import NumericalWarning
from gmnm_pde.adaptivity.p_refinement import Climb, Rung
from gmnm_pde.fitting.estimate import ErrorEstimate
from gmnm_pde.fitting.fit import Setup, reference_scales
from gmnm_pde.linalg.qr import RidgeSolver, reduce
from gmnm_pde.methods import Step
from gmnm_pde.results.posterior import Posterior
from gmnm_pde.statement.prior import with_prior
from gmnm_pde.statement.problem import Problem
from gmnm_pde.strategies.smoothing import Look, Search, solver_of

_SILENT, _WIDELY = 0.9, 0.5
"""Data tell nothing of a field where they leave more than this part of the uncertainty that there is without them; it
is told of where that is so on half of the domain."""

_POINTS = 500


def is_noisy(problem: Problem) -> bool:
    """Whether the noise of some data is stated."""
    return any(term.noise is not None for term in problem.terms)


def fit_noisy(
    setup: Setup,
    judged_on: Tensor,
    *,
    smoothing: str | float | None,
    deadline: float,
    on_rung: Callable[[Rung, Problem], None],
    on_step: Callable[[Step], None],
) -> tuple[Climb, Posterior]:
    """The fit with the penalty that the data ask for, and what is uncertain of it."""
    problem = setup.problem
    unseen = unobserved(problem)
    stage = setup
    if unseen:
        whole = with_prior(problem, unseen)
        stage = replace(setup, problem=whole, scales=reference_scales(whole, setup.weights, setup.seed))
    search = Search(stage, deadline, on_step, lambda look: on_rung(Rung(look.fit, _unknown(problem)), stage.problem))
    if not unseen or isinstance(smoothing, int | float):
        best = search.of_factor(float(smoothing or 1.0))
    else:
        best = search.adjusted(search.softened(search.descended()))
        if smoothing == "cross-validation":
            best = search.validated(best)
    posterior = _posterior(best, stage)
    _warn_of_silence(stage, best, posterior, unseen, judged_on)
    rung = Rung(best.fit, _estimate(best, posterior, judged_on))
    chosen = f", smoothing {best.factor:.1e} by {_how(smoothing)}" if unseen else ""
    reason = f"{best.fit.outcome.reason}; the data are met to {best.misfit:.2f} of their noise{chosen}"
    return Climb(rung, best.misfit < 2.0, reason), posterior


def unobserved(problem: Problem) -> tuple[str, ...]:
    """The fields that no noisy data show."""
    seen = {term.data.field for term in problem.terms if term.noise is not None and term.data is not None}
    return tuple(name for name in problem.fields if name not in seen)


def _how(smoothing: Any) -> str:
    if isinstance(smoothing, int | float):
        return "hand"
    return "cross-validation" if smoothing == "cross-validation" else "the discrepancy principle"


def _posterior(look: Look, setup: Setup) -> Posterior:
    found, problem = look.fit, setup.problem
    system, solver = found.system, solver_of(look.fit)
    eye = torch.eye(system.extra, system.columns, dtype=found.theta.dtype, device=found.theta.device)
    spread = look.scale * solver.deviations(eye)
    return Posterior(
        tuple(problem.parameters),
        problem.fields,
        found.found,
        (spread.mT @ spread).cpu(),
        lambda points: _deviations(look, solver, points.to(found.theta)),
    )


@torch.no_grad()
def _deviations(look: Look, solver: RidgeSolver, points: Tensor) -> Tensor:
    """Of all fields at points [n, d], by the rows that ``solver`` was made of: [n, fields]."""
    system, columns = look.fit.system, []
    features = system.model.features(points.to(system.like))
    for k in range(system.fields):
        rows = features.new_zeros(len(points), system.columns)
        rows[:, system.extra :].view(len(points), -1, system.fields)[:, :, k] = features
        columns.append(look.scale * solver.deviations(rows).norm(dim=0))
    values, lift = torch.stack(columns, dim=1), system.problem.lift
    return values if lift is None else values * lift.functions(points)[0]


def _estimate(look: Look, posterior: Posterior, judged_on: Tensor) -> ErrorEstimate:
    """What the noise leaves uncertain; what the mixture cannot show is small beside it."""
    points = judged_on[:_POINTS]
    size = look.fit.outputs(points).norm(dim=0).clamp_min(1e-300)
    relative = posterior.deviations(points).norm(dim=0) / size
    return ErrorEstimate(dict(zip(posterior.fields, relative.tolist(), strict=True)), posterior.deviation_of())


def _unknown(problem: Problem) -> ErrorEstimate:
    return ErrorEstimate(dict.fromkeys(problem.fields, math.nan), dict.fromkeys(problem.parameters, math.nan))


def _warn_of_silence(setup: Setup, look: Look, posterior: Posterior, unseen: Sequence[str], points: Tensor) -> None:
    """Warn of scalars and fields that the data leave open."""
    name_of_problem = setup.problem.name
    for name, deviation in posterior.deviation_of().items():
        if not deviation < abs(posterior.values[name]):
            _warn(
                f"{name_of_problem}: the data cannot tell '{name}': {posterior.values[name]:.3g} with a standard "
                f"deviation of {deviation:.1e}. It takes more data, less noise, or data where it matters."
            )
    if not unseen:
        return
    points = points[:_POINTS]
    known, alone = posterior.deviations(points), _deviations(look, _without_data(look), points)
    for name in unseen:
        k = posterior.fields.index(name)
        silent = known[:, k] > _SILENT * alone[:, k]
        if silent.double().mean() > _WIDELY:
            _warn(
                f"{name_of_problem}: the data say next to nothing of '{name}': on {silent.double().mean():.0%} of the "
                "domain it is what its conditions and its smoothness make of it. It takes data that depend on it more."
            )


def _without_data(look: Look) -> RidgeSolver:
    """The factored rows of all that is no data."""
    system = look.fit.system
    rest = [one for one in system.placed if one.term.noise is None]
    return RidgeSolver(reduce(replace(system, placed=rest).blocks(look.fit.theta), system.columns))


def _warn(message: str) -> None:
    warnings.warn(message, NumericalWarning, stacklevel=6)
