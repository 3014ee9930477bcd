"""The nearest point of a triangle mesh, and on which side of it a point lies."""

import torch
from torch import Tensor

_AT_ONCE = 2**21
"""Pairs of a point and a triangle that are looked at together, which bounds the memory."""

_FIRST = 12
"""Triangles tried for each point at first, by their centroids; for most points on and near the surface they do."""

_FAR = 4.0
"""Farther off than this many times the size of the largest triangle, a few triangles near by tell the distance."""


class NearestTriangle:
    """Answers which triangle of a closed, oriented surface is nearest to a point.

    Args:
        corners: Of the triangles, counterclockwise as seen from outside, [m, 3, 3].
        faces: Numbers of the corners, [m, 3]: equal numbers are the same vertex.
    """

    def __init__(self, corners: Tensor, faces: Tensor):
        # here, because it takes a quarter of a second to import and only meshes need it
        from scipy.spatial import KDTree

        self.corners = corners
        across = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        self.areas = across.norm(dim=1) / 2
        self.normals = across / across.norm(dim=1, keepdim=True).clamp_min(1e-300)
        self._features = _feature_normals(corners, faces, self.normals)
        self._centroids = corners.mean(dim=1)
        self._radii = (corners - self._centroids[:, None]).norm(dim=2).amax(dim=1)
        self._size = self._radii.max().item()
        self._tree = KDTree(self._centroids.numpy())

    def __call__(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """For points [n, 3] the distance to the surface, positive inside, [n], and the number of the triangle, [n].

        Both are exact but far from the surface, where the distance has an error of at most the size of a triangle.
        """
        answers = [self._first(batch) for batch in points.split(_AT_ONCE // _FIRST)]
        distance, face, least = (torch.cat(parts) for parts in zip(*answers, strict=True))
        unsure = least < distance.abs()
        far = unsure & (least > _FAR * self._size)
        for rows in self._rows(far):
            distance[rows] = torch.where(self._inside(points[rows]), 1.0, -1.0).to(points) * distance[rows].abs()
        for rows in self._rows(unsure & ~far):
            distance[rows], face[rows] = self._all(points[rows], distance[rows].abs())
        return distance, face

    def _rows(self, mask: Tensor) -> tuple[Tensor, ...]:
        return mask.nonzero()[:, 0].split(max(1, _AT_ONCE // len(self.corners))) if mask.any() else ()

    def _first(self, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Distance to and number of the nearest of a few triangles, and how near any other may be."""
        count = min(_FIRST, len(self.corners))
        far, near = (torch.as_tensor(array) for array in self._tree.query(points.numpy(), k=count))
        row = torch.arange(len(points)).repeat_interleave(count)
        distance, face = self._best(points, row, near.reshape(-1))
        others = far.reshape(len(points), -1)[:, -1] - self._size if count < len(self.corners) else distance.abs()
        return distance, face, others

    def _all(self, points: Tensor, most: Tensor) -> tuple[Tensor, Tensor]:
        """The same of all triangles, of which those farther than ``most``, [n], are left out by their spheres."""
        nearest = torch.cdist(points, self._centroids) - self._radii
        row, triangle = (nearest <= most[:, None] + 1e-12 * self._size).nonzero().unbind(1)
        return self._best(points, row, triangle)

    def _best(self, points: Tensor, row: Tensor, triangle: Tensor) -> tuple[Tensor, Tensor]:
        """The nearest for each point among pairs of the number of a point and the number of a triangle, [k] each."""
        corners = self.corners[triangle]
        gap, feature = _gaps(points[row] - corners[:, 0], corners)
        size = torch.where(self.areas[triangle] > 0, gap.norm(dim=1), torch.inf)
        least = size.new_full((len(points),), torch.inf).scatter_reduce(0, row, size, "amin")
        hit = (size == least[row]).nonzero()[:, 0]
        pair = torch.full((len(points),), len(row)).scatter_reduce(0, row[hit], hit, "amin")
        outward = self._features[triangle[pair], feature[pair]]
        return torch.where(_dot(gap[pair], outward) > 0, -least, least), triangle[pair]

    def _inside(self, points: Tensor) -> Tensor:
        """Whether points far from every triangle lie inside: the surface seen from there fills the sphere of sight.

        Each triangle counts as a point at its centroid (Barill et al., Fast winding numbers, 2018).
        """
        directed = self.areas[:, None] * self.normals
        towards = _dot(self._centroids, directed) - points @ directed.T
        turns = (towards / torch.cdist(points, self._centroids) ** 3).sum(dim=1) / (4 * torch.pi)
        return turns > 0.5


def _gaps(offset: Tensor, corners: Tensor) -> tuple[Tensor, Tensor]:
    """From the nearest points of triangles to points (Ericson, Real-Time Collision Detection, 5.1.5).

    Args:
        offset: Points less the triangles' first corners, [..., 3].
        corners: Of the triangles, [..., 3, 3].

    Returns:
        The gaps, [..., 3], and on what the nearest point lies: 0 the face, 1 to 3 edge k to k + 1, 4 to 6 a corner.
    """
    ab, ac = corners[..., 1, :] - corners[..., 0, :], corners[..., 2, :] - corners[..., 0, :]
    d1, d2 = _dot(ab, offset), _dot(ac, offset)
    d3, d4 = d1 - _dot(ab, ab), d2 - _dot(ab, ac)
    d5, d6 = d1 - _dot(ab, ac), d2 - _dot(ac, ac)
    va, vb, vc = d3 * d6 - d5 * d4, d5 * d2 - d1 * d6, d1 * d4 - d3 * d2
    whole = (va + vb + vc).clamp_min(1e-300)
    nothing, all_of_it = torch.zeros_like(d1), torch.ones_like(d1)
    on_ab, on_ac = _ratio(d1, d1 - d3), _ratio(d2, d2 - d6)
    on_bc = _ratio(d4 - d3, (d4 - d3) + (d5 - d6))
    cases = [  # the first that holds: condition, feature, and the weights of the second and the third corner
        ((d1 <= 0) & (d2 <= 0), 4, nothing, nothing),
        ((d3 >= 0) & (d4 <= d3), 5, all_of_it, nothing),
        ((d6 >= 0) & (d5 <= d6), 6, nothing, all_of_it),
        ((vc <= 0) & (d1 >= 0) & (d3 <= 0), 1, on_ab, nothing),
        ((vb <= 0) & (d2 >= 0) & (d6 <= 0), 3, nothing, on_ac),
        ((va <= 0) & (d4 >= d3) & (d5 >= d6), 2, 1 - on_bc, on_bc),
    ]
    v, w, feature = vb / whole, vc / whole, torch.zeros_like(d1, dtype=torch.long)
    for holds, number, weight_b, weight_c in reversed(cases):
        v, w = torch.where(holds, weight_b, v), torch.where(holds, weight_c, w)
        feature = torch.where(holds, number, feature)
    return offset - v[..., None] * ab - w[..., None] * ac, feature


def _feature_normals(corners: Tensor, faces: Tensor, normals: Tensor) -> Tensor:
    """Outward directions for every triangle's face, edges and corners, [m, 7, 3], which tell the side of a point.

    That of an edge is the sum of those of its two triangles, that of a corner is weighted by the triangles' angles
    there (Baerentzen and Aanaes, Signed distance computation using the angle weighted pseudonormal, 2005).
    """
    ahead = corners.roll(-1, 1) - corners
    ahead = ahead / ahead.norm(dim=2, keepdim=True).clamp_min(1e-300)
    angles = torch.acos(_dot(ahead, -ahead.roll(1, 1)).clamp(-1, 1))
    at_corners = normals.new_zeros(int(faces.max()) + 1, 3)
    at_corners.index_add_(0, faces.flatten(), (angles[..., None] * normals[:, None]).flatten(0, 1))
    ends = torch.stack([faces, faces.roll(-1, 1)], dim=2).sort(dim=2).values.flatten(0, 1)
    edge = torch.unique(ends, dim=0, return_inverse=True)[1]
    at_edges = normals.new_zeros(int(edge.max()) + 1, 3)
    at_edges.index_add_(0, edge, normals.repeat_interleave(3, dim=0))
    return torch.cat([normals[:, None], at_edges[edge].reshape(-1, 3, 3), at_corners[faces]], dim=1)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum(dim=-1)


def _ratio(part: Tensor, whole: Tensor) -> Tensor:
    return torch.where(
        whole == 0, torch.zeros_like(part), part / torch.where(whole == 0, torch.ones_like(whole), whole)
    )
