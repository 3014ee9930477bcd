"""What a running solve tells its caller: a value handed to a callback, never a print."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from gmnm_pde.adaptivity.p_refinement import Rung
from gmnm_pde.geometry import Domain
from gmnm_pde.methods import Step


@dataclass(frozen=True)
class Progress:
    """News of a running solve: what was done, and the figures it has by now."""

    message: str
    seconds: float
    figures: Mapping[str, float]

    @classmethod
    def of_rung(cls, rung: Rung, row: Mapping[str, float], block: Domain | None = None) -> "Progress":
        """A fit was finished, of the whole problem or of a block in time."""
        figures = f"residual {row['residual']:.1e}, boundary {row['boundary']:.1e}"
        if rung.fit.trained:
            error = "" if math.isnan(row["relative_l2"]) else f", relative L2 error {row['relative_l2']:.1e}"
            message = f"step {row['step']}: loss {row['loss']:.1e}, {figures}{error}"
        else:
            message = f"{rung.fit.components} components: error estimate {rung.estimate.overall:.1e}, {figures}"
        if block is not None:
            start, end = block.bounds[block.coordinates.index(block.time[0])]
            message = f"{block.time[0]} from {start:.4g} to {end:.4g}, {message}"
        return cls(message, row["seconds"], row)

    @classmethod
    def of_step(cls, step: Step, seconds: float) -> "Progress":
        """A Newton step was taken, or a linear solve done."""
        return cls(f"step {step.number}: residual norm {step.norm:.1e}", seconds, {"loss": step.norm})
