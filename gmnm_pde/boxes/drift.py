"""The error of a solution that is singular at edges, by how far solutions move from one level to the next.

There neither the fall of a solution's parts with their degree nor solutions with traces of lower degree tell much: all
share what is wrong. A solution on fewer boxes of lower degree does not. Where each level leaves a part rho of the error
before, the last one leaves rho / (1 - rho) times its step; rho is seen once there are two steps.
"""

from dataclasses import replace

import torch
from torch import Tensor

from gmnm_pde.boxes.cut_layout import CutLayout
from gmnm_pde.boxes.discretization import gauss
from gmnm_pde.boxes.fit import BoxFit
from gmnm_pde.boxes.layout import Layout

_COUNT = 6
"""Points along each side of a box at which two solutions are compared."""

_LEAST, _MOST = 0.5, 0.95
"""The part of the error that a level is taken to leave is between these."""


_SLOW, _UNSEEN = 0.4, 3.0
"""Of a first solution whose parts fall no faster from one degree to the next, where most is left, the error may be so
many times what is observed."""


def compared(fit: BoxFit, before: BoxFit | None) -> BoxFit:
    """With errors by how far the solution moved from the one before; after one step alone no less than observed."""
    observed = torch.tensor(fit.judged.errors, dtype=torch.float64)
    if before is None:
        factor = _UNSEEN if slow(fit) else 1.0
        return replace(fit, judged=replace(fit.judged, errors=tuple((factor * observed).tolist())))
    step = moved(fit, before)
    if before.judged.moved:
        rho = (step / torch.tensor(before.judged.moved, dtype=torch.float64)).clamp(_LEAST, _MOST)
        errors = step * rho / (1 - rho)
    else:
        errors = torch.maximum(step, observed)
    return replace(fit, judged=replace(fit.judged, errors=tuple(errors.tolist()), moved=tuple(step.tolist())))


def calibrated(fit: BoxFit, before: BoxFit | None) -> BoxFit:
    """With errors that are larger by as much as those of the solution before were too small, up to the step from it.

    Of nonlinear equations a solution on few boxes may be the least residual and far from any solution.
    """
    if before is None or fit.statements.problem.linear:
        return fit
    step, observed = moved(fit, before), torch.tensor(fit.judged.errors, dtype=torch.float64)
    factor = (step / torch.tensor(before.judged.errors, dtype=torch.float64)).clamp_min(1.0)
    errors = torch.maximum(observed, torch.minimum(factor * observed, step))
    return replace(fit, judged=replace(fit.judged, errors=tuple(errors.tolist())))


def slow(fit: BoxFit) -> bool:
    """Whether a solution's parts fall slowly with their degree where most is left."""
    return fit.falls[int(fit.squares.argmax())] > _SLOW


@torch.no_grad()
def moved(fit: BoxFit, before: BoxFit) -> Tensor:
    """By field, the relative L2 distance of two solutions, [fields]."""
    points, weights = _nodes(fit.layout)
    values = fit.solved_for(points)
    steps = values - before.solved_for(points)
    tiny = torch.finfo(values.dtype).tiny
    return (weights @ steps.square() / (weights @ values.square()).clamp_min(tiny)).sqrt()


def _nodes(layout: Layout) -> tuple[Tensor, Tensor]:
    """Points of a rule in all boxes, and their weights."""
    unit, weights = gauss(_COUNT, layout.dimension)
    volumes = layout.halves.prod(dim=1)
    points = [layout.points(unit)[layout.whole].flatten(0, 1)]
    parts = [(volumes[layout.whole, None] * weights).flatten()]
    if isinstance(layout, CutLayout):
        for number, (own, shares) in zip(layout.cut, layout.samples(_COUNT), strict=True):
            points.append(own)
            parts.append(volumes[number] * shares)
    return torch.cat(points), torch.cat(parts)
