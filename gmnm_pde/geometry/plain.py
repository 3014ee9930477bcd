"""Shapes as plain values, which a file holds, and back."""

from collections.abc import Mapping
from typing import Any

from gmnm_pde.geometry import algebra
from gmnm_pde.geometry.box import Box
from gmnm_pde.geometry.composed import Combined
from gmnm_pde.geometry.domain import Domain
from gmnm_pde.geometry.parts import Parted
from gmnm_pde.geometry.polygon import Polygon
from gmnm_pde.geometry.round import Ball, Ellipse
from gmnm_pde.geometry.shells import Annulus, SphericalShell

_RULES = {rule.symbol: rule for rule in (algebra.UNION, algebra.INTERSECTION, algebra.DIFFERENCE)}


def plain(domain: Domain) -> dict[str, Any] | None:
    """The shape as plain values; None for shapes that are made of the user's functions or points."""
    if isinstance(domain, Combined):
        first, second = plain(domain.first), plain(domain.second)
        known = first is not None and second is not None
        return {"rule": domain.rule.symbol, "first": first, "second": second} if known else None
    if isinstance(domain, Box):
        return {"box": dict(zip(domain.coordinates, domain.bounds, strict=True))}
    names = list(domain.coordinates)
    if isinstance(domain, Ellipse):
        return {"ellipse": [domain.center, domain.radii], "coordinates": names}
    if isinstance(domain, Ball):
        return {"ball": [domain.center, domain.radius], "coordinates": names}
    if isinstance(domain, Annulus | SphericalShell):
        kind = "annulus" if isinstance(domain, Annulus) else "shell"
        return {kind: [domain.center, domain.inner_radius, domain.outer_radius], "coordinates": names}
    if isinstance(domain, Polygon):
        return {"polygon": domain.corners, "coordinates": names}
    return None


def shape_of(values: Mapping[str, Any]) -> Domain:
    """The shape that ``plain`` described.

    Raises:
        ValueError: it did not.
    """
    if "rule" in values:
        return Combined(_RULES[values["rule"]], shape_of(values["first"]), shape_of(values["second"]))
    if "box" in values:
        return Box(**{name: tuple(ends) for name, ends in values["box"].items()})
    names = {"coordinates": tuple(values["coordinates"])}
    if "ellipse" in values:
        return Ellipse(*values["ellipse"], **names)
    if "ball" in values:
        return Ball(*values["ball"], **names)
    if "annulus" in values:
        return Annulus(*values["annulus"], **names)
    if "shell" in values:
        return SphericalShell(*values["shell"], **names)
    if "polygon" in values:
        return Polygon(values["polygon"], **names)
    raise ValueError(f"a shape of the kind {', '.join(values)}")


def plain_parts(domain: Parted) -> dict[str, Any] | None:
    """The shapes of a domain's parts as plain values; None where one has none."""
    shapes = {name: plain(part) for name, part in domain.told.parts.items()}
    known = all(shape is not None for shape in shapes.values())
    return {"shapes": shapes, "columns": list(domain.columns)} if known else None


def parts_of(values: Mapping[str, Any]) -> tuple[Parted, list[int]]:
    """The parts that ``plain_parts`` described, and the columns of points that they are told by."""
    shapes = {name: shape_of(shape) for name, shape in values["shapes"].items()}
    return Parted(next(iter(shapes.values())), shapes), list(values["columns"])
