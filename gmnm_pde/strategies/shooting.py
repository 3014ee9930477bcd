"""Shooting: unknown parameters of a problem in time from marches alone, as a start for Newton's method.

Newton's method on fields and parameters together, from zero fields, finds no way down for some nonlinear problems with
data, or does for one draw of their errors and not for another. Here the fields are those that the initial values lead
to, and the parameters alone are moved, from their guesses, until the marches meet the data in the least squares sense.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gmnm_pde._errors import GmnmError
from gmnm_pde.collocation.whole import Counts, place
from gmnm_pde.evolution.marched import Marched
from gmnm_pde.evolution.preparing import Marches
from gmnm_pde.evolution.reading import read
from gmnm_pde.evolution.reading.faces import Unsuited
from gmnm_pde.evolution.steps import Ended
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.residuals import Placed
from gmnm_pde.residuals.pointwise import jets_of, linearize
from gmnm_pde.statement.conditions import Observations
from gmnm_pde.statement.problem import Problem

_ALLOWED = 1e-6
"""The error allowed in a step of the marches."""

_DIFFERENCE = 1e-4
"""By how much parameters are changed for differences, relative to them: far more than the marches' errors show."""

_TRIALS = 30
"""The most sets of parameters that are tried, those of differences not counted."""

_SETTLED = 1e-3
"""The search ends where a step changes parameters or residuals by no more than this part."""


@dataclass(frozen=True)
class Shot:
    """What Newton's method can start from: parameters, and the march that they lead to."""

    theta: Tensor
    march: Marched

    def solved_for(self, points: Tensor) -> Tensor:
        """The fields at points [n, d], [n, fields]."""
        return self.march.outputs(points)


def may_shoot(setup: Setup) -> bool:
    """Whether parameters may be found by shooting: in a problem in time alone, from data."""
    problem = setup.problem
    in_time = bool(problem.domain.time) and problem.domain.dimension == 1
    observed = any(term.group == "data" for term in problem.terms)
    simple = problem.lift is None and not problem.events and setup.device.type == "cpu"
    return in_time and bool(problem.parameters) and observed and simple


def shot(setup: Setup) -> Shot | None:
    """The march that meets the data best, from the guesses of the parameters; None where none is found."""
    from scipy.optimize import least_squares  # imported late: few solves need it

    problem = setup.problem
    placed = [one for one in place(problem, Counts(1), seed=setup.seed) if one.term.group == "data"]
    guesses = list(problem.parameters.values())
    ends = [problem.limits.get(name, (-np.inf, np.inf)) for name in problem.parameters]

    def misfits(values: Sequence[float]) -> np.ndarray:
        try:
            return _misfits(setup, placed, values, _marched(problem, values)).numpy()
        except (Ended, GmnmError):  # trials that are not finite are shortened
            return np.full(rows, np.inf)

    try:
        rows = len(_misfits(setup, placed, guesses, _marched(problem, guesses)))
        found = least_squares(
            misfits,
            guesses,
            bounds=tuple(zip(*ends, strict=True)),
            x_scale="jac",
            diff_step=_DIFFERENCE,
            ftol=_SETTLED,
            xtol=_SETTLED,
            max_nfev=_TRIALS,
        )
        return Shot(torch.tensor(found.x).to(setup.dtype), _marched(problem, found.x))
    except (Unsuited, Ended, GmnmError, ValueError, np.linalg.LinAlgError):
        return None


def _marched(problem: Problem, values: Sequence[float]) -> Marched:
    """The march with given parameters, data left out.

    Raises:
        Unsuited: the problem without its data is none for marching.
        Ended: the march does not come to the end.
    """
    known = dict(zip(problem.parameters, map(float, values), strict=True))
    stated = [condition for condition in problem.conditions if not isinstance(condition, Observations)]
    with warnings.catch_warnings():  # of what data fixed
        warnings.simplefilter("ignore")
        constants = {**problem.constants, **known}
        certain = problem.remade(parameters=None, constants=constants, conditions=stated, exact=None, spectrum=None)
    statements = read(certain)
    marches = Marches(statements, ())
    march = marches.prepared(_ALLOWED, None, 0, lambda _: None, lambda _: None)
    march.run()
    return Marched(statements, march.steps, 0, reached=True, counts=march.counts, told=marches.told(march))


def _misfits(setup: Setup, placed: Sequence[Placed], values: Sequence[float], march: Marched) -> Tensor:
    """The residuals of the data at a march, scaled."""
    scalars, residuals = torch.tensor(list(values), dtype=torch.float64).unbind(), []
    for one in placed:
        points = one.cloud.points.double()
        jets = jets_of(march.model, one.term, points, "auto")
        for name, linearized in linearize(setup.problem, one, points, jets, scalars, slopes=False).items():
            residuals.append(linearized.residual * setup.scales.get(name, 1.0))
    return torch.cat(residuals)
