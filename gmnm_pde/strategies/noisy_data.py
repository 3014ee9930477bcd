"""Inverse problems with noise: how smooth the unknown fields are to be, and what the data leave uncertain.

Equations and conditions are to hold as well as the mixture allows. The noisy data, which contradict one another, have
small weights beside them, and decide what equations and conditions leave open. Fields that are not observed are kept
smooth by a penalty on their second derivatives, which is a prior. With the right factor of the penalty the least sum of
all squares, in units of the noise, is on average the number of data (the discrepancy principle, for data and prior
together). That factor is searched from smooth to rough, each fit with the last one as its initial guess. Generalised
cross-validation (G. Golub, M. Heath, G. Wahba, Technometrics 21, 1979) is there too; its minimum is flat, and it often
chooses too rough a field.

The posterior is that of the problem linearised at the solution: its covariance is (J'J)^-1 = R^-1 R^-T, with J the rows
in units of the noise and R the triangular factor of J that the solve left. Data often allow for several factors of the
penalty, by their marginal likelihood (D. MacKay, Neural Computation 4, 1992), and the smoothest of them says too little
of what is open: deviations are the largest with any of them.
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from gmnm_pde._doors import stacklevel
from gmnm_pde._errors import NumericalWarning
from gmnm_pde.adaptivity.loop import adapt
from gmnm_pde.adaptivity.p_refinement import PRefinement
from gmnm_pde.fitting.candidate import Candidate
from gmnm_pde.fitting.discretization import Setup, reference_scales
from gmnm_pde.fitting.estimate import ErrorEstimate
from gmnm_pde.fitting.fit import Fit
from gmnm_pde.interruption import OutOfTime, limited
from gmnm_pde.linalg.qr import RidgeSolver
from gmnm_pde.results.posterior import Posterior
from gmnm_pde.run.result import Result, Status
from gmnm_pde.run.run import Run
from gmnm_pde.statement.prior import with_prior
from gmnm_pde.statement.problem import Problem
from gmnm_pde.strategies.noisy_trial import Trial, solver_of
from gmnm_pde.strategies.shooting import may_shoot, shot
from gmnm_pde.strategies.smoothing import Search

_SILENT = 0.9
"""At a point where the data leave more than this part of a field's uncertainty without them, they are no use for it."""

_WIDELY = 0.5
"""A warning is given where that is so on more than this part of the domain."""

_MET = 2.0
"""Data are met where their residuals are below this many times their noise, in the root mean square."""

_HELD = 2.0
"""Equations and conditions hold where all their residuals together are below so many times those of data."""

_OPEN = 100.0
"""A parameter whose standard deviation is so many times its size is determined by nothing."""

_POINTS = 500
"""Points at which standard deviations are evaluated."""


def is_noisy(problem: Problem) -> bool:
    """Whether the noise of some data is stated."""
    return any(term.noise is not None for term in problem.terms)


