"""Refinement of boxes between lines: where a solution varies, the lines across are put closer to each other.

A layer or a shock that lies along an axis asks for thin boxes there and for nothing elsewhere. Boxes between lines that
go through the whole domain meet face to face, and many of them look alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor

from gmnm_pde.adaptivity.boxes.refinement import BoxRefinement
from gmnm_pde.boxes.fit import BoxFit
from gmnm_pde.boxes.foresight import Level

_TOP = 2
"""What a box leaves is seen by its parts of so many highest degrees."""

_LITTLE = 0.2
"""Intervals are halved that leave this part of what the worst leaves, at least."""

_MOST_LEFT = (0.4, 0.6, 0.8)
"""The same where there is no time for all of these."""

_LEAST = 7
"""The degree to which one for each digit that is asked for is added."""

_BEGUN = 1e-2
"""What the first boxes may leave of the data."""

_SMOOTH = 5
"""Degrees are raised where no more than so many suffice."""

_MANY = 0.4
"""And where more than this part of the intervals would have to be halved."""


@dataclass(frozen=True)
class LineRefinement(BoxRefinement):
    """Boxes between lines, of which intervals are halved where the solution varies."""

    patience: ClassVar[int] = 6

    def _first_degree(self, digits: float) -> int:
        """Each box has a factorisation of its own, which makes high degrees dear."""
        return _LEAST + round(digits)

    @property
    def _left_of_data(self) -> float:
        """More than of equal boxes: lines are put where they are needed once there is a solution."""
        return _BEGUN

    def finer(self, level: Level, fit: BoxFit, error: float) -> Level | None:
        """The next level after one on which a solution has this error; None if none fits into memory."""
        return self._finer(level, fit, error)

    def _finer(self, level: Level, fit: BoxFit, error: float) -> Level | None:
        bounds = self.statements.problem.domain.bounds
        if self.counts is None and level.edges is None:
            level = replace(level, edges=edges_of(level, bounds))
        if self.counts is not None:
            return super()._finer(level, fit, error)
        finer, needed = halved(level, parts_left(fit, level), self._wanted / error), self._degrees_more(fit, error)
        everywhere = sum(finer.counts) - sum(level.counts) > _MANY * sum(level.counts)
        if self.degree is None and everywhere and needed <= _SMOOTH and level.degree + needed <= self._most:
            finer = replace(level, degree=level.degree + max(2, needed))
        return finer if self._fits(finer, shared=fit.shared) else None

    def _smaller_boxes(self, level: Level, fit: BoxFit) -> Iterator[tuple[Level, float]]:
        """Those intervals halved alone that leave most."""
        if level.edges is None:
            level = replace(level, edges=edges_of(level, self.statements.problem.domain.bounds))
        left = parts_left(fit, level)
        every = torch.cat(left)
        for part in _MOST_LEFT:
            limit = part**2 * every.max().item()
            yield _halved_above(level, left, limit), (every[every <= limit].sum() / every.sum()).sqrt().item()


def edges_of(level: Level, bounds: tuple[tuple[float, float], ...]) -> tuple[tuple[float, ...], ...]:
    """The ends of the boxes of a level along each coordinate."""
    ends = level.layout(bounds).ends
    return tuple(tuple(own.flatten().unique().tolist()) for own in ends.unbind(1))


def parts_left(fit: BoxFit, level: Level) -> list[Tensor]:
    """By axis, the squares of what the boxes of each interval leave along it: their parts of highest degree."""
    basis, weights = fit.degrees.basis, fit.relative
    total = basis.degrees.sum(dim=1)
    top = total > basis.degree - _TOP
    squares = (weights[:, :, top].square() * fit.layout.shares[:, None, None]).sum(dim=1)
    along = basis.degrees[top] / total[top, None].clamp_min(1)
    by_box = (squares @ along.to(squares)).unflatten(0, level.counts)
    axes = range(len(level.counts))
    return [by_box[..., k].sum(dim=[j for j in axes if j != k]) if len(axes) > 1 else by_box[..., k] for k in axes]


def halved(level: Level, left: list[Tensor], goal: float) -> Level:
    """The intervals halved that leave more than their share of what may be left, a part ``goal`` of what is.

    Those that leave little beside the worst wait: what they leave may come from there.
    """
    every = torch.cat(left)
    limit = max(every.sum().item() * min(goal, 0.5) ** 2 / len(every), every.max().item() * _LITTLE**2)
    return _halved_above(level, left, limit)


def _halved_above(level: Level, left: list[Tensor], limit: float) -> Level:
    """The intervals halved that leave more than a limit."""
    assert level.edges is not None
    edges = []
    for own, parts in zip(level.edges, left, strict=True):
        middles = [(a + b) / 2 for (a, b), part in zip(pairwise(own), parts.tolist(), strict=True) if part > limit]
        edges.append(tuple(sorted([*own, *middles])))
    return Level(tuple(len(own) - 1 for own in edges), level.degree, tuple(edges))
