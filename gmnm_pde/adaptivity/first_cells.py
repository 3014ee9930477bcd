"""The first boxes of several sizes: small at corners, in layers, where the boundary bends, and where the data vary."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from gmnm_pde.adaptivity.boundary_layers import find_layers
from gmnm_pde.adaptivity.feature_boxes import toward, with_faces
from gmnm_pde.adaptivity.hanging import graded, matched
from gmnm_pde.boxes.layout import Layout
from gmnm_pde.boxes.materials.layout import joined
from gmnm_pde.boxes.pieces import Piece
from gmnm_pde.boxes.trimmed import Trimmed, trimmed
from gmnm_pde.geometry import Domain, Parted
from gmnm_pde.models import Partition
from gmnm_pde.scrutiny import Feature
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

_ROUNDS = 24
"""How often boxes are halved at the most where the boundary bends."""


def first_cells(problem: Problem, tol: float, seed: int, features: Sequence[Feature] = ()) -> Partition:
    """The boxes, of [-1, 1]^d, in what surrounds the domain."""
    domain, d = problem.domain, problem.domain.dimension
    low, high = torch.tensor(domain.bounds, dtype=torch.float64).unbind(1)
    layers = find_layers(problem, seed)
    corners = 2 * (domain.reentrant_corners() - low) / (high - low) - 1 if d == 2 else low.new_zeros(0, d)
    shapes = (domain, *(domain.parts.values() if isinstance(domain, Parted) else ()))
    vertices = [vertex for shape in shapes for vertex in shape.vertices()]
    vertices = torch.tensor(sorted(set(vertices)) if len(shapes) > 1 else vertices, dtype=torch.float64).reshape(-1, d)
    lines = corners if len(vertices) > _MOST_LINES else 2 * (vertices - low) / (high - low) - 1
    edges = [_edges(lines[:, k], corners[:, k], (layers.low[k], layers.high[k])) for k in range(d)]
    edges = [with_faces(edges[k], k, features, domain.bounds[k]) for k in range(d)]
    power = _OF_MATERIALS if isinstance(domain, Parted) else 1
    levels = min(_MOST_LEVELS, _MORE_LEVELS + power * math.ceil(math.log2(1 / tol)))
    cells = graded(Partition.grid(edges), corners, levels)
    if features:
        cells = matched(toward(cells, features, domain))
    return cells if d != 2 else following(domain, cells)


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


def following(domain: Domain, cells: Partition) -> Partition:
    """The boxes inside of a shape, halved until its boundary turns little in each."""
    for _ in range(_ROUNDS):
        layout, kept = inside(domain, cells)
        cells = Partition(tuple(cells.boxes[number] for number in kept))
        if not isinstance(layout, Trimmed):
            return cells
        bent = sorted({layout.cell_of(k) for k, piece in layout.pieces.items() if _bends(piece)})
        if not bent:
            return cells
        cells = matched(cells.split([(k, range(cells.dimension)) for k in bent]))
    return Partition(tuple(cells.boxes[number] for number in inside(domain, cells)[1]))


def _bends(piece: Piece) -> bool:
    """Whether the boundary bends too much for one box."""
    side = max(high - low for low, high in piece.cell)
    if min(arc.radius() for arc in piece.arcs) * _RADII < side:
        return True
    return sum(arc.turn() for arc in piece.arcs) > _TURN


def inside(domain: Domain, cells: Partition) -> tuple[Layout, list[int]]:
    """What of boxes of [-1, 1]^d is inside of a domain, in its own coordinates, and which boxes these are."""
    boxes = Layout(cells.boxes).mapped([(-1.0, 1.0)] * cells.dimension, domain.bounds).boxes
    return joined(domain, boxes) if isinstance(domain, Parted) else trimmed(domain, boxes)
