"""What users give to a problem, read: equations, conditions, and the names of the fields."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gmnm_pde._errors import GmnmError, nearest, refuse
from gmnm_pde.binding import argument_names, vectors_of
from gmnm_pde.geometry import Domain
from gmnm_pde.statement.conditions import Condition, Statement
from gmnm_pde.statement.vectors import Vectors, rest_of

_COORDINATE_LIKE = ("x", "y", "z", "t")
"""Names that are taken for coordinates; a field of such a name must be stated in ``fields``."""


def read_conditions(conditions: Any) -> tuple[Statement, ...]:
    """The conditions, from one or several."""
    if isinstance(conditions, Statement):
        return (conditions,)
    if conditions is not None and not isinstance(conditions, tuple | list):
        raise refuse(
            "Problem(conditions=...)", expected="a list of conditions such as Dirichlet(u=0)", got=repr(conditions)
        )
    for condition in conditions or ():
        if not isinstance(condition, Statement):
            raise refuse(
                "Problem(conditions=[...])",
                expected="conditions such as Dirichlet(u=0)",
                got=repr(condition),
                remedy="A function of your own is stated by Condition(function, on=region).",
            )
    return tuple(conditions or ())


def read_equations(equations: Any) -> dict[str, Callable[..., Any]]:
    """The equations by name, from a function, or several in a list or dict."""
    if callable(equations):
        return {"equation": equations}
    if isinstance(equations, Mapping):
        return dict(equations)
    if equations is None or isinstance(equations, tuple | list):
        listed = list(equations or ())
        return {"equation" if len(listed) == 1 else f"equation_{k}": f for k, f in enumerate(listed, start=1)}
    raise refuse(
        "Problem(domain, equations, ...)", expected="a function, or several in a list or dict", got=repr(equations)
    )


def field_names(
    call: str,
    domain: Domain,
    scalars: Sequence[str],
    functions: Sequence[tuple[str, Callable[..., Any]]],
    conditions: Sequence[Statement],
    stated: tuple[str, ...] | None,
    vectors: Vectors,
) -> tuple[str, ...]:
    """The fields: those stated, else the arguments of the equations that are nothing else.

    Args:
        call: The problem, for messages.
        domain: With the coordinates.
        scalars: Names of parameters, constants and coefficients.
        functions: The equations with their names.
        conditions: Whose fields are to be among them; without equations their fields are those of the problem.
        stated: What the user says that they are.
        vectors: Names that stand for several of these.

    Raises:
        GmnmError: a name is none of all that, or two things at once.
    """
    known = (*domain.coordinates, *vectors_of(domain.coordinates), *scalars)
    asked = []
    for key, function in functions:
        where = f"{call}: {key}"
        rest = None if stated is None else rest_of(function, stated, vectors, call=where)
        asked += [name for name in argument_names(function, call=where, rest=rest) if name not in known]
    if not functions:
        asked = [name for condition in conditions for name in condition.field_names(known)]
    fields = stated if stated is not None else tuple(dict.fromkeys(asked))
    if not fields and not functions:
        remedy = "As in Problem(domain, lambda u, x: diff(u, x, x) + 1, [Dirichlet(u=0)])."
        raise refuse("Problem(domain, ...)", expected="equations, or conditions", got="neither", remedy=remedy)
    coordinates = _COORDINATE_LIKE if domain.space else domain.time and ("t",)  # in time alone x is no place
    for name in asked:
        if name in coordinates and stated is None:
            raise GmnmError(
                f"Problem(...): an equation asks for '{name}', which is no coordinate of {domain} "
                f"({', '.join(domain.coordinates)}). Give the domain that coordinate, or say "
                f"fields=({name!r}, ...) if it is a field."
            )
        if name not in fields and name not in vectors:
            raise refuse(
                "Problem(...)",
                expected=f"arguments among the fields {', '.join(fields)}, coordinates and parameters",
                got=f"'{name}'",
                remedy=nearest(name, (*fields, *vectors, *known)),
            )
    clash = [name for name in (*fields, *vectors) if name in known or name == "normal"]
    if clash or not fields:
        got = f"'{clash[0]}' as a field too" if clash else "none"
        raise refuse("Problem(...)", expected="fields with names of their own", got=got)
    for condition in conditions:
        for name in condition.field_names(known):
            if name not in fields and name not in vectors and not isinstance(condition, Condition):
                raise refuse(
                    f"{type(condition).__name__}({name}=...)",
                    expected=f"a field of the problem, one of {', '.join(fields)}",
                    got=f"'{name}'",
                    remedy=nearest(name, fields),
                )
    return fields
