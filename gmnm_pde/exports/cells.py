"""A domain cut into simplices: points that reach its boundary, and segments, triangles or tetrahedra between them."""

from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np
import torch

from gmnm_pde._errors import refuse
from gmnm_pde.geometry import Box, Domain
from gmnm_pde.sampling import sample

_BESIDE = 0.6
"""Points inside keep this part of a grid's step from the boundary, which has points of its own."""

_CROWDED = 0.6
"""Points on the boundary that are nearer to each other than this part of a step are one."""

_FLAT = 1e-3
"""Cells between points on the boundary whose volume is less than this part of a step's power are slivers."""

_FACTORIALS = {1: 1.0, 2: 2.0, 3: 6.0}


@dataclass(frozen=True)
class Cells:
    """Simplices.

    Attributes:
        points: Their corners, [n, d].
        cells: The numbers of the corners of each, [m, corners].
    """

    points: np.ndarray
    cells: np.ndarray

    @property
    def surface(self) -> "Cells":
        """The sides that one cell alone has, with the points that they need."""
        size = self.cells.shape[1]
        sides = np.concatenate([self.cells[:, list(kept)] for kept in combinations(range(size), size - 1)])
        _, first, count = np.unique(np.sort(sides, axis=1), axis=0, return_index=True, return_counts=True)
        outer = sides[first[count == 1]]
        used, renamed = np.unique(outer, return_inverse=True)
        return Cells(self.points[used], renamed.reshape(outer.shape))


def cut_into_cells(domain: Domain, resolution: int, call: str) -> Cells:
    """A domain of one to three coordinates, with about ``resolution`` points along the longest side of its box.

    Raises:
        GmnmError: it has more coordinates, or no inside.
    """
    d = domain.dimension
    if d > 3:
        raise refuse(call, expected="a domain of at most three coordinates of space", got=f"one of {d}")
    lines = lines_of(domain, resolution)
    grid = np.stack([axis.ravel() for axis in np.meshgrid(*lines, indexing="ij")], axis=1)
    if isinstance(domain, Box):
        return Cells(grid, _of_grid([len(line) for line in lines]))
    step = max(line[1] - line[0] for line in lines)
    points = torch.as_tensor(grid)
    within = points[domain.distance(points) > _BESIDE * step]
    corners = torch.tensor(domain.vertices(), dtype=torch.float64).reshape(-1, d)
    corners = corners[domain.distance(corners).abs() < 1e-9 * step * resolution] if len(corners) else corners
    on = sample(domain.boundary, _count_on_boundary(domain, step), "sobol", seed=1).points.double()
    every = torch.cat([within, _apart(torch.cat([corners, on]), _CROWDED * step)]).numpy()
    return Cells(every, _between(domain, every, len(within), step))


def lines_of(domain: Domain, resolution: int) -> list[np.ndarray]:
    """Places along each side of a domain's box, ``resolution`` of them along the longest, in nearly equal steps."""
    spans = [high - low for low, high in domain.bounds]
    step = max(spans) / (resolution - 1)
    counts = [max(2, round(span / step) + 1) for span in spans]
    return [np.linspace(low, high, count) for (low, high), count in zip(domain.bounds, counts, strict=True)]


def _of_grid(shape: list[int]) -> np.ndarray:
    """Every box of a grid cut into simplices, along the paths from its lowest corner to its highest."""
    strides = [int(np.prod(shape[k + 1 :])) for k in range(len(shape))]
    low = np.indices([count - 1 for count in shape]).reshape(len(shape), -1)
    first = np.tensordot(strides, low, 1)
    cells = []
    for order in permutations(range(len(shape))):
        corners = [first]
        for axis in order:
            corners.append(corners[-1] + strides[axis])
        odd = sum(a > b for k, a in enumerate(order) for b in order[k + 1 :]) % 2
        cell = np.stack(corners, axis=1)
        cells.append(cell[:, [*range(len(shape) - 1), -1, -2]] if odd else cell)
    return np.concatenate(cells)


def _count_on_boundary(domain: Domain, step: float) -> int:
    """Several times as many points as there is room for, of which the crowded ones are left out."""
    measure = domain.boundary.measure
    return max(64, int(8 * measure / step ** (domain.dimension - 1)))


def _apart(points: torch.Tensor, least: float) -> torch.Tensor:
    """Points of which none is nearer to one before it than ``least``."""
    from scipy.spatial import KDTree  # here: it takes a quarter of a second to import

    kept = np.ones(len(points), dtype=bool)
    tree = KDTree(points.numpy())
    for first, near in enumerate(tree.query_ball_point(points.numpy(), least)):
        if kept[first]:
            kept[[k for k in near if k > first]] = False
    return points[torch.from_numpy(kept)]


def _between(domain: Domain, points: np.ndarray, within: int, step: float) -> np.ndarray:
    """The simplices between the points that lie in the domain, turned the same way; the first points are inside."""
    from scipy.spatial import Delaunay  # here: it takes a quarter of a second to import

    d = points.shape[1]
    if d == 1:
        order = np.argsort(points[:, 0])
        cells = np.stack([order[:-1], order[1:]], axis=1)
    else:
        cells = Delaunay(points).simplices
    corners = points[cells]
    volume = np.linalg.det(corners[:, 1:] - corners[:, :1]) / _FACTORIALS[d]
    middles = torch.as_tensor(corners.mean(axis=1))
    sliver = (abs(volume) < _FLAT * step**d) & (cells >= within).all(axis=1)
    kept = domain.contains(middles).numpy() & ~sliver
    cells = cells[kept].astype(np.int64)
    turned = volume[kept] < 0
    cells[turned, -1], cells[turned, -2] = cells[turned, -2].copy(), cells[turned, -1].copy()
    return cells
