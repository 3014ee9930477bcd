"""The first boxes of several sizes: small at corners, in layers, where the boundary bends, and where the data vary."""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import torch
from torch import Tensor

from gmnm_pde.adaptivity.boundary_layers import find_layers, layers_of_flow
from gmnm_pde.adaptivity.feature_boxes import toward, with_faces
from gmnm_pde.adaptivity.hanging import graded, matched, on_unit
from gmnm_pde.adaptivity.junctions import are_weak
from gmnm_pde.boxes.cut_layout import CutLayout
from gmnm_pde.boxes.layout import Layout
from gmnm_pde.boxes.materials.layout import joined
from gmnm_pde.boxes.pieces import Piece
from gmnm_pde.boxes.space.carved import Carved, carved
from gmnm_pde.boxes.trimmed import Trimmed, trimmed
from gmnm_pde.geometry import Domain, Parted
from gmnm_pde.geometry.composed import is_box
from gmnm_pde.geometry.edges import flat_places
from gmnm_pde.models import Partition
from gmnm_pde.scrutiny import Feature
from gmnm_pde.scrutiny.singular_points import singular_points
from gmnm_pde.statement.problem import Problem

_TURN = 1.7
"""In a box the normal of the boundary turns by no more than so many radians: a quarter of a circle."""

_RADII = 1.6
"""Boxes at the boundary are no larger than so many times the radius of its curvature."""

_MOST_LINES = 16
"""A shape with more corners than this has sides of boxes only at those that are re-entrant."""

_THINNEST = 0.05
"""Sides of boxes are not put nearer to each other than this part of the domain, but in layers."""

_MORE_LEVELS = 1
"""Levels of halving towards a re-entrant corner beyond those that a power law asks for."""

_OF_MATERIALS = 2
"""So many times as many where several parts meet: powers there may be as small as one likes."""

_MOST_LEVELS = 32
"""The most levels of halving towards a corner."""

_IN_A_LAYER = 8.0
"""Towards a boundary layer boxes are halved until they are this many of its widths thick: polynomials of high degree
show several."""

_ALIKE = 0.7
"""Sides of a box in space that are no shorter than this part of the longest are halved with it."""

_ROUNDS = 24
"""How often boxes are halved at the most where the boundary bends."""


def first_cells(
    problem: Problem,
    tol: float,
    seed: int,
    features: Sequence[Feature] = (),
    counts: Sequence[int] | None = None,
    *,
    free: bool = False,
) -> Partition:
    """The boxes, of [-1, 1]^d, in what surrounds the domain; ``counts`` says how many there are along each axis.

    They are for ``free`` vibrations, or for solutions.
    """
    domain, d = problem.domain, problem.domain.dimension
    layers = find_layers(problem, seed, free=free) if problem.linear else layers_of_flow(problem, seed)
    corners = on_unit(domain, singular_points(problem))
    lines = _flat_sides(domain) if d > 2 else _corner_lines(domain, corners)
    edges = [_edges(lines[k], corners[:, k], (layers.low[k], layers.high[k])) for k in range(d)]
    edges = [_divided(edges[k], counts[k]) for k in range(d)] if counts else edges
    edges = [with_faces(edges[k], k, features, domain.bounds[k]) for k in range(d)]
    cells = graded(Partition.grid(edges), corners, _levels(problem, tol))
    # in space, where boxes are dear, faces are enough where something jumps
    sharp = features if d < 3 else [f for f in features if f.plane is None or f.kind == "narrow"]
    if sharp:
        cells = matched(toward(cells, sharp, domain))
    return cells if is_box(domain) else following(domain, cells)


def _levels(problem: Problem, tol: float) -> int:
    """How often boxes are halved towards corners."""
    domain = problem.domain
    if isinstance(domain, Parted) and are_weak(problem) and not len(domain.whole.reentrant_corners()):
        return 0
    power = _OF_MATERIALS if isinstance(domain, Parted) else 1
    return min(_MOST_LEVELS, _MORE_LEVELS + power * math.ceil(math.log2(1 / tol)))


def _corner_lines(domain: Domain, corners: Tensor) -> list[Tensor]:
    """By axis, on [-1, 1], where a shape has corners; of many those that are re-entrant alone."""
    shapes = (domain, *(domain.parts.values() if isinstance(domain, Parted) else ()))
    every = [vertex for shape in shapes for vertex in shape.vertices()]
    every = sorted(set(every)) if len(shapes) > 1 else every
    vertices = torch.tensor(every, dtype=torch.float64).reshape(-1, domain.dimension)
    lines = corners if len(vertices) > _MOST_LINES else on_unit(domain, vertices)
    return list(lines.unbind(1))


