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
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import NumericalWarning
from gmnm_pde.fitting.estimate import ErrorEstimate
from gmnm_pde.fitting.fit import CONDITION_FACTOR, Fit, Setup, fit, reference_scales
from gmnm_pde.fitting.ladder import Climb, Rung
from gmnm_pde.methods import Step
from gmnm_pde.methods.triangular import RidgeSolver, reduce
from gmnm_pde.models import along_each
from gmnm_pde.results.posterior import Posterior
from gmnm_pde.statement.prior import PRIOR, with_prior
from gmnm_pde.statement.problem import Problem

_COMPONENTS = {1: 60, 2: 200, 3: 400}
_WIDTH = 1.2
_SOFTENING = (10.0, 1.0, 0.1, 0.01, 0.001)
"""What rows of noisy data count beside those of equations: at first enough to lead Newton's method, in the end so
little that equations hold to some 1e-6 of the noise, if the mixture can do that."""

_RUNG = 10.0**0.5
_LADDER = tuple(30.0 / _RUNG**k for k in range(10))
"""What the prior counts beside the data."""

_LOST = 1.2
"""How much larger the sum of squares may get on the way."""

_PATIENCE = 2
_BETTER = 0.999
_SILENT, _WIDELY = 0.9, 0.5
"""Data tell nothing of a field where they leave more than this part of the uncertainty that there is without them; it
is told of where that is so on half of the domain."""

_POINTS = 500


def is_noisy(problem: Problem) -> bool:
    """Whether the noise of some data is stated."""
    return any(term.noise is not None for term in problem.terms)


@dataclass(frozen=True)
class _Look:
    """A fit with what chooses the penalty, all in units of the noise.

    ``misfit`` is the root mean square of the data's residuals, ``whole`` that of all squares over the number of data.
    """

    fit: Fit
    factor: float
    soft: float
    misfit: float
    whole: float
    count: int
    validation: float
    scale: float

    @property
    def fits(self) -> bool:
        """Whether the sum of squares is no larger than such noise makes it on average."""
        return self.whole <= 1.0

    @property
    def misses(self) -> bool:
        """Whether it is larger than chance makes it."""
        return self.whole > _LOST + 4 / math.sqrt(2 * self.count)


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
    search = _Search(stage, deadline, on_step, lambda look: on_rung(Rung(look.fit, _unknown(problem)), stage.problem))
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


def _rises(scores: Sequence[float]) -> bool:
    best = min(scores)
    return len(scores) > _PATIENCE and all(score > best / _BETTER for score in scores[-_PATIENCE:])


class _Search:
    """Fits on the way to the smoothing and the softness that the data ask for; each starts from one before."""

    def __init__(
        self, setup: Setup, deadline: float, on_step: Callable[[Step], None], on_look: Callable[[_Look], None]
    ):
        self._setup, self._deadline, self._on_step, self._on_look = setup, deadline, on_step, on_look
        self._least = _LADDER[-1] if _prior_names(setup.problem) else math.inf

    @property
    def _late(self) -> bool:
        return time.monotonic() > self._deadline

    def look(self, factor: float, soft: float, near: _Look | None) -> _Look:
        found = _look(self._setup, factor, soft, near and near.fit, self._deadline, self._on_step)
        self._on_look(found)
        return found

    def of_factor(self, factor: float) -> _Look:
        """With a given prior, or none: at once, or where that does not meet the data by way of softer and softer ones.

        (At first data that count much make fields rough, which misleads where no prior holds against it.)
        """
        found = self.look(factor, _SOFTENING[-1], None)
        if not found.misses or self._late:
            return found
        other = self.softened(self.look(factor, _SOFTENING[0], None))
        return min(found, other, key=lambda one: (one.misses, one.soft, one.whole))

    def descended(self) -> _Look:
        """From smooth to rough with data that count like equations, until they are met to their noise."""
        found: _Look | None = None
        for factor in _LADDER:
            found = self.look(factor, _SOFTENING[0], found)
            if found.fits or self._late:
                break
        assert found is not None
        return found

    def softened(self, found: _Look) -> _Look:
        """With data that count less and less, as long as a rougher field can still meet both them and the equations."""
        for soft in _SOFTENING[1:]:
            trial = self.look(found.factor, soft, found)
            while trial.whole > _LOST * found.whole and trial.factor > self._least and not self._late:
                trial = self.look(trial.factor / _RUNG, soft, trial)
            if trial.whole > _LOST * max(found.whole, 1.0):
                break
            found = trial
        return found

    def adjusted(self, found: _Look) -> _Look:
        """The smoothest fields with which the sum of squares is no larger than the number of data."""
        while not found.fits and found.factor > self._least and not self._late:
            found = self.look(found.factor / _RUNG, found.soft, found)
        while found.fits and found.factor < _LADDER[0] and not self._late:
            smoother = self.look(found.factor * _RUNG, found.soft, found)
            if not smoother.fits:
                break
            found = smoother
        return found

    def validated(self, found: _Look) -> _Look:
        """The least cross-validation score, going rougher until it rises."""
        looks = [found]
        while looks[-1].factor > self._least and not self._late and not _rises([one.validation for one in looks]):
            looks.append(self.look(looks[-1].factor / _RUNG, found.soft, looks[-1]))
        return min(looks, key=lambda one: one.validation)


