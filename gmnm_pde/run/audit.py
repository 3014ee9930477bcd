"""The last look at an answer: on points never used before, by the user's own functions.

An answer is converged only if it is the one answer, if every residual is small beside its own terms, and if fresh
points show no more than those did that it was judged by.
"""

from collections.abc import Sequence
from dataclasses import replace

from gmnm_pde.evolution.reading.counting import free_end
from gmnm_pde.fitting.fit import Fit
from gmnm_pde.fitting.inspection import Inspected, inspected
from gmnm_pde.run.result import RELIABLE, Result, Status
from gmnm_pde.run.run import Run

_UNSOLVED = 0.1
"""A residual above this part of its terms is not solved."""

_MANIFOLD = 10.0
"""From so many times its terms on it is told as a multiple of them."""

_WORTH_TELLING = 0.01
"""Where an estimate is poor, a residual above this part of its terms is told as a reason."""

_SURPRISE = 3.0
"""Fresh points may show a residual larger by this factor before the estimate grows with it."""

_BEYOND = 10.0
"""What data leave open counts where it is above the estimate by this factor."""

_OWN_REASON = (Status.TIME, Status.NOT_CONVERGED)
"""What ended a solve in these ways is the reason, whatever is seen here."""


def audited(result: Result, run: Run) -> Result:
    """The result, as it stands after the last look."""
    if result.posterior is not None:
        return result
    fits, looks = result.best.fit.fits, looks_at(result, run)
    if fits:
        result = _on_fresh_points(result, fits, looks, run)
        result = _beside_data(result, fits, looks, run)
    data = {placed.term.name for fit in fits for placed in fit.system.placed if placed.term.group == "data"}
    every = [look for looked in looks for look in looked]
    worst = max([look for look in every if look.name not in data] or every, key=lambda look: look.relative)
    size = f"{worst.relative:.0%} of" if worst.relative < _MANIFOLD else f"{worst.relative:.1e} times"
    told = f"the residual of '{worst.name}' is {size} its terms, the largest near {worst.place}"
    if result.best.estimate.faint and result.converged:
        result = replace(result, details=f"{result.details}; {_of_faint(result.best.estimate.faint)}")
    if result.best.estimate.doubt:
        return _marked(result, Status.NOT_UNIQUE, result.best.estimate.doubt)
    # what was marched had as many conditions as its equations ask for
    free = free_end(run.problem) if fits and result.converged and run.problem.domain.time else ""
    if free:
        return _marked(result, Status.NOT_UNIQUE, free)
    if worst.relative > _UNSOLVED:
        why = "conditions contradict it or each other there, or this approximator cannot show the solution"
        if not fits:  # marches agree with each other on what they do not show
            result = replace(result.with_errors_of(worst.relative), details=f"before that, {result.details}")
        return _marked(result, Status.UNSOLVED, f"{told}: {why}")
    if worst.relative > _WORTH_TELLING and not result.converged and result.status not in _OWN_REASON:
        return replace(result, details=f"{result.details}; {told}")
    return result


def looks_at(result: Result, run: Run) -> list[list[Inspected]]:
    """Every named residual on fresh points, of each fit of the result."""
    fits, seed = result.best.fit.fits, run.evaluator.seed
    return [inspected(fit, seed) for fit in fits] or [result.best.fit.inspected(seed)]


def _marked(result: Result, status: Status, why: str) -> Result:
    status = result.status if result.status in _OWN_REASON else status
    return replace(result, status=status, details=f"{why}; {result.details}")


def _of_faint(fields: Sequence[str]) -> str:
    named = " and ".join(f"'{field}'" for field in fields)
    verb, its = ("is", "its error is") if len(fields) == 1 else ("are", "their errors are")
    return f"{named} {verb} next to nothing beside the other fields: {its} relative to what might be there"


def _on_fresh_points(result: Result, fits: Sequence[Fit], looks: Sequence[Sequence[Inspected]], run: Run) -> Result:
    """The result with an estimate that grows as the residual does from held-out points to fresh ones."""
    surprises = []
    for fit, looked in zip(fits, looks, strict=True):
        held = {name: values.square().mean().sqrt().item() for name, values in fit.named_residuals().items()}
        surprises += [(look.size / max(held[look.name], 1e-300), look) for look in looked if look.name in held]
    factor, look = max(surprises, key=lambda surprise: surprise[0], default=(1.0, None))
    if look is None or factor <= _SURPRISE or look.relative < 1e-12:
        return result
    told = f"fresh points show a residual of '{look.name}' that is {factor:.0f} times as large, near {look.place}"
    return _with_larger_estimate(result, run, factor, told)


def _beside_data(result: Result, fits: Sequence[Fit], looks: Sequence[Sequence[Inspected]], run: Run) -> Result:
    """The result with an estimate that is no smaller than what scattered data without stated noise leave open."""
    known = result.best.estimate
    for fit, looked in zip(fits, looks, strict=True):
        counts = {placed.term.name: len(placed.cloud) for placed in fit.system.placed if placed.term.group == "data"}
        for look in looked:
            open_still = look.relative / max(counts.get(look.name, 1), 1) ** 0.5
            if look.name in counts and open_still > _BEYOND * known.overall:
                told = f"the values of '{look.name}' are missed by {look.relative:.1%}: state their noise"
                return _with_larger_estimate(result, run, open_still / known.overall, told)
    return result


def _with_larger_estimate(result: Result, run: Run, factor: float, told: str) -> Result:
    """The result with all errors larger by a factor, and what it comes to where that is too large."""
    known = result.best.estimate
    estimate = replace(
        known,
        by_field={name: factor * error for name, error in known.by_field.items()},
        by_parameter={name: factor * error for name, error in known.by_parameter.items()},
    )
    result = replace(result, best=replace(result.best, estimate=estimate))
    aim = RELIABLE if run.tol is None else run.tol
    if not result.converged or estimate.overall <= aim:
        return result
    status = Status.POOR if run.tol is None else Status.MISSED
    told = f"{told}: the error estimate is {result.best.error:.1e}"
    return replace(result, status=status, details=f"{told}; before that, {result.details}")
