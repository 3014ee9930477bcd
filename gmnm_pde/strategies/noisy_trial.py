"""A fit to noisy data, with what is known of it in units of their noise."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from gmnm_pde.fitting.fit import Fit
from gmnm_pde.linalg.qr import RidgeSolver, reduce
from gmnm_pde.statement.prior import PRIOR
from gmnm_pde.statement.problem import Problem

_FREE = 3.0
"""Without the data a parameter that they determine is so many times as uncertain at least."""


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

    @property
    def unheld(self) -> float:
        """The root of the sum of all squares but the data's over the number of data: what equations are missed by."""
        return math.sqrt(max(0.0, self.whole**2 - self.misfit**2))

    @cached_property
    def deviations(self) -> tuple[Tensor, Tensor]:
        """The standard deviations of unknown parameters by all terms, and by all but noisy data, [parameters] each."""
        system = self.fit.system
        eye = torch.eye(system.columns, system.extra, dtype=self.fit.theta.dtype, device=self.fit.theta.device)
        both = (solver_of(self.fit), self.without_data)
        whole, rest = (self.scale * solver.inverse_transposed(eye).norm(dim=0) for solver in both)
        return whole, rest

    def beside(self, other: "Trial") -> float:
        """What it leaves of equations, and how much it seems to know of parameters without data, for another trial."""
        equations = max(self.unheld, 1.0) / max(other.unheld, 1.0)
        return max([equations, *(other.deviations[1] / self.deviations[1]).tolist()])

    @property
    def feigned(self) -> bool:
        """Whether equations and conditions alone seem to determine a parameter.

        So it looks, too, where a mixture is too small for any other value of it.
        """
        whole, rest = self.deviations
        return bool((rest < _FREE * whole).any())

    @cached_property
    def without_data(self) -> RidgeSolver:
        """The factored rows of all terms but noisy data."""
        system = self.fit.system
        rest = [placed for placed in system.placed if placed.term.noise is None]
        return RidgeSolver(reduce(replace(system, placed=rest).blocks(self.fit.theta), system.columns))

    def misses(self, lost: float) -> bool:
        """Whether it is ``lost`` times as large, and larger than chance makes it."""
        return self.whole > lost + 4 / math.sqrt(2 * self.count)


def reweighted(trial: Trial, factor: float) -> Trial:
    """The trial with another weight of the prior, for the problem linearised at its solution."""
    before, scales = trial.fit, dict(trial.fit.system.scales)
    for name in prior_names(before.system.problem):
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


def noises_of(problem: Problem) -> dict[str, float]:
    """The noise of noisy data, by their names."""
    return {term.name: term.noise for term in problem.terms if term.noise is not None}


def prior_names(problem: Problem) -> list[str]:
    """The names of the residuals of a prior."""
    return [name for term in problem.terms if term.name == PRIOR for name in term.trace.names]


def data_rows(fitted: Fit, noises: Mapping[str, float]) -> tuple[Tensor, Tensor, Tensor]:
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
