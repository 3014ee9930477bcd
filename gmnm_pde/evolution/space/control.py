"""Which modes: as many as the solution needs at the time."""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from torch import Tensor

from gmnm_pde.evolution.reading.initial import initial_values
from gmnm_pde.evolution.reading.statements import Statements
from gmnm_pde.evolution.space.ties import TIED
from gmnm_pde.models.modes import Cells, Line, LocalCells, Polynomials, Product, Waves, product_of

_IDLE = 1e-3
"""Cells whose finest modes carry less than this part of what is allowed are merged."""

_REST = 8
"""Steps between looks for cells to merge."""

_AT_FIRST = 12
"""No more polynomials to begin with, beside those that smoothness takes, where their number grows by itself."""

_OF_FREE = 0.1
"""The finest polynomials of pressures may carry this part of what those of other fields may: errors of pressures are
not seen in steps, and larger."""

_NOTHING = 1e-25
"""A field below this part of the largest is nothing but rounding, whatever its unit."""

_LEVELS = 40
"""The most refinements of the initial modes."""


@dataclass
class SpaceControl:
    """Chooses modes, and changes them as the solution does.

    Args:
        statements: The problem.
        allowed: What the finest modes may carry, relative to each field.
        size: Of cells, the number of polynomials.
        waves: The number of waves to begin with along a periodic line.
        fewest: Times, ascending, and for each line the modes that another march had from there on: along lines without
            cells there are always more.
        most: The most modes along a line.
        shortest: The length of the shortest cell, relative to the line.
        marks: For each coordinate of space places at which data are not smooth: cells end there.
        narrow: For each coordinate intervals in which initial values are narrow: cells there are no longer at first.
        natural: How large fields would be if they counted in the equations as others do, [fields], once that is known.
        rest: The steps until the next look for cells to merge.
    """

    statements: Statements
    allowed: float
    size: int = 12
    waves: int = 12
    fewest: Sequence[tuple[float, Sequence[int]]] = ()
    most: int = 1200
    shortest: float = 2e-5
    marks: Sequence[Sequence[float]] = ()
    narrow: Sequence[Sequence[tuple[float, float]]] = ()
    natural: Tensor | None = field(default=None, init=False)
    rest: int = field(default=_REST, init=False)

    def first(self) -> Product:
        """The modes to begin with."""
        lines: list[Line] = []
        for k, axis in enumerate(self.statements.space):
            low, high = self.statements.bounds[k]
            if axis in self.statements.periodic:
                lines.append(Waves((low, high), self.waves))
            else:
                smoothness, breaks = self.statements.smoothness[k], self.statements.breaks[k]
                marks = [place for place in (self.marks[k] if self.marks else ()) if place not in breaks]
                if self.statements.free and len(self.statements.space) > 1 and not (breaks or marks):
                    lines.append(Polynomials((low, high), min(self.size, _AT_FIRST) + smoothness))
                    continue
                each = 2 if len(self.statements.space) == 1 and not (breaks or marks) else 1
                kind = LocalCells if len(self.statements.space) == 1 and not self.statements.free else Cells
                edges = [low]
                for start, end in pairwise([low, *sorted([*breaks, *marks]), high]):
                    edges += torch.linspace(start, end, each + 1, dtype=torch.float64).tolist()[1:]
                cells = kind(edges, self.size + smoothness, smoothness, breaks, marks)
                lines.append(_divided(cells, self.narrow[k] if self.narrow else ()))
        return product_of(lines)

    def initial(self) -> tuple[Product, list[Tensor]]:
        """Modes that show the initial values, and the state that they make."""
        return self.showing(self.first(), lambda basis: initial_values(self.statements, basis))

    def showing(self, basis: Product, state_in: Callable[[Product], list[Tensor]]) -> tuple[Product, list[Tensor]]:
        """Modes, from some on, that show a state, and that in these.

        Args:
            basis: The modes to begin with.
            state_in: The state in some modes, and its derivatives by time, [fields, modes] each.
        """
        state = state_in(basis)
        for _ in range(_LEVELS):
            scale = basis.norms(state[0])
            finer = self.finer(basis, state[0], scale) if self.statements.space else None
            if finer is None:
                break
            basis = finer
            state = state_in(basis)
        return basis, [own.flatten() for own in state]

    def finer(self, basis: Product, state: Tensor, scale: Tensor, time: float = -math.inf) -> Product | None:
        """Modes that show a state [fields, modes] of the size ``scale`` [fields] better; None if these do."""
        lines, changed = [], False
        scale = self._with_pressures(scale)
        for k, (line, tails, fewest) in enumerate(
            zip(basis.lines, basis.tails(state), self._fewest(basis, time), strict=True)
        ):
            least = self.allowed * torch.maximum(scale, _NOTHING * scale.max()).clamp_min(1e-300)
            cells = (tails > least[:, None]).any(dim=0)
            # in a first short step a pressure is what rounding over its length makes of it, and settles after it
            if isinstance(line, Polynomials) and time > self.statements.start:
                for free in self.statements.free:
                    below = line.tails_below(state[free].view(basis.shape).movedim(k, -1)).norm()
                    cells |= below > _OF_FREE * self.allowed * scale[free]
            cells |= line.count <= fewest
            cells &= self._divisible(line)
            changed |= bool(cells.any())
            lines.append(line.finer(cells) if bool(cells.any()) else line)
        self.rest = _REST if changed else self.rest
        return product_of(lines) if changed else None

    def coarser(self, basis: Product, state: Tensor, scale: Tensor, time: float = -math.inf) -> Product | None:
        """Fewer modes, where these are more than the state needs."""
        self.rest -= 1
        if self.rest > 0 or not basis.lines:
            return None
        self.rest = _REST
        lines, changed = [], False
        for line, tails in zip(basis.lines, basis.tails(state), strict=True):
            idle = (tails < _IDLE * self.allowed * scale[:, None]).all(dim=0)
            fewer = line.coarser(idle) if bool(idle.any()) else None
            changed |= fewer is not None
            lines.append(line if fewer is None else fewer)
        if not changed:
            return None
        less = product_of(lines)
        there = basis.transfer(state, less)
        kept = less.transfer(there, basis)
        if bool((basis.norms(kept - state) > 0.3 * self.allowed * scale).any()) or self.finer(less, there, scale, time):
            return None
        return less

    def _with_pressures(self, scale: Tensor) -> Tensor:
        """Sizes of fields [fields] between walls, those of pressures no smaller than by nature: what is nothing but
        rounding is not to be resolved, nor a pressure of which nothing is known.
        """  # noqa: D205
        if not (self.statements.free and self.statements.sides):
            return scale
        least = torch.full_like(scale, math.inf) if self.natural is None else self.natural
        moving = [k for k in range(len(scale)) if k not in self.statements.free]
        larger = torch.maximum(scale, TIED * scale[moving].max())  # a velocity may be nothing but rounding, too
        for free in self.statements.free:
            larger[free] = torch.maximum(scale[free], least[free])
        return larger

    def _fewest(self, basis: Product, time: float) -> Sequence[int]:
        """The modes of another march along each line at a time; 0 along lines of cells."""
        place = bisect_right(self.fewest, time, key=lambda own: own[0]) - 1
        counts = self.fewest[max(0, place)][1] if self.fewest and time > -math.inf else [0] * len(basis.lines)
        return [
            count if isinstance(line, Waves | Polynomials) else 0
            for line, count in zip(basis.lines, counts, strict=True)
        ]

    def _divisible(self, line: Line) -> Tensor:
        """Which cells may be divided."""
        if isinstance(line, Cells):
            lengths = torch.tensor(line.edges, dtype=torch.float64).diff()
            able = lengths > 2 * self.shortest * (line.bounds[1] - line.bounds[0])
            if line.count > self.most:
                able[:] = False
            return able
        return torch.tensor([line.count <= self.most])


def _divided(cells: Cells, intervals: Sequence[tuple[float, float]]) -> Cells:
    """Cells halved until those that meet an interval are no longer than it is."""
    if not intervals:
        return cells
    begin, end = torch.tensor(intervals, dtype=torch.float64).unbind(1)
    while True:
        low, high = torch.tensor(list(pairwise(cells.edges)), dtype=torch.float64)[:, :, None].unbind(1)
        long = ((low < end) & (begin < high) & (high - low > end - begin)).any(dim=1)
        if not bool(long.any()):
            return cells
        cells = cells.finer(long)
