"""How large fields are going to be that are driven by nothing at first, as by a pulse of time.

Without that errors are relative to fields as they are, and a pulse is followed from its first 1e-300 on.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from gmnm_pde.evolution.reading import Statements
from gmnm_pde.evolution.steps import Step
from gmnm_pde.evolution.within_steps.watched import Watched
from gmnm_pde.models.modes import Product

_TIMES = 512
"""Times at which it is looked at what drives the fields, beside those at which data change."""

_NOTHING = 1e-10
"""What drives a field is nothing at first where it is below this part of the most, and so is the field then."""


def floor_of_driven(
    statements: Statements, watched: Iterable[Watched], basis: Product, stages: int, breaks: Sequence[float]
) -> Tensor:
    """The sizes below which fields are nothing, beside what is going to drive them, [fields]; 0 of others.

    Args:
        statements: The problem.
        watched: Its terms.
        basis: Any modes.
        stages: Of the method.
        breaks: Times at which data change.
    """
    span = statements.end - statements.start
    near = [(own - statements.start) / span for own in breaks if statements.start < own < statements.end]
    parts = torch.cat([torch.linspace(0, 1, _TIMES, dtype=torch.float64), torch.tensor(near, dtype=torch.float64)])
    parts = parts.unique()
    rest = torch.zeros(stages + 1, statements.fields, basis.count, dtype=torch.float64)
    whole = Step(statements.start, span, rest, basis, stages)
    driving = torch.zeros(len(parts), statements.fields, dtype=torch.float64)
    for own in watched:
        for name, left in own.left(whole, parts).items():
            field, effect = own.effect(name, whole)
            driving[:, field] += own.spots.volume**0.5 * (left * effect).square().mean(dim=1).sqrt()
    size = torch.trapezoid(driving, parts, dim=0)
    return torch.where(driving[0] < _NOTHING * driving.amax(dim=0), _NOTHING * size, 0.0)
