"""What Newton's method begins from: a solution, functions of the coordinates, or numbers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import nearest, refuse
from gmnm_pde.binding import bind
from gmnm_pde.results.solution import Solution
from gmnm_pde.statement.problem import Problem

_CALL = "solve(initial_guess=...)"


@dataclass(frozen=True)
class Guess:
    """Fields and parameters to begin with.

    Attributes:
        theta: The parameters.
        columns: By field, a function of points [n, d] that gives [n].
    """

    theta: Tensor
    columns: tuple[Callable[[Tensor], Tensor], ...]

    def solved_for(self, points: Tensor) -> Tensor:
        """The fields at points [n, d]: [n, fields]."""
        return torch.stack([column(points) for column in self.columns], dim=1)


def read_guess(problem: Problem, guess: Any, dtype: torch.dtype, device: torch.device) -> Guess | None:
    """The guess that was given, if any.

    Raises:
        GmnmError: the problem is linear, or the guess lacks a field, has an unknown one or asks for other coordinates.
    """
    if guess is None:
        return None
    if problem.linear:
        remedy = "Leave it out."
        raise refuse(_CALL, expected="a nonlinear problem", got="a linear one, solved in one step", remedy=remedy)
    if problem.domain.parts:
        raise refuse(_CALL, expected="a domain without parts", got=f"{problem.domain}")
    known = guess.parameters if isinstance(guess, Solution) else {}
    theta = [known.get(name, value) for name, value in problem.parameters.items()]
    by_field = {field: guess for field in problem.fields} if not isinstance(guess, Mapping) else dict(guess)
    for name in by_field:
        if name not in problem.fields:
            remedy = nearest(name, problem.fields)
            raise refuse(_CALL, expected=f"fields among {', '.join(problem.fields)}", got=repr(name), remedy=remedy)
    columns = tuple(_column(problem, field, by_field.get(field, 0.0)) for field in problem.fields)
    return Guess(torch.tensor(theta, dtype=dtype, device=device), columns)


def _column(problem: Problem, field: str, value: Any) -> Callable[[Tensor], Tensor]:
    """One field of a guess as a function of points."""
    if isinstance(value, Solution):
        return _of_solution(problem, field, value)
    if isinstance(value, Real):
        return lambda points: points.new_full((len(points),), float(value))
    if not callable(value):
        expected = "a solution, a function of the coordinates, a number, or a dict of these by field"
        raise refuse(_CALL, expected=expected, got=repr(value))
    bound = bind(value, problem.domain.coordinates, call=_CALL)

    def column(points: Tensor) -> Tensor:
        found = bound(dict(zip(problem.domain.coordinates, points.unbind(1), strict=True)))
        if isinstance(found, Mapping):
            found = found.get(field)
        elif isinstance(found, tuple | list) and len(found) == len(problem.fields):
            found = found[problem.fields.index(field)]
        try:
            tensor = torch.as_tensor(found, dtype=points.dtype, device=points.device).expand(len(points))
        except (TypeError, RuntimeError, ValueError):
            remedy = "For several fields write {'u': ..., 'v': ...}."
            raise refuse(_CALL, expected="one number for each point", got=repr(found), remedy=remedy) from None
        if not torch.isfinite(tensor).all():
            raise refuse(_CALL, expected="finite values", got="NaN or infinity among them")
        return tensor

    return column


def _of_solution(problem: Problem, field: str, solution: Solution) -> Callable[[Tensor], Tensor]:
    """A field of a solution; beyond its bounds that at the nearest place in them, at its end where there is no time."""
    if field not in solution.fields and len(solution.fields) > 1:
        expected = f"a solution with the field '{field}'"
        raise refuse(_CALL, expected=expected, got=f"one of {', '.join(solution.fields)}")
    number = solution.fields.index(field) if field in solution.fields else 0
    names = problem.domain.coordinates
    for name in solution.coordinates:
        if name not in (*names, *solution.time):
            raise refuse(_CALL, expected=f"a solution in {', '.join(names)}", got=f"one in {name}")

    def column(points: Tensor) -> Tensor:
        places = [
            points[:, names.index(name)].clamp(low, high) if name in names else points.new_full((len(points),), high)
            for name, (low, high) in zip(solution.coordinates, solution.bounds, strict=True)
        ]
        return solution.values(torch.stack(places, dim=1).to(solution.like))[:, number].to(points)

    return column
