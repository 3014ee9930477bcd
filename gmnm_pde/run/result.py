"""The result of a solve: the best candidate, and how it ended."""

from dataclasses import dataclass
from enum import Enum

from gmnm_pde.fitting.candidate import Candidate
from gmnm_pde.results.posterior import Posterior


class Status(Enum):
    """Why a solve ended; the values say it in a sentence."""

    MET = "The error estimate meets the tolerance."
    RELIABLE = "No tolerance was given, and the error estimate is below one per cent."
    DATA_MET = "The data are met to within their noise."
    TRAINED = "The training came to its end."
    MISSED = "The error estimate does not meet the tolerance."
    POOR = "The error estimate is poor: try more components, or look at the residual."
    UNRESOLVED = "The data have a feature that the solution does not resolve."
    STALLED = "The error estimate stopped falling before it met the tolerance."
    LARGEST = "The largest discretisation that is allowed did not meet the tolerance."
    NOT_CONVERGED = "The method did not converge."
    DATA_MISSED = "The data are not met to within their noise."
    NO_ESTIMATE = "Without a linear readout there is no error estimate to hold beside the tolerance."
    TIME = "The time limit ended the solve; the best answer so far is returned."

    @property
    def converged(self) -> bool:
        """Whether the solution is as good as was asked for."""
        return self in (Status.MET, Status.RELIABLE, Status.DATA_MET, Status.TRAINED)


@dataclass(frozen=True)
class Result:
    """The best candidate, how the solve ended, and in words why; with noisy data also the posterior."""

    best: Candidate
    status: Status
    details: str
    posterior: Posterior | None = None

    @property
    def converged(self) -> bool:
        return self.status.converged
