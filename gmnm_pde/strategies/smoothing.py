"""How smooth unobserved fields are to be, and how much weight noisy data get: a search by fits.

The fits are made one after another, each with an earlier one as its initial guess. The search is for the smoothest
fields with which the sum of all squares, in units of the noise, is no larger than the number of data.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor

from gmnm_pde.fitting.by_dimension import ByDimension
from gmnm_pde.fitting.discretization import CONDITION_FACTOR, Setup
from gmnm_pde.fitting.fit import Fit, fit
from gmnm_pde.interruption import finishing
from gmnm_pde.linalg.qr import RidgeSolver, reduce
from gmnm_pde.run.run import Run
from gmnm_pde.statement.prior import PRIOR
from gmnm_pde.statement.problem import Problem


@dataclass(frozen=True)
class Smoothing:
    """The numbers of the search for a smoothing."""

    components: ByDimension = field(default=ByDimension(line=60, plane=200, space=400, beyond=600))
    """Components of the mixture, unless chosen by hand, by the number of coordinates."""
    least: int = 40
    """The fewest, where the time limit leaves no time for more."""
    width: float = 1.2
    """The slope of these components."""
    softening: tuple[float, ...] = (10.0, 1.0, 0.1, 0.01, 0.001)
    """The weights of noisy data relative to equations, in order: at first so large that data guide Newton's method, in
    the end so small that equations hold to some 1e-6 of the noise, if the mixture can do that."""
    smoothest: float = 30.0
    """The weight of the prior relative to the data in the first trial."""
    step: float = 10.0**0.5
    """That weight is divided by this from trial to trial."""
    steps: int = 10
    """How many weights of the prior there are."""
    lost: float = 1.2
    """With softer data the sum of squares may become at most this many times as large."""
    patience: int = 2
    """After this many trials without a better cross-validation value the search stops."""
    doubt: float = 5.0
    """A weight of the prior is ruled out if the logarithm of its likelihood is less than the largest by this."""
    better: float = 0.999
    """A cross-validation value is better if it is below this part of the least one."""

    @property
    def factors(self) -> tuple[float, ...]:
        """The weights of the prior relative to the data, from smooth to rough."""
        return tuple(self.smoothest / self.step**k for k in range(self.steps))


@dataclass(frozen=True)
class Trial:
    """A fit with what the penalty is chosen by, in units of the noise.

    Attributes:
        fit: The fit.
        factor: The weight of the prior relative to the data.
        soft: The weight of the data relative to equations.
        misfit: The root mean square of the data's residuals.
        whole: The root of the sum of all squares over the number of data.
        count: How many data there are.
        validation: The value of generalised cross-validation.
        scale: What a residual of one noise is in the scaled rows.
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

    @cached_property
    def without_data(self) -> RidgeSolver:
        """The factored rows of all terms but noisy data."""
        system = self.fit.system
        rest = [placed for placed in system.placed if placed.term.noise is None]
        return RidgeSolver(reduce(replace(system, placed=rest).blocks(self.fit.theta), system.columns))

    def misses(self, lost: float) -> bool:
        """Whether it is ``lost`` times as large, and larger than chance makes it."""
        return self.whole > lost + 4 / math.sqrt(2 * self.count)


