"""Rows of a table: made from curves, printed, and written beside the curves and their figure."""

import argparse
import csv
import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from .loop import Curves, Progress

Row = dict[str, Any]


def spread(name: str, values: Sequence[float]) -> Row:
    """Cells of a row: the mean under its name, ``_std`` (with one value 0), and the ``_values`` themselves."""
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return {name: statistics.fmean(values), f"{name}_std": deviation, f"{name}_values": list(values)}


def table(rows: Sequence[Row]) -> str:
    """A table in Markdown: the columns of the first row, with deviations beside their means and without the values."""
    names = [name for name in rows[0] if not name.endswith(("_std", "_values"))]
    lines = [names, *([_shown(row, name) for name in names] for row in rows)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(names))]
    made = ["| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |" for line in lines]
    return "\n".join([made[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *made[1:]])


def _shown(row: Row, name: str) -> str:
    cell = row.get(name)
    if cell is None or isinstance(cell, str):
        return cell or ""
    deviation = f" ± {row[f'{name}_std']:.1g}" if row.get(f"{name}_std") else ""
    return (f"{cell:,}" if isinstance(cell, int) else f"{cell:.3g}") + deviation


def told(label: str, epochs: int) -> Progress:
    """A line on standard error after each epoch, over the one before on a terminal."""

    def line(epoch: int, curves: Curves) -> None:
        parts = (f"{name} {_mean(curves[name][-1]):.3g}" for name in ("train_loss", "test_loss"))
        left = (epochs - epoch - 1) * curves["seconds"][-1]
        text = f"{label}: epoch {epoch + 1} of {epochs}, {', '.join(parts)}, {left:.0f} s left"
        end = "\n" if not sys.stderr.isatty() or epoch + 1 == epochs else ""
        print(f"\r{text:<100}" if sys.stderr.isatty() else text, end=end, file=sys.stderr, flush=True)

    return line


def give(
    options: argparse.Namespace, rows: Sequence[Row], runs: Mapping[str, Curves], figures: Mapping[str, Figure]
) -> None:
    """Print the rows and write them, the curves of all runs and the figures to ``--out``."""
    print(json.dumps({"rows": list(rows)}) if options.json else table(rows))
    if options.out is None:
        return
    folder: Path = options.out
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rows.json").write_text(json.dumps({"rows": list(rows)}, indent=1) + "\n")
    if runs:
        _write_curves(folder / "curves.csv", runs)
    for name, figure in figures.items():
        figure.savefig(folder / f"{name}.png")
    if not options.json:
        print(f"rows, curves and figures: {folder}")


def _write_curves(path: Path, runs: Mapping[str, Curves]) -> None:
    names = list(next(iter(runs.values())))
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["run", "epoch", *names])
        for run, curves in runs.items():
            for epoch in range(len(curves[names[0]])):
                writer.writerow([run, epoch + 1, *(_mean(curves[name][epoch]) for name in names)])


def _mean(value: Any) -> float:
    return statistics.fmean(value) if isinstance(value, list) else value
