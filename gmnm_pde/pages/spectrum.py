"""The page of eigenvalues and their modes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gmnm_pde.pages import html
from gmnm_pde.pages.figures import embedded
from gmnm_pde.pages.solution import history_table, told_warnings, with_stop
from gmnm_pde.pages.statement import statement


def write_spectrum(
    spectrum: Any, path: str | Path, *, command: str | None = None, about: str = "", warned: Sequence[str] = ()
) -> None:
    """Write the page, from the same arguments as that of a solution."""
    first = spectrum.modes[0].report
    known = spectrum.errors or [None] * len(spectrum)
    rows = [
        (str(number), f"{value:.15g}", html.number(estimate), html.number(error))
        for number, (value, estimate, error) in enumerate(
            zip(spectrum.values, spectrum.estimates, known, strict=True), start=1
        )
    ]
    names = ("mode", spectrum.parameter, "estimated error", "relative error against the exact value")
    good = spectrum.converged
    html.write(
        path,
        lambda: html.page(
            spectrum.problem,
            "Eigenvalues and modes, found with gmnm_pde",
            [
                html.verdict(good, "Converged" if good else "Not converged", with_stop(spectrum.reason)),
                html.tiles({"modes": str(len(spectrum)), "seconds": f"{spectrum.seconds:.3g}"}),
                html.section(
                    "The modes",
                    html.table(rows, names, kind="numbers"),
                    embedded(spectrum.plot(), "The modes, each scaled to a largest size of 1."),
                    *told_warnings(warned),
                ),
                statement(spectrum.modes[0].problem, about),
                html.section("How they were found", history_table(spectrum.history)),
                html.once_more(command, first.seed, first.dtype, first.device),
            ],
        ),
        "spectrum.to_html(...)",
    )
