"""The readout of a model that the user made: one fit, which keeps the model's features."""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import nn

from gmnm_pde.fitting.candidate import Candidate
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.fitting.estimate import ErrorEstimate, estimate_error
from gmnm_pde.fitting.fit import fit_readout
from gmnm_pde.interruption import OutOfTime, finishing, limited
from gmnm_pde.models import Normalized
from gmnm_pde.run.result import Result, Status, beside, good_status, is_good
from gmnm_pde.run.run import Run

_FEW = 100
"""So few features are solved for whatever time is left."""


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
        try:
            with limited(run.allowance):
                fitted = fit_readout(self.setup, self.model, monitor=run)
                with finishing(anyhow=True):
                    candidate = Candidate(fitted, estimate_error(fitted, run.points))
        except OutOfTime:
            run.require_time()
            return self._part(run)
        run.record(candidate)
        outcome, words, tol = fitted.outcome, beside(candidate.error, run.tol), run.tol
        if not outcome.converged:
            status = Status.TIME if outcome.late else Status.NOT_CONVERGED
            return Result(candidate, status, f"{outcome.reason}; {words}")
        if is_good(candidate, tol):
            return Result(candidate, good_status(tol), f"{outcome.reason}; {words}")
        why = "the model's features are kept as given; model='gmnm' adds components"
        status = Status.POOR if tol is None else Status.MISSED
        return Result(candidate, status, f"{outcome.reason}; {words}: {why}")

    def _part(self, run: Run) -> Result:
        """The readout of the first few features, where there is no time for all."""
        features = Normalized(self.model, self.setup.problem.domain.bounds).readout.shape[1]
        fitted, few = None, features
        while fitted is None:
            few = min(_FEW, features) if run.late else max(1, few // 2)
            try:
                with limited(run.allowance if few > _FEW else None):
                    fitted = fit_readout(self.setup, self.model, monitor=run, leading=few)
            except OutOfTime:
                continue
        candidate = Candidate(fitted, ErrorEstimate.unknown(self.setup.problem))
        run.record(candidate)
        words = f"{run.ended_by} left time for {few} of {features} features alone; their error is not estimated"
        return Result(candidate, Status.TIME, words)
