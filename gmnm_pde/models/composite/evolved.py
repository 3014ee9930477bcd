"""A solution that was marched in time: modes in space, polynomials in time."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gmnm_pde.models.modes import Cells, Line, Product, Waves, radau
from gmnm_pde.multiindex import Alpha

_AT_ONCE = 2**24
"""Numbers that are gathered at once, which bounds the memory."""

_ROUNDING = 1e-12
"""Of times, relative to the longest."""


@dataclass(frozen=True)
class Stretch:
    """Steps one after another with the same modes.

    Attributes:
        lines: Of the modes.
        starts: When steps begin, ascending.
        lengths: How long they are.
        states: The coefficients at each step's beginning and stages, [steps, stages + 1, fields, modes].
    """

    lines: tuple[Line, ...]
    starts: Tensor
    lengths: Tensor
    states: Tensor


class Evolved(nn.Module):
    """The steps of a march as a function of space and time.

    In each step the coefficients of the modes are the polynomials in time through the stages of a Radau method.
    Before the first step the first answers; after the last one nothing, NaN, if the march ended before the final time.

    Args:
        stretches: Descriptions: ``lines``, the configurations of the modes; ``steps``, how many; ``stages``.
        fields: How many.
        axis: The number of the time coordinate.
        whole: Whether the march reached the final time.
        parts: The boxes in space of the parts that the domain is made of, if it is. Outputs are then the fields of each
            part, part after part, zero outside of it; where parts meet each is what it is on its own side.
    """

    times: Tensor

    def __init__(
        self,
        stretches: Sequence[Mapping[str, Any]],
        fields: int,
        axis: int,
        whole: bool = True,
        parts: Sequence[Sequence[Sequence[float]]] = (),
    ):
        super().__init__()
        self.descriptions = [dict(own) for own in stretches]
        self.fields, self.axis, self.whole = int(fields), int(axis), bool(whole)
        self.parts = [[(float(low), float(high)) for low, high in box] for box in parts]
        self.lines = [tuple(_line(config) for config in own["lines"]) for own in self.descriptions]
        steps = sum(own["steps"] for own in self.descriptions)
        self.register_buffer("times", torch.zeros(2, steps, dtype=torch.float64))
        self.states = nn.ParameterList()
        for own, lines in zip(self.descriptions, self.lines, strict=True):
            shape = (own["steps"], own["stages"] + 1, self.fields, Product(lines).count)
            self.states.append(nn.Parameter(torch.zeros(shape, dtype=torch.float64), requires_grad=False))
        self.form = f"{steps} steps in time"

    @classmethod
    def of(
        cls, stretches: Sequence[Stretch], axis: int, *, whole: bool, parts: Sequence[Sequence[Sequence[float]]] = ()
    ) -> "Evolved":
        """The function that some stretches make."""
        described = [
            {
                "lines": [line.config() for line in own.lines],
                "steps": len(own.starts),
                "stages": own.states.shape[1] - 1,
            }
            for own in stretches
        ]
        made = cls(described, stretches[0].states.shape[2], axis, whole, parts)
        for parameter, own in zip(made.states, stretches, strict=True):
            parameter.data = own.states
        made.times[0] = torch.cat([own.starts for own in stretches])
        made.times[1] = torch.cat([own.lengths for own in stretches])
        return made

    @property
    def ends(self) -> float:
        """When the last step ends, if that is before the final time; else infinite."""
        return math.inf if self.whole else self.times[:, -1].sum().item()

    def forward(self, x: Tensor) -> Tensor:
        """Outputs at x [..., d]: [..., fields]."""
        zero = (0,) * x.shape[-1]
        outputs = self.output_jet(x.reshape(-1, x.shape[-1]), (zero,))[zero]
        return outputs.reshape(*x.shape[:-1], outputs.shape[-1])

    def output_jet(self, x: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        """Derivatives of the outputs at x [n, d]: for each alpha, [n, fields], or [n, parts * fields]."""
        if not self.parts:
            return self._fields_jet(x, alphas)
        jets: dict[Alpha, list[Tensor]] = {alpha: [] for alpha in alphas}
        for box in self.parts:
            rows, moved = self._within(box, x)
            own = self._fields_jet(moved, alphas)
            for alpha in alphas:
                jets[alpha].append(x.new_zeros(len(x), self.fields).index_add(0, rows, own[alpha]))
        return {alpha: torch.cat(columns, dim=1) for alpha, columns in jets.items()}

    def _within(self, box: Sequence[tuple[float, float]], x: Tensor) -> tuple[Tensor, Tensor]:
        """Which of the points x [n, d] lie in a part or on its boundary, and these, none of them in another part."""
        space = [k for k in range(x.shape[1]) if k != self.axis]
        low, high = x.new_tensor(box).unbind(1)
        near = _ROUNDING * (high - low)
        whole = torch.tensor(self._span, dtype=torch.float64).to(x)
        inner = torch.where(high < whole - near, torch.nextafter(high, low), torch.full_like(high, torch.inf))
        places = x[:, space]
        rows = ((places >= low - near) & (places <= high + near)).all(dim=1).nonzero()[:, 0]
        moved = x[rows].clone()
        moved[:, space] = torch.minimum(torch.maximum(places[rows], low), inner)
        return rows, moved

    @property
    def _span(self) -> list[float]:
        """Where the space ends, along each coordinate."""
        return [max(ends[k][1] for ends in self.parts) for k in range(len(self.parts[0]))]

    def _fields_jet(self, x: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        """The same of the fields alone."""
        time = x[:, self.axis].contiguous()
        starts, lengths = self.times.to(x)
        number = (torch.searchsorted(starts, time.detach(), right=True) - 1).clamp(0, len(starts) - 1)
        part = (time - starts[number]) / lengths[number]
        total = {alpha: x.new_zeros(len(x), self.fields) for alpha in alphas}
        first = 0
        for lines, states in zip(self.lines, self.states, strict=True):
            within = (number >= first) & (number < first + len(states))
            rows = within.nonzero()[:, 0]
            if len(rows):
                local = number[rows] - first
                own = self._in_stretch(lines, states.to(x), x[rows], local, part[rows], lengths[number[rows]], alphas)
                for alpha, values in own.items():
                    total[alpha] = total[alpha].index_add(0, rows, values)
            first += len(states)
        if self.whole:
            return total
        last = (starts[-1] + lengths[-1]).item()
        beyond = time > last + _ROUNDING * max(abs(last), abs(starts[0].item()))
        return {alpha: torch.where(beyond[:, None], torch.nan, jet) for alpha, jet in total.items()}

    def _in_stretch(
        self,
        lines: Sequence[Line],
        states: Tensor,
        x: Tensor,
        step: Tensor,
        part: Tensor,
        length: Tensor,
        alphas: Sequence[Alpha],
    ) -> dict[Alpha, Tensor]:
        """The same for points x [n, d] in steps of one stretch."""
        space = [k for k in range(x.shape[1]) if k != self.axis]
        by_order = {
            order: self._in_time(states.shape[1] - 1, part, length, order)
            for order in {alpha[self.axis] for alpha in alphas}
        }
        gathered = {}
        for orders in dict.fromkeys(tuple(alpha[k] for k in space) for alpha in alphas):
            rows = [line.rows(x[:, k], order) for line, k, order in zip(lines, space, orders, strict=True)]
            gathered[orders] = _contracted(states, step, rows)
        return {
            alpha: torch.einsum("ns,nsf->nf", by_order[alpha[self.axis]], gathered[tuple(alpha[k] for k in space)])
            for alpha in alphas
        }

    @staticmethod
    def _in_time(stages: int, part: Tensor, length: Tensor, order: int) -> Tensor:
        """The derivatives of the polynomials of the stages at parts of a step, [n, stages + 1]."""
        return radau(stages).lagrange(part, order) / length[:, None] ** order

    def config(self) -> dict[str, Any]:
        """The arguments that build a model of this shape."""
        parts = {"parts": self.parts} if self.parts else {}
        return {"stretches": self.descriptions, "fields": self.fields, "axis": self.axis, "whole": self.whole, **parts}


def _contracted(states: Tensor, step: Tensor, rows: Sequence[Tensor]) -> Tensor:
    """States [steps, s, fields, modes] summed with the rows [n, modes of a line] of points in some steps: [n, s, f]."""
    if not rows:
        return states[step, :, :, 0]
    if len(rows) == 1:
        each = max(1, _AT_ONCE // max(1, states[0].numel()))
        pairs = zip(step.split(each), rows[0].split(each), strict=True)
        return torch.cat([torch.einsum("nsfa,na->nsf", states[own], row) for own, row in pairs])
    total = rows[0].new_zeros(len(step), *states.shape[1:3])
    shape = tuple(row.shape[1] for row in rows)
    for number in step.unique().tolist():
        own = (step == number).nonzero()[:, 0]
        partly = states[number].unflatten(-1, shape)
        partly = torch.einsum("sf...a,na->nsf...", partly, rows[-1][own])
        for row in reversed(rows[:-1]):
            partly = torch.einsum("nsf...a,na->nsf...", partly, row[own])
        total = total.index_add(0, own, partly)
    return total


def _line(config: Mapping[str, Any]) -> Line:
    kinds = {"Cells": Cells, "Waves": Waves}
    return kinds[config["kind"]](**{name: value for name, value in config.items() if name != "kind"})
