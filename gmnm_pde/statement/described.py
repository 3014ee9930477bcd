"""A problem in words: what was stated, for people to read."""

import ast
import inspect
import linecache
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import CodeType
from typing import Any

from torch import Tensor

from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

_LONGEST = 400
"""Longer descriptions of shapes are cut."""


@dataclass(frozen=True)
class Stated:
    """A condition as it was understood: its name, what it holds on, and the code that states it."""

    name: str
    where: str
    code: str


@dataclass(frozen=True)
class Description:
    """A problem in words.

    Attributes:
        name: Of the problem.
        kind: Linear or not, its order, and its fields.
        domain: The shape.
        equations: By name the code of each.
        conditions: All that holds besides.
        facts: What else was stated, by what it is called.
    """

    name: str
    kind: str
    domain: str
    equations: dict[str, str]
    conditions: tuple[Stated, ...]
    facts: dict[str, str]

    def __str__(self) -> str:
        lines = [f"  {'domain':<12} {self.domain}", f"  {'kind':<12} {self.kind}"]
        for name, code in self.equations.items():
            lines += [f"  {name}", *textwrap.indent(code, "      ").splitlines()]
        if self.conditions:
            width = max(len(one.name) for one in self.conditions)
            lines.append("  conditions")
            for one in self.conditions:
                first, *others = one.code.splitlines() or [""]
                lines.append(f"    {one.name:<{width}}  {one.where}: {first}")
                lines += [f"    {'':<{width}}  {line}" for line in others]
        return "\n".join([*lines, *(f"  {name:<12} {text}" for name, text in self.facts.items())])


def describe(problem: Problem) -> Description:
    """The problem in words."""
    order = {1: "first", 2: "second", 3: "third", 4: "fourth"}.get(problem.order, f"{problem.order}th")
    fields = f"{len(problem.fields)} fields: " if len(problem.fields) > 1 else "field "
    kind = f"{'linear' if problem.linear else 'nonlinear'}, of {order} order, {fields}{', '.join(problem.fields)}"
    domain = repr(problem.domain)
    return Description(
        problem.name,
        kind,
        domain if len(domain) <= _LONGEST else f"{domain[:_LONGEST]}...",
        dict(_equations(problem.stated["equations"], "equation")),
        tuple(_conditions(problem)),
        dict(_facts(problem)),
    )


def code_of(value: Any) -> str:
    """The code of a function as its author wrote it, or a value in short."""
    if isinstance(value, Tensor) or hasattr(value, "shape"):
        return f"{len(value) if value.shape else 1} values"
    if isinstance(value, list | tuple) and len(value) > 6:
        return f"{len(value)} values"
    code = getattr(value, "__code__", None)
    if not isinstance(code, CodeType):
        return repr(value) if isinstance(value, int | float | str) else type(value).__name__
    return _written(code) or getattr(value, "__name__", "a function")


def short_code_of(value: Any) -> str:
    """The same, where functions that take several lines are named only."""
    code = code_of(value)
    return code if "\n" not in code else getattr(value, "__name__", "a function")


def _written(code: CodeType) -> str | None:
    """The code of a function, cut out of its file; None where that is not known."""
    text = "".join(linecache.getlines(code.co_filename))
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return None
    names = list(code.co_varnames[: code.co_argcount])
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.Lambda) and [one.arg for one in node.args.args] == names:
            decorators = getattr(node, "decorator_list", [])
            first = min([node.lineno, *(one.lineno for one in decorators)])
            if first == code.co_firstlineno:
                head, *rest = (ast.get_source_segment(text, node) or "").splitlines()
                return "\n".join([head, *_dedented(rest, node)])
    return None


def _dedented(lines: list[str], node: ast.FunctionDef | ast.Lambda) -> list[str]:
    """The lines of a function after its first one, as if that began at the margin."""
    if isinstance(node, ast.FunctionDef):
        return [line[node.col_offset :] for line in lines]
    return textwrap.dedent("\n".join(lines)).splitlines()


def _equations(equations: Any, name: str) -> Iterator[tuple[str, str]]:
    """Each equation by a name: of the dict's key, or by its number."""
    if isinstance(equations, Mapping):
        for key, value in equations.items():
            yield from _equations(value, str(key))
    elif isinstance(equations, list | tuple):
        for number, value in enumerate(equations, start=1):
            yield from _equations(value, f"{name} {number}" if len(equations) > 1 else name)
    else:
        yield name, code_of(equations)


def _conditions(problem: Problem) -> Iterator[Stated]:
    """The conditions with the terms that each makes."""
    for condition in problem.conditions:
        if not problem.is_termwise(condition):
            yield Stated("interface", "where parts meet", type(condition).__name__)
            continue
        for term in condition.terms(problem.setting):
            yield Stated(term.name, _where(term), _stated(condition, term))


def _where(term: Term) -> str:
    points = getattr(term.region, "points", None)
    return f"{len(points)} points" if points is not None else term.region.name


def _stated(condition: Any, term: Term) -> str:
    """The condition as it would be written: its kind, and what is given for the field of a term."""
    kind, values = type(condition).__name__, getattr(condition, "values", None)
    if isinstance(values, Mapping):
        field = next((name for name in values if term.data is not None and name == term.data.field), None)
        chosen = [name for name in values if field in (None, name)]
        given = [f"{name}={short_code_of(values[name])}" for name in chosen]
        return f"{kind}({', '.join(given)})"
    residual = getattr(condition, "residual", None)
    return kind if residual is None else f"{kind}: {code_of(residual)}"


def _facts(problem: Problem) -> Iterator[tuple[str, str]]:
    """What else was stated."""
    for name, guess in problem.parameters.items():
        limits = problem.limits.get(name)
        yield f"unknown {name}", f"guess {guess:g}" + (f", within {limits}" if limits else "")
    if problem.constants:
        yield "constants", ", ".join(f"{name} = {value:g}" for name, value in problem.constants.items())
    for name, value in (problem.stated["coefficients"] or {}).items():
        by_part = value.items() if isinstance(value, Mapping) else [("", value)]
        yield f"coefficient {name}", ", ".join(f"{part} {short_code_of(one)}".strip() for part, one in by_part)
    if problem.events:
        yield "events", ", ".join(str(event.name) for event in problem.events)
    if problem.breaks:
        yield "breaks", ", ".join(f"{time:g}" for time in problem.breaks)
    if problem.invariants:
        yield "invariants", ", ".join(problem.invariants)
    known = "known, which the report compares with" if problem.exact is not None else "not known"
    yield "exact", known


def origin_of(function: Any) -> str:
    """The file that a function is written in, and the line."""
    try:
        file, (_, line) = inspect.getsourcefile(function), inspect.getsourcelines(function)
    except (OSError, TypeError):
        return "not known"
    return f"{file}, line {line}"
