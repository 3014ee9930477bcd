"""What the data of a problem show beside what its solution resolves: the last word on a result."""

import math
from dataclasses import replace

from gmnm_pde.fitting.candidate import Candidate
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.fitting.free_fields import free_by_shape
from gmnm_pde.interruption import OutOfTime, limited
from gmnm_pde.models import Evolved, Normalized
from gmnm_pde.run.audit import looks_at
from gmnm_pde.run.result import Result, Status
from gmnm_pde.run.run import Run
from gmnm_pde.sampling import stream
from gmnm_pde.scrutiny import flux_that_jumps, free_at_solution, narrow_left, unresolved

_BEYOND = 10.0
"""What is left of conditions that contradict counts where it is above the error estimate by this factor."""

_CUT_SHORT = (Status.TIME, Status.INTERRUPTED)
"""What ended a solve in these ways is the reason, and leaves no time for a look at the shape of the domain."""


def missed(candidate: Candidate, setup: Setup) -> str:
    """What a candidate does not resolve of the features of the problem's data, in words; empty if it resolves all."""
    if not setup.features:
        return ""
    fit, problem = candidate.fit, setup.problem
    feature = unresolved(fit.model, problem, setup.features, list(fit.parameters.values()), stream(setup.seed, "look"))
    if feature is None:
        return ""
    what = feature.described(problem.domain.coordinates)
    if feature.hidden:
        return f"{what}, of which its derivatives show nothing: declare the parts on both sides as materials"
    size = "this model does" if fit.components is None else f"{fit.components} components do"
    return f"{what}, which {size} not resolve"


def with_what_is_missed(result: Result, setup: Setup) -> Result:
    """The result, not converged where it leaves a feature of the data unresolved; the features are told as the reason.

    Where it is not converged in any case, what is sharp in the data is told too.
    """
    what, coordinates = missed(result.best, setup), setup.problem.domain.coordinates
    if not what and result.converged:
        result = _with_its_own_jumps(_with_what_is_narrow(result, setup), setup)
    if not what:
        if result.converged or not setup.features:
            return result
        return replace(result, details=f"{result.details}; {setup.features[0].described(coordinates)}")
    status = Status.UNRESOLVED if result.converged else result.status
    if any(feature.hidden for feature in setup.features):
        result = _worthless(result)
    return replace(result, status=status, details=f"{what}; {result.details}")


def last_looks(result: Result, setup: Setup, run: Run) -> Result:
    """The result after all that the statement of the problem tells of it."""
    free = with_what_is_free(with_what_is_missed(result, setup), setup, run)
    return with_what_contradicts(free, setup, run)


def with_what_is_free(result: Result, setup: Setup, run: Run) -> Result:
    """The result, not converged where a part of the boundary has fewer conditions than the equations take.

    That the problem is ill-posed is told: its answer may be right.
    """
    posed = setup.posed
    if posed.ill_posed:
        why = f"ill-posed, so that the estimate is for a solution as smooth as the data show: {posed.ill_posed}"
        return replace(result, details=f"{result.details}; {why}")
    free, of_shape = posed.free, ""
    if result.converged and not free:
        free = free_at_solution(result.best.fit.model, setup.problem)
    if not free and result.status not in _CUT_SHORT:
        free = of_shape = _free_by_shape(result, setup, run)
    if not free:
        return result
    status = Status.NOT_UNIQUE if result.converged or of_shape else result.status
    return replace(_worthless(result), status=status, details=f"{free}; {result.details}")


def _free_by_shape(result: Result, setup: Setup, run: Run) -> str:
    """What the shape of the domain leaves free, in words, where there is time for a look at it."""
    try:
        with limited(run.allowance):
            return free_by_shape(setup, result.best.fit.model)
    except OutOfTime:
        return ""


def with_what_contradicts(result: Result, setup: Setup, run: Run) -> Result:
    """The result, not converged where it leaves much of two conditions that contradict each other.

    What contradicts in its last digits alone, as numbers that were rounded do, is below the error in any case.
    """
    pair = setup.posed.contradiction
    if pair is None:
        return result
    looks = [look for looked in looks_at(result, run) for look in looked]
    left = max((look.relative for look in looks if look.name in (pair.first, pair.second)), default=0.0)
    if result.converged and left <= _BEYOND * result.best.error:
        return result
    why = f"{pair.described()}: {left:.2g} of their terms is left"
    if not result.converged:
        return replace(result, details=f"{why}; {result.details}")
    details = f"{why}; before that, {result.details}"
    return replace(result.with_errors_of(left), status=Status.UNSOLVED, details=details)


def _with_its_own_jumps(result: Result, setup: Setup) -> Result:
    """The result, not converged where its own fields make something jump that an equation differentiates."""
    best, error = result.best.fit, result.best.error
    if setup.problem.linear or math.isnan(error):
        return result
    seed, values = stream(setup.seed, "look"), list(best.parameters.values())
    parts = [(fit.model, fit.system.problem) for fit in best.fits] or [(best.model, setup.problem)]
    for model, problem in parts:
        what = flux_that_jumps(model, problem, values, error, seed)
        if what:
            why = f"{what}, where the fields pass some value, and its derivatives show nothing of that: smooth the step"
            return replace(_worthless(result), status=Status.UNRESOLVED, details=f"{why}; {result.details}")
    return result


def _with_what_is_narrow(result: Result, setup: Setup) -> Result:
    """The result, not converged where something narrow is left that is told by values of its own fields.

    What is marched is looked at step by step.
    """
    seed, values = stream(setup.seed, "look"), list(result.best.fit.parameters.values())
    model, problem = result.best.fit.model, setup.problem
    if isinstance(model, Normalized) and isinstance(model.inner, Evolved):
        return result
    feature = narrow_left(model, problem, values, result.best.error, seed)
    if feature is None:
        return result
    why = f"{feature.described(problem.domain.coordinates)}, which this model does not resolve: make it wider"
    return replace(_worthless(result), status=Status.UNRESOLVED, details=f"{why}; {result.details}")


def _worthless(result: Result) -> Result:
    """The result of another problem than the one that was stated: how well that was solved says nothing."""
    return result.with_errors_of(1.0)
