"""How a search for modes ended."""

from dataclasses import dataclass

from gmnm_pde.boxes.spectra.modes import BoxModes
from gmnm_pde.fitting.modes import ModeSet
from gmnm_pde.run.result import RELIABLE, Status


@dataclass(frozen=True)
class Modes:
    """The best mode set, how the solve ended, in words what happened, and how modes were found."""

    best: ModeSet | BoxModes
    status: Status
    details: str
    method: str = "inverse iteration by least squares"


def is_near(best: ModeSet | BoxModes, tol: float | None) -> bool:
    """Whether modes are as good as was asked for."""
    return best.worst < RELIABLE if tol is None else best.worst <= tol


def ended(best: ModeSet | BoxModes, tol: float | None, stopped_by: str = "") -> Modes:
    """The end with the best mode set; ``stopped_by`` says in words what stopped it before its end, if anything did."""
    met = is_near(best, tol)
    missed = Status.TIME if stopped_by else Status.POOR if tol is None else Status.MISSED
    status = (Status.RELIABLE if tol is None else Status.MET) if met else missed
    words = f"the relative error of the values is estimated at {best.worst:.1e} at most"
    if tol is not None:
        words += f", which {'meets' if met else 'does not meet'} tol={tol:g}"
    return Modes(best, status, words + (f"; stopped by {stopped_by}" if stopped_by else ""))