@dataclass(frozen=True)
class NoisyData:
    """The fit with a penalty chosen by the data, and its posterior.

    Args:
        setup: Of the solve.
        description: For the report.
        smoothing: The penalty's factor or how it is chosen, as ``solve`` takes it.
    """

    takes: ClassVar[frozenset[str]] = frozenset({"smoothing", "engine"})

    setup: Setup
    description: str
    smoothing: str | float | None = None

    @property
    def identity(self) -> dict[str, Any]:
        """Nothing: no checkpoint is written."""
        return {}

    def run(self, run: Run) -> Result:
        """Search for the penalty, and compute the posterior with it."""
        problem, smoothing = self.setup.problem, self.smoothing
        unseen = unobserved(problem)
        setup = self.setup
        if unseen:
            whole = with_prior(problem, unseen)
            setup = replace(setup, problem=whole, scales=reference_scales(whole, setup.weights, setup.seed))
        part, unknown = run.part(setup.problem), ErrorEstimate.unknown(problem)
        search = Search(setup, part, lambda trial: part.record(Candidate(trial.fit, unknown)))
        factor = None if unseen and not isinstance(smoothing, int | float) else float(smoothing or 1.0)
        best = _searched(search, factor, part, cross=smoothing == "cross-validation")
        if factor is not None and not unseen and best.misfit >= _MET and not run.late:
            best = min(best, _begun_otherwise(search, self.setup, part), key=lambda one: one.whole)
        posterior = _posterior([best] if factor is not None else _allowed(search, best, part), setup)
        _warn_of_silence(setup, best, posterior, unseen, run.points)
        candidate = Candidate(best.fit, _estimate(best, posterior, run.points), hurried=search.hurried)
        chosen = f", smoothing {best.factor:.1e} by {_how(smoothing)}" if unseen else ""
        return self._result(candidate, best, chosen, run, posterior)

    def _result(self, candidate: Candidate, best: Trial, chosen: str, run: Run, posterior: Posterior) -> Result:
        """Whether data and tolerance are met, and in words how the penalty was chosen."""
        words = f"the data are met to {best.misfit:.2f} of their noise{chosen}"
        if best.misfit >= _MET:
            words += ": they contradict the equations, or have more noise"
        if not (candidate.hurried and best.fit.outcome.late):
            words = (
                f"{words}; {best.fit.outcome.reason}" if best.misfit >= _MET else f"{best.fit.outcome.reason}; {words}"
            )
        if run.tol is not None and not candidate.error <= run.tol:
            words += f"; the error estimate {candidate.error:.1e} does not meet tol={run.tol:g}"
            status = Status.MISSED
        elif silent := _undetermined(posterior, self.setup.problem):
            words += f"; nothing determines {' and '.join(map(repr, silent))}"
            status = Status.NOT_UNIQUE
        elif best.misfit < _MET and best.unheld > _HELD and not chosen:
            words += f"; equations and conditions are missed by {best.unheld:.1e} of it: more components may help"
            status = Status.POOR
        elif best.misfit < _MET:
            status = Status.DATA_MET
        else:
            status = Status.DATA_MISSED
        if candidate.hurried:
            status, words = Status.TIME, f"stopped by {run.ended_by} before the search for a smoothing ended; {words}"
        return Result(candidate, status, words, posterior)


def _undetermined(posterior: Posterior, problem: Problem) -> list[str]:
    """Unknown parameters that the data leave so open that their values say nothing."""
    found = []
    for name, deviation in posterior.deviation_of().items():
        guess = abs(problem.parameters[name])  # of 0 it says nothing of a parameter's size
        if not deviation < (_OPEN * max(guess, abs(posterior.values[name])) if guess else math.inf):
            found.append(name)
    return found


def _searched(search: Search, factor: float | None, run: Run, *, cross: bool) -> Trial:
    """The trial with a given factor, or the best that the search comes to; the last one where time ran out."""
    try:
        with limited(run.allowance):
            if factor is not None:
                return search.with_factor(factor)
            best = search.adjusted(search.softened(search.descended()))
            return search.validated(best) if cross else best
    except OutOfTime:
        search.hurried = True
    if search.latest is None:
        run.require_time()
    return search.latest or search.least()


def _allowed(search: Search, best: Trial, run: Run) -> Sequence[Trial]:
    """The trials that the data allow for, the best first; that alone where time ran out."""
    try:
        with limited(run.allowance):
            return search.beside(best)
    except OutOfTime:
        search.hurried = True
        return [best]


def unobserved(problem: Problem) -> tuple[str, ...]:
    """The fields that no noisy data show, and in time alone no rate that equations give."""
    seen = {number for term in problem.terms if term.noise is not None for number, _ in term.trace.asked}
    if not problem.domain.space:
        seen |= {number for term in problem.terms for number, alpha in term.trace.asked if any(alpha)}
    return tuple(name for number, name in enumerate(problem.fields) if number not in seen)


def _begun_otherwise(search: Search, setup: Setup, run: Run) -> Trial:
    """The trial that begins with what guides Newton's method where data of their weight do not.

    In time alone that is the march that meets the data best, else a fit that takes the data for exact. Where the time
    is up before that comes to an end, the last trial.
    """
    problem = setup.problem.restated([replace(term, noise=None) for term in setup.problem.terms])
    refinement = PRefinement(replace(setup, problem=problem), None, None, math.inf)
    try:
        with limited(run.allowance):
            march = shot(setup) if may_shoot(setup) else None
            near = None if march is None else search.begun_near(march)
            return near or search.begun_from(adapt(refinement, run.part(problem)).best.fit)
    except OutOfTime:
        search.hurried = True
    return search.latest or search.least()


