"""How smooth unobserved fields are to be, and how much noisy data count: fits that try it out.

Each fit starts from one before; what is looked for is where the sum of all squares, in units of the noise, is as large
as there are data.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gmnm_pde.fitting.fit import CONDITION_FACTOR, Fit, Setup, fit
from gmnm_pde.linalg.qr import RidgeSolver
from gmnm_pde.methods import Step
from gmnm_pde.models import along_each
from gmnm_pde.statement.prior import PRIOR
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


@dataclass(frozen=True)
class Look:
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


class Search:
    """Fits on the way to the smoothing and the softness that the data ask for; each starts from one before."""

    def __init__(self, setup: Setup, deadline: float, on_step: Callable[[Step], None], on_look: Callable[[Look], None]):
        self._setup, self._deadline, self._on_step, self._on_look = setup, deadline, on_step, on_look
        self._least = _LADDER[-1] if _prior_names(setup.problem) else math.inf

    @property
    def _late(self) -> bool:
        return time.monotonic() > self._deadline

    def look(self, factor: float, soft: float, near: Look | None) -> Look:
        found = _look(self._setup, factor, soft, near and near.fit, self._deadline, self._on_step)
        self._on_look(found)
        return found

    def of_factor(self, factor: float) -> Look:
        """With a given prior, or none: at once, or where that does not meet the data by way of softer and softer ones.

        (At first data that count much make fields rough, which misleads where no prior holds against it.)
        """
        found = self.look(factor, _SOFTENING[-1], None)
        if not found.misses or self._late:
            return found
        other = self.softened(self.look(factor, _SOFTENING[0], None))
        return min(found, other, key=lambda one: (one.misses, one.soft, one.whole))

    def descended(self) -> Look:
        """From smooth to rough with data that count like equations, until they are met to their noise."""
        found: Look | None = None
        for factor in _LADDER:
            found = self.look(factor, _SOFTENING[0], found)
            if found.fits or self._late:
                break
        assert found is not None
        return found

    def softened(self, found: Look) -> Look:
        """With data that count less and less, as long as a rougher field can still meet both them and the equations."""
        for soft in _SOFTENING[1:]:
            trial = self.look(found.factor, soft, found)
            while trial.whole > _LOST * found.whole and trial.factor > self._least and not self._late:
                trial = self.look(trial.factor / _RUNG, soft, trial)
            if trial.whole > _LOST * max(found.whole, 1.0):
                break
            found = trial
        return found

    def adjusted(self, found: Look) -> Look:
        """The smoothest fields with which the sum of squares is no larger than the number of data."""
        while not found.fits and found.factor > self._least and not self._late:
            found = self.look(found.factor / _RUNG, found.soft, found)
        while found.fits and found.factor < _LADDER[0] and not self._late:
            smoother = self.look(found.factor * _RUNG, found.soft, found)
            if not smoother.fits:
                break
            found = smoother
        return found

    def validated(self, found: Look) -> Look:
        """The least cross-validation score, going rougher until it rises."""
        looks = [found]
        while looks[-1].factor > self._least and not self._late and not _rises([one.validation for one in looks]):
            looks.append(self.look(looks[-1].factor / _RUNG, found.soft, looks[-1]))
        return min(looks, key=lambda one: one.validation)


def _rises(scores: Sequence[float]) -> bool:
    best = min(scores)
    return len(scores) > _PATIENCE and all(score > best / _BETTER for score in scores[-_PATIENCE:])


def _look(
    setup: Setup, factor: float, soft: float, near: Fit | None, deadline: float, on_step: Callable[[Step], None]
) -> Look:
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
    freedom = solver_of(found).deviations(rows).square().sum().item()
    misfit = (residual / units).square().mean().sqrt().item()
    left = max(1 - freedom / len(residual), 1e-3)
    scale = units[0].item()
    whole = found.system.residual(found.theta).norm().item() / scale / len(residual) ** 0.5
    return Look(found, factor, soft, misfit, whole, len(residual), (misfit / left) ** 2, scale)


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


def solver_of(found: Fit) -> RidgeSolver:
    """The factored rows that a fit was solved from."""
    solver = found.outcome.solver
    assert isinstance(solver, RidgeSolver)
    return solver
