"""How large the residuals of an answer are beside their own terms, on points that were never used before.

An equation such as u_xx + f = 0 is solved where its residual is much smaller than u_xx and f. Where a residual stays
near the size of its terms nothing is solved, whatever the answer does from fit to fit: conditions contradict each
other, or the approximator cannot show the solution.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from gmnm_pde.fitting.faint import at_least
from gmnm_pde.fitting.fit import Fit, rms
from gmnm_pde.geometry import Domain, GivenPoints, Parted
from gmnm_pde.jets import output_jet
from gmnm_pde.multiindex import Alpha
from gmnm_pde.residuals import Placed, ReadoutSystem
from gmnm_pde.sampling import Cloud, sample, stream
from gmnm_pde.scrutiny.singular_points import singular_points
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

INTERIOR = 4000
"""Fresh points of each equation."""

CONDITIONS = 600
"""Fresh points of each condition."""

_SIZED = 500
"""Points at which the sizes of the fields' derivatives are taken."""

_SMOOTH = 0.05
"""A residual is smooth if neighbours differ by no more than this part of what unrelated points would, squared."""

_SHOWN = 8
"""Of more coordinates than this only some are told."""

_FEW = 8
"""Of fewer points than this no residual is told to be smooth or not."""

_LARGE = 0.1
"""A residual above this part of its terms is large."""

_SINGULAR = 1e-2
"""A point is near to a singular one within this part of the domain."""

_FLOOR = 1e-3
"""A derivative counts as no smaller than this part of the field over the domain's length to the power of its order, so
that a flux of zero beside a constant is none that matters."""


@dataclass(frozen=True)
class Inspected:
    """One named residual on fresh points.

    Attributes:
        name: Of the residual.
        size: Its root mean square.
        relative: Its mean size relative to that of the terms that should cancel in it. Means of sizes, and not of
            squares, which singular points would dominate.
        place: In words, where it is largest.
        roughness: How much it differs between neighbouring points, squared, as a part of what unrelated points would;
            0 of a few points.
    """

    name: str
    size: float
    relative: float
    place: str
    roughness: float = 0.0


