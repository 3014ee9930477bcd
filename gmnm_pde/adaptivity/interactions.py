"""Which pairs of many coordinates act together, by what functions of the pairs found so far leave.

A function of many coordinates is a sum of functions of single ones, of pairs, of triples and so on (W. Hoeffding 1948),
and often few pairs are in it. Pairs are sought as matching pursuit does: a pair acts if its ridge goes together with
the residual that all ridges so far leave, clearly more than it would by chance. What is found makes the residual
smaller, and shows fainter pairs in the next round.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from gmnm_pde.collocation.whole import Counts, place
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.fitting.fit import Fit, fit
from gmnm_pde.fitting.widths import Widths
from gmnm_pde.interruption import OutOfTime
from gmnm_pde.methods.monitor import Monitor
from gmnm_pde.residuals import ReadoutSystem
from gmnm_pde.sampling import stream

Groups = tuple[tuple[int, ...], ...]

_MOST_PAIRS = 6000
"""Pairs are sought among no more than this many: those of 110 coordinates."""

_POINTS = 4000
"""Points at which ridges are held beside the residual."""

_BY_CHANCE = 5.0
"""A pair acts where its ridge goes together with the residual by this many standard deviations of what chance gives."""

_SIGMA = 1.4826
"""The standard deviation of a normal distribution, over the median of its sizes: most pairs do not act together."""

_OFFSET = 0.5
"""In widths; there neither the second nor the third derivative of a ridge is small."""

_EACH = 5
"""Ridges for each set of coordinates while pairs are sought."""

_MOST_PAIRS_EACH = 4
"""Pairs for each coordinate from which on nearly everything acts together."""

_ROUNDS = 8
"""Rounds at most."""

_MOST_COMPONENTS = 1000
"""More are not taken to find fainter pairs."""

_AS_GOOD = 3.0
"""Ridges on single coordinates that are in pairs are left out where that leaves less than so many times the residual of
a fit of as many components: with fewer sets more components are to come for each."""

_PROGRESS = 0.9
"""Where a round does not lower the validation residual to this part, the next one takes more components."""


@dataclass(frozen=True)
class Interactions:
    """A setup whose ridges lie on single coordinates and on pairs of them, and a small fit with it."""

    setup: Setup
    fit: Fit

    def on(self, groups: Groups, least: int, monitor: Monitor) -> "Interactions":
        """Ridges on other groups of coordinates, at least so many, begun with this fit."""
        setup, components = _on(self.setup, groups), max(least, _EACH * len(groups))
        return Interactions(setup, fit(setup, components, self.fit.widths, initial_guess=self.fit, monitor=monitor))

    @property
    def components(self) -> int:
        """How many ridges."""
        return self.fit.components or 0

    @property
    def pairs(self) -> set[tuple[int, ...]]:
        """The pairs, of numbers of coordinates."""
        groups = self.setup.mixture.active
        assert isinstance(groups, tuple)
        return {group for group in groups if len(group) == 2}

    def more(self) -> set[tuple[int, ...]]:
        """Further pairs whose ridges go together with what this fit leaves at points of their own."""
        setup, own = self.setup, self.fit.system
        others = tuple(pair for pair in combinations(range(setup.dimension), 2) if pair not in self.pairs)
        if not others:
            return set()
        placed = place(setup.problem, Counts(_POINTS), seed=stream(setup.seed, "pairs"), rule="random")
        system = replace(own, placed=placed)
        model = _on(setup, others).model(len(others), self.fit.widths)
        _turn_diagonal(model.inner)
        known, ridges, residual = _rows(system, replace(system, model=model), self.fit.theta)
        basis = torch.linalg.qr(known)[0]
        residual = residual - basis @ (basis.mT @ residual)
        beside = ridges.square().sum(dim=0) - (basis.mT @ ridges).square().sum(dim=0)  # the basis taken off
        sizes = beside.clamp_min(0).sqrt() * residual.norm()
        together = (ridges.mT @ residual).abs() / sizes.clamp_min(torch.finfo(ridges.dtype).tiny)
        together = together.view(len(others), system.fields).amax(dim=1)
        by_chance = max(_SIGMA * together.median().item(), max(len(known) - known.shape[1], 1) ** -0.5)
        return {pair for pair, part in zip(others, together.tolist(), strict=True) if part > _BY_CHANCE * by_chance}


def interacting(setup: Setup, least: int, widths: Widths, monitor: Monitor) -> Interactions | None:
    """Ridges on the pairs that act together, and on single coordinates, at least so many; None where none are found.

    Where time is over, what was found by then.
    """
    best, d = None, setup.dimension
    if d * (d - 1) // 2 > _MOST_PAIRS or setup.problem.periodic:
        return None
    try:
        for found in _growing(setup, least, widths, monitor):
            best = found
    except OutOfTime:
        if best is None:
            raise
    return best


def _growing(setup: Setup, least: int, widths: Widths, monitor: Monitor) -> Iterator[Interactions]:
    """More and more pairs as they are found, and in the end without the single coordinates that are in pairs."""
    singles = tuple((k,) for k in range(setup.dimension))
    alone = _on(setup, singles)
    latest = Interactions(alone, fit(alone, max(least, _EACH * len(singles)), widths, monitor=monitor))
    pays = True
    for _ in range(_ROUNDS):
        pairs = tuple(sorted(latest.more() | latest.pairs))
        if len(pairs) > _MOST_PAIRS_EACH * setup.dimension or not pairs:
            break
        if not pays or len(pairs) == len(latest.pairs):  # fainter ones may be below what so few components leave
            if 2 * latest.components > _MOST_COMPONENTS:
                break
            least = 2 * latest.components
        before, latest = latest, latest.on(pairs + singles, least, monitor)
        pays = latest.fit.validation_residual < _PROGRESS * before.fit.validation_residual
        yield latest
    if latest.pairs:
        within = set().union(*latest.pairs)
        others = tuple(single for single in singles if not within.issuperset(single))
        fewer = latest.on(tuple(sorted(latest.pairs)) + others, least, monitor)
        if fewer.fit.validation_residual < _AS_GOOD * latest.fit.validation_residual:
            yield fewer


def _on(setup: Setup, groups: Groups) -> Setup:
    """The setup with ridges on groups of coordinates."""
    return replace(setup, mixture=replace(setup.mixture, active=groups))


@torch.no_grad()
def _turn_diagonal(mixture: Any) -> None:
    """Lay each ridge along the diagonal of its pair, where it shows most of what acts together.

    Its middle passes the center at ``_OFFSET`` widths, so that it is no even function of its argument.
    """
    slopes = mixture.kernel.slopes()
    slopes = slopes.norm(dim=1, keepdim=True) * slopes.sign() * 2**-0.5
    mixture.kernel.set_slopes(slopes)
    mixture.centers.copy_(_OFFSET * slopes / slopes.square().sum(dim=1, keepdim=True))


def _rows(system: ReadoutSystem, other: ReadoutSystem, theta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The linearisation at ``theta`` by the unknowns of a system and by another model's readout, and the residual."""
    known, ridges, residuals = [], [], []
    for placed, name, rows, points, linearized in system.linearized(theta, slopes=True):
        scale = system.scale(placed, name, rows)
        known.append(system.matrix(placed, points, linearized) * scale[..., None])
        ridges.append(other.matrix(placed, points, linearized)[:, other.extra :] * scale[..., None])
        residuals.append(linearized.residual * scale)
    return torch.cat(known), torch.cat(ridges), torch.cat(residuals)
