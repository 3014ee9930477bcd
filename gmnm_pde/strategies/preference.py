"""Which of two results is the better one."""

from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.interruption import limited
from gmnm_pde.run.resolved import missed
from gmnm_pde.run.result import RELIABLE, Result, is_good
from gmnm_pde.run.run import Run

_NEARLY = 1.5
"""Error estimates that differ by no more than this factor count as equal."""


def is_better(second: Result, first: Result, run: Run, setup: Setup) -> bool:
    """Whether the second of two results is the better one.

    A good one that resolves all that the data show comes before others, one of the whole time before a part of it
    unless the whole is worthless, a converged fit before others. Else the smaller estimate decides, and where estimates
    are nearly equal the smaller residual.
    """
    good = [
        is_good(result.best, run.tol) and not result.partial and not missed(result.best, setup)
        for result in (first, second)
    ]
    if good[0] != good[1]:
        return good[1]
    if first.partial != second.partial:
        whole = first if second.partial else second
        return (whole.best.error < RELIABLE) == second.partial
    converged = [result.best.fit.converged for result in (first, second)]
    if converged[0] != converged[1]:
        return converged[1]
    errors = [result.best.error for result in (first, second)]
    if not max(errors) <= _NEARLY * min(errors):
        return errors[1] < errors[0]
    with limited(None):
        residuals = [run.evaluator.figures(result.best)["residual"] for result in (first, second)]
    return residuals[1] <= residuals[0]
