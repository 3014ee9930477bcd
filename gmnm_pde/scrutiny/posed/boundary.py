"""Parts of a boundary on which an elliptic equation of one field has too few conditions, or too many.

An elliptic equation of order 2m takes m conditions everywhere on the boundary. Where it has fewer, on however short a
piece, it has many solutions, of which a smooth approximation shows one as if there were no other. Where it has more
instead, as in Cauchy's problem for Laplace's equation, errors of the data grow without bound.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.geometry import Region
from gmnm_pde.residuals.pointwise import probed
from gmnm_pde.sampling import Cloud, sample
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

_PLACES, _POINTS = 600, 2000
"""Places on the boundary at which conditions are counted, and points of each condition's region."""

_NEAR = 6.0
"""A place within so many spacings of the points belongs to the region."""

_MANY = 0.1
"""Conditions of both sides count next to a corner: there are too many where this part of the boundary has them."""

_DIRECTIONS, _INNER = 12, 100
"""Directions in which the principal symbol is looked at beside those of coordinates, and points inside."""

_INSIDE, _SINGULAR = 1e-4, 1e3
"""Lower terms that are so many times as strong as inside, or as the principal ones, so near the boundary, make the
equation a degenerate one there."""


@dataclass(frozen=True)
class Count:
    """Conditions at one place of a boundary.

    Attributes:
        place: Where, [d].
        given: How many there are.
        wanted: How many the equation takes.
    """

    place: Tensor
    given: int
    wanted: int

    def described(self, coordinates: tuple[str, ...]) -> str:
        """It in words."""
        near = ", ".join(f"{name}={value:.3g}" for name, value in zip(coordinates, self.place.tolist(), strict=True))
        number = "no condition holds" if not self.given else f"{self.given} condition(s) hold"
        return f"{number} on the boundary near {near}, where the equation takes {self.wanted}"


def wrong_counts(problem: Problem) -> tuple[Count | None, Count | None]:
    """A place with fewer conditions than the equation takes, and one with more; None where there is none."""
    equation, conditions = equation_of(problem), [term for term in problem.terms if term.group == "boundary"]
    if equation is None or any(not isinstance(term.region, Region) for term in conditions):
        return None, None
    order = max(sum(alpha) for _, alpha in equation.trace.asked)
    places = sample(problem.domain.boundary, _PLACES, "sobol", seed=0).points
    given = torch.zeros(len(places), dtype=torch.long)
    for term in conditions:
        given += _covered(term, places, problem.domain.boundary.measure) * len(term.trace.names)
    if problem.periodic or order % 2 or not _regular(problem, equation, order, places):
        return None, None
    wanted, (few, many) = order // 2, (given < order // 2, given > order // 2)
    many &= places.shape[1] == 2 and many.double().mean().item() > _MANY
    found: list[Count | None] = []
    for wrong in (few, many):
        at = wrong.nonzero()[:, 0].tolist()
        k = at[len(at) // 2] if at else 0
        found.append(Count(places[k], int(given[k]), wanted) if at else None)
    return found[0], found[1]


def equation_of(problem: Problem) -> Term | None:
    """The one equation in space of one field with the conditions alone; None where there is more."""
    inside = [term for term in problem.terms if term.group == "interior"]
    others = {term.group for term in problem.terms} - {"interior", "boundary"}
    plain = len(problem.fields) == 1 and not problem.parameters and not problem.domain.parts and not others
    domain = problem.domain
    space = domain.dimension in (2, 3) and not domain.time and domain.solid and bool(domain.boundary_charts())
    if not (plain and space and len(inside) == 1 and len(inside[0].trace.names) == 1):
        return None
    return inside[0] if inside[0].region.__class__ is Region and not inside[0].trace.over_space else None


def _covered(term: Term, places: Tensor, extent: float) -> Tensor:
    """At which places [n] a condition holds."""
    points = sample(term.region, _POINTS, "sobol", seed=1).points
    if term.partner is not None:
        points = torch.cat([points, term.partner(points)])
    across = places.shape[1] - 1
    spacing = (extent / _POINTS) ** (1 / across)
    return torch.cdist(places, points).amin(dim=1) < _NEAR * spacing


def elliptic(problem: Problem, equation: Term) -> bool:
    """Whether the principal symbol of an equation has one sign at points inside."""
    order = max(sum(alpha) for _, alpha in equation.trace.asked)
    leading, _ = _strengths(problem, equation, order, sample(problem.domain.interior, _INNER, "sobol", seed=0).points)
    return _has_one_sign(leading)


def _has_one_sign(leading: Tensor) -> bool:
    return bool((leading > 0).all() or (leading < 0).all())


def _regular(problem: Problem, equation: Term, order: int, places: Tensor) -> bool:
    """Whether the principal symbol has one sign inside and near some places, and no lower term is singular there."""
    domain = problem.domain
    inner = sample(domain.interior, _INNER, "sobol", seed=0).points
    near = places[:: max(1, len(places) // _INNER)]
    near = near + _INSIDE * (inner[:1] - near)
    leading, lower = _strengths(problem, equation, order, torch.cat([inner, near[domain.contains(near)]]))
    finite = bool(leading.isfinite().all() and lower.isfinite().all())
    ratios = lower / leading.abs().amin(dim=1)
    return (
        finite
        and _has_one_sign(leading)
        and ratios.max().item() < _SINGULAR * max(1.0, ratios[: len(inner)].median().item())
    )


def _strengths(problem: Problem, equation: Term, order: int, points: Tensor) -> tuple[Tensor, Tensor]:
    """The principal symbol at points, [n, directions], and the size of lower terms, [n], for a domain of size one."""
    low, high = torch.tensor(problem.domain.bounds, dtype=torch.float64).unbind(1)
    generator = torch.Generator().manual_seed(0)
    (own,) = probed(problem, equation, Cloud(points), generator).values()
    directions = torch.randn(_DIRECTIONS, len(low), generator=generator, dtype=torch.float64)
    directions = torch.cat([directions, torch.eye(len(low), dtype=torch.float64)])  # parabolic ones have none along y
    directions = directions / directions.norm(dim=1, keepdim=True) / (high - low)
    leading = torch.zeros(len(points), len(directions), dtype=torch.float64)
    lower = leading[:, 0].clone()
    for (_, alpha), slope in own.slopes.items():
        power = torch.tensor(alpha, dtype=torch.float64)
        if sum(alpha) == order:
            leading += slope[:, None] * (directions**power).prod(dim=1)
        else:
            lower = torch.maximum(lower, slope.abs() * (1 / (high - low) ** power).prod())
    return leading, lower
