"""How smooth unobserved fields are to be, and how much weight noisy data get: a search by fits.

The fits are made one after another, each with an earlier one as its initial guess. The search is for the smoothest
fields with which the sum of all squares, in units of the noise, is no larger than the number of data.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import torch

from gmnm_pde.fitting.approximation import InitialGuess
from gmnm_pde.fitting.by_dimension import ByDimension
from gmnm_pde.fitting.discretization import CONDITION_FACTOR, Setup
from gmnm_pde.fitting.fit import Fit, fit
from gmnm_pde.interruption import finishing
from gmnm_pde.run.run import Run
from gmnm_pde.strategies.noisy_trial import (
    Trial,
    data_rows,
    evidence_of,
    noises_of,
    prior_names,
    reweighted,
    solver_of,
)


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
    sizes: tuple[int, ...] = (1, 2, 4)
    """Where that is too small for the equations, so many times the components are tried,"""
    spreads: tuple[float, ...] = (1.0, 2.0, 4.0)
    """and so many times the slope."""
    soft_enough: float = 0.1
    """With a weight of the data below this equations hold well enough."""
    kept: int = 2
    """Of these the best for one size are tried for the next."""
    alike: float = 1.5
    """Where deviations without data differ by less than this from width to width, equations determine a parameter."""
    better: float = 0.999
    """A cross-validation value is better if it is below this part of the least one."""

    @property
    def factors(self) -> tuple[float, ...]:
        """The weights of the prior relative to the data, from smooth to rough."""
        return tuple(self.smoothest / self.step**k for k in range(self.steps))


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
        self._least = self._factors[-1] if prior_names(setup.problem) else math.inf
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
        if not self._is_doubtful(direct) or self._late():
            return direct
        best = self._gradual(factor, direct)
        small = self._is_doubtful(best) and (best.feigned or best.unheld > self._numbers.lost)
        return self._enlarged(direct, best) if small and not prior_names(self._setup.problem) else best

    def _gradual(self, factor: float, direct: Trial) -> Trial:
        """The best of a fit and those by way of larger weights of the data."""
        gradual = self.softened(self._tried(factor, self._numbers.softening[0], None))
        return min(direct, gradual, key=self._order)

    def _order(self, trial: Trial) -> tuple[bool, float, float]:
        """The best trial is the least: met, with data as soft as may be, and all squares small."""
        return self._is_doubtful(trial), trial.soft, trial.whole

    def _is_doubtful(self, trial: Trial) -> bool:
        """Whether a fit misses data or equations, or only seems to know its parameters."""
        return trial.misses(self._numbers.lost) or (trial.feigned and not prior_names(self._setup.problem))

    def _enlarged(self, direct: Trial, best: Trial) -> Trial:
        """The best of fits with other widths and more components, where a mixture is too small for its equations."""
        numbers, spreads = self._numbers, self._numbers.spreads if self._setup.given_widths is None else (1.0,)
        for multiple in numbers.sizes if not self._setup.mixture.components else (1,):
            tried = {}
            for spread in spreads:
                first = multiple == 1 and spread == 1.0
                tried[spread] = direct if first else self._wider(direct, multiple, spread)
                if self._late():
                    return best
            if multiple == 1 and self._are_known(list(tried.values())):
                return direct
            spreads = sorted(tried, key=lambda spread: tried[spread].beside(direct))[: numbers.kept]
            chosen = tried[spreads[0]].fit
            self._take_mixture(chosen.components, chosen.widths)
            best = min(best, self._gradual(direct.factor, tried[spreads[0]]), key=self._order)
            if not self._is_doubtful(best) and best.soft <= numbers.soft_enough:
                break
        return best

    def _wider(self, direct: Trial, multiple: int, spread: float) -> Trial:
        """The trial with so many times the components and the slope of another one."""
        self._take_mixture(multiple * (direct.fit.components or 0), [spread * width for width in direct.fit.widths])
        return self._tried(direct.factor, self._numbers.softening[-1], direct)

    def _take_mixture(self, components: int | None, widths: Sequence[float]) -> None:
        """Further trials have so many components of these widths."""
        mixture = replace(self._setup.mixture, components=components, widths=tuple(widths))
        self._setup = replace(self._setup, mixture=mixture)

    def _are_known(self, trials: Sequence[Trial]) -> bool:
        """Whether equations and conditions seem to determine a parameter whatever the widths are: then they do."""
        if not all(one.feigned and not one.misses(self._numbers.lost) for one in trials):
            return False
        rest = torch.stack([one.deviations[1] for one in trials])
        return bool((rest.amax(dim=0) < self._numbers.alike * rest.amin(dim=0)).all())

    def begun_near(self, guess: InitialGuess) -> Trial | None:
        """The first of mixtures of several sizes and widths that meets data and equations from a guess, if one does."""
        numbers, setup = self._numbers, self._setup
        size, widths = setup.mixture.components, setup.widths_or(numbers.width)
        for multiple in (1,) if size else numbers.sizes:
            for spread in (1.0,) if setup.given_widths else numbers.spreads:
                components = multiple * (size or numbers.components.of(setup.dimension))
                self._take_mixture(components, [spread * width for width in widths])
                trial = _fitted(self._setup, 1.0, numbers.softening[-1], guess, self._run, numbers)
                self._on_trial(trial)
                if not self._is_doubtful(trial):
                    return trial
                if self._late():
                    return None
        return None

    def begun_from(self, fitted: Fit) -> Trial:
        """The fit of the same mixture that begins with another fit, with the final weight of the data and no prior."""
        self._take_mixture(fitted.components, fitted.widths)
        trial = _fitted(self._setup, 1.0, self._numbers.softening[-1], fitted, self._run, self._numbers)
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
            if trial.whole > lost * max(best.whole, 1.0) or (self._is_doubtful(trial) and not self._is_doubtful(best)):
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


def _fitted(
    setup: Setup, factor: float, soft: float, before: InitialGuess | None, run: Run, numbers: Smoothing
) -> Trial:
    """The fit with some weights of the prior and of the data."""
    problem = setup.problem
    noises = noises_of(problem)
    finest = min(noises.values())
    scales = dict(setup.scales)
    for name, noise in noises.items():
        scales[name] = setup.scales[name] / CONDITION_FACTOR * soft * finest / noise
    for name in prior_names(problem):
        scales[name] = soft * factor * setup.scales[name]
    components = setup.mixture.components or numbers.components.of(setup.dimension)
    widths = setup.widths_or(numbers.width)
    fitted = fit(replace(setup, scales=scales), components, widths, initial_guess=before, monitor=run)
    with finishing(anyhow=before is None):
        rows, residual, units = data_rows(fitted, noises)
        left_over = fitted.system.residual(fitted.theta).norm().item()
    freedom = solver_of(fitted).inverse_transposed(rows.mT).square().sum().item()
    misfit = (residual / units).square().mean().sqrt().item()
    left = max(1 - freedom / len(residual), 1e-3)
    scale = units[0].item()
    whole = left_over / scale / len(residual) ** 0.5
    return Trial(fitted, factor, soft, misfit, whole, len(residual), (misfit / left) ** 2, scale)
