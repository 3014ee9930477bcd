"""Boxes around the features of a problem's data: smaller toward them, with faces where something jumps."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from gmnm_pde.geometry import Domain
from gmnm_pde.models import Partition
from gmnm_pde.scrutiny import Feature

_WIDTHS = 5.0
"""Boxes at what is narrow are halved until they are so many of its widths large."""

_MOST_BOXES = {1: 160, 2: 300}
"""The most boxes that are made, by the number of coordinates; 200 beyond."""

_SAME_FACE = 0.3
"""A face is moved to a jump where one is nearer than this part of the boxes beside it, and else put there."""

_AT_JUMPS = 0.03
"""Boxes at jumps and kinks are halved until they are smaller than this part of the domain; refinement goes on there."""


def with_faces(edges: list[float], axis: int, features: Sequence[Feature], ends: tuple[float, float]) -> list[float]:
    """Edges along a coordinate of [-1, 1], with one wherever something jumps or has a kink across it."""
    low, high = ends
    for feature in features:
        if feature.plane is None or feature.plane[0] != axis or feature.kind == "narrow":
            continue
        place = 2 * (feature.plane[1] - low) / (high - low) - 1
        least = min(b - a for a, b in pairwise(edges))
        near = [e for e in edges if abs(e - place) <= 1e-9]
        if near or not -1 < place < 1:
            continue
        close = [e for e in edges if abs(e - place) <= _SAME_FACE * least and -1 < e < 1]
        edges = sorted({*edges, place} - set(close))
    return edges


def toward(partition: Partition, features: Sequence[Feature], domain: Domain) -> Partition:
    """The partition of [-1, 1]^d with boxes at features halved until they are as small as the features ask for."""
    bounds = torch.tensor(domain.bounds, dtype=torch.float64)
    low, extent = bounds[:, 0], bounds[:, 1] - bounds[:, 0]
    most = _MOST_BOXES.get(domain.dimension, 200)
    wanted = [(f, 2 * (f.at - low) / extent - 1, _size(f)) for f in features]
    while True:
        cuts: dict[int, set[int]] = {}
        for feature, at, size in wanted:
            for number in _touched(partition, feature, at).nonzero()[:, 0].tolist():
                axes = range(domain.dimension) if feature.plane is None else (feature.plane[0],)
                large = {axis for axis in axes if partition.sizes[number, axis] > size}
                if large:
                    cuts.setdefault(number, set()).update(large)
        if not cuts or len(partition) + sum(2 ** len(axes) - 1 for axes in cuts.values()) > most:
            return partition
        partition = partition.split([(number, sorted(axes)) for number, axes in cuts.items()])


def _size(feature: Feature) -> float:
    """The size of boxes at a feature, on [-1, 1]."""
    if feature.kind == "narrow":
        return 2 * feature.relative * (_WIDTHS if feature.term else 1.0)
    return 2 * _AT_JUMPS


def _touched(partition: Partition, feature: Feature, at: Tensor) -> Tensor:
    """Which boxes a feature lies in or at, [boxes]."""
    axes = list(range(partition.dimension)) if feature.plane is None else [feature.plane[0]]
    low, high = partition.low[:, axes], partition.high[:, axes]
    inside = (at[:, None, axes] >= low - 1e-12) & (at[:, None, axes] <= high + 1e-12)
    return inside.all(dim=2).any(dim=0)
