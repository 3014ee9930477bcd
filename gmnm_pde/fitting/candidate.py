"""A fit, or what stands for one, with its error estimate: what adaptive methods compare."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gmnm_pde.fitting.estimate import ErrorEstimate


@dataclass(frozen=True)
class Candidate:
    """An approximation with its error estimate.

    Attributes:
        fit: The approximation (``fitting/approximation.py``).
        estimate: Of its error.
        drift: How far it is from the candidate before it, relative L2; None for the first, or where nobody asks.
        hurried: Whether the time limit cut its making short, such as a search for widths.
    """

    fit: Any
    estimate: ErrorEstimate
    drift: float | None = None
    hurried: bool = False

    @property
    def error(self) -> float:
        """The estimated error, the largest over the fields."""
        return self.estimate.overall

    @property
    def validation_residual(self) -> float:
        """The held-out residual, relative to that of the zero solution."""
        return self.fit.validation_residual

    def figures(self, evaluator: Any) -> dict[str, float]:
        """What the history says of it, by an evaluator of its problem (``run/evaluation.py``)."""
        return evaluator.figures(self)

    def message(self, row: Mapping[str, float]) -> str:
        """What is said of it, given its row of the history."""
        figures = f"residual {row['residual']:.1e}, boundary {row['boundary']:.1e}"
        if not self.fit.trained:
            return f"{self.fit.components} components: error estimate {self.error:.1e}, {figures}"
        error = "" if math.isnan(row["relative_l2"]) else f", relative L2 error {row['relative_l2']:.1e}"
        return f"step {row['step']}: loss {row['loss']:.1e}, {figures}{error}"
