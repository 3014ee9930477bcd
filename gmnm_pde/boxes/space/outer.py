"""Conditions on outer faces of boxes in space: equations of the traces there, and of the polynomials of the box."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.equation import Condition
from gmnm_pde.boxes.faces import in_units
from gmnm_pde.boxes.layout import NOWHERE, Layout
from gmnm_pde.boxes.reading import Unsuited
from gmnm_pde.boxes.space.responses import STABILISATION
from gmnm_pde.boxes.space.traced import Traced
from gmnm_pde.boxes.system import condition_scale


@dataclass(frozen=True)
class Outer:
    """The equations of an outer face, as many as it has traces, by rising degree one for each field in turn.

    Attributes:
        box: The box that it is of.
        trace: What traces are multiplied by, [traces, traces].
        inside: The same of the polynomials of the box, [traces, own].
        right: The right-hand side, [traces].
    """

    box: int
    trace: Tensor
    inside: Tensor
    right: Tensor


def outer(
    layout: Layout, degrees: Degrees, traced: Traced, number: int, length: float, conditions: Sequence[Condition]
) -> Outer:
    """The conditions on an outer face, tested with the polynomials of its traces.

    Values are those of traces. Derivatives are those of the box, all of them: a traction that took those along the
    face from traces left modes of these that grow. Such across have the part of a balance of fluxes that ties traces.

    Args:
        layout: The boxes.
        degrees: Of their polynomials and traces.
        traced: Which fields have traces.
        number: Of the face.
        length: What derivatives across it are measured in.
        conditions: At its points.

    Raises:
        Unsuited: at some points there are not as many as fields have traces.
    """
    unit, weights = degrees.outer
    face = layout.faces[number]
    box = max(face.below, face.above)
    side = 1.0 if face.above == NOWHERE else -1.0
    zero, size, own, count = (0,) * (degrees.dimension - 1), len(degrees.traces), len(traced.fields), len(degrees.basis)
    tested = degrees.traces.jet(unit, (zero,))[zero]
    values = degrees.on_face(layout, face, box)[0][:size]
    trace = torch.zeros(size, own, size, own, dtype=torch.float64)
    inside = torch.zeros(size, own, traced.count, count, dtype=torch.float64)
    right = torch.zeros(size, own, dtype=torch.float64)
    for one, place in zip(conditions, _places(traced, conditions, len(unit)), strict=True):
        scale = (condition_scale(one, face, length) * weights[one.rows, None] * tested[one.rows]).mT
        right[:, place] += scale @ one.right
        at = (one.points - layout.middles[box]) / layout.halves[box]
        tables = degrees.basis.jet(at, {alpha for _, alpha in one.slopes})
        for (field, alpha), slope in one.slopes.items():
            if not any(alpha) and field in traced.fields:
                trace[:, place, :, traced.fields.index(field)] += scale @ (slope[:, None] * tested[one.rows])
                continue
            factor = layout.halves[box].pow(-torch.tensor(alpha, dtype=torch.float64)).prod()
            inside[:, place, field] += scale @ (slope[:, None] * factor * tables[alpha])
            if alpha[face.axis] == sum(alpha) == 1 and field in traced.fields:
                tied = side * STABILISATION * in_units(face, length, alpha) * slope[:, None] * tested[one.rows]
                inside[:, place, field] -= scale @ tied @ values
                trace[:, place, :, traced.fields.index(field)] += scale @ tied
    return Outer(
        box, trace.view(size * own, size * own), inside.view(size * own, traced.count * count), right.flatten()
    )


def _places(traced: Traced, conditions: Sequence[Condition], points: int) -> list[int]:
    """Which of the equations at each point a condition is: that of a field whose values it gives, where it is free."""
    taken = torch.zeros(len(traced.fields), points, dtype=torch.bool)
    found = []
    for one in conditions:
        values = [traced.fields.index(k) for k, alpha in one.slopes if not any(alpha) and k in traced.fields]
        free = [k for k in (*values, *range(len(traced.fields))) if not bool(taken[k, one.rows].any())]
        if not free:
            raise Unsuited("a side has more conditions than there are fields with second derivatives")
        taken[free[0], one.rows] = True
        found.append(free[0])
    if not bool(taken.all()):
        raise Unsuited("a part of a side has no condition, or too few")
    return found
