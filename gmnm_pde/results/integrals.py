"""Integrals of a solution, and of anything computed from it: over regions, at given times, and fluxes."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from gmnm_pde._doors import stacklevel
from gmnm_pde._errors import NumericalWarning, nearest, refuse
from gmnm_pde.geometry import Chart, Domain, Parted, Region
from gmnm_pde.geometry.quadrature import Integral, integrate
from gmnm_pde.geometry.sampled import sample
from gmnm_pde.geometry.sliced import sliced
from gmnm_pde.operators import normal_derivative
from gmnm_pde.results.expression import Expression, chosen_fields, of
from gmnm_pde.statement.fingerprint import is_of

if TYPE_CHECKING:
    from gmnm_pde.results.solution import Solution

_BATCH = 8192
"""Points at which something is evaluated at once."""

_POOR = 1e-6
"""An integral that is farther off than this part of its size is worth a warning."""

_ZERO = 1e-9
"""What is this small a part of the same elsewhere in the domain is about zero."""

_HINTS = 64
"""Points on each piece of boundary by which small holes are found."""

_SLACK = 1e-9
"""Points that are no farther outside than this part of the domain's extent are taken for inside."""


def integral(solution: "Solution", over: Any, what: Any, field: str | None, at: Mapping[str, Any]) -> Any:
    """See ``Solution.integral``."""
    call = "solution.integral(...)"
    if what is None:
        names = chosen_fields(solution, field, call)
        single = len(names) == 1
        expression = Expression(
            solution, lambda scope: scope[names[0]] if single else {name: scope[name] for name in names}, call
        )
        return _over(solution, expression, over, at, call)
    if field is not None:
        raise refuse(call, expected="field= or of=", got="both")
    regions = _regions(solution, over, call)
    return _over(solution, of(solution, what, call, on_boundary=_have_normals(regions)), over, at, call)


def flux(
    solution: "Solution", boundary: Any, coefficient: Any, what: Any, field: str | None, at: Mapping[str, Any]
) -> Any:
    """See ``Solution.flux``."""
    call = "solution.flux(...)"
    regions = [read_boundary(solution, boundary, call)]
    factor = _factor(solution, coefficient, call)
    if what is not None:
        if field is not None:
            raise refuse(call, expected="field= or of=", got="both")
        vector = of(solution, what, call, on_boundary=True)
        space = [name for name in solution.coordinates if name not in solution.time]
        if len(vector.fields) != len(space):
            expected = f"of= a function that gives a vector, {len(space)} components"
            raise refuse(call, expected=expected, got=f"{len(vector.fields)}")

        def through(scope: Mapping[str, Any]) -> Any:
            parts, normal = vector.function(scope), scope["normal"]
            axes = [solution.coordinates.index(name) for name in space]
            return factor(scope) * sum(part * normal[:, axis] for part, axis in zip(parts, axes, strict=True))

    else:
        names = chosen_fields(solution, field, call)

        def through(scope: Mapping[str, Any]) -> Any:
            found = {name: factor(scope) * normal_derivative(scope[name]) for name in names}
            return found[names[0]] if len(names) == 1 else found

    return _over(solution, Expression(solution, through, call, on_boundary=True), regions, at, call)


def read_boundary(solution: "Solution", boundary: Any, call: str) -> Region:
    """The boundary that is meant, by default the whole one.

    Raises:
        GmnmError: it has no normals.
    """
    if boundary is None:
        _regions(solution, None, call)  # which is refused where the domain is not known
        boundary = solution.domain.boundary
    region, *_ = _regions(solution, boundary, call)
    if not _have_normals([region]):
        remedy = "Such as domain.boundary, domain.face(x=0) or a shape's own boundary."
        raise refuse(call, expected="a part of a boundary, with normals", got=f"'{region.name}'", remedy=remedy)
    return region


def _factor(solution: "Solution", coefficient: Any, call: str) -> Callable[[Mapping[str, Any]], Any]:
    """A coefficient as a function of a scope: a number, the name of one of the problem's, or a function."""
    if isinstance(coefficient, Real) and not isinstance(coefficient, bool):
        return lambda scope: float(coefficient)
    if isinstance(coefficient, str):
        problem = solution.problem
        known = (*solution.parameters, *(() if problem is None else (*problem.constants, *problem.coefficients)))
        if coefficient not in known:
            remedy = nearest(coefficient, known)
            raise refuse(call, expected="the name of a coefficient", got=repr(coefficient), remedy=remedy)
        return lambda scope: scope[coefficient]
    return of(solution, coefficient, f"{call[:-4]}coefficient=...)", on_boundary=True).function


def _regions(solution: "Solution", over: Any, call: str) -> list[Region]:
    """The regions that are meant, whose coordinates are the solution's, or its coordinates of space."""
    domain = solution.domain
    if over is None and solution.problem is None and not is_of(solution.fingerprint, domain):
        remedy = "Give load_solution(path, problem=...), or over=shape."
        got = "a solution without its problem, whose domain is no box"
        raise refuse(call, expected="over=..., where the domain is not known", got=got, remedy=remedy)
    if over is None:
        parts = domain.parts.values() if isinstance(domain, Parted) else (domain,)
        return [part.interior for part in parts]
    if isinstance(over, list) and over and all(isinstance(one, Region) for one in over):
        return over
    if isinstance(over, str) and domain.parts:
        if over not in domain.parts:
            remedy = nearest(over, domain.parts)
            raise refuse(call, expected="a region, or the name of a part", got=repr(over), remedy=remedy)
        return [domain.parts[over].interior]
    if isinstance(over, Domain):
        over = over.interior
    if not isinstance(over, Region):
        remedy = "Such as domain.boundary, domain.face(x=0), domain.where(lambda x: x < 1), or a shape."
        raise refuse(call, expected="a region", got=repr(over), remedy=remedy)
    return [domain.adopt(over) or over]


