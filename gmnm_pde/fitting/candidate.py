"""An approximate solution with its error estimate: what adaptive methods compare."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gmnm_pde.fitting.estimate import ErrorEstimate
from gmnm_pde.fitting.inspection import NOTHING_LEFT, Left


@dataclass(frozen=True)
class Candidate:
    """An approximation with its error estimate.

    Attributes:
        fit: The approximation (``fitting/approximation.py``).
        estimate: Of its error.
        drift: Its distance from the candidate before it, relative L2; None for the first, or where it is not needed.
        tried: How many fits it was chosen from.
        left: What it leaves of the equations, where its error is not small.
        hurried: Whether the time limit cut short the search, for widths or a smoothing, that led to it.
    """

    fit: Any
    estimate: ErrorEstimate
    drift: float | None = None
    left: Left = NOTHING_LEFT
    hurried: bool = False
    tried: int = 1

    @property
    def error(self) -> float:
        """The estimated error, the largest over the fields."""
        return self.estimate.overall

    @property
    def validation_residual(self) -> float:
        """The held-out residual, relative to that of the zero solution."""
        return self.fit.validation_residual

    def figures(self, evaluator: Any) -> dict[str, float]:
        """Its row of the history, by an evaluator of its problem (``run/evaluation.py``)."""
        return evaluator.figures(self)

    def message(self, row: Mapping[str, float]) -> str:
        """The progress message, given its row of the history."""
        figures = f"residual {row['residual']:.1e}, boundary {row['boundary']:.1e}"
        if not self.fit.trained:
            size = f"{self.fit.components} components" if self.fit.components else f"{self.fit.unknowns} unknowns"
            return f"{size}: error estimate {self.error:.1e}, {figures}"
        error = "" if math.isnan(row["relative_l2"]) else f", relative L2 error {row['relative_l2']:.1e}"
        return f"step {row['step']}: loss {row['loss']:.1e}, {figures}{error}"
