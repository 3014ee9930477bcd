"""The first partition, and what all have to satisfy: no box outside the domain, no neighbours of too different size."""

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from gmnm_pde.adaptivity.boundary_layers import Layers, find_layers
from gmnm_pde.adaptivity.feature_boxes import toward, with_faces
from gmnm_pde.adaptivity.hanging import halved, on_unit, with_new
from gmnm_pde.fitting.discretization import smoothness_for
from gmnm_pde.geometry import Domain
from gmnm_pde.geometry.unit import unit_points
from gmnm_pde.models import Partition
from gmnm_pde.scrutiny import Feature
from gmnm_pde.scrutiny.singular_points import singular_points
from gmnm_pde.statement.problem import Problem

_MORE_LEVELS = 2
"""Levels of halving towards a corner beyond what its power law asks for, since the error estimate does not see all of
the error that a corner spreads."""

_MOST_LEVELS = 16
"""The most levels of halving towards a corner."""

_IN_A_LAYER = 3.0
"""Towards a boundary layer boxes are halved until they are this many of its widths thick."""

_AT_A_JUNCTION = 1.5
"""Times as many levels where parts of the domain meet, for fields are sharper there than at any corner."""

_MOST_BOXES = 400
"""Boxes around all points where parts meet, at the most, before it is known which of these points matter."""

_RATIO = 2.0 + 1e-6
"""The largest ratio of the sides of neighbouring boxes: two, and a little for rounding."""

_INNER = 1024
"""Sobol points in a box at which it is tested whether the domain reaches it."""

_LATTICE = {1: 33, 2: 17, 3: 9, 4: 5}
"""The same test's lattice, which has a box's corners and edges: points along each coordinate, by their number."""


def first_partition(problem: Problem, tol: float | None, seed: int, features: Sequence[Feature] = ()) -> Partition:
    """A few boxes of [-1, 1]^d, finer where a solution is known to be sharp before it is computed.

    At a re-entrant corner of angle w the least squares solution errs by the smallest box's size to the power 2 pi / w,
    and the sharpest corner, of angle 2 pi, sets the number of levels. Boundary layers are told by the equations'
    coefficients (``boundary_layers.py``), and what a close look at the data found has small boxes around it.
    """
    domain, d = problem.domain, problem.domain.dimension
    layers = find_layers(problem, seed)
    time = [name in domain.time for name in domain.coordinates]
    edges = [[-1.0, 1.0] if time[k] else _edges(layers, k, 4 if d == 1 else 2) for k in range(d)]
    corners = on_unit(domain, singular_points(problem))
    levels = min(_MOST_LEVELS, _MORE_LEVELS + math.ceil(math.log2(1 / (tol or 1e-6))))
    edges = [with_faces(edges[k], k, features, domain.bounds[k]) for k in range(d)]
    if domain.parts:
        levels = min(math.ceil(_AT_A_JUNCTION * levels), _MOST_BOXES // (3 * 2**d * max(1, len(corners))))
    partition = graded(Partition.grid(edges, smoothness=smoothness_for(problem)), corners, levels)
    return finer_at(features, partition, domain)


def finer_at(features: Sequence[Feature], partition: Partition, domain: Domain) -> Partition:
    """The partition with smaller boxes at features that boxes can resolve; itself where there are none."""
    seen = [feature for feature in features if not feature.hidden]
    return balanced(toward(partition, seen, domain)) if seen else partition


def _edges(layers: Layers, axis: int, even: int) -> list[float]:
    """Even edges along a coordinate, and ever closer ones towards an end that has a layer."""
    inner = torch.linspace(-1, 1, even + 1, dtype=torch.float64)[1:-1].tolist()
    edges = {-1.0, 1.0, *inner}
    for end, width in ((-1.0, layers.low[axis]), (1.0, layers.high[axis])):
        size = 2.0 / even
        while width and size > _IN_A_LAYER * width:
            size /= 2
            edges.add(end * (1 - size))
    return sorted(edges)


def within(domain: Domain, partition: Partition) -> Partition:
    """The boxes whose windows meet the domain; ``partition`` is of its bounding box scaled to [-1, 1]^d."""
    ends = torch.linspace(0, 1, _LATTICE.get(partition.dimension, 2), dtype=torch.float64)
    lattice = torch.cartesian_prod(*[ends] * partition.dimension).reshape(-1, partition.dimension)
    unit = torch.cat([lattice, unit_points(_INNER, partition.dimension, "sobol")])
    bounds = torch.tensor(domain.bounds, dtype=torch.float64)
    kept = []
    for box, support in zip(partition.boxes, partition.supports, strict=True):
        low, high = support.unbind(1)
        points = (low + unit * (high - low) + 1) / 2 * (bounds[:, 1] - bounds[:, 0]) + bounds[:, 0]
        if bool(domain.contains(points).any()):
            kept.append(box)
    return partition if len(kept) == len(partition) else replace(partition, boxes=tuple(kept))


def graded(partition: Partition, points: Tensor, levels: int) -> Partition:
    """The partition with the boxes that touch some points, [k, d], halved again and again."""
    for _ in range(levels if len(points) else 0):
        above, below = points[:, None] >= partition.low - 1e-12, points[:, None] <= partition.high + 1e-12
        touched = (above & below).all(dim=2).any(dim=0)
        every = range(partition.dimension)
        partition = partition.split([(number, every) for number in touched.nonzero()[:, 0].tolist()])
    return balanced(partition)


def balanced(partition: Partition) -> Partition:
    """The partition with boxes halved until neighbours differ by no more than a factor of two in any side."""
    new = torch.arange(len(partition))
    while True:
        low, high, sizes, rounding = partition.low, partition.high, partition.sizes, 1e-9
        large = torch.zeros_like(sizes, dtype=torch.bool)
        for rows, columns in with_new(len(partition), new):
            meets = (low[rows, None] <= high[columns] + rounding) & (high[rows, None] >= low[columns] - rounding)
            least = torch.where(meets.all(dim=2)[..., None], sizes[columns], torch.inf).amin(dim=1)
            large[rows] |= sizes[rows] > _RATIO * least
        if not bool(large.any()):
            return partition
        cuts = {k: large[k].nonzero()[:, 0].tolist() for k in large.any(dim=1).nonzero()[:, 0].tolist()}
        partition, new = halved(partition, cuts)
