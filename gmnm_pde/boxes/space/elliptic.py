"""Whether equations in space are such as a balance of fluxes is for: elliptic, without waves, and with values given."""

from collections.abc import Collection

import torch
from torch import Tensor

from gmnm_pde.boxes.equation import Interior
from gmnm_pde.boxes.reading import Unsuited
from gmnm_pde.boxes.space.traced import Traced
from gmnm_pde.geometry.unit import unit_points

_DIRECTIONS = 128
"""Directions in which the principal part of a system is looked at."""

_MOST_POINTS = 64
"""And so many points."""

_FLAT = 1e-7
"""A system whose determinant falls below this part of its largest, or changes its sign, is not elliptic."""

_POSITIVE = 1e-9
"""Eigenvalues are positive beyond this part of the largest."""


def require_elliptic(equation: Interior, *, valued: Collection[int], pinned: Collection[int | None] = ()) -> None:
    """Refuse what a balance of fluxes is not for.

    Args:
        equation: At points.
        valued: The fields of which conditions give values.
        pinned: The field that each value at a given point is of, where it is of one.

    Raises:
        Unsuited: the equations have waves or a direction of time, or leave something free.
    """
    if equation.fields == 1:
        if pinned:
            raise Unsuited("data are given at points in three coordinates")
        _require_one(equation, valued=0 in valued)
    else:
        _require_system(equation, valued, pinned)


def _require_one(equation: Interior, *, valued: bool) -> None:
    """Refuse one equation.

    Raises:
        Unsuited: it has waves or a direction of time, or nothing but derivatives is given.
    """
    d, operator = len(equation.alphas[0]), equation.within(0, 0)
    seconds = [tuple(2 * int(k == axis) for k in range(d)) for axis in range(d)]
    known = {alpha: torch.as_tensor(c, dtype=torch.float64) for alpha, c in operator.items()}
    if not all(alpha in known for alpha in seconds):
        raise Unsuited("the equation is not elliptic")
    sign = torch.sign(known[seconds[0]].flatten()[0])
    least = torch.stack([(sign * known[alpha]).min() for alpha in seconds]).min().item()
    mixed = [c.abs().max().item() for alpha, c in known.items() if sum(alpha) == 2 and alpha not in seconds]
    if not least > sum(mixed):
        raise Unsuited("the equation is not elliptic")
    zero = (0,) * d
    if zero in known and (sign * known[zero]).max().item() > 0:
        raise Unsuited("the equation has waves in three coordinates")
    if not valued and not (zero in known and bool(known[zero].any())):
        raise Unsuited("only derivatives of the solution are given")


def _require_system(equation: Interior, valued: Collection[int], pinned: Collection[int | None]) -> None:
    traced = Traced.of(equation)
    symbols = torch.stack([_symbol(equation, traced, own) for own in _directions()], dim=1)
    sizes = symbols.abs().amax(dim=(0, 1))
    scaled = symbols / sizes.amax(dim=1, keepdim=True).clamp_min(torch.finfo(sizes.dtype).tiny)
    found = torch.linalg.det(scaled).flatten()
    if not bool((found * torch.sign(found[0]) > _FLAT * found.abs().max()).all()):
        raise Unsuited("the system is not elliptic")
    zero = (0,) * len(equation.alphas[0])
    seconds = [_symbol(equation, traced, own) for own in torch.eye(len(zero), dtype=torch.float64)]
    count = len(traced.fields)
    mean = sum(seconds, start=torch.zeros_like(seconds[0]))[:, :count, :count]
    still = torch.stack([_values(equation, k, j, zero) for k in traced.equations for j in traced.fields], dim=1)
    waves = torch.linalg.eigvals(torch.linalg.solve(mean, still.unflatten(1, (count, count)))).real
    if bool((waves > _POSITIVE * waves.abs().max()).any()):
        raise Unsuited("the system has waves in three coordinates")
    if not set(traced.fields) <= set(valued):
        raise Unsuited("only derivatives of a field are given")
    level = traced.level
    known = level is None or level in valued or any((level, zero) in own for own in equation.operators)
    if list(pinned) != ([] if known else [level]):
        raise Unsuited("data are given at points in three coordinates" if pinned else "no value of a field is given")


def _directions() -> Tensor:
    normal = torch.special.ndtri(unit_points(_DIRECTIONS, 3, "sobol", seed=0).double().clamp(1e-6, 1 - 1e-6))
    return normal / normal.norm(dim=1, keepdim=True)


def _symbol(equation: Interior, traced: Traced, direction: Tensor) -> Tensor:
    """The principal part of a system in a direction, at some points, [points, fields, fields], pressures last.

    Equations of second order hold second derivatives, and first ones of a pressure; that of mass one order less.
    """
    fields = traced.passed
    rows = [(k, 2) for k in traced.equations] + ([] if traced.mass is None else [(traced.mass, 1)])
    found = []
    for number, order in rows:
        for field in fields:
            highest = order - int(field == traced.level)
            parts = (
                _values(equation, number, field, alpha) * direction.pow(torch.tensor(alpha)).prod()
                for own, alpha in equation.operators[number]
                if own == field and sum(alpha) == highest
            )
            found.append(sum(parts, start=torch.zeros(_MOST_POINTS, dtype=torch.float64)))
    return torch.stack(found, dim=1).unflatten(1, (len(rows), len(fields)))


def _values(equation: Interior, number: int, field: int, alpha: tuple[int, ...]) -> Tensor:
    """A coefficient at some points, [points]."""
    own = torch.as_tensor(equation.operators[number].get((field, alpha), 0.0), dtype=torch.float64).flatten()
    places = torch.linspace(0, len(own) - 1, _MOST_POINTS).round().long()
    return own[places]
