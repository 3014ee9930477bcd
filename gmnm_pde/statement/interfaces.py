"""What holds where two parts of a domain meet: continuity of fields and fluxes, or a law of the user's own."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from zlib import crc32

import torch
from torch import Tensor

from gmnm_pde._errors import GmnmError, nearest, refuse
from gmnm_pde.binding import argument_names, bind
from gmnm_pde.geometry import Parted, Region
from gmnm_pde.jets import Alpha, Field, Frame
from gmnm_pde.sampling import Cloud, sample
from gmnm_pde.statement.conditions import Setting, Statement
from gmnm_pde.statement.flux import Flux, Residual, Run, find_fluxes
from gmnm_pde.statement.inner_jumps import Inner, find_inner
from gmnm_pde.statement.probes import Drawn, stand_in
from gmnm_pde.statement.scope import Coefficient, Scope
from gmnm_pde.statement.terms import Term

_POINTS = 8
"""Points of an interface at which fluxes are looked for."""

_ULPS = 16
"""How far beside an interface coefficients are evaluated, in units of the rounding of coordinates."""

_SAME = 1e-6
"""Factors on both sides that differ by no more than this part are one."""

_REMEDY = "Give the law there: Interface(lambda u, normal: ..., between=(...))."


class Interface(Statement):
    """A law where two parts meet, in place of the continuity of fields and fluxes.

    Args:
        residual: A function of fields, coefficients, coordinates, scalars, ``normal`` (from the first part to the
            second) and ``flux`` (of the equations, along the normal), by name. Fields, coefficients and fluxes have a
            value on each side, called after the parts: ``u.steel`` and ``u.copper``. It returns as many residuals as
            there are fields and fluxes: a tuple, or a dict of named ones.
        between: The two parts.
        name: The term's name in reports and weights.
    """

    def __init__(self, residual: Callable[..., Any], between: Sequence[str], *, name: str | None = None):
        pair = tuple(between) if isinstance(between, tuple | list) else ()
        if len(pair) != 2 or not all(isinstance(part, str) for part in pair) or pair[0] == pair[1]:
            got = repr(between)
            raise refuse("Interface(between=...)", expected="the names of two parts, ('steel', 'copper')", got=got)
        self.residual, self.between = residual, (pair[0], pair[1])
        self.name = name or "|".join(pair)
        argument_names(residual, call=f"Interface '{self.name}'")

    def terms(self, setting: Setting) -> list[Term]:
        parts = ", ".join(setting.domain.parts) or "none"
        got = f"{setting.domain}, of parts {parts}"
        raise refuse(f"Interface(between={self.between})", expected="a domain that has these parts", got=got)


class Sides:
    """The values of one name on both sides of an interface, as attributes that are called after the parts."""

    def __init__(self, name: str, values: Mapping[str, Callable[[], Any]]):
        self._name, self._values = name, values

    def __getattr__(self, part: str) -> Any:
        if part.startswith("__"):
            raise AttributeError(part)
        if part not in self._values:
            remedy = nearest(part, self._values)
            expected = f"a side of the interface: {', '.join(self._values)}"
            raise refuse(f"{self._name}.{part}", expected=expected, got=f"'{part}'", remedy=remedy)
        return self._values[part]()


class Meeting:
    """Two parts where they meet, in a problem.

    Args:
        domain: With the parts.
        between: The parts.
        fields: The names of the fields.
        branches: The names of the fields in all parts, by their numbers.
        equations: By part and name, the equations.
        orders: How often each field in each part is differentiated in space, by its number.
        constants: Known scalars.
        coefficients: Known functions.
        parameters: Unknown scalars with their guesses.
    """

    def __init__(
        self,
        domain: Parted,
        between: tuple[str, str],
        region: Region,
        *,
        fields: Sequence[str],
        branches: Sequence[str],
        equations: Mapping[str, Mapping[str, Residual]],
        orders: Mapping[int, int],
        constants: Mapping[str, float],
        coefficients: Mapping[str, Coefficient],
        parameters: Mapping[str, float],
    ):
        self.domain, self.between, self.region, self.fields, self.branches = domain, between, region, fields, branches
        self._equations, self._orders = equations, orders
        self._known = (constants, coefficients)
        self._jumping: set[str] = set()
        self._stated = False
        self._parameters = parameters
        self.call = f"the interface of {between[0]} and {between[1]}"

    def scope(self, values: Mapping[str, Any], part: str) -> Scope:
        """What functions see on the side of ``part``; their coordinates are moved into it by a few roundings."""
        normal: Tensor = values["normal"]
        reach = self._reach(values)
        return Scope(
            values, *self._known, part, self.fields, shift=(reach if part == self.between[1] else -reach) * normal
        )

    def _reach(self, values: Mapping[str, Any]) -> float:
        """How far that is."""
        size = max(abs(end) for ends in self.domain.bounds for end in ends)
        return _ULPS * torch.finfo(values["normal"].dtype).eps * size

    def continuity(self) -> Term:
        """The term that states that fields and fluxes are the same on both sides.

        Raises:
            GmnmError: it cannot be told which they are.
        """
        fields = self._continuous()
        inner = self._inner(fields)
        self._jumping = set(inner)
        pairs = self._fluxes()

        def residual(values: Mapping[str, Any]) -> dict[str, Any]:
            first, second = (self.scope(values, part) for part in self.between)
            laws = {
                field: self._value(first, self.between[0], field, inner)
                - self._value(second, self.between[1], field, inner)
                for field in fields
            }
            one, two = (self._through(scope, part) for scope, part in zip((first, second), self.between, strict=True))
            several = len(pairs) > 1
            laws |= {f"flux_{a}" if several else "flux": one[a] - two[b] for a, b in pairs}
            return laws

        return self._term("|".join(self.between), residual)

    def law(self, stated: Interface) -> Term:
        """The term that states a law of the user's own."""
        names = [*self.domain.coordinates, *self.fields, *self._parameters, *self._known[0], *self._known[1]]
        self._jumping, self._stated = set(self.fields), True
        bound = bind(stated.residual, [*names, "normal", "flux"], call=f"Interface '{stated.name}'")

        def residual(values: Mapping[str, Any]) -> Any:
            sides = {part: self.scope(values, part) for part in self.between}
            pairs = {
                name: Sides(name, {part: (lambda s=scope, n=name: s[n]) for part, scope in sides.items()})
                for name in (*self.fields, *self._known[1])
            }
            flux = {part: (lambda s=scope, p=part: self._one_or_all(s, p)) for part, scope in sides.items()}
            return bound({**self._known[0], **values, **pairs, "flux": Sides("flux", flux)})

        return self._term(stated.name, residual)

    def wanted(self) -> int | None:
        """How many laws there are to be; None where that cannot be told."""
        try:
            return len(self._continuous()) + len(self._fluxes())
        except GmnmError:
            return None

    def _term(self, name: str, residual: Residual) -> Term:
        return Term(name, "interface", self.region, residual, parts=self.between)

    def _order(self, field: str) -> int:
        numbers = [self.branches.index(f"{field}.{part}") for part in self.between]
        return max(self._orders[number] for number in numbers)

    def _continuous(self) -> list[str]:
        """The fields that are continuous: those of second order; those of first order are by their fluxes."""
        high = [field for field in self.fields if self._order(field) > 2]
        if high:
            got = f"'{high[0]}', which is differentiated {self._order(high[0])} times"
            raise refuse(self.call, expected="equations of second order in space", got=got, remedy=_REMEDY)
        return [field for field in self.fields if self._order(field) == 2]

    @torch.enable_grad()
    def _fluxes(self) -> list[tuple[str, str]]:
        """The names of equations on both sides whose fluxes are the same; ``_found`` keeps the fluxes."""
        runs = self._runs_on_sides()
        self._found: dict[str, dict[str, tuple[str, Flux]]] = {}
        for part, beside in (self.between, self.between[::-1]):
            found: dict[str, tuple[str, Flux]] = {}
            for name, run in runs[part].items():
                fluxes = find_fluxes(run, runs[beside].get(name), self._orders, products=self._stated)
                found |= {key: (name, flux) for key, flux in fluxes.items()}
            self._found[part] = found
        first, second = (self._found[part] for part in self.between)
        if len(first) != len(second):
            got = f"fluxes of {', '.join(first) or 'none'} and {', '.join(second) or 'none'}"
            raise refuse(self.call, expected="as many fluxes on one side as on the other", got=got, remedy=_REMEDY)
        pairs = [(a, a) for a in first] if first.keys() == second.keys() else list(zip(first, second, strict=True))
        for a, b in pairs:
            self._refuse_other_factors(a, first[a][1].factor, second[b][1].factor)
        return pairs

    def _runs_on_sides(self) -> dict[str, dict[str, Run]]:
        cloud = sample(self.region, _POINTS, "sobol", seed=1)
        return {part: self._runs(cloud, part) for part in self.between}

    @torch.enable_grad()
    def _inner(self, fields: Sequence[str]) -> dict[str, tuple[str, Inner]]:
        """By field that jumps what is continuous in its place, with the equation that says so.

        Raises:
            GmnmError: several fields may jump.
        """
        runs = self._runs_on_sides()
        first, second = (runs[part] for part in self.between)
        found = [
            (name, inner)
            for name, run in first.items()
            for key in run.residuals
            if (inner := find_inner(run, second.get(name), key)) is not None
        ]
        if not found:
            return {}
        if len(found) > 1 or len(fields) != 1:
            got = f"something that '{found[0][1].name}' differentiates twice and that jumps"
            raise refuse(self.call, expected="one field that jumps, of one equation", got=got, remedy=_REMEDY)
        return {fields[0]: found[0]}

    def _value(self, scope: Scope, part: str, field: str, inner: Mapping[str, tuple[str, Inner]]) -> Any:
        """What is the same on both sides: a field, or what an equation differentiates twice."""
        if field not in inner:
            return scope[field]
        name, found = inner[field]
        return found.total(self._run(scope[self.domain.coordinates[0]].frame, scope, part, name))

    def _runs(self, cloud: Cloud, part: str) -> dict[str, Run]:
        """The equations of a part, by name, run at points with some numbers for fields."""
        normals = None if cloud.normals is None else cloud.normals[:_POINTS]
        frame = Frame(self.domain.coordinates, cloud.points[:_POINTS], time=self.domain.time, normals=normals)
        frame.integrate = stand_in(frame.points)
        source = self._any_numbers(len(frame), part)
        values = {name: Field(frame, source, k, name=name) for k, name in enumerate(self.branches)}
        guesses = {name: torch.full((len(frame),), guess).to(frame.points) for name, guess in self._parameters.items()}
        scope = self.scope({**frame.coordinates, **values, **guesses, "normal": frame.normals}, part)
        equations = self._equations[part].items()
        return {name: self._run(frame, scope, part, name) for name, _ in equations}

    def _run(self, frame: Frame, scope: Scope, part: str, name: str) -> Run:
        equation = self._equations[part][name]
        return Run(frame, equation, scope, Term(name, "interior", self.region, equation).named, self._reach(scope))

    def _any_numbers(self, count: int, part: str) -> Drawn:
        """Numbers for every derivative that is asked for, [count] each; on both sides the same for what is continuous.

        That are the derivatives of less than half the order of their equation.
        """
        space = [self.domain.coordinates.index(name) for name in self.domain.space]

        def draw(output: int, alpha: Alpha) -> Tensor:
            field = output % len(self.fields)
            low = sum(alpha[k] for k in space) < self._order(self.fields[field]) // 2
            key = (field, alpha, "" if low and self.fields[field] not in self._jumping else part)
            generator = torch.Generator().manual_seed(crc32(repr(key).encode()))
            return torch.randn(count, generator=generator, dtype=torch.float64)

        return Drawn(draw)

    def _refuse_other_factors(self, name: str, first: Tensor | None, second: Tensor | None) -> None:
        if first is None and second is None:
            return
        if first is None or second is None or not torch.allclose(first, second, rtol=_SAME, atol=0.0):
            raise refuse(
                f"{self.call}: the equation '{name}'",
                expected="a divergence, div(k * grad(u)), which shows the flux that is continuous",
                got="second derivatives with other factors on one side than on the other",
                remedy="Write it as a divergence, or give the law: Interface(lambda u, normal: ..., between=(...)).",
            )

    def _through(self, scope: Scope, part: str) -> dict[str, Any]:
        """The fluxes of a part's equations along the normal, by the names of their residuals."""
        frame = scope[self.domain.coordinates[0]].frame
        runs = {name: self._run(frame, scope, part, name) for name, _ in self._found[part].values()}
        return {key: flux.through(runs[name]) for key, (name, flux) in self._found[part].items()}

    def _one_or_all(self, scope: Scope, part: str) -> Any:
        if not hasattr(self, "_found"):
            self._fluxes()
        through = self._through(scope, part)
        return next(iter(through.values())) if len(through) == 1 else through
