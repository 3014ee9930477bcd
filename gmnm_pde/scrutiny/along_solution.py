"""What a term does where the fields pass certain values, and nowhere else: a reaction that burns between two of them.

Before a solve nobody knows where fields have which value, and random points of a solution miss what is narrow in it. So
the term is looked at along lines through the solution. The fields and their derivatives are interpolated between few
points of each line, which is cheap and changes little in a narrow place; the user's functions are evaluated at many.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import GmnmError
from gmnm_pde.multiindex import Alpha
from gmnm_pde.residuals.pointwise import Placed, linearize
from gmnm_pde.sampling import Cloud
from gmnm_pde.scrutiny.at_solution import jets_at
from gmnm_pde.scrutiny.looks.data import domain_of
from gmnm_pde.scrutiny.looks.feature import Feature
from gmnm_pde.scrutiny.looks.lines import Lines, through
from gmnm_pde.scrutiny.looks.variation import Found, Rarity, find
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

_NODES = 65
"""Points of a line at which the fields are evaluated."""

_LINES, _POINTS = {1: 1, 2: 6, 3: 6}, {1: 2**17, 2: 2**13, 3: 2**12}
"""Lines along each coordinate, and points of a line, by the number of coordinates."""

_RARE = Rarity(0.05, 0.25 / (_NODES - 1))
"""What is wider may be what the interpolation made of the fields, and ordinary points see it."""

_LEFT = 0.1
"""It is not resolved where the true residual is this part of the change."""

_REMAINS = 0.5
"""It is there where such a part of the change is so between more nodes too."""

_LARGE = 0.9
"""The size of a residual's terms is exceeded at the rest of all places."""

_AROUND, _REACH = 65, 3.0
"""So many points around each place, within so many widths."""


def narrow_left(model: Any, problem: Problem, values: Sequence[float], error: float, seed: int) -> Feature | None:
    """A narrow feature of an equation along a solution that this does not resolve; None where there is none.

    Args:
        model: From points of the problem's domain to its fields, with derivatives.
        problem: What was solved.
        values: Of its unknown parameters.
        error: The estimated error of the solution, which what changes it less does not matter beside.
        seed: Of the lines.
    """
    if not problem.domain.solid or problem.domain.dimension not in _LINES:
        return None
    for term in problem.terms:
        if term.group == "interior" and any(not any(alpha) for _, alpha in term.trace.asked):
            domain = domain_of(problem, term)
            for lines in through(domain, range(domain.dimension), seed):
                some = lines.of(_LINES[domain.dimension], _POINTS[domain.dimension])
                try:
                    found = _of_term(_AlongLines(model, problem, term, tuple(values), some), error)
                except GmnmError:
                    continue
                if found is not None:
                    return found
    return None


def _of_term(along: "_AlongLines", error: float) -> Feature | None:
    lines, sizes = along.lines, along.sizes()
    every = torch.arange(len(lines.base))
    for name, grid in along.at(every, lines.steps.expand(len(every), -1)).items():
        for seen in find(grid, lambda chosen, t, name=name: along.at(chosen, t)[name], _RARE):
            if seen.kind != "narrow":
                continue
            axis = lines.along
            assert axis is not None
            around = seen.width[:, None] * torch.linspace(-_REACH, _REACH, _AROUND, dtype=torch.float64)
            true = along.true_at(seen.lines, (seen.t[:, None] + around).clamp(0, 1))[name].abs().amax(dim=1)
            matters = seen.change * seen.width > error * sizes[name]
            left = ((true > _LEFT * seen.change) & matters).nonzero()[:, 0]
            left = left[along.remains(name, seen.some(left), around[left])]
            if len(left):
                low, high = domain_of(along.problem, along.term).bounds[axis]
                at, relative = lines.points(seen.lines[left], seen.t[left, None]), seen.width[left].median().item()
                what, size = f"'{name}', where the fields pass certain values,", seen.change[left].max().item()
                return Feature("narrow", what, name, at, relative * (high - low), relative, size)
    return None


