"""What ``eigenmodes`` returns."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gmnm_pde._html import page_of
from gmnm_pde.results.history import History
from gmnm_pde.results.solution import Solution

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Spectrum:
    """Eigenvalues in ascending order, and their modes.

    Attributes:
        problem: The name of the problem.
        parameter: The name of the eigenvalue.
        values: The eigenvalues.
        estimates: Their absolute errors, estimated.
        modes: For each value a solution, scaled to a largest size of 1; several modes of one value span its space.
        errors: Relative errors against the exact values, where these are known.
        converged: Whether the estimate is as small as asked for.
        reason: Why the search ended.
        seconds: How long it took.
        history: A row for each size of mixture.
        status: The same as ``reason`` in a word for programs, as in the reports of solutions.
    """

    problem: str
    parameter: str
    values: tuple[float, ...]
    estimates: tuple[float, ...]
    modes: tuple[Solution, ...]
    errors: tuple[float, ...] | None
    converged: bool
    reason: str
    seconds: float
    history: History
    status: str = ""

    def __len__(self) -> int:
        return len(self.values)

    def __str__(self) -> str:
        head = f"{self.problem}: {'converged' if self.converged else 'NOT CONVERGED'} ({self.reason})"
        lines = [
            f"  {self.parameter:<8} {value:<20.15g} +- {estimate:.1e}"
            for value, estimate in zip(self.values, self.estimates, strict=True)
        ]
        if self.errors is not None:
            lines = [f"{line}, relative error {error:.1e}" for line, error in zip(lines, self.errors, strict=True)]
        return "\n".join([head, *lines, f"  seconds  {self.seconds:.2f}"])

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        names = ("problem", "parameter", "values", "estimates", "errors", "converged", "status", "reason", "seconds")
        return {name: getattr(self, name) for name in names}

    def to_html(self, path: str | Path, **options: Any) -> None:
        """Write a page for a browser, one file: values, figures, statement, how they were found (``pages/``)."""
        from gmnm_pde.pages.spectrum import write_spectrum  # here: matplotlib takes long to import

        write_spectrum(self, path, **options)

    def plot(self, fields: Sequence[str] | None = None) -> "Figure":
        """A panel for each mode; of the first field, unless others are named."""
        from gmnm_pde.plots.modes import plot_modes  # here: matplotlib takes long to import

        return plot_modes(self, fields)

    def _repr_html_(self) -> str:
        return page_of(str(self), self.plot)
