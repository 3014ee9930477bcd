"""A solution, or what is computed from one, at numbers, arrays, tensors and the coordinates of other equations."""

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from gmnm_pde._doors import stacklevel
from gmnm_pde._errors import NumericalWarning, refuse
from gmnm_pde.geometry import Domain
from gmnm_pde.jets import Quantity
from gmnm_pde.jets.known import evaluated
from gmnm_pde.multiindex import Alpha
from gmnm_pde.results.reading import read_columns, read_grids

_BATCH = 8192
"""Points at which something is evaluated at once, which bounds the memory."""

_OUTSIDE = ("nan", "extrapolate")

_SLACK, _SLACK_SINGLE = 1e-9, 1e-6
"""Points that are no farther outside than this part of the domain's extent are taken for inside, by their precision."""


class Evaluable(Protocol):
    """What is evaluated: several numbers at each point, with derivatives of every order."""

    @property
    def coordinates(self) -> tuple[str, ...]: ...
    @property
    def domain(self) -> Domain: ...
    @property
    def time(self) -> tuple[str, ...]: ...
    @property
    def ends(self) -> float: ...
    @property
    def like(self) -> Tensor:
        """A tensor of the precision and on the device that it computes in."""
        ...

    def values(self, points: Tensor) -> Tensor:
        """At points [n, d]: [n, k]."""
        ...

    def jets(self, points: Tensor, alphas: Sequence[Alpha]) -> Mapping[Alpha, Tensor]:
        """Derivatives at points [n, d]: for each alpha, [n, k]."""
        ...


def evaluate(what: Evaluable, columns: tuple, named: Mapping[str, Any], outside: str, name: str) -> list[Any]:
    """The numbers at coordinates, one entry for each of the k, of the kind of the coordinates.

    Args:
        what: What is evaluated.
        columns: Coordinates by position, or points [..., d].
        named: Coordinates by name.
        outside: ``"nan"`` or ``"extrapolate"``.
        name: What users call it, for messages.

    Raises:
        GmnmError: coordinates are missing or unknown, or in an equation some are outside of the domain.
    """
    if outside not in _OUTSIDE:
        raise refuse(f"{name}(outside={outside!r})", expected=" or ".join(map(repr, _OUTSIDE)), got=repr(outside))
    given = read_columns(what.coordinates, columns, named, f"{name}({', '.join(what.coordinates)})")
    in_equation = any(isinstance(one, Quantity) for one in given)
    call = f"{name}({', '.join(what.coordinates)}) in an equation" if in_equation else f"{name}(...)"
    refused = "refuse" if outside == "nan" and in_equation else outside
    return derivative_at(what, given, (0,) * len(given), call=call, outside=refused)


def derivative_at(
    what: Evaluable, columns: Sequence[Any], alpha: Alpha, *, call: str, outside: str = "refuse"
) -> list[Any]:
    """A derivative of each number at coordinates: quantities, tensors, or else arrays of numpy's.

    To autograd and ``torch.func`` they are functions of tensors among the coordinates.

    Raises:
        GmnmError: a place is outside of the domain, where ``outside`` says to refuse that.
    """
    quantity = next((one for one in columns if isinstance(one, Quantity)), None)
    recorded = next((one for one in columns if isinstance(one, Tensor) and one.requires_grad), None)
    like = quantity.tensor if quantity is not None else what.like if recorded is None else recorded
    grids = read_grids(columns, like, call)
    flat = [grid.reshape(-1) for grid in grids]
    if outside == "refuse":
        _refuse_outside(what, torch.stack([column.detach() for column in flat], dim=1), call)
    single = _is_single(columns)
    plain = quantity is None and recorded is None

    def jets(points: Tensor, alphas: Sequence[Alpha]) -> Mapping[Alpha, Tensor]:
        found = _batched(what, points, alphas, plain)
        if outside != "nan":
            return found
        inside = _inside(what, points, _SLACK_SINGLE if single or points.dtype == torch.float32 else _SLACK)
        if not inside.all():
            _warn_outside(what, inside, alphas)
            found = {order: torch.where(inside[:, None], value, torch.nan) for order, value in found.items()}
        return found

    if quantity is not None:
        if quantity.frame.sizes is not None:
            quantity.frame.sizes.append(_size(what, alpha))
        values = evaluated(jets, flat, alpha)
        return [Quantity(one.reshape(grids[0].shape), quantity.frame) for one in values.unbind(-1)]
    if not any(isinstance(one, Tensor) for one in columns):
        found = jets(torch.stack(flat, dim=1), (alpha,))[alpha]
        return [column.reshape(grids[0].shape).cpu().numpy() for column in found.unbind(-1)]
    values = evaluated(jets, flat, alpha)
    return [column.reshape(grids[0].shape) for column in values.unbind(-1)]


def _batched(what: Evaluable, points: Tensor, alphas: Sequence[Alpha], plain: bool) -> Mapping[Alpha, Tensor]:
    """Derivatives in the precision of the points; plain values are those of the model itself."""
    own = points.detach().to(what.like)
    values_alone = plain and not any(map(any, alphas))
    parts = []
    for batch in own.split(_BATCH):
        parts.append({alphas[0]: what.values(batch)} if values_alone else what.jets(batch, alphas))
    return {alpha: torch.cat([part[alpha].detach() for part in parts]).to(points) for alpha in alphas}


def _size(what: Evaluable, alpha: Alpha) -> float:
    """The largest size of the numbers at a few points of the domain's box."""
    box = torch.tensor(what.domain.bounds, dtype=torch.float64).to(what.like)
    unit = torch.linspace(0.1, 0.9, 5).to(box)[:, None]
    return float(what.jets(box[:, 0] + unit * (box[:, 1] - box[:, 0]), (alpha,))[alpha].abs().nan_to_num().max())


def _is_single(columns: Sequence[Any]) -> bool:
    return any(getattr(column, "dtype", None) in (torch.float32, np.dtype("float32")) for column in columns)


def _inside(what: Evaluable, points: Tensor, slack: float) -> Tensor:
    """Which of some points [n, d] are in the domain, or as little outside as rounding brings them."""
    return torch.cat([what.domain.nearly_contains(batch, slack) for batch in points.split(_BATCH)])


def _warn_outside(what: Evaluable, inside: Tensor, alphas: Sequence[Alpha]) -> None:
    """Say how many points are outside, once, and not again for derivatives."""
    if any(map(any, alphas)):
        return
    message = (
        f"{int((~inside).sum())} of {len(inside)} points are outside of {what.domain}, and are given nan; "
        'solution(..., outside="extrapolate") gives what the model has there.'
    )
    warnings.warn(message, NumericalWarning, stacklevel=stacklevel())


def _refuse_outside(what: Evaluable, points: Tensor, call: str) -> None:
    late = points[:, what.coordinates.index(what.time[0])] > what.ends if what.time else points[:, 0] > math.inf
    if late.any():
        raise refuse(
            call,
            expected=f"places up to {what.time[0]} = {what.ends:g}, where the solution ends",
            got=f"{int(late.sum())} after that",
            remedy="An event stopped it there, or it did not get farther: its report says why.",
        )
    inside = _inside(what, points, _SLACK_SINGLE)
    if inside.all():
        return
    place = points[int((~inside).nonzero()[0, 0])].tolist()
    where = ", ".join(f"{name}={value:g}" for name, value in zip(what.coordinates, place, strict=True))
    raise refuse(
        call,
        expected=f"places within {what.domain}, where the solution holds",
        got=f"{int((~inside).sum())} outside, such as {where}",
        remedy='solution(..., outside="extrapolate") gives what the model has there.',
    )
