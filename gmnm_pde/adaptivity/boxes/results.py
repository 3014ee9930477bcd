"""What a solution on boxes is worth: as a candidate, beside others, and as a result."""

from typing import Any

from gmnm_pde.adaptivity.loop import Stop, Trials
from gmnm_pde.boxes.drift import moved
from gmnm_pde.boxes.fit import BoxFit
from gmnm_pde.fitting.candidate import Candidate
from gmnm_pde.fitting.estimate import ErrorEstimate
from gmnm_pde.run.result import Result, Status, beside, good_status, is_good
from gmnm_pde.run.run import Run

_ROUGH = 1e-4
"""A solution of nonlinear equations is rough with an error estimate above this."""


def candidate_of(fit: BoxFit) -> Candidate:
    """A solution with its error estimate."""
    fields, known = fit.statements.problem.fields, fit.judged
    errors, faint = dict(zip(fields, known.errors, strict=True)), tuple(fields[k] for k in known.faint)
    return Candidate(fit, ErrorEstimate(errors, {}, known.doubt, bool(known.doubt), faint))


def is_confirmed(trials: Trials[Any]) -> bool:
    """Whether an error estimate needs no finer boxes to confirm it.

    A rough solution of nonlinear equations may be near to none; from the second on estimates are held beside steps.
    """
    linear, errors = trials.last.fit.statements.problem.linear, trials.errors
    return linear or len(errors) != 1 or errors[0] < _ROUGH


def refuted(best: Candidate, other: Candidate) -> float:
    """The error of the best candidate so far, no less than its distance from one that solves better.

    The least residual of nonlinear equations on few boxes may be far from any solution, and seem near to one.
    """
    fit = other.fit
    if fit.statements.problem.linear or not fit.converged or fit.validation_residual > best.fit.validation_residual:
        return best.error
    return max(best.error, moved(fit, best.fit).max().item())


def result_of(best: Candidate, tol: float | None, stop: Stop, run: Run, *, by_hand: bool) -> Result:
    """The best candidate, whether it is good enough, and why the refinement stopped."""
    words, made = beside(best.error, tol), best.fit.model.inner.form
    if is_good(best, tol):
        return Result(best, good_status(tol), f"{words}; {made}")
    if not best.fit.converged:
        return Result(best, Status.TIME if best.fit.late else Status.NOT_CONVERGED, f"{best.fit.reason}; {made}")
    status, why = _why(stop, run, by_hand=by_hand)
    poor = tol is None and status is not Status.TIME
    return Result(best, Status.POOR if poor else status, f"{words}: {why}; {made}")


def _why(stop: Stop, run: Run, *, by_hand: bool) -> tuple[Status, str]:
    if stop is Stop.TIME:
        return run.end_of_time
    if stop is Stop.STALLED:
        return Status.STALLED, "it stopped falling"
    if by_hand:
        return Status.LARGEST, "boxes and degree are kept as given"
    return Status.LARGEST, "more boxes would not fit into memory"
