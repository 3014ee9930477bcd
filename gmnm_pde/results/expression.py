"""What is computed from a solution, such as its derivatives: a function of the coordinates, as the solution is one."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from gmnm_pde._doors import front_door
from gmnm_pde._errors import nearest, refuse
from gmnm_pde._modes import in_ordinary_mode
from gmnm_pde.geometry import Domain, Parted
from gmnm_pde.jets import Alpha, Field, Frame, KnownFields, ModelSource, Quantity
from gmnm_pde.jets.arithmetic import Vector
from gmnm_pde.jets.stack import Stack
from gmnm_pde.multiindex import axes_of
from gmnm_pde.results.within import derivative_at, evaluate
from gmnm_pde.statement.scope import Scope
from gmnm_pde.statement.vectors import bind_fields

if TYPE_CHECKING:
    from gmnm_pde.results.solution import Solution

Function = Callable[[Mapping[str, Any]], Any]
"""Of a scope: coordinates, fields and scalars by name."""

_SINGLE = "value"
"""What a single number at each point is called."""


class Expression(KnownFields):
    """Something computed from a solution, with derivatives: call it with coordinates, as the solution.

    It gives an array for a single number at each point, [k, ...] for the components of a vector, and a dict for a dict.
    It may stand in another problem's equations, and be a value of its conditions.

    Attributes:
        coordinates: The names of the coordinates, in order.
        fields: The names of its numbers.
    """

    def __init__(self, solution: "Solution", function: Function, told: str, *, on_boundary: bool = False):
        self._solution, self.function, self.told = solution, function, told
        self.coordinates, self.time, self.bounds = solution.coordinates, solution.time, solution.bounds
        box = torch.tensor(self.bounds, dtype=torch.float64).to(solution.like)
        two = box[:, 0] + torch.tensor([[0.47], [0.55]]).to(box) * (box[:, 1] - box[:, 0])
        normals = torch.ones_like(two) if on_boundary else None
        self._kind, named = self._evaluated(two, normals, self._parts(two)[0][0])
        self.fields = tuple(named)
        alone = self.values(two[1:], None if normals is None else normals[1:])
        if not torch.allclose(self.values(two, normals)[1:], alone, rtol=1e-3, equal_nan=True):
            got = "one that mixes points"
            remedy = "Leave out sums and means over points, and indices; solution.integral(of=...) integrates."
            raise refuse(told, expected="a function that goes point by point", got=got, remedy=remedy)

    def __repr__(self) -> str:
        return f"{self.told}, a function of {', '.join(self.coordinates)}"

    @property
    def domain(self) -> Domain:
        """Where it holds."""
        return self._solution.domain

    @property
    def like(self) -> Tensor:
        """A tensor of the precision and on the device of the model."""
        return self._solution.like

    @property
    def ends(self) -> float:
        return self._solution.ends

    @property
    def accuracy(self) -> float:
        return self._solution.accuracy

    @front_door
    @in_ordinary_mode
    def __call__(self, *columns: Any, outside: str = "nan", **named: Any) -> Any:
        """Values at coordinates or points, as ``solution(...)`` takes them."""
        return self.arranged(evaluate(self, columns, named, outside, self.told))

    def arranged(self, columns: Sequence[Any]) -> Any:
        """The numbers as the function gave them: one, a vector or a dict."""
        if self._kind == "dict":
            return dict(zip(self.fields, columns, strict=True))
        if self._kind == "one":
            return columns[0]
        if isinstance(columns[0], Quantity):
            return Vector(columns)
        return torch.stack(list(columns)) if isinstance(columns[0], Tensor) else np.stack(columns)

    def derivative_at(self, columns: Sequence[Any], alpha: Alpha, *, call: str) -> list[Any]:
        return derivative_at(self, columns, alpha, call=call)

    def values(self, points: Tensor, normals: Tensor | None = None) -> Tensor:
        """The numbers at points [n, d], which may lie on a boundary with normals: [n, k]."""
        zero = (0,) * len(self.coordinates)
        return self.jets(points, (zero,), normals)[zero]

    def jets(self, points: Tensor, alphas: Sequence[Alpha], normals: Tensor | None = None) -> Mapping[Alpha, Tensor]:
        """Derivatives of the numbers at points [n, d]: for each alpha, [n, k]."""
        found = {alpha: points.new_zeros(len(points), len(self.fields)) for alpha in alphas}
        for part, rows in self._parts(points):
            _, named = self._evaluated(points[rows], None if normals is None else normals[rows], part)
            for alpha in alphas:
                columns = [_differentiated(quantity, alpha) for quantity in named.values()]
                found[alpha][rows] = torch.stack(columns, dim=1)
        return found

    def _parts(self, points: Tensor) -> list[tuple[str, Any]]:
        """The parts of the domain, where coefficients differ between parts, and which of the points are in each."""
        domain, problem = self.domain, self._solution.problem
        if not isinstance(domain, Parted) or problem is None or not problem.coefficients:
            return [("", slice(None))]
        owner = domain.owner(points.cpu().double()).to(points.device)
        return [(name, owner == k) for k, name in enumerate(domain.parts) if (owner == k).any()]

    @torch.enable_grad()
    def _evaluated(self, points: Tensor, normals: Tensor | None, part: str) -> tuple[str, dict[str, Quantity]]:
        """What the function gives at points, and as which kind: its numbers by name, [n] each."""
        solution = self._solution
        frame = Frame(self.coordinates, points, time=self.time, normals=normals)
        source = ModelSource(solution.model, frame)
        scope: dict[str, Any] = {
            **frame.coordinates,
            **{name: Field(frame, source, k, name=name) for k, name in enumerate(solution.fields)},
            **{name: points.new_full((len(points),), value) for name, value in solution.parameters.items()},
        }
        if normals is not None:
            scope["normal"] = normals
        if solution.problem is not None:
            scope = Scope(scope, solution.problem.constants, solution.problem.coefficients, part)  # type: ignore[assignment]
        return _read(self.function(scope), frame, self.told)


@torch.enable_grad()
def _differentiated(quantity: Quantity, alpha: Alpha) -> Tensor:
    for axis in axes_of(alpha):
        quantity = quantity.derivative(axis)
    return quantity.tensor.detach()


def _read(result: Any, frame: Frame, call: str) -> tuple[str, dict[str, Quantity]]:
    """The kind of a result, one number, a vector or a dict, and its numbers by name."""
    if isinstance(result, Mapping):
        return "dict", {str(name): _number(value, frame, call) for name, value in result.items()}
    if isinstance(result, Tensor) and result.ndim == 2 and len(result) == len(frame):
        result = list(result.unbind(1))  # a row for each point, as normals are
    if isinstance(result, tuple | list | Stack):
        return "vector", {str(k): _number(value, frame, call) for k, value in enumerate(result)}
    return "one", {_SINGLE: _number(result, frame, call)}


def _number(value: Any, frame: Frame, call: str) -> Quantity:
    if isinstance(value, Quantity) and value.tensor.shape == (len(frame),):
        return value
    tensor = value.tensor if isinstance(value, Quantity) else value
    if not isinstance(tensor, Tensor | int | float | np.number):
        raise refuse(call, expected="a function that gives one number at each point", got=f"a {type(value).__name__}")
    tensor = torch.as_tensor(tensor).to(frame.points)
    if tensor.ndim and tensor.shape != (len(frame),):
        expected = f"a function that gives one number at each point, shape ({len(frame)},)"
        raise refuse(call, expected=expected, got=f"shape {tuple(tensor.shape)}")
    return Quantity(tensor.expand(len(frame)), frame)


def of(solution: "Solution", function: Any, told: str, *, on_boundary: bool = False) -> Expression:
    """A user's function of fields, coordinates, parameters, constants and coefficients, bound by name."""
    if isinstance(function, Expression):
        return function
    if not callable(function):
        raise refuse(told, expected="a function such as lambda u, x: x * u", got=repr(function))
    problem = solution.problem
    known = () if problem is None else (*problem.constants, *problem.coefficients)
    names = (*solution.coordinates, *solution.fields, *solution.parameters, *known)
    if on_boundary:
        names = (*names, "normal")
    bound = bind_fields(function, names, solution.fields, {} if problem is None else problem.vectors, call=told)
    return Expression(solution, bound, told, on_boundary=on_boundary)


