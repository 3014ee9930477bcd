"""The page of a solution: what was asked, the answer, how sure it is, how it was found, how to find it again."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gmnm_pde.models import GMNM, Patchwork, TimeBlocks
from gmnm_pde.pages import html
from gmnm_pde.pages.figures import embedded
from gmnm_pde.pages.statement import statement
from gmnm_pde.plots.patches import boxes_of, plot_patches

_ROWS = 40
"""So many rows of a history are shown; of longer ones as many that are evenly spread."""


def write_solution(
    solution: Any, path: str | Path, *, command: str | None = None, about: str = "", warned: Sequence[str] = ()
) -> None:
    """Write the page.

    Args:
        solution: What ``solve`` returned.
        path: The file.
        command: What was typed to get it.
        about: What is said of the problem where it is from.
        warned: Warnings that came on the way.
    """
    html.write(path, lambda: solution_page(solution, command, about, warned), "solution.to_html(...)")


def solution_page(solution: Any, command: str | None, about: str, warned: Sequence[str]) -> str:
    """The text of the page."""
    report = solution.report
    good = report.converged
    tiles = {
        "error, estimated": html.number(report.error_estimate),
        **({"error, measured": html.number(_worst(report.relative_l2))} if report.relative_l2 is not None else {}),
        "unknowns": html.number(report.unknowns),
        "seconds": f"{report.seconds:.3g}",
    }
    return html.page(
        report.problem,
        "A differential equation, solved with gmnm_pde",
        [
            html.verdict(good, "Converged" if good else "Not converged", with_stop(report.reason)),
            html.tiles(tiles),
            html.section("The answer", embedded(solution.plot(), _caption(solution)), _found(report)),
            html.section("How sure it is", _sureness(report), *told_warnings(warned)),
            statement(solution.problem, about),
            html.section("How it was solved", *_course(solution)),
            html.once_more(command, report.seed, report.dtype, report.device),
        ],
    )


def _caption(solution: Any) -> str:
    """What the first figure shows."""
    problem, several = solution.problem, len(solution.fields) > 1
    shown = ["the fields" if several else solution.fields[0]]
    if problem is not None and problem.exact is not None:
        shown.append("errors beside the exact solution")
    if problem is not None:
        shown.append("what the equations leave over")
    cut = " In more than two coordinates this is a cut." if len(solution.coordinates) > 2 else ""
    return f"From left to right: {', '.join(shown)}.{cut}" if len(shown) > 1 else f"{shown[0].capitalize()}.{cut}"


def _found(report: Any) -> str:
    """Unknown parameters with their errors, and events."""
    rows = [
        (name, f"{value:.12g}", f"\N{PLUS-MINUS SIGN} {html.number(report.estimates.get(name))}")
        for name, value in report.found.items()
    ]
    rows += [(f"event {name}", ", ".join(f"{t:.9g}" for t in times[:8]), "") for name, times in report.events.items()]
    return html.table(rows, ("found", "value", "estimated error"), kind="words measures")


def _sureness(report: Any) -> str:
    """The figures that say how far the answer can be trusted, each with what it is."""
    digits = int(-math.log10(report.error_estimate)) if 0 < report.error_estimate < 1 else 0
    words = (
        f"About {digits} digit{'s are' if digits > 1 else ' is'} right, by an estimate that knows no exact solution."
        if digits >= 1
        else "No digit is sure: see the reason above."
        if math.isfinite(report.error_estimate)
        else "There is no estimate of the error, since the last layer of the model is not linear."
    )
    return html.paragraph(words) + html.table(_measures(report), ("", "", "what it is"), kind="words measures")


def _measures(report: Any) -> Iterator[tuple[str, str, str]]:
    yield "error, estimated", html.number(report.error_estimate), "relative L2 error, the largest over the fields"
    fields = {name: one for name, one in report.estimates.items() if name not in report.found}
    if len(fields) > 1:
        yield from ((f"of {name}", html.number(one), "the same for one field") for name, one in fields.items())
    for name, one in report.deviation_estimates.items():
        yield f"of {name}, deviation", html.number(one), "the same error, relative to the deviation from the mean"
    for name, one in _by_field(report.relative_l2, "error, measured"):
        yield name, html.number(one), "relative L2 error against the exact solution, which nothing else has seen"
    for name, one in _by_field(report.max_error, "largest error"):
        yield name, html.number(one), "against the exact solution, at any of the points"
    yield "equations", html.number(report.residual), "what they leave over, root mean square on fresh points"
    yield "conditions", html.number(report.boundary), "the same of what holds on the boundary, at first, and of data"
    for name in report.met:
        yield name, "exactly", "met by construction"
    for name, one in report.invariants.items():
        yield f"{name}, change", html.number(one), "of something that should not change, relative to its size"


def _course(solution: Any) -> Iterator[str]:
    """Model and method, the curves, what the model is made of, the history."""
    report, history = solution.report, solution.history
    size = f"{report.components:,} components, " if report.components else ""
    yield html.table(
        [
            ("model", f"{report.model}, {size}{report.parameters:,} parameters"),
            ("method", report.method),
            ("system", f"{report.unknowns:,} unknowns on {report.points:,} points"),
        ]
    )
    if len(history) > 1:
        yield embedded(history.plot(), "Errors and residuals as it went.")
    if isinstance(solution.approximator, GMNM):
        caption = "The components: where they lie, coloured by the size of their weights, and how wide they are."
        yield embedded(solution.plot_components(), caption)
    elif isinstance(solution.approximator, Patchwork | TimeBlocks) and len(boxes_of(solution)) > 1:
        yield embedded(plot_patches(solution), "The boxes, each of which has a mixture of its own.", small=True)
    yield history_table(history)


def history_table(history: Any) -> str:
    """The rows, or some of them that are evenly spread, folded away."""
    columns = [name for name in history.columns if any(math.isfinite(value) for value in history[name])]
    last = len(history) - 1
    chosen = sorted({round(k * last / (_ROWS - 1)) for k in range(_ROWS)}) if last >= _ROWS else range(last + 1)
    rows = [[html.number(history[name][k], 3) for name in columns] for k in chosen]
    names = [name.replace("_", " ") for name in columns]
    return html.folded(f"The history, {len(history)} rows", html.table(rows, names, kind="numbers"))


def told_warnings(warned: Sequence[str]) -> Iterator[str]:
    """Warnings, if any came."""
    if warned:
        yield html.heading("Warnings")
        yield html.listed([with_stop(words) for words in warned])


def _by_field(value: Any, name: str) -> list[tuple[str, float]]:
    """A figure of one field, or of each of several."""
    if value is None:
        return []
    return [(f"{name}, {field}", one) for field, one in value.items()] if isinstance(value, dict) else [(name, value)]


def _worst(value: Any) -> float:
    return max(value.values()) if isinstance(value, dict) else value


def with_stop(words: str) -> str:
    """Words with a capital and a full stop."""
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "?")) else ".")
