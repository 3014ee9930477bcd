"""What users give to conditions, read: regions, and values as numbers, arrays or functions."""

from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.binding import bind
from gmnm_pde.geometry import Domain, GivenPoints, Region
from gmnm_pde.jets import Quantity

ROWS = "rows of given points"
"""The name under which a scope has the rows of the user's points that a part of the domain has."""


def read_region(on: Any, domain: Domain, call: str) -> Region | GivenPoints:
    """A region of ``domain`` as given: None is the whole boundary, a tensor [m, d] is given points."""
    if on is None:
        return domain.boundary
    if isinstance(on, Region):
        adopted = domain.adopt(on)
        if adopted is not None:
            return adopted
        if on.coordinates == domain.coordinates:
            return _inside(on, domain, call)
        raise refuse(
            f"{call}(on=...)",
            expected=f"a region of the problem's domain, with coordinates {', '.join(domain.coordinates)}",
            got=f"'{on.name}' with coordinates {', '.join(on.coordinates)}",
            remedy="Take it from the whole domain: domain = space * time; domain.face(x=0).",
        )
    if isinstance(on, Domain):
        raise refuse(f"{call}(on=...)", expected="a region", got=f"the domain {on}", remedy="Say on=domain.boundary.")
    try:
        points = torch.as_tensor(on, dtype=torch.float64).detach().clone()
    except (TypeError, ValueError, RuntimeError):
        raise refuse(
            f"{call}(on=...)", expected="a region such as domain.face(x=0), or points [m, d]", got=repr(on)
        ) from None
    if points.device.type == "meta":
        raise refuse(f"{call}: its points", expected="numbers", got="points on the device 'meta', which has none")
    if points.ndim == 1 and domain.dimension == 1:
        points = points[:, None]
    if points.ndim != 2 or points.shape[1] != domain.dimension or not len(points):
        raise refuse(
            f"{call}: its points",
            expected=f"shape [m, {domain.dimension}] for coordinates {', '.join(domain.coordinates)}",
            got=f"{tuple(points.shape)}",
        )
    if not torch.isfinite(points).all():
        raise refuse(f"{call}: its points", expected="finite coordinates", got="NaN or infinity among them")
    return GivenPoints(domain.coordinates, points, time=domain.time)


def _inside(region: Region, domain: Domain, call: str) -> Region:
    """A region that is no part of the domain's boundary, if it lies in the domain."""
    for chart in region.charts:
        middle = chart.embed(torch.full((1, chart.dimension), 0.37, dtype=torch.float64))
        if not domain.contains(middle).any():
            where = ", ".join(f"{value:g}" for value in middle[0].tolist())
            raise refuse(
                f"{call}(on=...)",
                expected=f"a region of {domain}",
                got=f"'{region.name}', which has ({where}), a point outside",
                remedy="Take it from the domain itself, or from a shape that it was made from.",
            )
    return region


def group_of(region: Region | GivenPoints, domain: Domain) -> str:
    """The group of a condition that holds on ``region``: interior, boundary, initial or data."""
    if isinstance(region, GivenPoints):
        return "data"
    inside = all(chart.normal is None for chart in region.charts)
    initial = {chart.name for chart in domain.initial_charts()}
    if all(chart.name in initial for chart in region.charts) and initial:
        return "initial"
    return "interior" if inside else "boundary"


def check_value(value: Any, call: str) -> None:
    """Refuse what can be no value of a field."""
    if isinstance(value, Real | Tensor) or callable(value) or hasattr(value, "__array__") or isinstance(value, list):
        if isinstance(value, Real) and not torch.isfinite(torch.tensor(float(value))):
            raise refuse(call, expected="a finite value", got=value)
        return
    raise refuse(call, expected="a number, an array or a function of coordinates", got=repr(value))


def read_value(
    value: Any, domain: Domain, parameters: Sequence[str], call: str, count: int | None
) -> Callable[[Mapping[str, Any]], Any]:
    """A value as a function of the scope; arrays are for ``count`` given points only."""
    if callable(value) and not isinstance(value, Tensor):
        return _checked(bind(value, (*domain.coordinates, *parameters), call=call), domain, call)
    try:
        data = torch.as_tensor(value, dtype=torch.float64).detach().clone()
    except (TypeError, ValueError, RuntimeError):
        raise refuse(call, expected="numbers", got=repr(value)) from None
    if data.device.type == "meta":
        raise refuse(call, expected="numbers", got="a tensor on the device 'meta', which has none")
    if data.ndim == 0:
        return lambda scope: data.item()
    if count is None:
        raise refuse(
            call,
            expected="a number or a function of coordinates",
            got=f"an array of shape {tuple(data.shape)}",
            remedy="Values at your own points are Observations(points, u=values).",
        )
    if data.shape != (count,):
        raise refuse(call, expected=f"one value per point, shape ({count},)", got=f"shape {tuple(data.shape)}")
    if not torch.isfinite(data).all():
        row = int((~torch.isfinite(data)).nonzero()[0, 0])
        raise refuse(call, expected="finite values", got=f"NaN or infinity at row {row}")

    def take(scope: Mapping[str, Any]) -> Tensor:
        frame = scope[domain.coordinates[0]].frame
        given = data if ROWS not in scope else data[scope[ROWS]]
        return given[frame.rows].to(frame.points)

    return take


def _checked(function: Callable[[Mapping[str, Any]], Any], domain: Domain, call: str) -> Callable[..., Any]:
    """``function``, refusing results that are neither a number nor one number per point."""

    def checked(scope: Mapping[str, Any]) -> Any:
        result = function(scope)
        plain = result.tensor if isinstance(result, Quantity) else torch.as_tensor(result)
        first = scope[domain.coordinates[0]]
        n = (first.tensor if isinstance(first, Quantity) else first).shape[0]
        if plain.ndim and plain.shape != (n,):
            raise refuse(
                call,
                expected=f"a function that gives one number per point, shape ({n},)",
                got=f"shape {tuple(plain.shape)}",
            )
        return result

    return checked