class Search:
    """The search for the weights of the prior and of the data; each fit has an earlier one as its initial guess.

    Args:
        setup: Of a problem with noisy data, and a prior for the fields that are not observed.
        run: Of the solve.
        on_trial: Called with each trial.
        numbers: The numbers of the search.

    Attributes:
        hurried: Whether the time limit cut it short.
        latest: The last trial.
    """

    def __init__(self, setup: Setup, run: Run, on_trial: Callable[[Trial], None], numbers: Smoothing | None = None):
        self._setup, self._run, self._on_trial, self._numbers = setup, run, on_trial, numbers or Smoothing()
        self._factors, self._step = self._numbers.factors, self._numbers.step
        self._least = self._factors[-1] if _prior_names(setup.problem) else math.inf
        self.hurried = False
        self.latest: Trial | None = None

    def _late(self) -> bool:
        """Whether the time is up; asked only where there is more to try, so that the search then counts as hurried."""
        self.hurried = self.hurried or self._run.late
        return self._run.late

    def _tried(self, factor: float, soft: float, before: Trial | None) -> Trial:
        trial = _fitted(self._setup, factor, soft, before and before.fit, self._run, self._numbers)
        self.latest = trial
        self._on_trial(trial)
        return trial

    def least(self) -> Trial:
        """One fit of a small mixture, where the time limit left time for nothing else."""
        setup = self._setup
        self._setup = replace(setup, mixture=replace(setup.mixture, components=self._numbers.least))
        return self._tried(self._factors[0], self._numbers.softening[0], None)

    def with_factor(self, factor: float) -> Trial:
        """The fit with a given weight of the prior, or with no prior.

        The data get their final, small weight at once, and only where they are not met then by way of larger weights:
        these make fields rough, which misleads Newton's method where no prior prevents it.
        """
        direct = self._tried(factor, self._numbers.softening[-1], None)
        if not direct.misses(self._numbers.lost) or self._late():
            return direct
        gradual = self.softened(self._tried(factor, self._numbers.softening[0], None))
        return min(direct, gradual, key=lambda trial: (trial.misses(self._numbers.lost), trial.soft, trial.whole))

    def begun_from(self, fitted: Fit) -> Trial:
        """The fit of the same mixture that begins with another fit, with the final weight of the data and no prior."""
        mixture = replace(self._setup.mixture, components=fitted.components, widths=fitted.widths)
        setup, numbers = replace(self._setup, mixture=mixture), self._numbers
        trial = _fitted(setup, 1.0, numbers.softening[-1], fitted, self._run, numbers)
        self._on_trial(trial)
        return trial

    def descended(self) -> Trial:
        """From smooth to rough, with the largest weight of the data, until they are met to their noise."""
        trial: Trial | None = None
        for factor in self._factors:
            trial = self._tried(factor, self._numbers.softening[0], trial)
            if trial.fits or self._late():
                break
        assert trial is not None
        return trial

    def softened(self, best: Trial) -> Trial:
        """With smaller and smaller weights of the data, as long as a rougher field still meets data and equations."""
        lost = self._numbers.lost
        for soft in self._numbers.softening[1:]:
            trial = self._tried(best.factor, soft, best)
            while trial.whole > lost * best.whole and trial.factor > self._least and not self._late():
                trial = self._tried(trial.factor / self._step, soft, trial)
            if trial.whole > lost * max(best.whole, 1.0):
                break
            best = trial
        return best

    def adjusted(self, best: Trial) -> Trial:
        """The smoothest fields with which the sum of squares is no larger than the number of data."""
        while not best.fits and best.factor > self._least and not self._late():
            best = self._tried(best.factor / self._step, best.soft, best)
        while best.fits and best.factor < self._factors[0] and not self._late():
            smoother = self._tried(best.factor * self._step, best.soft, best)
            if not smoother.fits:
                break
            best = smoother
        return best

    def beside(self, best: Trial) -> list[Trial]:
        """The trials with all weights of the prior that the data allow for, by their marginal likelihood; best first.

        It goes to rougher and to smoother fields from ``best``, of the problem linearised there, until they are ruled
        out.
        """
        found = [(best, evidence_of(best))]
        for towards in (1 / self._step, self._step):
            factor, most = best.factor * towards, max(value for _, value in found)
            while self._least <= factor <= 1.01 * self._factors[0] and not self._late():
                trial = reweighted(best, factor)
                found.append((trial, evidence_of(trial)))
                if found[-1][1] < most - self._numbers.doubt:
                    break
                factor, most = factor * towards, max(most, found[-1][1])
        most = max(value for _, value in found)
        return [best, *(trial for trial, value in found[1:] if value > most - self._numbers.doubt)]

    def validated(self, best: Trial) -> Trial:
        """The trial with the least cross-validation value, going from ``best`` to rougher fields until it rises."""
        trials = [best]
        while trials[-1].factor > self._least and not self._rises(trials) and not self._late():
            trials.append(self._tried(trials[-1].factor / self._step, best.soft, trials[-1]))
        return min(trials, key=lambda trial: trial.validation)

    def _rises(self, trials: Sequence[Trial]) -> bool:
        values, patience = [trial.validation for trial in trials], self._numbers.patience
        least = min(values) / self._numbers.better
        return len(values) > patience and all(value > least for value in values[-patience:])


