"""A march as a module without control flow that depends on data."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from gmnm_pde.models import Evolved
from gmnm_pde.models.modes import Cells, Line, Waves, radau

_ROUNDING = 1e-12
"""Of times, as in ``Evolved``."""


class ClosedMarch(nn.Module):
    """The step that each point is in by counting beginnings, its coefficients gathered by one index, and summed."""

    starts: Tensor
    lengths: Tensor
    end: Tensor

    def __init__(self, model: Evolved):
        super().__init__()
        self.axis, self.whole, self.fields = model.axis, model.whole, model.fields
        starts, lengths = model.times.detach()
        self.register_buffer("starts", starts.clone())
        self.register_buffer("lengths", lengths.clone())
        pairs = zip(model.lines, model.states, strict=True)
        self.stretches: Any = nn.ModuleList(_Stretch(lines, states.detach()) for lines, states in pairs)
        last = (starts[-1] + lengths[-1]).item()
        end = last + _ROUNDING * max(abs(last), abs(starts[0].item()))
        self.register_buffer("end", torch.tensor(end, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        time = x[:, self.axis]
        number = (time[:, None] >= self.starts[1:].to(x)).sum(dim=1)
        start, length = self.starts.to(x)[number], self.lengths.to(x)[number]
        part = (time - start) / length
        space = [x[:, k] for k in range(x.shape[1]) if k != self.axis]
        total, first = torch.zeros_like(x[:, :1]).expand(-1, self.fields), 0
        for stretch in self.stretches:
            steps = stretch.steps
            mine = (number >= first) & (number < first + steps)
            own = stretch(space, (number - first).clamp(0, steps - 1), part)
            total = total + torch.where(mine[:, None], own, torch.zeros_like(own))
            first += steps
        if self.whole:
            return total
        return torch.where((time > self.end.to(x))[:, None], torch.full_like(total, torch.nan), total)


class _Stretch(nn.Module):
    """Steps with the same modes."""

    table: Tensor
    nodes: Tensor
    weights: Tensor

    def __init__(self, lines: tuple[Line, ...], states: Tensor):
        super().__init__()
        self.lines: Any = nn.ModuleList(_line(line) for line in lines)
        self.steps, stages, self.fields, _ = states.shape
        for k, line in enumerate(lines):  # from the functions that lines have to those of their cells
            states = _turned(states, k, lines, line)
        # [steps, stages, fields, cells, functions, cells, functions, ...] to one row for each step and cells
        d = len(lines)
        states = states if d else states[..., 0]
        order = [0, *(3 + 2 * k for k in range(d)), 1, 2, *(4 + 2 * k for k in range(d))]
        states = states.permute(order)
        self.tail = tuple(states.shape[1 + d :])
        self.register_buffer("table", states.reshape(-1, *self.tail).contiguous())
        nodes = torch.cat([torch.zeros(1, dtype=torch.float64), radau(stages - 1).nodes.double()])
        apart = nodes[:, None] - nodes + torch.eye(stages, dtype=torch.float64)
        self.register_buffer("nodes", nodes)
        self.register_buffer("weights", 1 / apart.prod(dim=1))

    def forward(self, space: list[Tensor], step: Tensor, part: Tensor) -> Tensor:
        row, each = step, []
        for line, x in zip(self.lines, space, strict=True):
            cell, values = line(x)
            row = row * line.number + cell
            each.append(values)
        states = self.table.to(part)[row]
        for values in reversed(each):
            states = (states * values[(slice(None), *[None] * (states.ndim - 2))]).sum(dim=-1)
        return (states * self._in_time(part)[:, :, None]).sum(dim=1)

    def _in_time(self, part: Tensor) -> Tensor:
        """The polynomials that are 1 at one stage and 0 at the others, [n, stages]."""
        apart = part[:, None] - self.nodes.to(part)
        columns = []
        for k in range(apart.shape[1]):
            product = self.weights[k].to(part)
            for j in range(apart.shape[1]):
                if j != k:
                    product = product * apart[:, j]
            columns.append(product)
        return torch.stack(columns, dim=1)


def _turned(states: Tensor, number: int, lines: tuple[Line, ...], line: Line) -> Tensor:
    """States with the flat modes of a line, the first of those left, split into cells and functions of a cell."""
    left = [other.count for other in lines[number:]]
    states = states.reshape(*states.shape[:-1], *left) if number == 0 else states
    axis = 3 + 2 * number
    if isinstance(line, Cells):
        turn = line.turn.to(states)
        states = (states.movedim(axis, -1) @ turn.mT).unflatten(-1, (line.number, line.size))
    else:
        states = states.movedim(axis, -1)[..., None, :]
    return states.movedim((-2, -1), (axis, axis + 1))


def _line(line: Line) -> nn.Module:
    return _ClosedCells(line) if isinstance(line, Cells) else _ClosedWaves(line)  # type: ignore[arg-type]


class _ClosedCells(nn.Module):
    """The cell of each point, and the Legendre polynomials of that cell."""

    edges: Tensor
    low: Tensor
    lengths: Tensor
    norms: Tensor

    def __init__(self, line: Cells):
        super().__init__()
        self.number, self.size = line.number, line.size
        edges = torch.tensor(line.edges, dtype=torch.float64)
        self.register_buffer("edges", edges[1:-1].clone())
        self.register_buffer("low", edges[:-1].clone())
        self.register_buffer("lengths", edges.diff())
        self.register_buffer("norms", (torch.arange(line.size, dtype=torch.float64) + 0.5).sqrt())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        cell = torch.zeros_like(x, dtype=torch.int64)
        if self.number > 1:
            cell = (x[:, None] >= self.edges.to(x)).sum(dim=1)
        length = self.lengths.to(x)[cell]
        at = 2 * (x - self.low.to(x)[cell]) / length - 1
        polynomials = [torch.ones_like(at), at]
        for n in range(2, self.size):
            polynomials.append(((2 * n - 1) * at * polynomials[-1] - (n - 1) * polynomials[-2]) / n)
        values = torch.stack(polynomials[: self.size], dim=1)
        return cell, values * self.norms.to(x) * torch.sqrt(2 / length[:, None])


class _ClosedWaves(nn.Module):
    """The sines and cosines of a circle, which is one cell."""

    number = 1
    low: Tensor
    rates: Tensor
    size: Tensor
    constant: Tensor

    def __init__(self, line: Waves):
        super().__init__()
        low, high = line.bounds
        turns = torch.arange(1, line.highest + 1, dtype=torch.float64)
        self.register_buffer("low", torch.tensor(low, dtype=torch.float64))
        self.register_buffer("rates", 2 * math.pi / (high - low) * turns)
        self.register_buffer("size", torch.tensor(math.sqrt(2 / (high - low)), dtype=torch.float64))
        self.register_buffer("constant", torch.tensor([1 / math.sqrt(high - low)], dtype=torch.float64))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        angle = (x - self.low.to(x))[:, None] * self.rates.to(x)
        both = self.size.to(x) * torch.stack([angle.cos(), angle.sin()], dim=2).flatten(1)
        constant = torch.ones_like(x)[:, None] * self.constant.to(x)
        return torch.zeros_like(x, dtype=torch.int64), torch.cat([constant, both], dim=1)
