"""How smooth unobserved fields are to be, and how much noisy data count: fits that try it out.

Each fit starts from one before; what is looked for is where the sum of all squares, in units of the noise, is as large
as there are data.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from gmnm_pde.fitting.discretization import CONDITION_FACTOR, Setup
from gmnm_pde.fitting.fit import Fit, fit
from gmnm_pde.linalg.qr import RidgeSolver
from gmnm_pde.models import along_each
from gmnm_pde.run.run import Run
from gmnm_pde.statement.prior import PRIOR
from gmnm_pde.statement.problem import Problem


@dataclass(frozen=True)
class Smoothing:
    """The numbers of the search for a smoothing."""

    components: Mapping[int, int] = field(default_factory=lambda: {1: 60, 2: 200, 3: 400})
    """Of the mixture, by the number of coordinates."""
    components_beyond: int = 600
    """The same for more coordinates than ``components`` names."""
    width: float = 1.2
    """Of these components."""
    softening: tuple[float, ...] = (10.0, 1.0, 0.1, 0.01, 0.001)
    """What rows of noisy data count beside those of equations: at first enough to lead Newton's method, in the end so
    little that equations hold to some 1e-6 of the noise, if the mixture can do that."""
    smoothest: float = 30.0
    """What the prior counts beside the data at first."""
    step: float = 10.0**0.5
    """By what that is divided from trial to trial."""
    steps: int = 10
    """How many trials there are at most."""
    lost: float = 1.2
    """How many times as large the sum of squares may become on the way."""
    patience: int = 2
    """Trials without a better cross-validation score after which it ends."""
    better: float = 0.999
    """A score is better below this part of the least one."""

    @property
    def factors(self) -> tuple[float, ...]:
        """What the prior counts beside the data, from smooth to rough."""
        return tuple(self.smoothest / self.step**k for k in range(self.steps))


@dataclass(frozen=True)
class Trial:
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

    def misses(self, lost: float) -> bool:
        """Whether it is ``lost`` times as large, and larger than chance makes it."""
        return self.whole > lost + 4 / math.sqrt(2 * self.count)


class Search:
    """Fits on the way to the smoothing and the softness that the data ask for; each starts from one before.

    Args:
        setup: Of a problem with noisy data, and a prior for fields that these do not show.
        run: Of the solve.
        on_trial: Called with each fit.
        numbers: Those of the search.

    Attributes:
        hurried: Whether the time limit cut it short.
    """

    def __init__(self, setup: Setup, run: Run, on_trial: Callable[[Trial], None], numbers: Smoothing | None = None):
        self._setup, self._run, self._on_trial, self._numbers = setup, run, on_trial, numbers or Smoothing()
        self._factors, self._step = self._numbers.factors, self._numbers.step
        self._least = self._factors[-1] if _prior_names(setup.problem) else math.inf
        self.hurried = False

    def _late(self) -> bool:
        """Whether the time is up, which is remembered: this is asked where there is more to try."""
        self.hurried = self.hurried or self._run.late
        return self._run.late

    def _tried(self, factor: float, soft: float, before: Trial | None) -> Trial:
        trial = _fitted(self._setup, factor, soft, before and before.fit, self._run, self._numbers)
        self._on_trial(trial)
        return trial

    def with_factor(self, factor: float) -> Trial:
        """With a given prior, or none: at once, or where that does not meet the data by way of softer and softer ones.

        (At first data that count much make fields rough, which misleads where no prior holds against it.)
        """
        direct = self._tried(factor, self._numbers.softening[-1], None)
        if not direct.misses(self._numbers.lost) or self._late():
            return direct
        gradual = self.softened(self._tried(factor, self._numbers.softening[0], None))
        return min(direct, gradual, key=lambda trial: (trial.misses(self._numbers.lost), trial.soft, trial.whole))

    def descended(self) -> Trial:
        """From smooth to rough with data that count like equations, until they are met to their noise."""
        trial: Trial | None = None
        for factor in self._factors:
            trial = self._tried(factor, self._numbers.softening[0], trial)
            if trial.fits or self._late():
                break
        assert trial is not None
        return trial

    def softened(self, best: Trial) -> Trial:
        """With data that count less and less, as long as a rougher field can still meet both them and the equations."""
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

    def validated(self, best: Trial) -> Trial:
        """The least cross-validation score, going rougher until it rises."""
        trials = [best]
        while trials[-1].factor > self._least and not self._rises(trials) and not self._late():
            trials.append(self._tried(trials[-1].factor / self._step, best.soft, trials[-1]))
        return min(trials, key=lambda trial: trial.validation)

    def _rises(self, trials: Sequence[Trial]) -> bool:
        scores, patience = [trial.validation for trial in trials], self._numbers.patience
        least = min(scores) / self._numbers.better
        return len(scores) > patience and all(score > least for score in scores[-patience:])


def _fitted(setup: Setup, factor: float, soft: float, before: Fit | None, run: Run, numbers: Smoothing) -> Trial:
    problem, mixture, d = setup.problem, setup.mixture, setup.dimension
    noises = _noises(problem)
    finest = min(noises.values())
    scales = dict(setup.scales)
    for name, noise in noises.items():
        scales[name] = setup.scales[name] / CONDITION_FACTOR * soft * finest / noise
    for name in _prior_names(problem):
        scales[name] = soft * factor * setup.scales[name]
    stage = replace(setup, scales=scales)
    components = mixture.components or numbers.components.get(d, numbers.components_beyond)
    widths = along_each(mixture.widths or numbers.width, d)
    fitted = fit(stage, components, widths, initial_guess=before, monitor=run)
    rows, residual, units = _data_rows(fitted, noises)
    freedom = solver_of(fitted).deviations(rows).square().sum().item()
    misfit = (residual / units).square().mean().sqrt().item()
    left = max(1 - freedom / len(residual), 1e-3)
    scale = units[0].item()
    whole = fitted.system.residual(fitted.theta).norm().item() / scale / len(residual) ** 0.5
    return Trial(fitted, factor, soft, misfit, whole, len(residual), (misfit / left) ** 2, scale)


def _noises(problem: Problem) -> dict[str, float]:
    return {term.name: term.noise for term in problem.terms if term.noise is not None}


def _prior_names(problem: Problem) -> list[str]:
    return [name for term in problem.terms if term.name == PRIOR for name in term.trace.names]


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


def solver_of(found: Fit) -> RidgeSolver:
    """The factored rows that a fit was solved from."""
    solver = found.outcome.solver
    assert isinstance(solver, RidgeSolver)
    return solver
