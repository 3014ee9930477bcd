"""Zero sets of functions on a grid, piece by piece: segments in the plane, triangles in space.

Every cell of the grid is cut into simplices (Kuhn's, one for each order of the coordinates), in which the function is
taken as linear: no case is ambiguous, and neighbours agree on the face between them (marching simplices).
"""

import itertools
from collections.abc import Callable

import torch
from torch import Tensor


def zero_pieces(values: Callable[[Tensor], Tensor], bounds: Tensor, cells: int) -> Tensor:
    """Simplices that approximate where a function is zero, [m, d, d]: piece, corner, coordinate.

    Args:
        values: The function, of points [n, d]; negative on one side.
        bounds: The box that is searched, [d, 2], d = 2 or 3.
        cells: How many along each side.
    """
    d = len(bounds)
    axes = [torch.linspace(low, high, cells + 1, dtype=torch.float64) for low, high in bounds.tolist()]
    nodes = torch.cartesian_prod(*axes)
    at = values(nodes)
    strides = torch.tensor([(cells + 1) ** (d - 1 - k) for k in range(d)])
    first = (torch.cartesian_prod(*[torch.arange(cells)] * d) * strides).sum(dim=1)
    corners = torch.tensor(list(itertools.product((0, 1), repeat=d))) @ strides
    inside = (at < 0)[first[:, None] + corners]
    first = first[inside.any(dim=1) & ~inside.all(dim=1)]
    simplices = torch.cat([first[:, None] + path for path in _paths(strides)])
    return _cut(nodes[simplices], at[simplices])


def _paths(strides: Tensor) -> list[Tensor]:
    """The simplices of a cell, as offsets of nodes: walks from its first corner to its last, a step along each axis."""
    paths = []
    for order in itertools.permutations(range(len(strides))):
        steps = torch.cat([strides.new_zeros(1), strides[list(order)]])
        paths.append(steps.cumsum(dim=0))
    return paths


def _cut(points: Tensor, at: Tensor) -> Tensor:
    """Where linear functions on simplices are zero.

    Args:
        points: Corners of the simplices, [n, d + 1, d].
        at: The function at the corners, [n, d + 1].
    """
    d = points.shape[-1]
    order = at.argsort(dim=1)
    points, at = points.gather(1, order[..., None].expand_as(points)), at.gather(1, order)
    negative = (at < 0).sum(dim=1)

    def crossings(chosen: Tensor, pairs: list[tuple[int, int]]) -> list[Tensor]:
        p, f = points[chosen], at[chosen]
        parts = [(f[:, i] / (f[:, i] - f[:, j]))[:, None] for i, j in pairs]
        return [p[:, i] + part * (p[:, j] - p[:, i]) for (i, j), part in zip(pairs, parts, strict=True)]

    pieces = [
        torch.stack(crossings(negative == 1, [(0, k) for k in range(1, d + 1)]), dim=1),
        torch.stack(crossings(negative == d, [(k, d) for k in range(d)]), dim=1),
    ]
    if d == 3:  # two corners on either side: a quadrilateral, cut in two
        a, b, c, e = crossings(negative == 2, [(0, 2), (0, 3), (1, 3), (1, 2)])
        pieces += [torch.stack([a, b, c], dim=1), torch.stack([a, c, e], dim=1)]
    return torch.cat(pieces)


def sizes(pieces: Tensor) -> Tensor:
    """Lengths of segments [m, 2, 2] or areas of triangles [m, 3, 3], [m]."""
    along = pieces[:, 1] - pieces[:, 0]
    if pieces.shape[1] == 2:
        return along.norm(dim=1)
    return torch.linalg.cross(along, pieces[:, 2] - pieces[:, 0]).norm(dim=1) / 2


def along_curve(pieces: Tensor) -> Tensor:
    """An order of pieces, [m], in which neighbours are near each other (Morton's), for ``spread`` to go along."""
    middles = pieces.mean(dim=1)
    low, high = middles.amin(dim=0), middles.amax(dim=0)
    steps = ((middles - low) / (high - low).clamp_min(1e-300) * (2**16 - 1)).long()
    d, code = steps.shape[1], torch.zeros(len(steps), dtype=torch.long)
    for bit in range(16):
        for axis in range(d):
            code |= (steps[:, axis] >> bit & 1) << bit * d + axis
    return code.argsort(stable=True)


def spread(pieces: Tensor, unit: Tensor, areas: Tensor) -> tuple[Tensor, Tensor]:
    """Points on segments or triangles, [n, d], equal areas to equal areas, and the number of the piece of each, [n].

    Args:
        pieces: Segments [m, 2, d] or triangles [m, 3, d].
        unit: Points of the unit cube, [n, 1] or [n, 2]; the first coordinate says which piece, and where on it.
        areas: Sizes of the pieces, [m]; those of size 0 are never hit.
    """
    ends = areas.cumsum(dim=0)
    wanted = unit[:, 0].to(areas) * ends[-1]
    last = int(areas.nonzero()[-1, 0])
    piece = torch.searchsorted(ends, wanted, right=True).clamp_max(last)
    part = ((wanted - ends[piece] + areas[piece]) / areas[piece]).clamp(0, 1)[:, None]
    corners = pieces[piece]
    if pieces.shape[1] == 2:
        return corners[:, 0] + part * (corners[:, 1] - corners[:, 0]), piece
    root, across = part.sqrt(), unit[:, 1:].to(areas)
    a, b, c = corners.unbind(1)
    return a + root * (b - a) + root * across * (c - b), piece