def _how(smoothing: Any) -> str:
    if isinstance(smoothing, int | float):
        return "hand"
    return "cross-validation" if smoothing == "cross-validation" else "the discrepancy principle"


def _posterior(trials: Sequence[Trial], setup: Setup) -> Posterior:
    """That about the first trial's answer; of several trials the widest, with what they differ from that answer."""
    best, problem = trials[0].fit, setup.problem
    covariances = [_covariance(trial, best) for trial in trials]
    widest = max(covariances, key=lambda own: (own.diagonal() / covariances[0].diagonal()).sum().item())

    def deviations(points: Tensor) -> Tensor:
        points = points.to(best.theta)
        middle = best.outputs(points)
        squares = [
            _deviations(trial, solver_of(trial.fit), points).square() + (trial.fit.outputs(points) - middle).square()
            for trial in trials
        ]
        return torch.stack(squares).amax(dim=0).sqrt()

    return Posterior(tuple(problem.parameters), problem.fields, best.parameters, widest.cpu(), deviations)


def _covariance(trial: Trial, best: Fit) -> Tensor:
    """That of the unknown parameters about those of another fit."""
    system = trial.fit.system
    eye = torch.eye(system.extra, system.columns, dtype=best.theta.dtype, device=best.theta.device)
    spread = _unit(trial) * solver_of(trial.fit).inverse_transposed(eye.mT)
    off = (trial.fit.theta - best.theta)[: system.extra]
    return spread.mT @ spread + torch.outer(off, off)


def _unit(trial: Trial) -> float:
    """What one deviation of the noise is in scaled rows; as large as what is left where data are missed by far."""
    return trial.scale * (trial.misfit if trial.misfit >= _MET else 1.0)


@torch.no_grad()
def _deviations(trial: Trial, solver: RidgeSolver, points: Tensor) -> Tensor:
    """The standard deviations of all fields at points [n, d], given the rows that ``solver`` factored: [n, fields]."""
    system, columns = trial.fit.system, []
    features = system.model.features(points.to(system.like))
    for k in range(system.fields):
        rows = features.new_zeros(len(points), system.columns)
        rows[:, system.extra :].view(len(points), -1, system.fields)[:, :, k] = features
        columns.append(_unit(trial) * solver.inverse_transposed(rows.mT).norm(dim=0))
    values, lift = torch.stack(columns, dim=1), system.problem.lift
    return values if lift is None else values * lift.functions(points)[0]


def _estimate(trial: Trial, posterior: Posterior, points: Tensor) -> ErrorEstimate:
    """The posterior's standard deviations; the error of approximation by the mixture is small beside them."""
    points = points[:_POINTS]
    size = trial.fit.outputs(points).norm(dim=0)
    size = torch.where(size > 0, size, torch.ones_like(size))
    relative = posterior.deviations(points).norm(dim=0) / size
    return ErrorEstimate(dict(zip(posterior.fields, relative.tolist(), strict=True)), posterior.deviation_of())


def _warn_of_silence(setup: Setup, trial: Trial, posterior: Posterior, unseen: Sequence[str], points: Tensor) -> None:
    """Warn of scalars and fields that the data do not determine."""
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
    known, alone = (_deviations(trial, solver, points) for solver in (solver_of(trial.fit), trial.without_data))
    for name in unseen:
        k = trial.fit.system.problem.fields.index(name)
        silent = known[:, k] > _SILENT * alone[:, k]
        if silent.double().mean() > _WIDELY:
            _warn(
                f"{name_of_problem}: the data say next to nothing of '{name}': on {silent.double().mean():.0%} of the "
                "domain it is what its conditions and its smoothness make of it. It takes data that depend on it more."
            )


def _warn(message: str) -> None:
    warnings.warn(message, NumericalWarning, stacklevel=stacklevel())
