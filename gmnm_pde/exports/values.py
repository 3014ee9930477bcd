"""Columns of values at points: the fields, and what else is asked for."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gmnm_pde._errors import nearest, refuse
from gmnm_pde.jets.engines import output_jet
from gmnm_pde.multiindex import Alpha

_BATCH = 8192
"""Points at which values are computed at once, which bounds the memory."""

_SLACK = 1e-9
"""Points that are no farther outside than this part of the domain's extent are taken for inside."""

Derivatives = Sequence[str | Sequence[str]]
"""Coordinates by which every field is differentiated: ``["x", ("x", "y")]`` gives u_x and u_xy."""


def columns_at(
    solution: Any, points: Tensor, derivatives: Derivatives, call: str, *, residuals: bool = False
) -> dict[str, np.ndarray]:
    """At points [n, d] the fields, their derivatives, deviations where noise was stated, and residuals, by name, [n].

    Raises:
        GmnmError: a derivative is by something that is no coordinate.
    """
    names = {_zero(solution): ""} | {alpha: suffix for suffix, alpha in _suffixes(solution, derivatives, call).items()}
    like = next(solution.model.parameters())
    own = points.to(like)
    with torch.no_grad():
        parts = [output_jet(solution.model, batch, tuple(names)) for batch in own.split(_BATCH)]
    columns: dict[str, np.ndarray] = {}
    for alpha, suffix in names.items():
        values = torch.cat([part[alpha] for part in parts]).cpu().numpy()
        columns |= {f"{field}{suffix}": values[:, k] for k, field in enumerate(solution.fields)}
    if solution.posterior is not None:
        spread = torch.cat([solution.posterior.deviations(batch) for batch in points.split(_BATCH)]).cpu().numpy()
        columns |= {f"{field}_deviation": spread[:, k] for k, field in enumerate(solution.posterior.fields)}
    if residuals:
        parts = [solution.residuals(batch) for batch in points.split(_BATCH)]
        columns |= {
            f"residual_{name}": torch.cat([part[name] for part in parts if name in part]).cpu().numpy()
            for name in parts[0]
        }
    return columns


def inside(solution: Any, points: Tensor) -> np.ndarray:
    """Which of the points [n, d] lie in the domain, a mask [n]."""
    return torch.cat([solution.inside(batch, _SLACK) for batch in points.split(_BATCH)]).bool().cpu().numpy()


def _zero(solution: Any) -> Alpha:
    return (0,) * len(solution.coordinates)


def _suffixes(solution: Any, derivatives: Derivatives, call: str) -> dict[str, Alpha]:
    """Multi-indices by the suffix that names them: ``_xx``, or ``_time_x`` where coordinates have longer names."""
    if isinstance(derivatives, str):
        remedy = f'A list: derivatives=["{derivatives}"].'
        raise refuse(call, expected="a list of coordinates, or of tuples of them", got=repr(derivatives), remedy=remedy)
    found: dict[str, Alpha] = {}
    for one in derivatives:
        by = (one,) if isinstance(one, str) else tuple(one)
        for name in by:
            if name not in solution.coordinates:
                remedy = nearest(name, solution.coordinates)
                raise refuse(f"{call}: derivatives", expected="coordinates", got=repr(name), remedy=remedy)
        joint = "" if all(len(name) == 1 for name in by) else "_"
        found["_" + joint.join(by)] = tuple(by.count(name) for name in solution.coordinates)
    return found
