"""Points of one piece of a domain at which functions around its holes are told apart.

Such functions and polynomials of high degree are large where a domain is next to a hole and in its corners: there are
as many points near a hole as far off, by the logarithm of the distance, as many on a small part of the boundary as on a
large one, and as many just beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from gmnm_pde._errors import GmnmError
from gmnm_pde.geometry import GivenPoints, Region
from gmnm_pde.geometry.topology import Hole, Piece, Topology
from gmnm_pde.geometry.unit import normally
from gmnm_pde.residuals import Placed
from gmnm_pde.sampling import Cloud, sample, stream, unit_points
from gmnm_pde.statement.problem import Problem

_MEASURED, _OUTLINE = 2000, 60
"""Points of the whole domain, and of each chart of its boundary, that show where the piece is."""

_CHARTS = 12
"""From so many charts of a boundary on their points are shared among them."""

_BESIDE = 1e-3
"""How far inside points beside the boundary are, in parts of the domain's extent."""


@dataclass(frozen=True)
class InPiece:
    """Points of a piece.

    Args:
        problem: What holds there.
        topology: Of its domain.
        piece: Of the topology.
        seed: Of all points.
    """

    problem: Problem
    topology: Topology
    piece: Piece
    seed: int

    @cached_property
    def measured(self) -> Tensor:
        """Points of the interior, evenly, [n, d]."""
        cloud = sample(self.problem.domain.interior, _MEASURED, "sobol", seed=stream(self.seed, "look"))
        return self.own([cloud]).points

    @cached_property
    def outline(self) -> Tensor:
        """Points of the boundary, [n, d]."""
        return self.own(self._on_charts(self.problem.domain.boundary, _OUTLINE, "sobol", self.seed)).points

    def place(self, interior: int, degree: int, *, held_out: bool) -> list[Placed]:
        """The terms that hold in the piece at their points: to fit on, or others.

        Args:
            interior: How many points of it an equation has at least.
            degree: Of the polynomials that are to be told apart.
            held_out: Which of both.
        """
        rule, seed = ("sobol", stream(self.seed, "held out")) if held_out else ("chebyshev", self.seed)
        each = {1: 8, 2: 6 * degree + 10, 3: 5 * (degree + 1) ** 2}[self.problem.domain.dimension]
        placed = []
        for number, term in enumerate(self.problem.terms):
            seed_of_term = stream(seed, "term", number)
            if isinstance(term.region, GivenPoints):
                placed.append(Placed(term, Cloud(term.region.points)))
                continue
            if term.group == "interior":
                clouds = self._inside(term.region, interior, rule, seed_of_term)
                clouds += [] if held_out else [self._beside_boundary(each // 2, seed_of_term)]
            else:
                clouds = self._on_charts(term.region, each, rule, seed_of_term)
            cloud = self.own(clouds)
            placed += [Placed(term, cloud)] if len(cloud) else []
        return placed

    def _inside(self, region: Region, count: int, rule: str, seed: int) -> list[Cloud]:
        whole = sample(region, count * _MEASURED // len(self.measured), rule, seed=seed)
        around = [self._around(hole, count, seed) for hole in self.piece.holes]
        return [whole, *(Cloud(points[region.keep(points)]) for points in around)]

    def _around(self, hole: Hole, count: int, seed: int) -> Tensor:
        """Points around a hole, evenly by direction, along its axis and by the logarithm of the distance, [n, d]."""
        domain, (low, high) = self.problem.domain, self.outline.aminmax(dim=0)
        across = [k for k in range(domain.dimension) if k != hole.axis]
        center = self.outline.new_tensor(hole.center)
        nearest, farthest = (self.outline - center)[:, across].norm(dim=1).log().aminmax()
        unit = unit_points(count, domain.dimension + 1, "sobol", seed=seed)
        direction = normally(unit[:, across])
        radius = (nearest + unit[:, -1:] * (farthest - nearest)).exp()
        points = low + unit[:, :-1] * (high - low)
        points[:, across] = center[across] + radius * direction / direction.norm(dim=1, keepdim=True)
        return points[domain.contains(points)]

    def _beside_boundary(self, each: int, seed: int) -> Cloud:
        domain = self.problem.domain
        cloud = self.own(self._on_charts(domain.boundary, each, "chebyshev", seed))
        if cloud.normals is None:
            return Cloud(cloud.points[:0])
        points = cloud.points - _BESIDE * max(high - low for low, high in domain.bounds) * cloud.normals
        return Cloud(points[domain.contains(points)])

    def _on_charts(self, region: Region, each: int, rule: str, seed: int) -> list[Cloud]:
        """So many points on each chart of a part of the boundary."""
        each = max(1, round(each * min(1.0, _CHARTS / len(region.charts))))
        clouds = []
        for number, chart in enumerate(region.charts):
            part = replace(region, charts=(chart,))
            try:
                clouds.append(sample(part, each, rule, seed=stream(seed, "chart", number)))
            except GmnmError:  # a predicate of the region leaves nothing of this one
                continue
        return clouds

    def own(self, clouds: Sequence[Cloud]) -> Cloud:
        """The points of some clouds that lie in the piece."""
        points = torch.cat([cloud.points for cloud in clouds])
        rows = self.topology.piece_of(points) == self.piece.number
        normals = [cloud.normals for cloud in clouds if cloud.normals is not None]
        return Cloud(points[rows], torch.cat(normals)[rows] if len(normals) == len(clouds) else None)
