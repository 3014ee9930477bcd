"""Parts of a boundary that are tiny beside the domain, such as small holes."""

import torch

from gmnm_pde.geometry import Domain
from gmnm_pde.geometry.unit import unit_points
from gmnm_pde.scrutiny.looks.feature import Feature

_TINY = 0.06
"""A shape's part of the boundary is tiny if it extends over less than this part of the domain along every coordinate
of space."""

_POINTS = 32
"""Points on each piece at which its extent is looked at."""


def tiny_parts(domain: Domain) -> list[Feature]:
    """Tiny shapes that make up a part of the boundary, as features of the domain's shape."""
    shapes: dict[int, list[torch.Tensor]] = {}
    for chart in domain.boundary_charts():
        if chart.origin is not None and chart.given is None and chart.dimension:
            points = chart.embed(unit_points(_POINTS, chart.dimension, "sobol", seed=0))
            if chart.keep is not None:
                points = points[chart.keep(points)]
            shapes.setdefault(id(chart.origin), []).append(points)
    space = [k for k, name in enumerate(domain.coordinates) if name not in domain.time]
    bounds = torch.tensor(domain.bounds, dtype=torch.float64)
    extent = (bounds[:, 1] - bounds[:, 0])[space]
    tiny = []
    for parts in shapes.values():
        points = torch.cat(parts)
        if len(shapes) < 2 or len(points) < 3:
            continue
        reach = points[:, space].amax(dim=0) - points[:, space].amin(dim=0)
        part = (reach / extent).max().item()
        if 0 < part < _TINY:
            radius = reach.max().item() / 2
            what = "the shape of the domain"
            tiny.append(Feature("narrow", what, "", points, radius, part / 2, radius))
    return tiny
