"""Conditions: what holds on a part of the domain besides the equations.

Each condition states one or several terms. Values are numbers, functions of coordinates bound by name, or, at given
points, arrays with one number per point. ``on`` is a region; left out it is the whole spatial boundary (or, for
``Initial``, the initial time).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gmnm_pde._errors import nearest, refuse
from gmnm_pde.binding import argument_names
from gmnm_pde.geometry import Domain, GivenPoints, Region
from gmnm_pde.jets import Alpha, KnownFields
from gmnm_pde.operators import diff, normal_derivative
from gmnm_pde.statement.csv_files import read_columns
from gmnm_pde.statement.known import known_start, known_value
from gmnm_pde.statement.terms import Data, Term
from gmnm_pde.statement.values import check_value, group_of, read_region, read_value
from gmnm_pde.statement.vectors import Vectors, bind_fields, spread


@dataclass(frozen=True)
class Setting:
    """What a condition needs to know of its problem: names, the domain, and how often each field is differentiated.

    ``scalars`` are the names of the unknown parameters and of the known constants, ``vectors`` those of fields that
    stand together.
    """

    domain: Domain
    fields: tuple[str, ...]
    scalars: tuple[str, ...]
    orders: Mapping[str, Alpha]
    vectors: Vectors


class Statement(ABC):
    """Anything that can stand in a problem's list of conditions."""

    @abstractmethod
    def terms(self, setting: Setting) -> list[Term]:
        """The terms this condition states in a given problem."""

    def field_names(self, known: Collection[str]) -> tuple[str, ...]:
        """Names of the fields in this condition; ``known`` are the names of coordinates and scalars."""
        return ()


class Condition(Statement):
    """A general condition: ``residual`` is zero on a region.

    Args:
        residual: A function of fields, coordinates, parameters and perhaps ``normal`` ([n, d], outward), by name; it
            returns one residual [n], a tuple, or a dict of named ones.
        on: A region, a tensor of points [m, d], or None for the whole spatial boundary.
        name: The term's name in reports, weights and curves.
    """

    def __init__(self, residual: Callable[..., Any], on: Any = None, name: str | None = None):
        self.residual, self.on = residual, on
        self.name = name or getattr(residual, "__name__", "condition").replace("<lambda>", "condition")
        argument_names(residual, call=f"Condition '{self.name}'", rest=())

    def field_names(self, known: Collection[str]) -> tuple[str, ...]:
        names = argument_names(self.residual, call=self.name, rest=())
        return tuple(name for name in names if name not in known and name != "normal")

    def terms(self, setting: Setting) -> list[Term]:
        region = read_region(self.on, setting.domain, self.name)
        names = (*setting.domain.coordinates, *setting.fields, *setting.scalars, "normal")
        bound = bind_fields(self.residual, names, setting.fields, setting.vectors, call=f"Condition '{self.name}'")
        return [Term(self.name, group_of(region, setting.domain), region, bound)]


