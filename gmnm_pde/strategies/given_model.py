"""The readout of a model that the user made: one fit, which keeps the model's features."""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import nn

from gmnm_pde.fitting.candidate import Candidate
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.fitting.estimate import estimate_error
from gmnm_pde.fitting.fit import fit_readout
from gmnm_pde.run.result import Result, Status
from gmnm_pde.run.run import Run


@dataclass(frozen=True)
class GivenModel:
    """One fit of a given model's readout.

    Args:
        setup: Of the solve.
        model: A module with a linear readout.
        description: For the report.
    """

    takes: ClassVar[frozenset[str]] = frozenset({"engine"})

    setup: Setup
    model: nn.Module
    description: str

    @property
    def identity(self) -> dict[str, Any]:
        """Nothing: no checkpoint is written in a single fit."""
        return {}

    def run(self, run: Run) -> Result:
        """Fit, and estimate the error."""
        fitted = fit_readout(self.setup, self.model, monitor=run)
        candidate = Candidate(fitted, estimate_error(fitted, run.points))
        run.record(candidate)
        outcome, error, tol = fitted.outcome, candidate.error, run.tol
        words = f"{outcome.reason}; error estimate {error:.1e}"
        if not outcome.converged:
            return Result(candidate, Status.TIME if outcome.late else Status.NOT_CONVERGED, words)
        if tol is None:
            return Result(candidate, Status.RELIABLE if error <= 1e-2 else Status.POOR, words)
        if error <= tol:
            return Result(candidate, Status.MET, words)
        why = f"does not meet tol={tol:g}: the model's features are kept as given; model='gmnm' adds components"
        return Result(candidate, Status.MISSED, f"{words} {why}")