def chosen_fields(solution: "Solution", field: str | None, call: str) -> tuple[str, ...]:
    """One field by its name, or all."""
    if field is None:
        return solution.fields
    if field not in solution.fields:
        remedy = nearest(field, solution.fields)
        raise refuse(call, expected=f"a field, one of {', '.join(solution.fields)}", got=repr(field), remedy=remedy)
    return (field,)


def each(solution: "Solution", field: str | None, function: Callable[[Field], Any], told: str) -> Expression:
    """A function of one field, or of each of all fields as a dict by name."""
    names = chosen_fields(solution, field, told)

    def of_scope(scope: Mapping[str, Any]) -> Any:
        found = {name: function(scope[name]) for name in names}
        return found if len(solution.fields) > 1 and field is None else found[names[0]]

    return Expression(solution, of_scope, told)


def vector(solution: "Solution", field: str | None, function: Callable[[Field], Any], told: str) -> Expression:
    """A vector made of one field, the only one or the one that is named."""
    name, *others = chosen_fields(solution, field, told)
    if others:
        raise refuse(told, expected=f"field=..., one of {', '.join((name, *others))}", got="none")
    return Expression(solution, lambda scope: function(scope[name]), told)


def check_coordinates(solution: "Solution", by: Sequence[Any], call: str) -> None:
    """Refuse what is no name of a coordinate, with the call that is meant.

    Raises:
        GmnmError: there is none, or one that the solution has not.
    """
    names = solution.coordinates
    example = f"solution.diff({names[0]!r})({', '.join(names)})"
    for one in by:
        if one in names and isinstance(one, str):
            continue
        remedy = f"As in {example}, or {example.replace(')', f', {names[0]!r})', 1)} for the second."
        if isinstance(one, str) and one and all(letter in names for letter in one):
            remedy = f"Say solution.diff({', '.join(map(repr, one))})."
        raise refuse(call, expected=f"names of coordinates, among {', '.join(names)}", got=repr(one), remedy=remedy)
    if not by:
        raise refuse(call, expected="at least one coordinate", got="none", remedy=f"As in {example}.")
