"""Residuals of a problem in time alone and their slopes, evaluated as cheaply as the user's functions allow.

A point is a row of numbers: the time, then the derivatives of fields that the equations ask for. Three ways, from
the slowest on: the functions themselves; what torch does in them, recorded; that written as code for numbers. The
quicker ones are held beside the first at numbers of several sizes before they are used.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from gmnm_pde.evolution.ordinary.scalars import written
from gmnm_pde.evolution.reading.statements import Statements
from gmnm_pde.jets import Alpha, Field, Frame, Quantity, partials
from gmnm_pde.statement.recording import NOT_RECORDED, Graph, record
from gmnm_pde.statement.terms import Term

_SIZES = (1e-3, 0.03, 0.3, 1.0, 2.0, 7.0, 30.0, 300.0)
"""Numbers of these sizes and both signs are tried."""

_SAME = 1e-9
"""Two ways agree where they differ by no more than this part of what is added up."""

_MANY = 64
"""So many points and more are evaluated as arrays."""


class Evaluation(Protocol):
    """One of the ways.

    Both take points [n, 1 + asked].
    """

    def values(self, points: np.ndarray) -> np.ndarray:
        """The residuals, [n, rows]."""
        ...

    def slopes(self, points: np.ndarray) -> np.ndarray:
        """Their derivatives by the numbers of a point, [n, rows, 1 + asked]."""
        ...


def evaluation_of(
    statements: Statements, asked: Sequence[tuple[int, int]], constants: Sequence[str] = ()
) -> "tuple[Evaluation, Original]":
    """The cheapest way that is right, and the functions themselves.

    Args:
        statements: The problem.
        asked: The derivatives of fields that its equations ask for, (field, order).
        constants: The names of those that are numbers of a point too, after what is asked for.
    """
    original = Original(statements, tuple(asked), tuple(constants))
    for kind in (Written, _Replayed):
        try:
            own = kind(original)
            if agree(own, original, probes(original)):
                return own, original
        except NOT_RECORDED:
            continue
    return original, original


def agree(own: Evaluation, original: "Original", points: np.ndarray) -> bool:
    """Whether a way gives what the functions themselves do."""
    with np.errstate(all="ignore"):
        pairs = [(own.values(points), original.values(points)), (own.slopes(points), original.slopes(points))]
        inner = np.abs(pairs[1][1] * points[:, None, :])
        terms = np.where(np.isfinite(inner), inner, 0.0).max(axis=2, initial=0.0)
        for (found, right), size in zip(pairs, (terms, np.zeros_like(pairs[1][1])), strict=True):
            near = np.abs(found - right) <= _SAME * (np.abs(right) + size) + 1e-250
            lost = ~np.isfinite(found) & ~np.isfinite(right)
            if not (near | lost | (found == right)).all():
                return False
    return True


def probes(original: "Original") -> np.ndarray:
    """Points to compare at: some sizes and both signs, at times of the problem."""
    draws, count = np.random.default_rng(0), original.numbers
    rows = []
    for size in _SIZES:
        for positive in (True, False):
            numbers = size * (0.2 + draws.random(count))
            rows.append(numbers if positive else numbers * draws.choice([-1.0, 1.0], count))
    start, end = original.statements.start, original.statements.end
    times = start + (end - start) * draws.random(len(rows))
    return np.column_stack([times, np.array(rows).reshape(len(rows), count)])


@dataclass(frozen=True)
class Original:
    """The user's functions, on a frame, with slopes by autograd."""

    statements: Statements
    asked: tuple[tuple[int, int], ...]
    constants: tuple[str, ...] = ()
    rows: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", sum(len(term.trace.names) for term in self.statements.equations))

    @property
    def numbers(self) -> int:
        """Of a point, beside the time."""
        return len(self.asked) + len(self.constants)

    def values(self, points: np.ndarray) -> np.ndarray:
        frame, inputs = self.frame(points)
        return torch.stack(self.residuals(frame, inputs), dim=1).detach().numpy()

    def slopes(self, points: np.ndarray) -> np.ndarray:
        total = np.zeros((len(points), self.rows, 1 + self.numbers))
        frame, inputs = self.frame(points)
        for row, own in enumerate(self.slopes_of(self.residuals(frame, inputs), inputs)):
            for column, partial in enumerate(own):
                if partial is not None:
                    total[:, row, column] = partial.detach().numpy()
        return total

    def frame(self, points: np.ndarray) -> "tuple[_Points, list[Tensor]]":
        """Some points as a frame, and its leaves: the time and what is asked for."""
        columns = torch.from_numpy(np.ascontiguousarray(points.T))
        problem = self.statements.problem
        frame = Frame(problem.domain.coordinates, columns[0][:, None], time=problem.domain.time)
        source = _Given(
            {(number, (order,)): own for (number, order), own in zip(self.asked, columns[1:], strict=False)}
        )
        leaves = [frame.entry(source, number, (order,)) for number, order in self.asked]
        for name, column in zip(self.constants, columns[1 + len(self.asked) :], strict=True):
            leaves.append(column.clone().requires_grad_())
            constants: dict[str, Any] = problem.constants  # of a problem that was made for this
            constants[name] = Quantity(leaves[-1], frame)
        return _Points(frame, source), [frame.leaves[0], *leaves]

    @torch.enable_grad()
    def residuals(self, points: "_Points", inputs: Sequence[Tensor]) -> list[Tensor]:
        """All residuals, [n] each."""
        names = enumerate(self.statements.problem.fields)
        fields = {name: Field(points.frame, points.source, k, name=name) for k, name in names}
        evaluated = [self._of(term, points.frame, fields) for term in self.statements.equations]
        return [residual for own in evaluated for residual in own]

    @staticmethod
    def _of(term: Term, frame: Frame, fields: dict[str, Field]) -> list[Tensor]:
        named = term.evaluate(frame, fields)
        return [named[name] for name in term.trace.names]

    @staticmethod
    def slopes_of(residuals: Sequence[Tensor], inputs: Sequence[Tensor]) -> list[list[Tensor | None]]:
        """The derivatives of each residual by the inputs."""
        return [partials(own, inputs) if own.requires_grad else [None] * len(inputs) for own in residuals]

    def recorded(self, count: int, *, slopes: bool) -> "tuple[Graph, list[tuple[int, int]]]":
        """What they do with so many points; residuals, then slopes, of which rows and columns are told."""
        at = np.tile(probes(self)[:1], (count, 1))
        frame, inputs = self.frame(at)
        places: list[tuple[int, int]] = []

        def outputs() -> list[Tensor]:
            residuals = self.residuals(frame, inputs)
            found = list(residuals)
            for row, own in enumerate(self.slopes_of(residuals, inputs) if slopes else ()):
                for column, partial in enumerate(own):
                    if partial is not None:
                        places.append((row, column))
                        found.append(partial)
            return found

        return record(outputs, inputs), places


