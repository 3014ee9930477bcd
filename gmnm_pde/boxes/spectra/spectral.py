"""Eigenvalue problems A u + lambda B u = 0 on boxes: the inverse of the operator at a shift, times B.

L = A + shift B is factored as for a solve. The eigenvalues of T = -L^-1 B are 1 / (lambda - shift), the largest
those of the values nearest to the shift. Least squares solutions for other right-hand sides come from the triangular
factor by the corrected seminormal equations (A. Bjorck, Linear Algebra Appl. 88/89, 1987), as accurate as by the whole
QR.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gmnm_pde.boxes.cut_layout import CutLayout
from gmnm_pde.boxes.cut_leaves import faces_around, group_rows
from gmnm_pde.boxes.cut_rows import CutRows
from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.equation import Condition, Interior, conditions, interior
from gmnm_pde.boxes.faces import lengths_of
from gmnm_pde.boxes.layout import Layout
from gmnm_pde.boxes.leaves import patterns
from gmnm_pde.boxes.reading import Statements, Unsuited, read
from gmnm_pde.boxes.sizes import Sizes
from gmnm_pde.boxes.spectra.rows import AllRows, Block, EquationRows
from gmnm_pde.boxes.system import BoxSystem, condition_rows
from gmnm_pde.boxes.units import units_of
from gmnm_pde.linalg.arnoldi import Ritz, largest
from gmnm_pde.statement.problem import Problem

_CORRECTIONS = 1
"""How often a solution by the triangular factor is corrected."""

_LEAST_BLOCK, _MOST_BLOCK = 4, 12
"""Vectors that are iterated together: as many as modes are wanted, between these, or all modes that are known."""

_VANISHED = 1e-15
"""Differences of coefficients below this part of them are rounding."""

_EXACT = 1e-9
"""What is smaller than this part of what it stands beside counts as zero."""


@dataclass(frozen=True)
class Shifted:
    """A problem whose unknown parameter is a constant, the shift, and the same a step on either side.

    Attributes:
        shift: The value.
        step: The distance of the others.
        at: The problem at the shift.
        above: At the shift plus the step.
        below: At the shift minus the step.
    """

    shift: float
    step: float
    at: Statements
    above: Statements
    below: Statements

    @classmethod
    def of(cls, problem: Problem, shift: float) -> "Shifted":
        """The problem near a shift.

        Raises:
            Unsuited: it cannot be solved on boxes.
        """
        step = 2.0 ** round(math.log2(max(1.0, abs(shift))))
        return cls(shift, step, *(read(known(problem, shift + k * step)) for k in (0, 1, -1)))


@dataclass(frozen=True)
class Search:
    """What is sought near a shift.

    Attributes:
        count: How many modes.
        beside: How many more, known roughly unless they are as near as the others.
        seed: Of the vectors that it begins with.
        settled: Residuals of Ritz vectors, relative to their values, at which the iteration ends.
    """

    count: int
    beside: int = 0
    seed: int = 0
    settled: float = 1e-12


def known(problem: Problem, value: float) -> Problem:
    """The problem with its unknown parameter as a constant."""
    if len(problem.parameters) != 1 or problem.lift is not None:
        raise Unsuited("it has other unknowns than one parameter, or conditions met by construction")
    (name,) = problem.parameters
    constants = {**problem.constants, name: value}
    return problem.remade(parameters={}, constants=constants, exact=None, spectrum=None)


class ShiftInverted:
    """The inverse of an operator at a shift, times what the eigenvalue multiplies, on boxes.

    Args:
        problems: Near the shift.
        layout: The boxes.
        degrees: Of their polynomials and traces.
    """

    def __init__(self, problems: Shifted, layout: Layout, degrees: Degrees):
        statements = problems.at
        problem, lengths = statements.problem, lengths_of(layout)
        self.shift, self.layout, self.degrees = problems.shift, layout, degrees
        self.units = units_of(problem, statements.equations, layout, degrees.inner[0])
        equation, B = self._equations(problems)
        at_faces = self._conditions(problems)
        found = patterns(layout, degrees, lengths, {})
        cut = CutRows(statements, layout, self.units, degrees.inside) if isinstance(layout, CutLayout) else None
        self.system = BoxSystem(layout, degrees, equation, at_faces, patterns=found, cut=cut)
        blocks = [Block.of_pattern(layout, pattern) for pattern in found]
        for number, own in at_faces.items():
            rows = [condition_rows(layout, degrees, number, lengths[number], one) for one in own]
            matrix = torch.cat([one.matrix for one in rows])
            boxes = torch.zeros(1, 0, dtype=torch.long)
            blocks.append(Block(boxes, torch.tensor([[number]]), matrix[:, :0], matrix))
        plain = len(blocks)
        if cut is not None:
            blocks += self._cut(cut, lengths)
        self._rows = AllRows(EquationRows(layout, degrees, equation), blocks)
        self._B = EquationRows(layout, degrees, B)
        self._cut_B = {} if cut is None else self._cut_by_parameter(problems, cut, plain + 1)
        self._sizes = Sizes(layout, degrees)

    def _equations(self, problems: Shifted) -> tuple[Interior, Interior]:
        """Those at the shift, and what the eigenvalue multiplies in them."""
        points, layout, units = self.degrees.inner[0], self.layout, self.units
        at = interior(problems.at.problem, problems.at.equations, layout, points, units)
        above, below = (
            interior(one.problem, one.equations, layout, points, units, scale=at.scale)
            for one in (problems.above, problems.below)
        )
        if bool((at.right != 0).any()):
            raise Unsuited("zero does not solve it")
        by = _by_step(above, at, problems.step)
        _require_equal(by, _by_step(at, below, problems.step))
        return at, by

    def _conditions(self, problems: Shifted) -> dict[int, list[Condition]]:
        """Those on outer faces, which are not to depend on the eigenvalue."""
        unit = self.degrees.outer[0]
        at, above = (
            conditions(one.problem, one.others, self.layout, unit, self.units) for one in (problems.at, problems.above)
        )
        for number, own in at.items():
            for one, other in zip(own, above[number], strict=True):
                same = all(bool((slope == other.slopes[key]).all()) for key, slope in one.slopes.items())
                if not same or bool((one.right != 0).any()):
                    raise Unsuited("a condition has the eigenvalue in it, or data other than zero")
        return at

    def _cut(self, cut: CutRows, lengths: Sequence[float]) -> list[Block]:
        """The rows of boxes that are cut."""
        blocks = []
        for group in cut.groups:
            own, traces, right = group_rows(self.degrees, cut, group, lengths, {})
            if bool((right != 0).any()):
                raise Unsuited("zero does not solve it")
            weight = self.layout.weights[group[0]].item()
            blocks.append(Block(torch.tensor([group]), faces_around(self.layout, group), weight * own, weight * traces))
        return blocks

    def _cut_by_parameter(self, problems: Shifted, cut: CutRows, first: int) -> dict[int, tuple[int, Tensor]]:
        """By place among all rows, boxes that are cut and the rows that the eigenvalue multiplies, [rows, own]."""
        above, found = cut.restated(problems.above), {}
        for place, number in enumerate(cut.numbers, start=first):
            rows, others = (one.of(number, self.degrees.basis)[0] for one in (cut, above))
            weight = self.layout.weights[number].item() / problems.step
            found[place] = number, weight * (others - rows)
        return found

    def apply(self, unknowns: Tensor) -> Tensor:
        """-L^-1 B times unknowns, [columns, m]."""
        right = self.rights(unknowns)
        found = self._solved(self._rows.transposed(right))
        for _ in range(_CORRECTIONS):
            found = found + self._solved(self.gradient(right, found))
        return found

    def gradient(self, right: Sequence[Tensor], unknowns: Tensor) -> Tensor:
        """The transposed rows times what unknowns leave of right-hand sides: zero for their least squares solution."""
        return self._rows.transposed([a - b for a, b in zip(right, self._rows.times(unknowns), strict=True)])

    def _solved(self, columns: Tensor) -> Tensor:
        """R^-1 R^-T times columns."""
        return self.system.inverse(self.system.inverse_transposed(columns))

    def rights(self, unknowns: Tensor) -> list[Tensor]:
        """-B times unknowns, by rows."""
        inside = unknowns[: self.system.own].unflatten(0, (len(self.layout), -1))
        rows = [-self._B.times(inside)]
        for place, block in enumerate(self._rows.blocks, start=1):
            own = inside.new_zeros(len(block.faces), len(block.own), inside.shape[2])
            if place in self._cut_B:
                number, matrix = self._cut_B[place]
                own[0, : len(matrix)] = -matrix @ inside[number]
            rows.append(own)
        return rows

    def measured(self, unknowns: Tensor) -> Tensor:
        """Numbers whose inner product is that of the functions, [numbers, m]."""
        coefficients = self.coefficients(unknowns).transpose(2, 3)
        numbers = self._sizes.times(coefficients.flatten(1, 2))
        return numbers.view_as(coefficients).transpose(2, 3).flatten(0, 2)

    def coefficients(self, unknowns: Tensor) -> Tensor:
        """The coefficients of the boxes, [boxes, fields, count, m]."""
        return unknowns[: self.system.own].unflatten(0, (len(self.layout), len(self.units), -1))

    def nearest(self, search: Search, guess: Tensor | None = None) -> Ritz:
        """The values nearest to the shift, as 1 / (value - shift).

        Args:
            search: How many, and how well.
            guess: Fields about as the modes are, at the points inside of all boxes, [boxes, points, fields, modes].
        """
        generator, columns = torch.Generator().manual_seed(search.seed), self.system.columns
        block = min(_MOST_BLOCK, max(_LEAST_BLOCK, search.count)) if guess is None else 1
        start = torch.randn(columns, block, generator=generator, dtype=torch.float64)
        if guess is not None:
            start = torch.cat([self._unknowns_of(guess), start], dim=1)
        count, rough = search.count + search.beside, search.beside
        return largest(self.apply, self.measured, self.apply(start), count, search.settled, rough)

    def _unknowns_of(self, fields: Tensor) -> Tensor:
        """Those of boxes, [columns, m], for fields at their points, [boxes, points, fields, m], of size 1."""
        weights, zero = self.degrees.inner[1], (0,) * self.layout.dimension
        table = self.degrees.inside_table((zero,))[zero] * weights[:, None]
        units = torch.tensor(self.units, dtype=torch.float64)
        own = torch.einsum("pc,bpfm->bfcm", table, fields / units[:, None]).flatten(0, 2)
        own = own / self.measured(own).norm(dim=0)
        return torch.cat([own, own.new_zeros(self.system.columns - len(own), own.shape[1])])


def _by_step(second: Interior, first: Interior, step: float) -> Interior:
    """The difference of two equations, by the step between them."""
    operators = []
    for k, operator in enumerate(second.operators):
        other = first.operators[k]
        keys = dict.fromkeys((*operator, *other))
        differences = {key: (operator.get(key, 0.0) - other.get(key, 0.0)) / step for key in keys}
        sizes = {key: _size(operator.get(key, 0.0)) for key in keys}
        operators.append({key: c for key, c in differences.items() if _size(c) * step > _VANISHED * sizes[key]})
    return replace(first, operators=tuple(operators), right=torch.zeros_like(first.right))


def _require_equal(first: Interior, second: Interior) -> None:
    """Refuse equations in which the eigenvalue is not linear."""
    for own, other in zip(first.operators, second.operators, strict=True):
        largest = max((_size(c) for c in own.values()), default=0.0)
        for key in {*own, *other}:
            if _size(own.get(key, 0.0) - other.get(key, 0.0)) > _EXACT * largest:
                raise Unsuited("the eigenvalue is not linear in it")


def _size(coefficient: Tensor | float) -> float:
    return torch.as_tensor(coefficient).abs().max().item()
