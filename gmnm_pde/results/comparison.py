"""What a comparison of models gives back: one row for each run, their spread over seeds, the curves."""

import csv
import dataclasses
import json
import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gmnm_pde._html import page_of
from gmnm_pde.results.report import PerField
from gmnm_pde.results.solution import Solution

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MEASURED = ("mse", "relative_l2", "max_error", "residual", "boundary", "seconds", "steps")
"""The columns that a summary is made of."""

_TITLES = {
    "mse": "MSE",
    "relative_l2": "relative L2",
    "max_error": "max error",
    "residual": "residual",
    "boundary": "boundary",
}
"""The columns of the printed table that hold errors, with their titles."""


@dataclass(frozen=True)
class Row:
    """One run of one model from one seed.

    ``mse`` is the mean squared error over points and fields, ``relative_l2`` and ``max_error`` the largest over the
    fields; they are None where no exact solution is known. ``residual`` and ``boundary`` are root mean squares of the
    equations and of the conditions on points that were not fitted.
    """

    name: str
    seed: int
    parameters: int
    mse: float | None
    relative_l2: float | None
    max_error: float | None
    residual: float
    boundary: float
    seconds: float
    steps: int
    method: str
    converged: bool
    reason: str

    @classmethod
    def of(cls, name: str, solution: Solution) -> "Row":
        """The row of one solve."""
        report = solution.report
        mse = _numbers(report.mse)
        return cls(
            name=name,
            seed=report.seed,
            parameters=report.parameters,
            mse=statistics.fmean(mse) if mse else None,
            relative_l2=max(_numbers(report.relative_l2), default=None),
            max_error=max(_numbers(report.max_error), default=None),
            residual=report.residual,
            boundary=report.boundary,
            seconds=report.seconds,
            steps=int(solution.history["step"][-1]),
            method=report.method,
            converged=report.converged,
            reason=report.reason,
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; numbers that are not finite become None."""
        return {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in dataclasses.asdict(self).items()
        }


@dataclass(frozen=True)
class Spread:
    """A quantity over the seeds: least, geometric mean, greatest, and the standard deviation (0 for one seed)."""

    min: float
    mean: float
    max: float
    std: float

    @classmethod
    def of(cls, values: Iterable[float | None]) -> "Spread | None":
        """The spread of the values that are known and finite; None where no value is."""
        known = [value for value in values if value is not None and math.isfinite(value)]
        if not known:
            return None
        mean = math.exp(statistics.fmean(map(math.log, known))) if min(known) > 0 else 0.0
        return cls(min(known), mean, max(known), statistics.stdev(known) if len(known) > 1 else 0.0)


@dataclass(frozen=True)
class Comparison:
    """Several models on one problem, from the same points, steps and seeds: ``print`` it for a table.

    Attributes:
        problem: The problem's name.
        rows: One for each run, model by model and seed by seed.
        solutions: What each run returned, in the order of the rows.
        interrupted: Whether Ctrl-C or a callback ended it: the last run may be unfinished, those after it are missing.
    """

    problem: str
    rows: tuple[Row, ...]
    solutions: tuple[Solution, ...] = dataclasses.field(repr=False)
    interrupted: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The models' names, in order."""
        return tuple(dict.fromkeys(row.name for row in self.rows))

    def of(self, name: str) -> tuple[Row, ...]:
        """The rows of one model, one for each seed."""
        if name not in self.names:
            raise KeyError(f"the comparison has no model '{name}'; it has {', '.join(self.names)}")
        return tuple(row for row in self.rows if row.name == name)

    def runs(self, name: str) -> tuple[Solution, ...]:
        """The solutions of one model, one for each seed."""
        return tuple(s for row, s in zip(self.rows, self.solutions, strict=True) if row.name == name)

    def best(self, name: str) -> Solution:
        """The solution of one model with the least residual and boundary, which the exact solution has no part in."""
        return min(self.runs(name), key=lambda s: math.hypot(s.report.residual, s.report.boundary))

    def summary(self) -> dict[str, dict[str, Spread | None]]:
        """Mean and spread over the seeds, by model and quantity."""
        return {
            name: {column: Spread.of(getattr(row, column) for row in self.of(name)) for column in MEASURED}
            for name in self.names
        }

    def as_dict(self) -> dict[str, Any]:
        """``{"rows": [...]}`` of plain values for JSON."""
        return {"rows": [row.as_dict() for row in self.rows]}

    def to_csv(self, path: str | Path) -> None:
        """Write the rows as comma-separated values."""
        _write(path, [row.as_dict() for row in self.rows])

    def curves_to_csv(self, path: str | Path) -> None:
        """Write the histories of all runs into one file of comma-separated values."""
        runs = zip(self.rows, self.solutions, strict=True)
        rows = [{"name": row.name, "seed": row.seed, **step} for row, s in runs for step in s.history.rows]
        _write(path, rows)

    def write(self, folder: str | Path) -> None:
        """Write rows (``comparison.json`` and ``.csv``), histories and the figure (``curves.csv`` and ``.png``)."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        rows = json.dumps(self.as_dict(), indent=2, allow_nan=False)
        (folder / "comparison.json").write_text(rows + "\n", encoding="utf-8")
        self.to_csv(folder / "comparison.csv")
        self.curves_to_csv(folder / "curves.csv")
        self.plot().savefig(folder / "curves.png")

    def to_html(self, path: str | Path, **options: Any) -> None:
        """Write a page for a browser, one file: errors, curves, how each was solved, statement (``pages/``)."""
        from gmnm_pde.pages.comparison import write_comparison  # here: matplotlib takes long to import

        write_comparison(self, path, **options)

    def plot(self, **options: Any) -> "Figure":
        """Curves of error, boundary and residual, one colour a model, as in the paper's Figure 3.

        Args:
            options: ``over``, ``"step"`` or ``"seconds"``.
        """
        from gmnm_pde.plots.comparison import plot_comparison  # here: matplotlib takes long to import

        return plot_comparison(self, **options)

    def plot_pareto(self, **options: Any) -> "Figure":
        """The error of each run beside its seconds and its parameters, and the front that none is better than.

        Args:
            options: ``against``, of ``"seconds"`` and ``"parameters"``.
        """
        from gmnm_pde.plots.pareto import plot_pareto  # here: matplotlib takes long to import

        return plot_pareto(self, **options)

    def sorted_by(self, column: str = "relative_l2") -> "Comparison":
        """The same with its models in the order of a column's geometric mean; those without a value come last."""
        spreads = self.summary()

        def rank(name: str) -> float:
            spread = spreads[name][column]
            return math.inf if spread is None else spread.mean

        order = sorted(self.names, key=rank)
        pairs = [pair for name in order for pair in zip(self.of(name), self.runs(name), strict=True)]
        return Comparison(self.problem, tuple(row for row, _ in pairs), tuple(run for _, run in pairs))

    def _repr_html_(self) -> str:
        return page_of(str(self), self.plot)

    def __str__(self) -> str:
        shown = {
            key: title for key, title in _TITLES.items() if any(getattr(row, key) is not None for row in self.rows)
        }
        seeds = max(len(self.of(name)) for name in self.names)
        lines = [["model", "parameters", *shown.values(), "seconds", "steps", "converged"]]
        for name, spreads in self.summary().items():
            rows = self.of(name)
            errors = [_show(spreads[key], bounds=key in ("mse", "relative_l2")) for key in shown]
            seconds, steps = spreads["seconds"], spreads["steps"]
            assert seconds is not None and steps is not None
            converged = f"{sum(row.converged for row in rows)} of {len(rows)}"
            lines.append(
                [name, f"{rows[0].parameters}", *errors, f"{seconds.mean:.1f}", f"{steps.mean:.0f}", converged]
            )
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        table = ["  ".join(f"{cell:<{w}}" for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines]
        ended = " (interrupted: the last run is not finished)" if self.interrupted else ""
        head = f"{self.problem}{ended}: {seeds} seed{'s: geometric mean [least, greatest]' if seeds > 1 else ''}"
        methods = {name: self.of(name)[0].method for name in self.names}
        if len(set(methods.values())) == 1:
            methods = {"all": next(iter(methods.values()))}
        return "\n".join([head, *table, *(f"  {name}: {method}" for name, method in methods.items())])


def _show(spread: Spread | None, *, bounds: bool) -> str:
    """A cell of the printed table, with the least and the greatest value if ``bounds``."""
    if spread is None:
        return "-"
    if spread.min == spread.max or not bounds:
        return f"{spread.mean:.1e}"
    return f"{spread.mean:.1e} [{spread.min:.0e}, {spread.max:.0e}]"


def _numbers(value: PerField | None) -> list[float]:
    """The values of all fields."""
    if value is None:
        return []
    return list(value.values()) if isinstance(value, dict) else [value]


def _write(path: str | Path, rows: list[dict[str, Any]]) -> None:
    """Write rows as comma-separated values, with a column for each key that any of them has."""
    columns = dict.fromkeys(key for row in rows for key in row)
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(columns), restval="")
        writer.writeheader()
        writer.writerows(rows)
