"""What notebooks show of a problem."""

from typing import TYPE_CHECKING

from gmnm_pde._html import table_of
from gmnm_pde.geometry import Region

if TYPE_CHECKING:
    from gmnm_pde.statement.problem import Problem

_GROUPS = {"interior": "equation", "boundary": "condition", "initial": "initial value", "data": "data"}


def described(problem: "Problem") -> str:
    """A table of the domain, the fields and every statement."""
    rows = [["domain", str(problem.domain), ""], ["fields", ", ".join(problem.fields), ""]]
    rows += [["unknown", name, f"guess {value:g}"] for name, value in problem.parameters.items()]
    rows += [["constant", name, f"{value:g}"] for name, value in problem.constants.items()]
    for term in problem.terms:
        where = term.region.name if isinstance(term.region, Region) else f"{len(term.region.points)} points"
        kind = "" if term.trace.linear else ", nonlinear"
        names = ", ".join(term.trace.names) or term.name
        rows.append([f"{_GROUPS.get(term.group, term.group)}{kind}", names, f"on {where}"])
    return table_of(f"{problem.name}, {'linear' if problem.linear else 'nonlinear'}", ["", "", ""], rows)