@dataclass(frozen=True)
class _AlongLines:
    """The residuals of a term along lines through a solution, whose derivatives are interpolated."""

    model: Any
    problem: Problem
    term: Term
    values: tuple[float, ...]
    lines: Lines
    nodes: int = _NODES

    @cached_property
    def _nodes(self) -> Tensor:
        """Even places of each line, [lines * nodes, d]."""
        count = len(self.lines.base)
        return self.lines.points(torch.arange(count), torch.linspace(0, 1, self.nodes).double().expand(count, -1))

    @cached_property
    def _known(self) -> dict[Alpha, Tensor]:
        """The derivatives there, [lines, nodes, fields]."""
        return {alpha: jet.unflatten(0, (-1, self.nodes)) for alpha, jet in self._jets(self._nodes).items()}

    def sizes(self) -> dict[str, float]:
        """By name, the size of the terms that cancel in a residual, where it is not small and not in narrow places."""
        points, jets = self._nodes, {alpha: known.flatten(0, 1) for alpha, known in self._known.items()}
        scalars = [points.new_tensor(value) for value in self.values]
        found = linearize(self.problem, Placed(self.term, Cloud(points)), points, jets, scalars)
        return {name: one.sizes(jets).nan_to_num(0.0).quantile(_LARGE).item() for name, one in found.items()}

    def _jets(self, points: Tensor) -> dict[Alpha, Tensor]:
        return jets_at(self.model, self.term, points)

    def at(self, chosen: Tensor, t: Tensor) -> dict[str, Tensor]:
        """By name, at positions t [c, k] of some lines [c]: [c, k]; NaN outside of the domain."""
        jets = {alpha: _between(known[chosen], t).flatten(0, 1) for alpha, known in self._known.items()}
        return self._residuals(self.lines.points(chosen, t), jets, t)

    def true_at(self, chosen: Tensor, t: Tensor) -> dict[str, Tensor]:
        """The same with derivatives that are not interpolated; 0 outside of the domain."""
        points = self.lines.points(chosen, t)
        found = self._residuals(points, self._jets(points), t)
        return {name: residual.nan_to_num(0.0) for name, residual in found.items()}

    def remains(self, name: str, seen: Found, around: Tensor) -> Tensor:
        """Which of some places [c] are there with more nodes too: what the interpolation made is not."""
        if not len(seen.t):
            return torch.zeros(0, dtype=torch.bool)
        finer = replace(self, nodes=2 * self.nodes - 1).at(seen.lines, (seen.t[:, None] + around).clamp(0, 1))[name]
        change = finer.nan_to_num(-torch.inf).amax(dim=1) - finer.nan_to_num(torch.inf).amin(dim=1)
        return change > _REMAINS * seen.change

    def _residuals(self, points: Tensor, jets: Mapping[Alpha, Tensor], t: Tensor) -> dict[str, Tensor]:
        kept = slice(None) if self.lines.keep is None else self.lines.keep(points)
        points, jets = points[kept], {alpha: jet[kept] for alpha, jet in jets.items()}
        scalars = [points.new_tensor(value) for value in self.values]
        found = linearize(self.problem, Placed(self.term, Cloud(points)), points, jets, scalars, slopes=False)
        spread = {}
        for name, one in found.items():
            spread[name] = points.new_full((t.numel(),), torch.nan)
            spread[name][kept] = one.residual
        return {name: values.reshape(t.shape) for name, values in spread.items()}


def _between(known: Tensor, t: Tensor) -> Tensor:
    """Cubic interpolation of values at even places of [0, 1], [c, nodes, fields], at t [c, k]: [c, k, fields]."""
    last = known.shape[1] - 1
    slopes = torch.gradient(known, dim=1)[0]  # a node
    left = (t * last).floor().clamp(0, last - 1)
    s, index = (t * last - left)[..., None], left.long()[..., None].expand(-1, -1, known.shape[2])
    (a, b), (da, db) = ((of.gather(1, index), of.gather(1, index + 1)) for of in (known, slopes))
    return a + s * (da + s * (3 * (b - a) - 2 * da - db + s * (2 * (a - b) + da + db)))
