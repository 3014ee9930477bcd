"""The differential operators of mathematics, as pure functions of fields.

They act on fields and on anything computed from fields and coordinates: ``diff(k(x) * diff(u, x), x)`` is the
derivative of the product. ``grad``, ``div``, ``curl``, ``laplacian`` and ``biharmonic`` differentiate by the spatial
coordinates only.
"""

from collections.abc import Sequence
from typing import Any

import torch

from gmnm_pde._errors import refuse
from gmnm_pde.jets.arithmetic import Vector
from gmnm_pde.jets.known import KnownFields
from gmnm_pde.jets.stack import Stack
from gmnm_pde.jets.values import Integral, Quantity, axis_of

_MANY = 10
"""So many terms are added up in one sum, not one after the other."""


def diff(u: Any, *by: Quantity | str) -> Any:
    """The derivative of ``u`` by the coordinates given, one after the other.

    ``diff(u, x)`` is u_x, ``diff(u, x, x)`` is u_xx, ``diff(u, x, y)`` is u_xy. Coordinates are the equation's
    arguments, or their names. Of several fields, such as ``*u``, it is the derivative of each, as a vector; by a vector
    of coordinates it is the vector of the derivatives by each.

    Raises:
        GmnmError: ``u`` is no field (nor computed from one), or a ``by`` is no coordinate of its points.
    """
    if isinstance(u, tuple | list) and u:
        return Vector(diff(part, *by) for part in u)
    quantity = _quantity(u, "diff(u, ...)")
    if not by:
        raise refuse("diff(u)", expected="at least one coordinate, as in diff(u, x)", got="none")
    if len(by) == 1 and isinstance(by[0], Stack):
        return Vector(diff(quantity, one) for one in by[0])
    for coordinate in by:
        quantity = quantity.derivative(axis_of(quantity.frame, coordinate, call="diff(u, ...)"))
    return quantity


def grad(u: Quantity) -> Vector:
    """The spatial derivatives of ``u``, one for each spatial coordinate, as a vector that can be scaled and added."""
    quantity = _quantity(u, "grad(u)")
    return Vector(diff(quantity, name) for name in quantity.frame.space)


def div(*flux: Quantity | Sequence[Quantity]) -> Quantity:
    """The divergence of a vector field: ``div(u, v)``, or ``div(grad(u))``."""
    parts = _vector(flux, "div(...)")
    space = parts[0].frame.space
    if len(parts) != len(space):
        raise refuse(
            "div(...)", expected=f"{len(space)} components, one for each of {', '.join(space)}", got=len(parts)
        )
    return _total(diff(part, name) for part, name in zip(parts, space, strict=True))


def curl(*field: Quantity | Sequence[Quantity]) -> Any:
    """The curl: a scalar v_x - u_y of ``curl(u, v)`` in the plane, three components of ``curl(u, v, w)`` in space."""
    parts = _vector(field, "curl(...)")
    space = parts[0].frame.space
    if len(parts) != len(space) or len(space) not in (2, 3):
        raise refuse(
            "curl(...)", expected="2 components in the plane or 3 in space", got=f"{len(parts)} in {len(space)}-D"
        )
    if len(space) == 2:
        (u, v), (x, y) = parts, space
        return diff(v, x) - diff(u, y)
    (u, v, w), (x, y, z) = parts, space
    return diff(w, y) - diff(v, z), diff(u, z) - diff(w, x), diff(v, x) - diff(u, y)


def laplacian(u: Quantity) -> Quantity:
    """The sum of the second spatial derivatives of ``u``."""
    quantity = _quantity(u, "laplacian(u)")
    return _total(diff(quantity, name, name) for name in quantity.frame.space)


def biharmonic(u: Quantity) -> Quantity:
    """The Laplacian of the Laplacian of ``u``."""
    quantity = _quantity(u, "biharmonic(u)")
    space = quantity.frame.space
    return _total(diff(quantity, first, first, second, second) for first in space for second in space)


def normal_derivative(u: Quantity) -> Quantity:
    """The derivative of ``u`` along the outward normal; only where a condition holds on a boundary."""
    quantity = _quantity(u, "normal_derivative(u)")
    frame = quantity.frame
    if frame.normals is None:
        raise refuse(
            "normal_derivative(u)",
            expected="points on a boundary, where there is a normal",
            got="points without one",
            remedy="Use it in a condition; of a solution it is solution.normal_derivative(boundary)(x, y).",
        )
    return _total(
        frame.normals[:, axis] * quantity.derivative(axis)
        for axis, name in enumerate(frame.names)
        if name not in frame.time
    )


def integral(u: Quantity) -> Quantity:
    """The integral of ``u`` over space at the time of each point; where a problem is followed in time."""
    quantity = _quantity(u, "integral(u)")
    if isinstance(quantity, Stack):
        return Stack([integral(part) for part in quantity], quantity.frame)
    return Quantity(_integrated(quantity, "integral(u)"), quantity.frame)


def mean(u: Quantity) -> Quantity:
    """The mean of ``u`` over space at the time of each point; where a problem is followed in time."""
    quantity = _quantity(u, "mean(u)")
    if isinstance(quantity, Stack):
        return Stack([mean(part) for part in quantity], quantity.frame)
    frame = quantity.frame
    total = _integrated(quantity, "mean(u)")
    assert frame.integrate is not None
    return Quantity(total / frame.integrate(torch.ones_like(quantity.tensor.detach())), frame)


def _integrated(quantity: Quantity, call: str) -> torch.Tensor:
    frame = quantity.frame
    if not frame.space or frame.integrate is None:
        raise refuse(
            call,
            expected="a problem that is followed in time, by the strategy evolution, which sees all of space at once",
            got="points that are taken one by one" if frame.space else "a problem without space",
            remedy="Elsewhere equations are pointwise: state the integral as a field with an equation of its own.",
        )
    value = frame.integrate(quantity.tensor)
    frame.integrals.append(Integral(quantity.tensor, value))
    return value


def _quantity(u: Any, call: str) -> Quantity:
    if isinstance(u, KnownFields):
        name = call.split("(")[0]
        meant = "solution.diff('x')(x, ...)" if name == "diff" else f"solution.of(lambda u: {name}(u))(x, ...)"
        raise refuse(call, expected="a field of an equation", got="a solution", remedy=f"Of a solution it is {meant}.")
    if not isinstance(u, Quantity):
        raise refuse(
            call,
            expected="a field, or something computed from fields and coordinates",
            got=f"a {type(u).__name__}",
            remedy="Inside an equation use its arguments; of a solution it is solution.diff('x')(x, ...).",
        )
    return u


def _vector(parts: Sequence[Any], call: str) -> tuple[Quantity, ...]:
    if len(parts) == 1 and isinstance(parts[0], tuple | list):
        parts = parts[0]
    if not parts:
        raise refuse(call, expected="the components of a vector field", got="none")
    return tuple(_quantity(part, call) for part in parts)


def _total(terms: Any) -> Quantity:
    first, *rest = terms
    if len(rest) >= _MANY and not any(term.several for term in (first, *rest)):
        return Quantity(torch.stack([term.tensor for term in (first, *rest)]).sum(dim=0), first.frame)
    for term in rest:
        first = first + term
    return first