def _fitted(setup: Setup, factor: float, soft: float, before: Fit | None, run: Run, numbers: Smoothing) -> Trial:
    """The fit with some weights of the prior and of the data."""
    problem = setup.problem
    noises = _noises(problem)
    finest = min(noises.values())
    scales = dict(setup.scales)
    for name, noise in noises.items():
        scales[name] = setup.scales[name] / CONDITION_FACTOR * soft * finest / noise
    for name in _prior_names(problem):
        scales[name] = soft * factor * setup.scales[name]
    components = setup.mixture.components or numbers.components.of(setup.dimension)
    widths = setup.widths_or(numbers.width)
    fitted = fit(replace(setup, scales=scales), components, widths, initial_guess=before, monitor=run)
    with finishing(anyhow=before is None):
        rows, residual, units = _data_rows(fitted, noises)
        left_over = fitted.system.residual(fitted.theta).norm().item()
    freedom = solver_of(fitted).inverse_transposed(rows.mT).square().sum().item()
    misfit = (residual / units).square().mean().sqrt().item()
    left = max(1 - freedom / len(residual), 1e-3)
    scale = units[0].item()
    whole = left_over / scale / len(residual) ** 0.5
    return Trial(fitted, factor, soft, misfit, whole, len(residual), (misfit / left) ** 2, scale)


def reweighted(trial: Trial, factor: float) -> Trial:
    """The trial with another weight of the prior, for the problem linearised at its solution."""
    before, scales = trial.fit, dict(trial.fit.system.scales)
    for name in _prior_names(before.system.problem):
        scales[name] *= factor / trial.factor
    system = replace(before.system, scales=scales)
    triangle = reduce(system.blocks(before.theta), system.columns)
    solver = RidgeSolver(triangle)
    outcome = replace(before.outcome, theta=solver.solution(), solver=solver)
    whole = solver.misfit / trial.scale / trial.count**0.5
    return replace(trial, fit=replace(before, system=system, outcome=outcome), factor=factor, whole=whole)


def evidence_of(trial: Trial) -> float:
    """The logarithm of the data's marginal likelihood, but for what is the same for all weights of the prior."""
    without = trial.without_data.log_determinant - solver_of(trial.fit).log_determinant
    return without - 0.5 * trial.whole**2 * trial.count


def _noises(problem: Problem) -> dict[str, float]:
    return {term.name: term.noise for term in problem.terms if term.noise is not None}


def _prior_names(problem: Problem) -> list[str]:
    return [name for term in problem.terms if term.name == PRIOR for name in term.trace.names]


def _data_rows(fitted: Fit, noises: Mapping[str, float]) -> tuple[Tensor, Tensor, Tensor]:
    """The scaled rows of the data, their residuals, and what a residual of one noise is in these rows, [rows]."""
    system, theta = fitted.system, fitted.theta
    data = [placed for placed in system.placed if placed.term.name in noises]
    matrices, residuals = zip(*replace(system, placed=data).blocks(theta), strict=True)
    units = [
        theta.new_full((len(placed.cloud),), noises[placed.term.name] * system.scales[placed.term.name])
        for placed in data
    ]
    return torch.cat(matrices), torch.cat(residuals), torch.cat(units)


def solver_of(fitted: Fit) -> RidgeSolver:
    """The factored rows that a fit was solved from."""
    solver = fitted.outcome.solver
    assert isinstance(solver, RidgeSolver)
    return solver