class _OnFields(Statement):
    """A condition that gives one value for each of several fields: ``Kind(u=..., v=..., on=region)``."""

    kind = "condition"
    prescribes: int | None = None
    """The order of the time derivative whose value the condition fixes; 0 is the field's own."""
    noise: float | None = None

    def __init__(self, on: Any = None, name: str | None = None, **values: Any):
        call = f"{type(self).__name__}(...)"
        if not values:
            raise refuse(call, expected="a field and its value, as in u=0", got="none")
        for field, value in values.items():
            if isinstance(value, Region):
                remedy = f"Where it holds is on=: {type(self).__name__}(u=0, on=region)."
                raise refuse(f"{type(self).__name__}({field}=...)", expected="a value", got="a region", remedy=remedy)
            check_value(value, f"{type(self).__name__}({field}=...)")
        self.on, self.name, self.values = on, name, values

    def field_names(self, known: Collection[str]) -> tuple[str, ...]:
        return tuple(self.values)

    def terms(self, setting: Setting) -> list[Term]:
        region = self.region(setting.domain)
        group = self.group(region, setting.domain)
        return [self._term(field, value, region, group, setting) for field, value in self._spread(region, setting)]

    def _spread(self, region: Region | GivenPoints, setting: Setting) -> Iterator[tuple[str, Any]]:
        """The values by field, where vectors stand for their components."""
        points = len(region.points) if isinstance(region, GivenPoints) else None
        for field, value in self.values.items():
            names = setting.vectors.get(field)
            call = f"{type(self).__name__}({field}=...)"
            yield from [(field, value)] if names is None else spread(value, names, call, points).items()

    def region(self, domain: Domain) -> Region | GivenPoints:
        return read_region(self.on, domain, type(self).__name__)

    def group(self, region: Region | GivenPoints, domain: Domain) -> str:
        return group_of(region, domain)

    def left_side(self, u: Any, domain: Domain) -> Any:
        """What of the field equals the value."""
        return u

    def known(self, value: KnownFields, field: str, domain: Domain, call: str) -> Callable[[Mapping[str, Any]], Any]:
        """What a solution of another problem has for a field."""
        return known_value(value, field, domain, call)

    def _term(self, field: str, value: Any, region: Any, group: str, setting: Setting) -> Term:
        """The term that states the condition for one of the fields."""
        call = f"{type(self).__name__}({field}=...)"
        if field not in setting.fields:
            raise refuse(
                call,
                expected=f"a field of the problem, one of {', '.join(setting.fields)}",
                got=f"'{field}'",
                remedy=nearest(field, setting.fields),
            )
        count = len(region.points) if isinstance(region, GivenPoints) else None
        right = (
            self.known(value, field, setting.domain, call)
            if isinstance(value, KnownFields)
            else read_value(value, setting.domain, setting.scalars, call, count)
        )
        accuracy = value.accuracy if isinstance(value, KnownFields) else 0.0
        name = self.name if self.name and tuple(self.values) == (field,) else f"{self.name or self.kind}_{field}"

        def residual(scope: Mapping[str, Any]) -> Any:
            return self.left_side(scope[field], setting.domain) - right(scope)

        data = None if self.prescribes is None else Data(field, right, self.prescribes, accuracy)
        return Term(name, group, region, residual, data=data, noise=self.noise)


class Dirichlet(_OnFields):
    """Prescribed values: ``Dirichlet(u=0)``, ``Dirichlet(u=1, v=lambda x: x, on=box.face(y=1))``."""

    kind = "dirichlet"
    prescribes = 0


class Neumann(_OnFields):
    """Prescribed outward normal derivatives: ``Neumann(u=g, on=box.face(x=1))``."""

    kind = "neumann"

    def left_side(self, u: Any, domain: Domain) -> Any:
        return normal_derivative(u)


class Robin(_OnFields):
    """alpha u + beta du/dn = g: ``Robin(alpha, beta, u=g, on=region)``, alpha and beta numbers."""

    kind = "robin"

    def __init__(self, alpha: float, beta: float, *, on: Any = None, name: str | None = None, **values: Any):
        for label, number in (("alpha", alpha), ("beta", beta)):
            if not isinstance(number, Real):
                raise refuse(
                    f"Robin({label}={number!r}, ...)",
                    expected="a number",
                    got=repr(number),
                    remedy="For coefficients that vary use Condition(lambda u, x, normal: ..., on=region).",
                )
        super().__init__(on=on, name=name, **values)
        self.alpha, self.beta = alpha, beta

    def left_side(self, u: Any, domain: Domain) -> Any:
        return self.alpha * u + self.beta * normal_derivative(u)


class Initial(_OnFields):
    """Values at the initial time, or with ``order=k`` those of the k-th time derivative.

    A solution gives the values that it has at that time, or at its end where it does not hold then, and with
    ``order=k`` its own k-th time derivative.
    """

    kind = "initial"

    def __init__(self, *, order: int = 0, on: Any = None, name: str | None = None, **values: Any):
        if not isinstance(order, int) or order < 0:
            raise refuse("Initial(order=...)", expected="0 or a positive integer", got=repr(order))
        super().__init__(on=on, name=name, **values)
        self.order = order
        self.prescribes = order
        if order:
            self.kind = "initial_d" + "t" * order

    def region(self, domain: Domain) -> Region | GivenPoints:
        return domain.initial if self.on is None else read_region(self.on, domain, "Initial")

    def group(self, region: Region | GivenPoints, domain: Domain) -> str:
        return "initial"

    def known(self, value: KnownFields, field: str, domain: Domain, call: str) -> Callable[[Mapping[str, Any]], Any]:
        return known_start(value, field, domain, call, self.order)

    def left_side(self, u: Any, domain: Domain) -> Any:
        return diff(u, *[domain.time[0]] * self.order) if self.order else u

    def prescribed(self, setting: Setting) -> list[tuple[str, int]]:
        """The fields that are given, and the order of the time derivative that is."""
        return [(field, self.order) for field, _ in self._spread(self.region(setting.domain), setting)]


