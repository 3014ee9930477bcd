"""What nobody knows of a nonlinear problem before a solve: what jumps, and which way its characteristics run.

The k of ``div(k(u) grad u)`` may jump where u passes some value. No derivative shows that; at the solution found, the
flux jumps there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import GmnmError
from gmnm_pde.multiindex import Alpha
from gmnm_pde.residuals.pointwise import jets_of
from gmnm_pde.scrutiny.characteristics import free_characteristics
from gmnm_pde.scrutiny.looks.data import Fluxes
from gmnm_pde.scrutiny.looks.lines import Lines, through
from gmnm_pde.scrutiny.looks.variation import Rarity, find
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

_FEWER = 16
"""So many times fewer points than data are looked at with: a solution costs more, and is smooth elsewhere."""

_RARE = Rarity(0.05, 0.02)

_COUNTS = 1e-5
"""A flux jumps by at least this part of its size; what is left between patches is less."""


@dataclass(frozen=True)
class _FluxesOfSolution(Fluxes):
    """What a term differentiates, for the fields of a model."""

    model: Any = None
    values: tuple[float, ...] = ()

    def _given(self, points: Tensor) -> dict[Alpha, Tensor]:
        return jets_at(self.model, self.term, points)

    def _guesses(self) -> Sequence[float]:
        return self.values


def jets_at(model: Any, term: Term, points: Tensor) -> dict[Alpha, Tensor]:
    """The derivatives that a term needs of a model at points [n, d], [n, fields] each, as numbers like the points."""
    like = next(model.parameters())
    with torch.no_grad():
        jets = jets_of(model, term, points.to(like), "auto")
    return {alpha: jet.to(points) for alpha, jet in jets.items()}


def free_at_solution(model: Any, problem: Problem) -> str:
    """In words, where no condition determines a solution on characteristics that depend on it; empty if none do."""
    return free_characteristics(problem, lambda term, points: jets_at(model, term, points))


def flux_that_jumps(model: Any, problem: Problem, values: Sequence[float], error: float, seed: int) -> str:
    """In words, where something that a nonlinear term differentiates jumps at a solution; empty if nothing does.

    Args:
        model: From points of the problem's domain to its fields, with derivatives.
        problem: What was solved.
        values: Of its unknown parameters.
        error: The estimated error of the solution.
        seed: Of the lines that are looked along.
    """
    if problem.domain.parts or not problem.domain.solid:
        return ""
    for term in problem.terms:
        if term.group != "interior" or term.trace.linear:
            continue
        fluxes = _FluxesOfSolution(problem, term, model=model, values=tuple(values))
        try:
            reading = fluxes.reading()
            place = _jump(fluxes, max(_COUNTS, 1e3 * error), seed) if reading.products else None
        except GmnmError:
            continue
        if place is not None:
            where = ", ".join(f"{n} = {x:.3g}" for n, x in zip(problem.domain.coordinates, place, strict=True))
            return f"what '{term.name}' differentiates jumps near {where}"
    return ""


def _jump(fluxes: _FluxesOfSolution, least: float, seed: int) -> list[float] | None:
    """A place at which a flux jumps by more than a part of its size."""
    domain = fluxes.problem.domain
    for lines in through(domain, range(domain.dimension), seed, _FEWER):
        count = len(lines.base)
        values = lines.values(fluxes.at, torch.arange(count), lines.steps.expand(count, -1))
        for datum, grid in values.items():
            size = grid.nan_to_num(0.0).abs().max().item()
            for found in find(grid, partial(_probed, lines, fluxes, datum), _RARE):
                large = found.change > least * size
                if found.kind == "jump" and bool(large.any()):
                    first = int(large.nonzero()[0, 0])
                    return lines.points(found.lines[first : first + 1], found.t[first : first + 1, None])[0].tolist()
    return None


def _probed(lines: Lines, fluxes: _FluxesOfSolution, datum: Any, chosen: Tensor, t: Tensor) -> Tensor:
    return lines.values(fluxes.at, chosen, t).get(datum, torch.zeros_like(t))
