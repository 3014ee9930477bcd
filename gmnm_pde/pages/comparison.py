"""The page of several models on one problem."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gmnm_pde.pages import html
from gmnm_pde.pages.figures import embedded
from gmnm_pde.pages.solution import told_warnings
from gmnm_pde.pages.statement import statement

_COLUMNS = ("parameters", "relative_l2", "max_error", "mse", "residual", "boundary", "seconds", "steps")


def write_comparison(
    comparison: Any, path: str | Path, *, command: str | None = None, about: str = "", warned: Sequence[str] = ()
) -> None:
    """Write the page, from the same arguments as that of a solution."""
    columns = [name for name in _COLUMNS if any(getattr(row, name) is not None for row in comparison.rows)]
    rows = [
        [f"{row.name}, seed {row.seed}", *(html.number(getattr(row, name)) for name in columns)]
        for row in comparison.rows
    ]
    first = comparison.solutions[0].report
    ended = [(f"{row.name}, seed {row.seed}", row.method, row.reason) for row in comparison.rows]
    html.write(
        path,
        lambda: html.page(
            comparison.problem,
            "Several models on one problem, compared with gmnm_pde",
            [
                html.tiles({"models": str(len(comparison.names)), "runs": str(len(rows))}),
                html.section(
                    "Errors",
                    html.table(rows, ["", *(name.replace("_", " ") for name in columns)], kind="numbers"),
                    embedded(comparison.plot(), "Errors and residuals as the runs went, one colour a model."),
                    *told_warnings(warned),
                ),
                html.section("How each was solved", html.table(ended, ("", "method", "how it ended"))),
                statement(comparison.solutions[0].problem, about),
                html.once_more(command, first.seed, first.dtype, first.device),
            ],
        ),
        "comparison.to_html(...)",
    )
