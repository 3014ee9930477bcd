"""What a running solve tells its caller: a value handed to a callback, never a print."""

from collections.abc import Mapping
from dataclasses import dataclass

from gmnm_pde.geometry import Domain
from gmnm_pde.methods import Step


@dataclass(frozen=True)
class Progress:
    """News of a running solve: a message, the seconds so far, and the latest figures."""

    message: str
    seconds: float
    figures: Mapping[str, float]

    @classmethod
    def of_row(cls, message: str, row: Mapping[str, float], slab: Domain | None = None) -> "Progress":
        """A row was added to the history, about the whole problem or about a time slab."""
        if slab is not None:
            start, end = slab.bounds[slab.coordinates.index(slab.time[0])]
            message = f"{slab.time[0]} from {start:.4g} to {end:.4g}, {message}"
        return cls(message, row["seconds"], row)

    @classmethod
    def of_time(cls, name: str, time: float, end: float, steps: int, seconds: float) -> "Progress":
        """Some more steps in time were taken."""
        return cls(f"{name} = {time:.4g} of {end:.4g}: {steps} steps", seconds, {name: time, "steps": steps})

    @classmethod
    def of_step(cls, step: Step, seconds: float) -> "Progress":
        """A Newton step was taken, or a linear solve done."""
        return cls(f"step {step.number}: residual norm {step.norm:.1e}", seconds, {"loss": step.norm})