@dataclass
class Rows:
    """Residuals [n], the sizes of their terms [n], residuals of zero fields [n], and points [n, d], in chunks."""

    residuals: list[Tensor] = field(default_factory=list)
    terms: list[Tensor] = field(default_factory=list)
    at_zero: list[Tensor] = field(default_factory=list)
    points: list[Tensor] = field(default_factory=list)

    def inspected(self, name: str, coordinates: Sequence[str], *, rough: bool = False) -> Inspected:
        """The figures of one residual, its roughness if that is asked for."""
        residual, points = torch.cat(self.residuals), torch.cat(self.points)
        mean, scale = _mean(residual), _mean(torch.cat(self.terms)) + _mean(torch.cat(self.at_zero))
        largest = points[residual.abs().argmax()].tolist()
        place = ", ".join(f"{c}={x:.3g}" for c, x in zip(coordinates, largest, strict=True))
        if len(coordinates) > _SHOWN:
            shown = place.split(", ")
            place = ", ".join([*shown[: _SHOWN // 2], "...", *shown[-1:]])
        relative = mean / scale if scale else math.inf if mean else 0.0
        return Inspected(name, rms(_finite(residual)), relative, place, _roughness(residual, points) if rough else 0.0)


@torch.no_grad()
def inspected(fit: Fit, seed: int) -> list[Inspected]:
    """Every named residual of a fit on fresh points, and on those that are given."""
    fresh = _on_fresh_points(fit.held_out, seed)
    known = [placed.term.name for placed in fresh.placed]
    given = [placed for placed in fit.system.placed if placed.term.group == "data" and placed.term.name not in known]
    return _inspected(fit, replace(fresh, placed=[*fresh.placed, *(Placed(one.term, one.cloud) for one in given)]))


@dataclass(frozen=True)
class Left:
    """The largest residual of a fit relative to its terms, and whether no finer fit is going to lower it."""

    relative: float = 0.0
    settled: bool = False


NOTHING_LEFT = Left()
"""What is left where the error is small, and nobody needs to know."""


@torch.no_grad()
def left(fit: Fit) -> Left:
    """What a fit leaves of the equations and conditions.

    What is left of a least squares fit by a solution that it cannot show yet changes from point to point, as fields do
    that are finer than its own. Where large residuals are smooth between neighbouring held-out points, the fit shows
    what it could, and conditions contradict each other or the equation.
    """
    looks = _inspected(fit, fit.held_out, rough=True)
    large = [look for look in looks if look.relative > _LARGE]
    smooth = bool(large) and max(look.roughness for look in large) <= _SMOOTH
    return Left(max(look.relative for look in looks), smooth)


def _inspected(fit: Fit, system: ReadoutSystem, *, rough: bool = False) -> list[Inspected]:
    rows: dict[str, Rows] = {}
    for _, name, _, _, linearized in system.linearized(None, slopes=False, check=False):
        rows.setdefault(name, Rows()).at_zero.append(linearized.residual)
    fit.install()
    sizes = _sizes(system)
    for _, name, _, points, linearized in system.linearized(fit.theta, slopes=True, check=False):
        own = rows[name]
        own.residuals.append(linearized.residual)
        own.terms.append(sum((abs(c) * sizes[key] for key, c in linearized.slopes.items()), linearized.residual * 0))
        own.points.append(points)
    fit.install()
    return [own.inspected(name, system.problem.domain.coordinates, rough=rough) for name, own in rows.items()]


def _on_fresh_points(system: ReadoutSystem, seed: int) -> ReadoutSystem:
    placed = []
    for number, given in enumerate(system.placed):
        term = given.term
        if isinstance(term.region, GivenPoints):
            placed.append(Placed(term, given.cloud))
            continue
        count = INTERIOR if term.group == "interior" else max(CONDITIONS, len(term.region.charts))
        cloud = sample(term.region, count, "sobol", seed=stream(seed, "inspection", number))
        placed.append(Placed(term, _regular(system.problem, _in_part(system.problem.domain, term, cloud))))
    return replace(system, placed=placed, scales={})


def _regular(problem: Problem, cloud: Cloud) -> Cloud:
    """The points that are not so near to a singular one that a residual there says nothing of the answer."""
    singular = singular_points(problem)
    if not len(singular) or not len(cloud):
        return cloud
    nearest = torch.cdist(cloud.points, singular).amin(dim=1)
    rows = nearest > _SINGULAR * max(high - low for low, high in problem.domain.bounds)
    return Cloud(cloud.points[rows], None if cloud.normals is None else cloud.normals[rows])


def _in_part(domain: Domain, term: Term, cloud: Cloud) -> Cloud:
    """Of the points of an equation or a condition of one part of the domain those that lie in it."""
    if not isinstance(domain, Parted) or len(term.parts) != 1:
        return cloud
    rows = domain.lies_in(term.parts[0], cloud.points) if term.group == "interior" else slice(None)
    return Cloud(cloud.points[rows], None if cloud.normals is None else cloud.normals[rows])


def _sizes(system: ReadoutSystem) -> dict[tuple[int, Alpha], float]:
    """The sizes of the fields' derivatives in the domain."""
    keys = {key for placed in system.placed for key in placed.term.trace.asked}
    inside = [placed for placed in system.placed if placed.term.group == "interior"]
    groups = [placed.cloud.points[:_SIZED].to(system.like) for placed in inside or system.placed]
    return sizes_of(system.model, groups, keys, system.problem, system.engine)


def sizes_of(
    model: Any, groups: Sequence[Tensor], keys: Collection[tuple[int, Alpha]], problem: Problem, engine: str
) -> dict[tuple[int, Alpha], float]:
    """The largest root mean squares of derivatives on some groups of points, by field and multi-index.

    Fields that are next to nothing count as what they might be beside the others.
    """
    zero = (0,) * problem.domain.dimension
    alphas = tuple({zero, *(alpha for _, alpha in keys)})
    sizes = dict.fromkeys(keys, 0.0)
    for points in groups:
        jets = output_jet(model, points, alphas, engine)
        values = [_finite(field) for field in jets[zero].unbind(1)]
        own, changes = [rms(field) for field in values], [rms(field - field.mean()) for field in values]
        fields = at_least(problem, torch.tensor(own), torch.tensor(changes)).tolist()
        for output, alpha in keys:
            lengths = _lengths(problem, output)
            across = math.prod(length**power for length, power in zip(lengths, alpha, strict=True))
            least = _FLOOR * fields[output] / across
            sizes[output, alpha] = max(sizes[output, alpha], rms(_finite(jets[alpha][:, output])), least)
    return sizes


def _lengths(problem: Problem, branch: int) -> list[float]:
    """The extents of where a field is: of the domain, or of a part of it, which may be thin."""
    domain = problem.domain
    where = list(domain.parts.values())[branch // len(problem.fields)] if domain.parts else domain
    return [high - low for low, high in where.bounds]


def _roughness(residual: Tensor, points: Tensor) -> float:
    """The mean square difference of a residual between neighbours as a part of that between unrelated points."""
    known = torch.isfinite(residual)
    residual, points = residual[known].cpu(), points[known].cpu()
    if len(residual) < _FEW:
        return 0.0
    from scipy.spatial import KDTree  # imported late: few solves need it

    points = points.double()
    at = (points / (points.amax(dim=0) - points.amin(dim=0)).clamp_min(1e-300)).numpy()
    nearest = torch.as_tensor(KDTree(at).query(at, k=2)[1])  # the first is the point itself
    change = residual - residual[nearest[:, 1]]
    return (change.square().mean() / (2 * residual.square().mean()).clamp_min(1e-300)).item()


def _mean(values: Tensor) -> float:
    values = _finite(values).abs()
    return values.mean().item() if len(values) else 0.0


def _finite(values: Tensor) -> Tensor:
    return values[torch.isfinite(values)]