def _have_normals(regions: Sequence[Region]) -> bool:
    return all(chart.normal is not None for region in regions for chart in region.charts)


def _over(solution: "Solution", expression: Expression, over: Any, at: Mapping[str, Any], call: str) -> Any:
    """The integrals of an expression over a region at given values of some coordinates."""
    regions = _regions(solution, over, call)
    fixed = _fixed(solution, at, call)
    first = next(iter(fixed.values()), np.zeros(()))
    results = []
    for values in zip(*[array.reshape(-1).tolist() for array in fixed.values()], strict=True) if fixed else ((),):
        placed = dict(zip(fixed, values, strict=True))
        total: Integral | None = None
        for region in regions:
            part = _one(solution, expression, region, placed, call)
            total = part if total is None else total + part
        assert total is not None
        results.append(total)
    _warn_of_poor(solution, expression, results, regions, call)
    columns = torch.stack([one.value for one in results]).unbind(1)
    shaped = [column.cpu().numpy().reshape(first.shape) for column in columns]
    return expression.arranged([float(column) for column in shaped] if not first.shape else shaped)


def _warn_of_poor(
    solution: "Solution", expression: Expression, results: Sequence[Integral], regions: Sequence[Region], call: str
) -> None:
    """Warn of integrals that are off by more than a part of their size, unless what is integrated is about zero."""
    error = torch.stack([one.error for one in results]).amax(dim=0)
    if not any((one.error > _POOR * one.size).any() for one in results):
        return
    points = sample(solution.domain.interior, _HINTS).points.to(solution.like)
    largest = expression.values(points, torch.ones_like(points)).abs().amax(dim=0)
    if (error > _ZERO * largest * sum(region.measure for region in regions)).any():
        off = max(float((one.error / one.size.clamp_min(1e-300)).max()) for one in results)
        message = f"{call}: about {off:.0e} of its size off; the region, or what is integrated, is rough."
        warnings.warn(message, NumericalWarning, stacklevel=stacklevel())


def _fixed(solution: "Solution", at: Mapping[str, Any], call: str) -> dict[str, np.ndarray]:
    """The coordinates that are given, as arrays of one shape."""
    found = {}
    for name, value in at.items():
        if name not in solution.coordinates:
            remedy = nearest(name, (*solution.coordinates, "over", "of", "field"))
            expected = f"one of the coordinates {', '.join(solution.coordinates)}"
            raise refuse(call, expected=expected, got=f"'{name}'", remedy=remedy)
        try:
            found[name] = np.asarray(value.detach().cpu() if isinstance(value, Tensor) else value, dtype=float)
        except (TypeError, ValueError):
            raise refuse(call, expected=f"numbers {name}=...", got=repr(value)) from None
    return dict(zip(found, np.broadcast_arrays(*found.values()), strict=True)) if found else {}


def _one(solution: "Solution", expression: Expression, region: Region, at: Mapping[str, float], call: str) -> Integral:
    """The integral over one region at given values of coordinates that it has, or lacks."""
    names = solution.coordinates
    for name, value in at.items():
        if name in region.coordinates:
            region = sliced(region, name, value, call)
    lacking = [name for name in names if name not in (*region.coordinates, *at)]
    if lacking or set(region.coordinates) - set(names):
        given = ", ".join(region.coordinates)
        remedy = f"Say where: {lacking[0]}=0.5." if lacking else ""
        raise refuse(call, expected=f"a region in {', '.join(names)}", got=f"one in {given}", remedy=remedy)
    columns = [region.coordinates.index(name) if name in region.coordinates else None for name in names]

    def whole(rows: Tensor, fill: Mapping[str, float]) -> Tensor:
        parts = [
            rows.new_full((len(rows),), fill.get(name, 0.0)) if column is None else rows[:, column]
            for name, column in zip(names, columns, strict=True)
        ]
        return torch.stack(parts, dim=1)

    def values(points: Tensor, normals: Tensor | None) -> Tensor:
        places = whole(points, at).to(solution.like)
        if not solution.domain.nearly_contains(places, _SLACK).all():
            raise refuse(call, expected=f"a region within {solution.domain}", got=f"'{region.name}', which leaves it")
        outward = None if normals is None else whole(normals, {}).to(solution.like)
        rows = torch.arange(len(places)).split(_BATCH)
        return torch.cat([expression.values(places[k], None if outward is None else outward[k]) for k in rows])

    return integrate(region, values, _hints(solution.domain, region))


def _hints(domain: Domain, region: Region) -> list[Tensor]:
    """Points on the pieces of the domain's boundary, if the region is in its coordinates and is cut somewhere."""
    if region.coordinates != domain.coordinates or all(chart.keep is None for chart in region.charts):
        return []
    charts: Sequence[Chart] = domain.boundary_charts()
    pieces = [Region(domain.coordinates, (replace(chart, name="hint"),)) for chart in charts if chart.given is None]
    return [sample(piece, _HINTS).points for piece in pieces]
