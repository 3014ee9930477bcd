"""The result of a solve: the best candidate, and how it ended."""

import math
from dataclasses import dataclass, replace
from enum import Enum

from gmnm_pde.fitting.candidate import Candidate
from gmnm_pde.results.posterior import Posterior

RELIABLE = 1e-2
"""Without a tolerance an error estimate below this is good."""


class Status(Enum):
    """Why a solve ended; the values say it in a sentence."""

    MET = "The error estimate meets the tolerance."
    RELIABLE = "No tolerance was given, and the error estimate is below one per cent."
    DATA_MET = "The data are met to within their noise."
    MISSED = "The error estimate does not meet the tolerance."
    POOR = "The error estimate is poor: try more components, or look at the residual."
    UNRESOLVED = "The data have a feature that the solution does not resolve."
    STALLED = "The error estimate stopped falling before it met the tolerance."
    LARGEST = "The largest discretisation that is allowed did not meet the tolerance."
    NOT_CONVERGED = "The method did not converge."
    DATA_MISSED = "The data are not met to within their noise."
    NO_ESTIMATE = "The training came to its end, and its error could not be estimated."
    NOT_UNIQUE = "Equations and conditions leave something free, so that there is no one answer."
    UNSOLVED = "A residual stays near the size of its own terms, which nothing that was tried has lowered."
    TIME = "The time limit ended the solve; the best answer so far is returned."
    INTERRUPTED = "Ctrl-C or a callback ended the solve; the best answer so far is returned."

    @property
    def converged(self) -> bool:
        """Whether the solution is as good as was asked for, whatever ended the solve."""
        return self in (Status.MET, Status.RELIABLE, Status.DATA_MET)


def is_good(candidate: Candidate, tol: float | None) -> bool:
    """Whether a candidate is as good as was asked for: one meaning, with a tolerance and without, in time or late."""
    return candidate.fit.converged and (candidate.error < RELIABLE if tol is None else candidate.error <= tol)


def good_status(tol: float | None) -> Status:
    """The status of a good candidate."""
    return Status.RELIABLE if tol is None else Status.MET


def beside(error: float, tol: float | None) -> str:
    """An error estimate in words, beside the tolerance if there is one."""
    if math.isnan(error):
        return "the error is not estimated"
    if tol is None:
        return f"error estimate {error:.1e}"
    return f"the error estimate {error:.1e} {'meets' if error <= tol else 'does not meet'} tol={tol:g}"


@dataclass(frozen=True)
class Result:
    """The best candidate, how the solve ended, and in words why; with noisy data also the posterior.

    ``partial`` says that it solves the problem up to some time only, ``method`` in words how it was solved, where that
    is not as the strategy says of itself.
    """

    best: Candidate
    status: Status
    details: str
    posterior: Posterior | None = None
    partial: bool = False
    method: str = ""

    @property
    def converged(self) -> bool:
        return self.status.converged

    def with_errors_of(self, least: float) -> "Result":
        """The same with errors of all fields that are so large at least."""
        errors = {name: max(error, least) for name, error in self.best.estimate.by_field.items()}
        return replace(self, best=replace(self.best, estimate=replace(self.best.estimate, by_field=errors)))