def _flat_sides(domain: Domain) -> list[Tensor]:
    """By axis, on [-1, 1], where a domain in space has flat sides."""
    pairs = zip(flat_places(domain), domain.bounds, strict=True)
    return [2 * (torch.tensor(own, dtype=torch.float64) - low) / (high - low) - 1 for own, (low, high) in pairs]


def _edges(lines: Tensor, corners: Tensor, layers: tuple[float, float]) -> list[float]:
    """Sides of boxes along a coordinate: at re-entrant corners, at other corners of the shape, and in layers."""
    edges = sorted({-1.0, 1.0, *(at for at in corners.tolist() if -1 < at < 1)})
    for line in sorted(lines.tolist()):
        if all(abs(line - edge) > 2 * _THINNEST for edge in edges) and -1 < line < 1:
            edges = sorted([*edges, line])
    for end, width in zip((-1.0, 1.0), layers, strict=True):
        size = 2.0
        while width and size > _IN_A_LAYER * width:
            size /= 2
            edges.append(end * (1 - size))
    edges = sorted(set(edges))
    return [a for a, b in pairwise([*edges, math.inf]) if b - a > 1e-9]


def _divided(edges: list[float], count: int) -> list[float]:
    """Edges of [-1, 1] with more of them between, so that there are about ``count`` intervals at least."""
    found = [edges[0]]
    for low, high in pairwise(edges):
        parts = max(1, round((high - low) / 2 * count))
        found += [low + (high - low) * (k + 1) / parts for k in range(parts)]
    return found


def following(domain: Domain, cells: Partition) -> Partition:
    """The boxes inside of a shape, two at least, halved until its boundary turns little in each."""
    if len(cells.boxes) == 1:
        cells = cells.split([(0, range(cells.dimension))])
    for _ in range(_ROUNDS):
        layout, numbers = inside(domain, cells)
        cells = Partition(tuple(cells.boxes[number] for number in numbers))
        if not isinstance(layout, CutLayout):
            return cells
        bent = _bent(layout)
        if not bent:
            return cells
        cells = matched(cells.split([(k, _longest(layout, k)) for k in bent]))
    return kept(domain, cells)


def kept(domain: Domain, cells: Partition) -> Partition:
    """Those of some boxes that are not outside of a domain."""
    return Partition(tuple(cells.boxes[number] for number in inside(domain, cells)[1]))


def _longest(layout: CutLayout, number: int) -> list[int]:
    """The axes that a box is halved along where the boundary bends: all in the plane, in space its longest sides."""
    if not isinstance(layout, Carved):
        return list(range(layout.dimension))
    halves = layout.cells.halves[number]
    return (halves >= _ALIKE * halves.max()).nonzero()[:, 0].tolist()


def _bent(layout: CutLayout) -> list[int]:
    """The boxes in which the boundary bends too much for one."""
    if isinstance(layout, Trimmed):
        return sorted({layout.cell_of(k) for k, piece in layout.pieces.items() if _bends(piece)})
    assert isinstance(layout, Carved)
    cut = set(layout.cut)
    found = set()
    for surface in layout.surfaces:
        found |= {k for k, rows in surface.by_box.items() if k in cut and surface.turn(rows) > _TURN}
    return sorted(found)


def _bends(piece: Piece) -> bool:
    """Whether the boundary bends too much for one box."""
    side = max(high - low for low, high in piece.cell)
    if min(arc.radius() for arc in piece.arcs) * _RADII < side:
        return True
    return sum(arc.turn() for arc in piece.arcs) > _TURN


@lru_cache(maxsize=4)
def inside(domain: Domain, cells: Partition) -> tuple[Layout, list[int]]:
    """What of boxes of [-1, 1]^d is inside of a domain, in its own coordinates, and which boxes these are."""
    unit = [(-1.0, 1.0)] * cells.dimension
    boxes = Layout(cells.boxes).mapped(unit, domain.bounds).boxes
    if isinstance(domain, Parted):
        return joined(domain, boxes)
    if is_box(domain):
        return Layout(boxes), list(range(len(boxes)))
    return trimmed(domain, boxes) if cells.dimension == 2 else carved(domain, boxes)
