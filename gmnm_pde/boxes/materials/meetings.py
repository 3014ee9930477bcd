"""The rows of laws that hold where two parts meet: in cells between two boxes, on sides of cells between traces."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.boxes.arcs import arcs_of
from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.equation import CONDITION_FACTOR, STEEPNESS, Key
from gmnm_pde.boxes.faces import along, in_units, lengths_of
from gmnm_pde.boxes.linearizing import linearized
from gmnm_pde.boxes.materials.layout import Joined
from gmnm_pde.boxes.materials.reading import SeveralParts
from gmnm_pde.boxes.reading import Unsuited
from gmnm_pde.geometry import Region
from gmnm_pde.geometry.gauss import line
from gmnm_pde.linalg.fronts import Rows
from gmnm_pde.models.composite.boxwise import Boxwise
from gmnm_pde.models.modes.legendre import TotalDegree
from gmnm_pde.residuals.pointwise import Linearized
from gmnm_pde.statement.terms import Term

_SIDE = 1e-9
"""How far beside an arc, in parts of the extent, it is looked which cell lies there."""


@dataclass(frozen=True)
class _Law:
    """One residual of a law at points between two boxes.

    Attributes:
        points: In the problem's own coordinates, [n, d].
        slopes: By derivative of a field, numbered over all parts, in the fields' units, [n].
        right: The right-hand side, [n].
        factors: What rows are multiplied by, [n].
        boxes: The box of each part.
        faces: The face of each part, where traces hold the law.
    """

    points: Tensor
    slopes: Mapping[Key, Tensor]
    right: Tensor
    factors: Tensor
    boxes: Mapping[int, int]
    faces: Mapping[int, int]


class Meetings:
    """The laws between all pairs of boxes, and of faces, that meet where parts do.

    Args:
        statements: What is solved.
        layout: The boxes.
        units: What the fields are measured in.
        count: About so many points along each side of a box.
    """

    def __init__(self, statements: SeveralParts, layout: Joined, units: Sequence[float], count: int):
        self.layout, self._problem, self._units = layout, statements.problem, units
        self._names = list(statements.problem.domain.parts)
        self._at = {(layout.part_of[box], layout.places[box]): box for box in range(len(layout))}
        self._lengths, self._count = lengths_of(layout), count
        self._laws = [law for term in statements.meetings for law in self._of(term)]

    def between(self, group: Sequence[int], basis: TotalDegree) -> tuple[Tensor, Tensor]:
        """The rows of a cell for the polynomials of its boxes, [m, boxes * own], and the right-hand side, [m]."""
        own, fields = len(self._units) * len(basis), len(self._units)
        found = [(torch.zeros(0, len(group) * own, dtype=torch.float64), torch.zeros(0, dtype=torch.float64))]
        for law in self._laws:
            if law.faces or not set(law.boxes.values()) <= set(group):
                continue
            matrix = law.points.new_zeros(len(law.points), len(group), fields, len(basis))
            for part, box in law.boxes.items():
                half = self.layout.halves[box]
                slopes = {key: slope for key, slope in law.slopes.items() if key[0] // fields == part}
                alphas = tuple({alpha for _, alpha in slopes})
                tables = basis.jet((law.points - self.layout.middles[box]) / half, alphas)
                for (branch, alpha), slope in slopes.items():
                    factor = slope / (half ** torch.tensor(alpha)).prod()
                    matrix[:, group.index(box), branch % fields] += factor[:, None] * tables[alpha]
            found.append((matrix.flatten(1) * law.factors[:, None], law.right * law.factors))
        return torch.cat([m for m, _ in found]), torch.cat([r for _, r in found])

    def links(self, degrees: Degrees) -> Iterator[Rows]:
        """The rows in the traces of the pairs of faces at which parts meet."""
        kinds, fields, size = degrees.kinds, len(self._units), degrees.face_size
        for law in self._laws:
            if not law.faces:
                continue
            numbers = tuple(law.faces.values())
            matrix = law.points.new_zeros(len(law.points), len(numbers) * size)
            for (branch, alpha), slope in law.slopes.items():
                number = law.faces[branch // fields]
                if (branch % fields, alpha[self.layout.faces[number].axis]) not in kinds:
                    raise Unsuited("what holds where parts meet has derivatives of too high an order")
                face = self.layout.faces[number]
                ((low, high),) = face.span
                unit = (2 * law.points[:, 1 - face.axis, None] - low - high) / (high - low)
                table = degrees.traces.jet(unit, (along(face, alpha),))[along(face, alpha)]
                first = numbers.index(number) * size + kinds.index((branch % fields, alpha[face.axis]))
                columns = slice(first, (numbers.index(number) + 1) * size, len(kinds))
                matrix[:, columns] += slope[:, None] * in_units(face, self._lengths[number], alpha) * table
            yield Rows(numbers, matrix * law.factors[:, None], law.right * law.factors)

    def residuals(self, model: Boxwise) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """The residuals of polynomials, and the boxes on both sides."""
        fields = len(self._units)
        for law in self._laws:
            rest = -law.right[:, None]
            for part, box in law.boxes.items():
                slopes = {key: slope for key, slope in law.slopes.items() if key[0] // fields == part}
                owner = torch.full((len(law.points),), box)
                jets = model.in_boxes(law.points, owner, tuple({alpha for _, alpha in slopes}))
                for (branch, alpha), slope in slopes.items():
                    rest = rest + slope[:, None] * jets[alpha][:, branch % fields :: fields]
            first, second = (torch.full((len(rest),), box) for box in law.boxes.values())
            yield rest * law.factors[:, None], first, second

    def _of(self, term: Term) -> Iterator[_Law]:
        """A law inside of cells, and on their sides."""
        assert isinstance(term.region, Region)
        yield from self._inside(term, term.region)
        yield from self._on_sides(term, term.region)

    def _inside(self, term: Term, region: Region) -> Iterator[_Law]:
        first, second = (self._names.index(name) for name in term.parts)
        step = _SIDE * max(high - low for low, high in self._problem.domain.bounds)
        for chart in region.charts:
            normal = chart.normal
            assert normal is not None
            arcs = arcs_of(chart, chart.keep, self.layout.cells)
            middles = torch.cat([arc.at(torch.tensor([0.5], dtype=torch.float64))[0] for arc in arcs] or [_NO_POINTS])
            beyond = self.layout.cells.owner(middles + step * normal(middles)) if len(arcs) else ()
            arcs = [arc for arc, cell in zip(arcs, beyond, strict=True) if arc.box == int(cell)]
            arcs = [arc for arc in arcs if (first, arc.box) in self._at and (second, arc.box) in self._at]
            if not arcs:
                continue
            halves = self.layout.cells.halves
            nodes = [arc.spread(2 * halves[arc.box].prod().sqrt().item(), self._count) for arc in arcs]
            points = torch.cat([own for own, _ in nodes])
            found = linearized(self._problem, term, points, normal(points))
            start = 0
            for arc, (own, weights) in zip(arcs, nodes, strict=True):
                rows = slice(start, start + len(own))
                start += len(own)
                boxes = {part: self._at[part, arc.box] for part in (first, second)}
                for law in found.values():
                    yield self._law(law, rows, own, weights, boxes, {})

    def _on_sides(self, term: Term, region: Region) -> Iterator[_Law]:
        first, second = (self._names.index(name) for name in term.parts)
        pairs = [pair if self._part(pair[0]) == first else pair[::-1] for pair in self.layout.twins]
        pairs = [(a, b) for a, b in pairs if (self._part(a), self._part(b)) == (first, second)]
        if not pairs:
            return
        unit, weights = line(self._count + 1)
        unit = 2 * unit[:, None] - 1
        faces = [self.layout.faces[a] for a, _ in pairs]
        points = torch.cat([face.points(unit) for face in faces])
        normals = torch.zeros_like(points)
        for k, face in enumerate(faces):
            normals[k * len(unit) : (k + 1) * len(unit), face.axis] = -1.0 if face.below < 0 else 1.0
        found = linearized(self._problem, term, points, normals)
        for k, (a, b) in enumerate(pairs):
            rows = slice(k * len(unit), (k + 1) * len(unit))
            boxes = {first: self._box(a), second: self._box(b)}
            for law in found.values():
                yield self._law(law, rows, points[rows], weights, boxes, {first: a, second: b})

    def _box(self, face: int) -> int:
        return max(self.layout.faces[face].below, self.layout.faces[face].above)

    def _part(self, face: int) -> int:
        return self.layout.part_of[self._box(face)]

    def _law(
        self,
        found: Linearized,
        rows: slice,
        points: Tensor,
        weights: Tensor,
        boxes: Mapping[int, int],
        faces: Mapping[int, int],
    ) -> _Law:
        """Scaled by the size that derivatives have in boxes of this size."""
        fields, slopes, squares = len(self._units), {}, torch.zeros(len(points), dtype=torch.float64)
        for (branch, alpha), slope in found.slopes.items():
            half = self.layout.halves[boxes[branch // fields]]
            slopes[branch, alpha] = own = slope[rows] * self._units[branch % fields]
            squares += (own * STEEPNESS ** sum(alpha) / (half ** torch.tensor(alpha)).prod()).square()
        mean = squares.mean().sqrt().item()
        factor = CONDITION_FACTOR / mean if mean else 1.0
        return _Law(points, slopes, -found.residual[rows], factor * weights.sqrt(), boxes, faces)


_NO_POINTS = torch.zeros(0, 2, dtype=torch.float64)
