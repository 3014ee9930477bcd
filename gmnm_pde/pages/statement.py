"""The section of a page that states the problem."""

from typing import Any

from gmnm_pde.pages import html
from gmnm_pde.pages.figures import embedded
from gmnm_pde.plots.domain import plot_domain
from gmnm_pde.statement.described import describe


def statement(problem: Any, about: str = "") -> str:
    """What was asked: equations, domain and conditions; nothing where the problem is not known."""
    if problem is None:
        return ""
    told = describe(problem)
    equations = [
        (html.heading(name) if len(told.equations) > 1 else "") + html.code(text)
        for name, text in told.equations.items()
    ]
    conditions = [(one.name, one.where, one.code) for one in told.conditions]
    return html.section(
        "The problem",
        *[html.paragraph(words) for words in about.replace("``", "").split("\n\n")],
        *equations,
        html.beside(
            html.table([("domain", told.domain), ("kind", told.kind), *told.facts.items()])
            + (html.heading("Conditions") + html.table(conditions, ("", "on", "")) if conditions else ""),
            _picture(problem),
        ),
    )


def _picture(problem: Any) -> str:
    """The domain, unless it is a line."""
    if problem.domain.dimension == 1:
        return ""
    return embedded(plot_domain(problem), "The domain, and what each condition holds on.", small=True)
