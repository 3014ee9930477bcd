"""The numbers that decide on what is used unasked, and blocks in time as they are asked for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Going:
    """The numbers by which patches, time slabs and a continuation are used unasked."""

    poor: float = 1e-4
    """Without a tolerance an error estimate of one mixture above this is poor, and patches are tried."""
    fine: float = 1e-8
    """An error estimate below this is never poor: for so smooth a solution patches do no better than one mixture."""
    hopeless: float = 1e-3
    """One mixture is given up early where its error estimate is going to stay above this."""
    lost: float = 1e-3
    """A continuation is tried where Newton's method did not converge and the validation residual is above this."""
    shoot: int = 1
    """After so many fits of which Newton's method converged in none parameters are sought by shooting, if they may."""
    work: float = 200.0
    """Without a time limit patches may take as much work as one core is predicted to do in this many seconds."""
    waves: float = 800.0
    """The same for boxes that the data ask for, beside which nothing else would help."""
    most_dimensions: int = 3
    """The most coordinates with which patches are used."""


@dataclass(frozen=True)
class Blocks:
    """Time slabs as ``solve(blocks=...)`` asks for them: their edges, if given, and how many to begin with."""

    edges: tuple[float, ...] | None
    count: int
