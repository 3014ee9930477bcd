"""What the data of a problem show beside what its solution resolves: the last word on a result."""

from dataclasses import replace

from gmnm_pde.fitting.candidate import Candidate
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.run.result import Result, Status
from gmnm_pde.sampling import stream
from gmnm_pde.scrutiny import unresolved


def missed(candidate: Candidate, setup: Setup) -> str:
    """What a candidate does not resolve of the features of the problem's data, in words; empty if it resolves all."""
    if not setup.features:
        return ""
    fit = candidate.fit
    return unresolved(
        fit.model, setup.problem, setup.features, list(fit.parameters.values()), stream(setup.seed, "look")
    )


def with_what_is_missed(result: Result, setup: Setup) -> Result:
    """The result, not converged and with the reason where it leaves a feature of the data unresolved."""
    what = missed(result.best, setup)
    if not what:
        return result
    size = result.best.fit.components
    words = f"{what}, which {'this solution does' if size is None else f'{size} components do'} not resolve"
    if what.endswith("see"):
        words = f"{what}; declare the parts that it separates as materials"
    status = Status.UNRESOLVED if result.converged else result.status
    return replace(result, status=status, details=f"{words}; {result.details}")
