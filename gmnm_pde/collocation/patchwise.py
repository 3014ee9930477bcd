"""Points for a patchwork: as many in a small box as in a large one, in the interior and for every condition."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.collocation.whole import Counts
from gmnm_pde.geometry import GivenPoints, Parted, Region
from gmnm_pde.geometry.region import Chart
from gmnm_pde.geometry.unit import unit_points
from gmnm_pde.interruption import pause
from gmnm_pde.models import Member, Partition
from gmnm_pde.residuals import Placed
from gmnm_pde.sampling import Cloud, stream
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

_FACE_DENSITY = 1.5
"""Points along an edge of a box on a boundary for each interior point along it."""

_ATTEMPTS = 7
"""How often more points are drawn in a box that the domain's boundary cuts, until enough of them lie inside."""

_MOST_HALVINGS = 40
"""How often a chart's unit cube is halved at most, until its pieces are no longer than the boxes they meet."""


@dataclass(frozen=True)
class Spread:
    """How points are spread over a partition.

    Args:
        problem: Whose terms get them.
        partition: The boxes, in the problem's coordinates.
        interior: How many points an equation gets in each box.
        rule: ``chebyshev`` or ``sobol``.
        seed: For ``sobol``.
        boundary: How many points all conditions get together, if that is given.
        members: The mixtures, where the domain has parts, with bounds in the problem's coordinates.
    """

    problem: Problem
    partition: Partition
    interior: int
    rule: str
    seed: int
    boundary: int | None = None
    members: tuple[Member, ...] = ()

    @classmethod
    def of(
        cls,
        problem: Problem,
        partition: Partition,
        counts: Counts,
        *,
        rule: str,
        seed: int,
        members: tuple[Member, ...] = (),
    ) -> "Spread":
        """The points that ``counts`` names for the whole domain, divided among the boxes, or their mixtures."""
        each = math.ceil(counts.interior / (len(members) or len(partition)))
        return cls(problem, partition, each, rule, seed, counts.boundary, members)

    def place(self) -> list[Placed]:
        """Every term with its points."""
        placed = [Placed(term, self._cloud(term, number)) for number, term in enumerate(self.problem.terms)]
        if self.boundary is None:
            return placed
        stated = sum(len(p.cloud) for p in placed if p.term.group not in ("interior", "data"))
        part = self.boundary / max(stated, 1)
        return [p if p.term.group in ("interior", "data") else _thinned(p, part) for p in placed]

    def _cloud(self, term: Term, number: int) -> Cloud:
        if isinstance(term.region, GivenPoints):
            return Cloud(term.region.points)
        seed = stream(self.seed, "term", number)
        return self._interior(term, seed) if term.group == "interior" else self._on(term, seed)

    def _boxes(self, term: Term) -> Tensor:
        """The boxes that get points of an equation, [boxes, d, 2]: the supports of windows, or what parts are there."""
        if not self.members:
            return self.partition.supports
        part = list(self.problem.domain.parts).index(term.parts[0])
        own = [member.bounds for member in self.members if member.part == part]
        return torch.tensor(own, dtype=torch.float64)

    def _holds(self, term: Term, points: Tensor) -> Tensor:
        """Which of the points lie in the domain, or in the term's part of it."""
        domain = self.problem.domain
        inside = domain.contains(points)
        return inside & domain.lies_in(term.parts[0], points) if isinstance(domain, Parted) else inside

    def _interior(self, term: Term, seed: int) -> Cloud:
        """Points for each window's support, as many for one that the domain's boundary cuts as for the others.

        Where windows overlap each of them adds its points, since patches are coupled by shared points alone.
        """
        d = self.partition.dimension
        unit = unit_points(self.interior, d, self.rule, seed=seed)
        boxes = self._boxes(term)
        whole = boxes[:, None, :, 0] + unit * (boxes[..., 1] - boxes[..., 0])[:, None]
        kept = self._holds(term, whole.reshape(-1, d)).reshape(len(boxes), -1)
        clouds = [whole[kept.all(dim=1)].reshape(-1, d)]
        clouds += [self._cut(term, boxes[k], seed) for k in (~kept.all(dim=1)).nonzero()[:, 0].tolist()]
        return Cloud(torch.cat(clouds))

    def _cut(self, term: Term, box: Tensor, seed: int) -> Tensor:
        """Points of the domain in a box, [d, 2], that is not all inside."""
        low, high = box.unbind(1)
        asked, inside = self.interior, box.new_zeros(0, len(box))
        for _ in range(_ATTEMPTS):
            pause()
            rule = self.rule if asked <= 4 * self.interior else "sobol"
            points = low + unit_points(asked, len(box), rule, seed=seed) * (high - low)
            inside = points[self._holds(term, points)]
            if len(inside) >= 0.9 * self.interior:
                break
            few = 8 * len(inside) < self.interior
            asked = 4 * asked if few else math.ceil(1.05 * asked * self.interior / len(inside))
        return inside[: 2 * self.interior]

    def _on(self, term: Term, seed: int) -> Cloud:
        """Points on a region of lower dimension: the same number on each piece of it as long as the boxes there."""
        region = term.region
        assert isinstance(region, Region)
        clouds = [
            self._on_chart(term, region, chart, stream(seed, "chart", k)) for k, chart in enumerate(region.charts)
        ]
        points = torch.cat([cloud.points for cloud in clouds])
        if not len(points):
            raise refuse(
                f"sampling {region.name}",
                expected="a selection that holds at least one point",
                got="none",
                remedy="Check the inequality in where(...): an equality such as x == 1 selects nothing.",
            )
        normals = [cloud.normals for cloud in clouds if cloud.normals is not None]
        return Cloud(points, torch.cat(normals) if len(normals) == len(clouds) else None)

    def _on_chart(self, term: Term, region: Region, chart: Chart, seed: int) -> Cloud:
        d, e = self.partition.dimension, chart.dimension
        if e == 0:
            points = chart.embed(torch.zeros(1, 0, dtype=torch.float64))
        else:
            low, size, extent = self._cubes(term, chart)
            full = max(2, math.ceil(_FACE_DENSITY * self.interior ** (1 / d)))
            share = max(2, math.ceil(full * extent.clamp(max=1.0).mean().item()))
            unit = unit_points(share**e, e, self.rule if chart.tensor else "sobol", seed=seed)
            points = chart.embed((low[:, None] + unit * size[:, None]).reshape(-1, e))
        keep = torch.ones(len(points), dtype=torch.bool) if chart.keep is None else chart.keep(points)
        points = points[keep & region.keep(points)]
        return Cloud(points, chart.normal(points) if chart.normal else None)

    def _least_size(self, term: Term, points: Tensor) -> Tensor:
        """Along each coordinate the shortest side of the boxes, or of the parts in them, at points [n, d]: [n, d]."""
        if not self.members:
            return self.partition.least_size(points)
        names = list(self.problem.domain.parts)
        own = [member for member in self.members if names[member.part] in term.parts]
        ends = torch.tensor([member.bounds for member in own], dtype=torch.float64)
        reached = self.partition.reached(points)[:, [member.box for member in own]]
        sides = (ends[..., 1] - ends[..., 0]).unbind(1)
        return torch.stack([torch.where(reached, side, torch.inf).amin(dim=1) for side in sides], dim=1)

    def _cubes(self, term: Term, chart: Chart) -> tuple[Tensor, Tensor, Tensor]:
        """The chart's unit cube cut into cubes whose images are no longer than the boxes that they meet.

        Returns:
            Their low corners and sides, [cubes, e], and the lengths of their images relative to the boxes, [cubes].
        """
        d, e = self.partition.dimension, chart.dimension
        steps = torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)
        lattice = torch.cartesian_prod(*[steps] * e).reshape(-1, e)
        low, size = torch.zeros(1, e, dtype=torch.float64), torch.ones(1, e, dtype=torch.float64)
        done: list[tuple[Tensor, Tensor, Tensor]] = []
        for halving in range(_MOST_HALVINGS):
            images = chart.embed((low[:, None] + lattice * size[:, None]).reshape(-1, e))
            least = self._least_size(term, images).reshape(len(low), -1, d).amin(dim=1)
            images = images.reshape(len(low), *[3] * e, d)
            spans = [(images.amax(dim=1 + j) - images.amin(dim=1 + j)).reshape(len(low), -1, d) for j in range(e)]
            ratios = torch.stack([(span.amax(dim=1) / least).amax(dim=1) for span in spans], dim=1)
            longest, axis = ratios.max(dim=1)
            small = (longest <= 1.0 + 1e-9) & (halving >= 2 * e)
            done.append((low[small], size[small], longest[small]))
            if bool(small.all()):
                break
            low, size, axis = low[~small], size[~small].clone(), axis[~small]
            rows = torch.arange(len(low))
            size[rows, axis] /= 2
            other = low.clone()
            other[rows, axis] += size[rows, axis]
            low, size = torch.cat([low, other]), torch.cat([size, size])
        else:
            done.append((low, size, torch.ones(len(low), dtype=torch.float64)))
        lows, sizes, extents = zip(*done, strict=True)
        return torch.cat(lows), torch.cat(sizes), torch.cat(extents)


def _thinned(placed: Placed, part: float) -> Placed:
    """A part of the points, evenly chosen in their order."""
    cloud = placed.cloud
    count = max(1, round(min(part, 1.0) * len(cloud)))
    rows = torch.linspace(0, len(cloud) - 1, count).round().long()
    return Placed(placed.term, Cloud(cloud.points[rows], None if cloud.normals is None else cloud.normals[rows]))