class Observations(_OnFields):
    """Measured values at given points [m, d]: ``Observations(points, u=values)``, values [m] or a number.

    Args:
        points: Where, [m, d].
        noise: The standard deviation of the errors of the values. Where it is given, ``solve`` meets the data to about
            that, chooses how smooth unobserved fields are to be, and says how uncertain the answer is; otherwise data
            are met as exactly as conditions.
        name: The term's name.
        **values: By field, [m] or a number.
    """

    kind = "observed"
    prescribes = 0

    def __init__(self, points: Any, *, noise: float | None = None, name: str | None = None, **values: Any):
        super().__init__(on=_points(points), name=name, **values)
        if noise is not None and not (isinstance(noise, Real) and 0 < float(noise) < math.inf):
            raise refuse(
                f"Observations(noise={noise!r})",
                expected="a positive standard deviation",
                got=repr(noise),
                remedy="For exact data leave noise out.",
            )
        self.noise = None if noise is None else float(noise)

    @classmethod
    def from_csv(
        cls,
        path: str | Path,
        coordinates: Sequence[str],
        *,
        noise: float | None = None,
        name: str | None = None,
        **columns: str,
    ) -> "Observations":
        """Values from a file: ``Observations.from_csv("data.csv", ("x", "t"), u="temperature [K]")``.

        Args:
            path: A file of comma-separated values (or semicolons, or tabs) whose first row names the columns.
            coordinates: The columns of the problem's coordinates, in their order.
            noise: The standard deviation of the errors of the values.
            name: The term's name.
            **columns: By field, the name of its column.

        Raises:
            GmnmError: there is no such file or column, or something in it is no number.
        """
        call = f"Observations.from_csv({str(path)!r}, ...)"
        if isinstance(coordinates, str) or not columns or not all(isinstance(own, str) for own in columns.values()):
            remedy = 'As in Observations.from_csv("data.csv", ("x", "t"), u="temperature").'
            raise refuse(call, expected="names of columns, of coordinates and fields", got="others", remedy=remedy)
        read = read_columns(path, [*coordinates, *columns.values()], call)
        points = torch.stack([read[own] for own in coordinates], dim=1)
        return cls(points, noise=noise, name=name, **{field: read[own] for field, own in columns.items()})

    def group(self, region: Region | GivenPoints, domain: Domain) -> str:
        return "data"


def _points(points: Any) -> Tensor:
    try:
        return points if isinstance(points, Tensor) else torch.as_tensor(np.asarray(points))  # of lists 64 bits
    except (TypeError, ValueError, RuntimeError):
        raise refuse("Observations(points, ...)", expected="points, [m, d]", got=repr(points)) from None


_REPEATED = "What repeats in time is stated on a line, Interval({0}=({1:g}, {2:g})) in place of Time."


class Periodic(Statement):
    """Every field, with its derivatives up to one less than the equations' order, is the same at both ends."""

    def __init__(self, coordinate: str, *, name: str | None = None):
        if not isinstance(coordinate, str):
            raise refuse(
                "Periodic(...)", expected="the name of a coordinate, as in Periodic('x')", got=repr(coordinate)
            )
        self.coordinate, self.name = coordinate, name

    def terms(self, setting: Setting) -> list[Term]:
        domain, x = setting.domain, self.coordinate
        if x not in domain.space:
            raise refuse(
                f"Periodic('{x}')",
                expected="a spatial coordinate",
                got=f"'{x}'",
                remedy=nearest(x, domain.space) if domain.space else _REPEATED.format(x, *domain.bounds[0]),
            )
        axis = domain.coordinates.index(x)
        low, high = domain.bounds[axis]
        domain.face(**{x: high})

        def partner(points: Tensor) -> Tensor:
            moved = points.clone()
            moved[:, axis] = high
            return moved

        return [
            Term(
                f"{self.name or 'periodic'}_{field}{('_' + x * order) if order else ''}",
                "boundary",
                domain.face(**{x: low}),
                lambda scope, f=field, k=order: diff(scope[f], *[x] * k) if k else 1.0 * scope[f],
                partner=partner,
            )
            for field in setting.fields
            for order in range(max(1, setting.orders[field][axis]))
        ]
