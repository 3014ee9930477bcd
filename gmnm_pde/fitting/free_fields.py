"""Fields that the shape of a domain lets be added to any answer, shown by functions that know the shape.

Around a hole a field may go that has neither sources nor curl, and what holds in one piece of a domain says nothing of
another. One mixture over the domain shows such fields badly, however simple they are where they live. So each piece is
looked at by itself, with functions around its holes (``models/laurent.py``), up to a degree that tells: where a field
is free the stability constant grows with the degree, elsewhere it soon does not.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from gmnm_pde._errors import GmnmError
from gmnm_pde.collocation.whole import counts_for, place
from gmnm_pde.fitting.by_dimension import ByDimension
from gmnm_pde.fitting.uniqueness import SUSPECT, described
from gmnm_pde.geometry import GivenPoints, Region
from gmnm_pde.geometry.topology import Piece, Topology
from gmnm_pde.linalg.extremes import largest_gain
from gmnm_pde.linalg.qr import RidgeSolver, reduce
from gmnm_pde.models.laurent import Laurent
from gmnm_pde.residuals import FieldMap, Placed, ReadoutSystem
from gmnm_pde.sampling import Cloud, sample, stream
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

_DEGREES = {1: (12, 20, 30), 2: (9, 13, 18, 24, 30), 3: (5, 7, 9, 11)}
"""Degrees that are tried one after the other, by the number of coordinates."""

_MOST = ByDimension(line=200, plane=2600, space=2000, beyond=0)
"""Up to so many unknowns."""

_LOWER = 0.7
"""Constants of a degree are compared with those of this part of it."""

_GROWS = 2.0
"""If they grow by more than this factor, they are not those of the problem yet."""

_UNCLEAR = 1e3
"""Constants above this that still grow at the highest degree may be those of a free field."""

_OVERSAMPLING, _MEASURED = 2.2, 2000
"""Rows of equations for each unknown, and points at which fields are measured."""


@dataclass(frozen=True)
class Shown:
    """The stability constants of functions up to a degree, and the fields that have the largest.

    Attributes:
        lower: The constant of functions of lower degree.
        constant: That of all.
        fields: Those of the largest, [n, fields].
        points: Where, [n, d].
    """

    lower: float
    constant: float
    fields: Tensor
    points: Tensor


@dataclass(frozen=True)
class Look:
    problem: Problem
    scales: dict
    seed: int
    topology: Topology
    piece: Piece

    @cached_property
    def points(self) -> Tensor:
        points = sample(self.problem.domain.interior, _MEASURED, "sobol", seed=stream(self.seed, "look")).points
        return points[self.topology.piece_of(points) == self.piece.number]

    def at(self, degree: int) -> Shown:
        fields = len(self.problem.fields)
        model = Laurent(self.piece.bounds, self.piece.holes, self.points, degree, fields)
        system = ReadoutSystem(self.problem, model, self.placed(model, "chebyshev", self.seed, degree), self.scales)
        held = ReadoutSystem(self.problem, model, self.placed(model, "sobol", stream(self.seed, "held out"), degree), self.scales)
        zero = system.like.new_zeros(system.columns)
        factor = RidgeSolver(reduce(system.blocks(zero), system.columns))
        measured = FieldMap(system, self.points)
        size = len(self.points) ** 0.5

        def forth(unknowns):
            return (measured.forth(unknowns) / size).flatten(0, 1)

        def back(values):
            return measured.back(values.unflatten(0, (-1, fields)) / size)

        found = []
        for d in (int(_LOWER * degree), degree):
            found.append(largest_gain(factor, forth, back, zero, fields * model.up_to(d))[1])
        directions = torch.stack(found, dim=1)
        rows = torch.cat([image for image, _ in held.images(zero, directions)])
        values = measured.forth(directions)
        sizes = values.square().sum(dim=1).mean(dim=0).sqrt()
        fit = torch.cat([image for image, _ in system.images(zero, directions)])
        constants = sizes / torch.maximum(rows.square().mean(dim=0), fit.square().mean(dim=0)).sqrt()
        return Shown(*constants.tolist(), values[:, :, 1], self.points)

    def placed(self, model, rule, seed, degree) -> list[Placed]:
        """The terms at points of the piece."""
        unknowns = len(model.degrees) * len(self.problem.fields)
        interior = counts_for(self.problem, unknowns, _OVERSAMPLING).interior * _MEASURED // len(self.points)
        placed = []
        for number, term in enumerate(self.problem.terms):
            if isinstance(term.region, GivenPoints):
                placed.append(Placed(term, sample(term.region, 1)))
                continue
            if term.group == "interior":
                clouds = [sample(term.region, interior, rule, seed=seed + number)]
                if rule == "chebyshev":
                    clouds.append(self._beside_boundary(degree, seed))
            else:
                clouds = self._by_chart(term.region, degree, rule, seed + number)
            cloud = self._own(clouds)
            if len(cloud):
                placed.append(Placed(term, cloud))
        return placed

    def _beside_boundary(self, degree, seed) -> Cloud:
        """Points just inside of the boundary, which show what polynomials of high degree do there."""
        domain = self.problem.domain
        cloud = self._own(self._by_chart(domain.boundary, degree, "chebyshev", seed, 0.5))
        step = 1e-3 * max(high - low for low, high in domain.bounds)
        points = cloud.points - step * cloud.normals
        return Cloud(points[domain.contains(points)])

    def _by_chart(self, region, degree, rule, seed, part=1.0):
        """As many points on each chart of a boundary, however small it is."""
        each = {1: 1, 2: 6 * degree + 10, 3: 5 * (degree + 1) ** 2}[self.problem.domain.dimension]
        each = max(1, int(part*each * min(1.0, 12 / len(region.charts))))
        clouds = []
        for k, chart in enumerate(region.charts):
            try:
                clouds.append(sample(replace(region, charts=(chart,)), each, rule, seed=seed + 17 * k))
            except GmnmError:
                continue
        return clouds

    def _own(self, clouds) -> Cloud:
        """The points of the piece among those of some clouds."""
        points = torch.cat([cloud.points for cloud in clouds])
        rows = self.topology.piece_of(points) == self.piece.number
        normals = [cloud.normals for cloud in clouds if cloud.normals is not None]
        return Cloud(points[rows], torch.cat(normals)[rows] if len(normals) == len(clouds) else None)
