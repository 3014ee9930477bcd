"""The course of a solve, row by row."""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gmnm_pde._html import picture_of, table_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = ("step", "seconds", "loss", "residual", "boundary", "relative_l2")
"""The columns that every history has; the others are the terms by name, and what a method adds."""

_SHOWN = 8
"""The last rows that notebooks show."""


@dataclass
class History:
    """Columns ``step, seconds, loss, residual, boundary, relative_l2`` and one for each named term.

    ``loss`` is the mean of the squared, scaled residuals on the points fitted; ``residual`` and ``boundary`` are root
    mean squares of the equations and of the conditions on points held out; a column of a term is its mean square there.
    ``relative_l2`` is NaN where no exact solution is known. A step is a fit of a given number of components for least
    squares, a step of the optimiser for the others.
    """

    rows: list[dict[str, float]] = field(default_factory=list)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of all columns."""
        names: dict[str, None] = dict.fromkeys(COLUMNS)  # a dict keeps the order
        for row in self.rows:
            names.update(dict.fromkeys(row))
        return tuple(names)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, column: str) -> list[float]:
        """A column by its name; NaN in the rows that lack it."""
        if column not in self.columns:
            raise KeyError(f"history has no column '{column}'; it has {', '.join(self.columns)}")
        return [row.get(column, math.nan) for row in self.rows]

    def append(self, row: Mapping[str, float]) -> None:
        """Add a row."""
        self.rows.append(dict(row))

    def to_csv(self, path: str | Path) -> None:
        """Write all columns as comma-separated values."""
        with Path(path).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(self.columns)
            writer.writerows([[row.get(name, "") for name in self.columns] for row in self.rows])

    def plot(self, **options: Any) -> "Figure":
        """Curves of the L2 error, the boundary and the residual."""
        from gmnm_pde.plots.curves import plot_history  # here: matplotlib takes long to import

        return plot_history(self, **options)

    def _repr_html_(self) -> str:
        rows = [[f"{row.get(name, math.nan):.3g}" for name in COLUMNS] for row in self.rows[-_SHOWN:]]
        title = f"history of {len(self)} rows" + (f", the last {_SHOWN}" if len(self) > _SHOWN else "")
        return table_of(title, COLUMNS, rows) + (picture_of(self.plot, "45em") if len(self) > 1 else "")
