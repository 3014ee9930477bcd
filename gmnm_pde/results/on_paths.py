"""The value at one point of a parabolic problem in all of space, corrected by the mean over random paths.

What a solution v leaves of an equation, F(v) = r, is what its error e = u - v solves the linearised equation for:

    k e_t + A : D^2 e + b . grad e + c e + r = 0      (r at v, as are the slopes of F)

up to a part of second order in e. By the Feynman-Kac formula e is a mean over paths dX = b/k ds + (2 A/k)^(1/2) dW that
begin at the point and run to the initial or the terminal time, where a condition says what e is:

    e = E[ w(T) e(T, X_T) + integral of w r/k ds ],      w = exp(integral of c/k ds).

It costs as much in a hundred dimensions as in one, and scatters by no more than v is off: the mean of a thousand paths
is thirty times as exact as v.

The part of second order is that of F in e, estimated as if v changed by one factor everywhere, and that in grad e. Of
the latter the paths know the size: by Ito's formula the variance of what is averaged is the mean of the integral of
w^2 |(2 A/k)^(1/2) grad e|^2. As if grad e had no direction of its own, its part is added to the value; all is added to
the error.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.geometry import Region
from gmnm_pde.multiindex import Alpha, axes_of
from gmnm_pde.residuals.pointwise import Linearized, Placed, jets_of, linearize, residuals
from gmnm_pde.results.reading import read_columns, read_grids
from gmnm_pde.sampling import Cloud
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

if TYPE_CHECKING:
    from gmnm_pde.results.solution import Solution

_PART = 0.01
"""The part by which a solution is changed to see what is of second order in its residual."""


@dataclass(frozen=True)
class PointValue:
    """A value at one point, with what it is uncertain by.

    Attributes:
        value: The corrected value.
        error: Two standard errors of the correction, and what steps in time and linearisation leave.
        uncorrected: The solution's own value.
        standard_error: Of the mean over the paths.
        paths: How many there were.
    """

    value: float
    error: float
    uncorrected: float
    standard_error: float
    paths: int

    def __repr__(self) -> str:
        return f"{self.value:.6g} +- {self.error:.1g} ({self.paths} paths; {self.uncorrected:.6g} without them)"


@dataclass(frozen=True)
class _Local:
    """The linearised equation at points [n, d], in the time of the paths."""

    source: Tensor
    """r/k, [n]."""
    curvature: Tensor
    """The part of second order of r/k where the solution is changed by a part of itself, over its square, [n]."""
    bend: Tensor
    """The same where the gradient is changed in a random direction, over |(2 A/k)^(1/2) change|^2, [n]."""
    growth: Tensor
    """c/k, [n]."""
    drift: Tensor
    """b/k, [n, d]."""
    spread: Tensor
    """(2 A/k)^(1/2), [n, d] where A is diagonal, else [n, d, d]."""


def value_on_paths(
    solution: "Solution", columns: tuple, named: Mapping[str, Any], paths: int, steps: int, seed: int
) -> PointValue:
    """See ``Solution.at_point``."""
    call = "solution.at_point(...)"
    for name, count in (("paths", paths), ("steps", steps)):
        if not isinstance(count, int) or isinstance(count, bool) or count < 2:
            raise refuse(call, expected=f"{name} of at least 2", got=repr(count))
    problem = _parabolic(solution.problem, call)
    like = next(solution.model.parameters()).detach()
    grids = read_grids(read_columns(solution.coordinates, columns, named, call), like, call)
    if grids[0].numel() != 1:
        raise refuse(call, expected="one point", got=f"shape {tuple(grids[0].shape)}")
    start = torch.stack([grid.reshape(()) for grid in grids])
    return _Paths(solution, problem, start, call).value(2 * math.ceil(paths / 2), 2 * math.ceil(steps / 2), seed)


def _parabolic(problem: Problem | None, call: str) -> Problem:
    """The problem, if it is one equation in all of space and time."""
    if problem is None:
        remedy = "Give load_solution(path, problem=...)."
        raise refuse(call, expected="a solution with its problem", got="one loaded from a file", remedy=remedy)
    interior = [term for term in problem.terms if term.group == "interior"]
    one = len(problem.branches) == len(interior) == 1 and len(interior[0].trace.names) == 1
    if not one or not problem.domain.time or problem.domain.boundary_charts() or problem.parameters:
        raise refuse(
            call,
            expected="one equation with time in all of space, WholeSpace(...) * Time(...)",
            got=repr(problem),
            remedy="Call the solution itself: solution(...).",
        )
    return problem


class _Paths:
    """Paths of one problem from one point, whose time runs to where a condition holds."""

    def __init__(self, solution: "Solution", problem: Problem, start: Tensor, call: str):
        self._solution, self._problem, self._start, self._call = solution, problem, start, call
        (self._term,) = [term for term in problem.terms if term.group == "interior"]
        self._axis = problem.domain.coordinates.index(problem.domain.time[0])
        slopes = self._slopes(self._term, start[None])
        of_time = slopes.slopes.get((0, self._alpha(self._axis)))
        pure = [c[0].item() for (_, alpha), c in slopes.slopes.items() if sum(alpha) == max(alpha) == 2]
        if of_time is None or not pure or not (min(pure) >= 0 or max(pure) <= 0) or not any(pure):
            raise refuse(call, expected="an equation with a first time derivative and diffusion", got=repr(problem))
        self._forward = of_time[0].item() * sum(pure) > 0
        self._end = problem.domain.bounds[self._axis][1 if self._forward else 0]
        self._condition = self._at_the_end()

    def value(self, paths: int, steps: int, seed: int) -> PointValue:
        """The corrected value, by pairs of paths with opposite noise."""
        fine, coarse, second, bend = self._sums(paths, steps, seed)
        own = self._solution.values(self._start[None])[0, 0].item()
        pairs = fine.view(2, -1).mean(dim=0)
        correction, error = pairs.mean().item(), (pairs.std() / len(pairs) ** 0.5).item()
        steps_leave = abs((fine - coarse).mean().item())
        of_values = abs(second.mean().item()) * (correction / own) ** 2 if own else abs(correction)
        of_slopes = bend.mean().item() * fine.var().item()
        left = steps_leave + of_values + abs(of_slopes)
        return PointValue(own + correction + of_slopes, 2 * error + left, own, error, paths)

    def _sums(self, paths: int, steps: int, seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """For each path its correction, the same by half as many times, and the parts of second order.

        That by slopes is the mean over the times.
        """
        points, generator = self._start.repeat(paths, 1), torch.Generator().manual_seed(seed)
        left = self._end - self._start[self._axis].item()
        step, way = abs(left) / steps, math.copysign(1.0, left)
        logs, fine, coarse, second, bend = (points.new_zeros(paths) for _ in range(5))
        for k, local in enumerate(self._locals(points, steps, way * step, generator)):
            weight = logs.exp()
            inner = 0 < k < steps
            fine = fine + (1.0 if inner else 0.5) * step * weight * local.source
            second = second + (1.0 if inner else 0.5) * step * weight * local.curvature
            bend = bend + (1.0 if inner else 0.5) / steps * local.bend
            if k % 2 == 0:
                coarse = coarse + (2.0 if inner else 1.0) * step * weight * local.source
            logs = logs + step * local.growth if k < steps else logs
        at_end = logs.exp() * self._end_error(points)
        return fine + at_end, coarse + at_end, second, bend

    def _locals(self, points: Tensor, steps: int, stride: float, generator: torch.Generator) -> Iterator[_Local]:
        """The linearised equation at the times of the paths; ``points`` move along between them."""
        half = len(points) // 2
        for k in range(steps + 1):
            local = self._local(points, generator)
            yield local
            if k == steps:
                return
            noise = torch.randn(half, points.shape[1], generator=generator, dtype=torch.float64).to(points)
            noise = abs(stride) ** 0.5 * torch.cat([noise, -noise])
            spread = local.spread
            moved = spread * noise if spread.ndim == 2 else (spread @ noise[:, :, None])[:, :, 0]
            points += abs(stride) * local.drift + moved
            points[:, self._axis] = self._start[self._axis] + (k + 1) * stride

    def _local(self, points: Tensor, generator: torch.Generator) -> _Local:
        jets = jets_of(self._solution.model, self._term, points, "auto")
        with torch.no_grad():
            jets = {alpha: jet.detach() for alpha, jet in jets.items()}
        known = self._linearized(self._term, points, jets)
        slopes = {alpha: c for (_, alpha), c in known.slopes.items()}
        sign = 1.0 if self._forward else -1.0
        scale = sign * slopes[self._alpha(self._axis)]
        zero = (0,) * points.shape[1]
        drift = torch.zeros_like(points)
        second = {}
        for alpha, c in slopes.items():
            if sum(alpha) == 1 and not alpha[self._axis]:
                drift[:, axes_of(alpha)[0]] = c / scale
            elif sum(alpha) == 2:
                second[axes_of(alpha)] = c / scale
        spread = self._spread(second, points)
        changed = self._residual(points, {alpha: (1 + _PART) * jet for alpha, jet in jets.items()})
        linear = sum(c * jets[alpha][:, 0] for alpha, c in slopes.items())
        curved = (changed - known.residual - _PART * linear) / _PART**2
        turned = torch.randn(points.shape, generator=generator, dtype=torch.float64).to(points)
        turned[:, self._axis] = 0
        size = (spread * turned if spread.ndim == 2 else (spread.mT @ turned[:, :, None])[:, :, 0]).norm(dim=1)
        turned = _PART * turned / size.clamp_min(torch.finfo(size.dtype).tiny)[:, None]
        ways = [self._residual(points, _with_slopes(jets, way * turned)) for way in (1.0, -1.0)]
        bend = (ways[0] + ways[1] - 2 * known.residual) / (2 * _PART**2)
        growth = slopes.get(zero, torch.zeros_like(scale)) / scale
        return _Local(known.residual / scale, curved / scale, bend / scale, growth, drift, spread)

    def _spread(self, second: Mapping[tuple[int, ...], Tensor], points: Tensor) -> Tensor:
        """The root of twice the diffusion, [n, d] or [n, d, d]."""
        if any(i == self._axis or j == self._axis for i, j in second):
            raise refuse(self._call, expected="no second derivatives by time", got=self._problem.name)
        if any(c.min() < 0 for (i, j), c in second.items() if i == j):
            raise refuse(self._call, expected="diffusion of one sign", got=self._problem.name)
        if all(i == j for i, j in second):
            spread = torch.zeros_like(points)
            for (i, _), c in second.items():
                spread[:, i] = (2 * c).sqrt()
            return spread
        matrix = points.new_zeros(*points.shape, points.shape[1])
        for (i, j), c in second.items():
            matrix[:, i, j] += c
            matrix[:, j, i] += c
        values, basis = torch.linalg.eigh(matrix)
        return basis * values.clamp_min(0).sqrt()[:, None, :]

    def _at_the_end(self) -> Term:
        """The condition at the time where paths end."""
        for term in self._problem.terms:
            if term.data is not None and term.data.order == 0 and term.group in ("initial", "boundary"):
                if isinstance(term.region, Region) and term.region.is_at(self._axis, self._end):
                    return term
        where = f"{self._problem.domain.time[0]} = {self._end:g}"
        raise refuse(self._call, expected=f"a value of the field at {where}, where paths end", got="none")

    def _end_error(self, points: Tensor) -> Tensor:
        """What the solution is off at the end, [n]."""
        found = self._slopes(self._condition, points)
        return -found.residual / found.slopes[0, (0,) * points.shape[1]]

    def _slopes(self, term: Term, points: Tensor) -> Linearized:
        with torch.no_grad():
            jets = jets_of(self._solution.model, term, points, "auto")
        return self._linearized(term, points, jets)

    def _linearized(self, term: Term, points: Tensor, jets: Mapping[Alpha, Tensor]) -> Linearized:
        (found,) = linearize(self._problem, Placed(term, Cloud(points)), points, jets, ()).values()
        return found

    @torch.no_grad()
    def _residual(self, points: Tensor, jets: Mapping[Alpha, Tensor]) -> Tensor:
        (found,) = residuals(self._problem, Placed(self._term, Cloud(points)), points, jets, ())[0].values()
        return found.detach()

    def _alpha(self, axis: int) -> Alpha:
        return tuple(int(k == axis) for k in range(self._start.shape[0]))


def _with_slopes(jets: Mapping[Alpha, Tensor], change: Tensor) -> dict[Alpha, Tensor]:
    """Derivatives of which the first are changed, by the columns of [n, d]."""
    return {alpha: jet + change[:, axes_of(alpha)[0], None] if sum(alpha) == 1 else jet for alpha, jet in jets.items()}