def _look(
    setup: Setup, factor: float, soft: float, near: Fit | None, deadline: float, on_step: Callable[[Step], None]
) -> _Look:
    problem, mixture, d = setup.problem, setup.mixture, setup.dimension
    noises = _noises(problem)
    finest = min(noises.values())
    scales = dict(setup.scales)
    for name, noise in noises.items():
        scales[name] = setup.scales[name] / CONDITION_FACTOR * soft * finest / noise
    for name in _prior_names(problem):
        scales[name] = soft * factor * setup.scales[name]
    stage = replace(setup, scales=scales)
    components = mixture.components or round(_COMPONENTS.get(d, 600))
    widths = along_each(mixture.widths or _WIDTH, d)
    found = fit(stage, components, widths, near=near, deadline=deadline, watch=on_step)
    rows, residual, units = _data_rows(found, noises)
    freedom = _solver(found).deviations(rows).square().sum().item()
    misfit = (residual / units).square().mean().sqrt().item()
    left = max(1 - freedom / len(residual), 1e-3)
    scale = units[0].item()
    whole = found.system.residual(found.theta).norm().item() / scale / len(residual) ** 0.5
    return _Look(found, factor, soft, misfit, whole, len(residual), (misfit / left) ** 2, scale)


def _noises(problem: Problem) -> dict[str, float]:
    return {term.name: term.noise for term in problem.terms if term.noise is not None}


def _prior_names(problem: Problem) -> list[str]:
    return [name for term in problem.terms if term.name == PRIOR for name in problem.traced(term).names]


def _data_rows(found: Fit, noises: Mapping[str, float]) -> tuple[Tensor, Tensor, Tensor]:
    """The scaled rows of the data and their residuals, and what a residual of one noise is, scaled, [rows]."""
    system = found.system
    placed = [one for one in system.placed if one.term.name in noises]
    part = replace(system, placed=placed)
    matrices, residuals = zip(*part.blocks(found.theta), strict=True)
    units = [
        found.theta.new_full((len(one.cloud),), noises[one.term.name] * system.scales[one.term.name]) for one in placed
    ]
    return torch.cat(matrices), torch.cat(residuals), torch.cat(units)


def _solver(look: _Look | Fit) -> RidgeSolver:
    solver = (look.fit if isinstance(look, _Look) else look).outcome.solver
    assert isinstance(solver, RidgeSolver)
    return solver


def _posterior(look: _Look, setup: Setup) -> Posterior:
    found, problem = look.fit, setup.problem
    system, solver = found.system, _solver(look)
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
def _deviations(look: _Look, solver: RidgeSolver, points: Tensor) -> Tensor:
    """Of all fields at points [n, d], by the rows that ``solver`` was made of: [n, fields]."""
    system, columns = look.fit.system, []
    features = system.model.features(points.to(system.like))
    for k in range(system.fields):
        rows = features.new_zeros(len(points), system.columns)
        rows[:, system.extra :].view(len(points), -1, system.fields)[:, :, k] = features
        columns.append(look.scale * solver.deviations(rows).norm(dim=0))
    values, lift = torch.stack(columns, dim=1), system.problem.lift
    return values if lift is None else values * lift.functions(points)[0]


def _estimate(look: _Look, posterior: Posterior, judged_on: Tensor) -> ErrorEstimate:
    """What the noise leaves uncertain; what the mixture cannot show is small beside it."""
    points = judged_on[:_POINTS]
    size = look.fit.outputs(points).norm(dim=0).clamp_min(1e-300)
    relative = posterior.deviations(points).norm(dim=0) / size
    return ErrorEstimate(dict(zip(posterior.fields, relative.tolist(), strict=True)), posterior.deviation_of())


def _unknown(problem: Problem) -> ErrorEstimate:
    return ErrorEstimate(dict.fromkeys(problem.fields, math.nan), dict.fromkeys(problem.parameters, math.nan))


def _warn_of_silence(setup: Setup, look: _Look, posterior: Posterior, unseen: Sequence[str], points: Tensor) -> None:
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


def _without_data(look: _Look) -> RidgeSolver:
    """The factored rows of all that is no data."""
    system = look.fit.system
    rest = [one for one in system.placed if one.term.noise is None]
    return RidgeSolver(reduce(replace(system, placed=rest).blocks(look.fit.theta), system.columns))


def _warn(message: str) -> None:
    warnings.warn(message, NumericalWarning, stacklevel=6)