@dataclass(frozen=True)
class _Given:
    """Derivatives of fields as they are."""

    entries: dict[tuple[int, Alpha], Tensor]
    follows_coordinates = False

    def derivative(self, output: int, alpha: Alpha) -> Tensor:
        return self.entries[output, alpha]


@dataclass(frozen=True)
class _Points:
    frame: Frame
    source: _Given


class _Replayed:
    """What torch does, without the way to it."""

    def __init__(self, original: Original):
        self.original = original
        self._graphs: dict[tuple[int, bool], tuple[Graph, list[tuple[int, int]]]] = {}

    def values(self, points: np.ndarray) -> np.ndarray:
        outputs, _ = self._run(points, slopes=False)
        return np.stack([own.numpy() for own in outputs], axis=1)

    def slopes(self, points: np.ndarray) -> np.ndarray:
        outputs, places = self._run(points, slopes=True)
        total = np.zeros((len(points), self.original.rows, points.shape[1]))
        for (row, column), own in zip(places, outputs[self.original.rows :], strict=True):
            total[:, row, column] = own.numpy()
        return total

    def _run(self, points: np.ndarray, *, slopes: bool) -> tuple[list[Tensor], list[tuple[int, int]]]:
        key = (len(points), slopes)
        if key not in self._graphs:
            self._graphs[key] = self.original.recorded(len(points), slopes=slopes)
        graph, places = self._graphs[key]
        return graph.run(torch.from_numpy(np.ascontiguousarray(points.T)).unbind(0)), places


class Written:
    """Code for numbers; where that meets no number, as 1 / 0, for many points, and in more digits, for arrays."""

    def __init__(self, original: Original):
        self._rows = original.rows
        self._values = written(original.recorded(1, slopes=False)[0])
        graph, places = original.recorded(1, slopes=True)
        self._slopes = written(graph)
        self._at = tuple(np.array(places, dtype=int).reshape(-1, 2).T)

    def values(self, points: np.ndarray) -> np.ndarray:
        return _of_points(self._values, points)

    def slopes(self, points: np.ndarray) -> np.ndarray:
        total = np.zeros((len(points), self._rows, points.shape[1]))
        total[:, self._at[0], self._at[1]] = _of_points(self._slopes, points)[:, self._rows :]
        return total


def _of_points(functions: tuple[Callable[..., tuple], Callable[..., tuple]], points: np.ndarray) -> np.ndarray:
    numbers, arrays = functions
    if len(points) < _MANY and points.dtype == float:
        try:
            return np.array([numbers(*row) for row in points.tolist()], dtype=float)
        except (ArithmeticError, ValueError):
            pass
    with np.errstate(all="ignore"):
        found = arrays(*points.T)
    kind = points.dtype
    return np.stack([np.broadcast_to(np.asarray(own, dtype=kind), (len(points),)) for own in found], axis=1)


def finite(numbers: np.ndarray) -> bool:
    """Whether all are finite, at the price of one sum."""
    return math.isfinite(numbers.sum())
