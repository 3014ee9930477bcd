"""A solution inside of other equations and functions that are differentiated."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.jets import Quantity
from gmnm_pde.jets.engines import output_jet
from gmnm_pde.jets.known import evaluated, spread_out
from gmnm_pde.multiindex import Alpha

if TYPE_CHECKING:
    from gmnm_pde.results.solution import Solution

_BATCH = 8192
"""Points at which derivatives are evaluated at once, which bounds the memory."""


def is_differentiated(columns: Sequence[Any]) -> bool:
    """Whether coordinates are those of an equation, or tensors whose derivatives autograd records."""
    return any(isinstance(one, Quantity) or (isinstance(one, Tensor) and one.requires_grad) for one in columns)


def derivative_at(
    solution: "Solution", columns: Sequence[Any], alpha: Alpha, *, call: str, outside: str = "refuse"
) -> list[Any]:
    """A derivative of each field at coordinates that may be quantities or tensors, as the same kind.

    Raises:
        GmnmError: a place is outside of the solution's domain, where ``outside`` says to refuse that.
    """
    quantity = next((one for one in columns if isinstance(one, Quantity)), None)
    tensor = next((one for one in columns if isinstance(one, Tensor) and one.is_floating_point()), None)
    like = quantity.tensor if quantity is not None else tensor
    like = next(solution.model.parameters()) if like is None else like
    plain = spread_out(columns, like)
    flat = [column.reshape(-1) for column in plain]
    points = torch.stack([column.detach() for column in flat], dim=1)
    if outside == "refuse":
        _refuse_outside(solution, points, call)
    values = evaluated(lambda at, alphas: _jets(solution, at, alphas), flat, alpha)
    if outside == "nan":
        values = solution.blanked(values, points, columns)
    shaped = [column.reshape(plain[0].shape) for column in values.unbind(-1)]
    return shaped if quantity is None else [Quantity(one, quantity.frame) for one in shaped]


def _jets(solution: "Solution", points: Tensor, alphas: Sequence[Alpha]) -> Mapping[Alpha, Tensor]:
    """Derivatives of the model, in the precision of the points."""
    own = points.detach().to(next(solution.model.parameters()))
    with torch.no_grad():
        parts = [output_jet(solution.model, batch, alphas) for batch in own.split(_BATCH)]
    return {alpha: torch.cat([part[alpha] for part in parts]).to(points) for alpha in alphas}


def _refuse_outside(solution: "Solution", points: Tensor, call: str) -> None:
    inside = solution.inside(points)
    if inside.all():
        return
    place = points[int((~inside).nonzero()[0, 0])].tolist()
    where = ", ".join(f"{name}={value:g}" for name, value in zip(solution.coordinates, place, strict=True))
    raise refuse(
        call,
        expected=f"places within {solution.domain}, where the solution holds",
        got=f"{int((~inside).sum())} outside, such as {where}",
        remedy='solution(..., outside="extrapolate") gives what the model has there.',
    )
