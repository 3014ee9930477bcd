"""Fields near the values that conditions prescribe, for nonlinear problems that have no sense at zero.

A quotient, a logarithm, a root or exp(-E / T) is not finite at zero fields, or its slopes are not; diffusion that
depends on the field or on its gradient may be zero there, so that nothing spreads. Rows are then scaled, residuals
compared and Newton's method begun at the means of the prescribed values instead, or at fields that rise.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from torch import Tensor

from gmnm_pde._errors import NotFiniteError
from gmnm_pde.fitting.discretization import small_system
from gmnm_pde.residuals.pointwise import Linearized, linearize, zero_jets
from gmnm_pde.residuals.readout import ReadoutSystem
from gmnm_pde.statement.problem import Problem

_DIFFUSION = 2
"""Derivatives of this order and higher are what conditions on all of a boundary go with."""

_TINY = 1e-8
"""Slopes that are so small, and so small a part of others, are next to nothing."""


def referenced(problem: Problem, seed: int) -> Problem:
    """The problem, with fields of reference where it is not finite at zero, or has nothing of its highest order there.

    These are constants, or where those are of no use fields that rise along all coordinates.
    """
    if problem.linear or problem.domain.parts:
        return problem
    system = small_system(problem, seed)
    finite = _is_finite(system)
    if finite and (problem.domain.time or not _is_degenerate(system)):
        return problem
    usable, prescribed = [problem] if finite else [], prescribed_values(system)
    for candidate in _candidates(problem, prescribed):
        other = replace(system, problem=candidate)
        if _is_finite(other):
            if problem.domain.time or not _is_degenerate(other):
                return candidate
            usable.append(candidate)
    return usable[0] if usable else problem


def _candidates(problem: Problem, prescribed: Sequence[tuple[float, float] | None]) -> Iterator[Problem]:
    """The problem with fields of reference of all kinds, the simplest first."""
    constants = [tuple(others if ends is None else sum(ends) / 2 for ends in prescribed) for others in (0.0, 1.0)]
    for values in constants:
        if any(values):
            yield problem.restated(problem.terms, reference=values)
    if not problem.domain.time:
        rises = [1.0 if ends is None or ends[0] == ends[1] else (ends[1] - ends[0]) / 2 for ends in prescribed]
        for values in constants:
            yield problem.restated(problem.terms, reference=values).tilted(rises)


def _is_degenerate(system: ReadoutSystem) -> bool:
    """Whether an equation of second order or higher has no derivatives of these orders at the fields of reference.

    A p-Laplacian has none where the gradient is zero, a porous medium's diffusion none where the field is. Of those
    that are kept from zero by a tiny number there is next to nothing, beside what there is where fields rise.
    """
    own, problem = _highest(system), system.problem
    least = min(own.values(), default=math.inf)
    if least == 0.0 or not least < _TINY:
        return least == 0.0
    rising = replace(system, problem=problem.restated(problem.terms).tilted((1.0,) * len(problem.fields)))
    return _is_finite(rising) and any(own[name] < _TINY * size for name, size in _highest(rising).items())


def _highest(system: ReadoutSystem) -> dict[str, float]:
    """By name of an equation, its largest slope by derivatives of second order or higher at the fields of reference."""
    largest: dict[str, float] = {}
    for placed, name, _, _, linearized in system.linearized(None, slopes=True):
        if placed.term.group == "interior" and any(sum(alpha) >= _DIFFUSION for alpha in placed.term.trace.alphas):
            slopes = [slope for (_, alpha), slope in linearized.slopes.items() if sum(alpha) >= _DIFFUSION]
            own = max((slope.abs().max().item() for slope in slopes), default=0.0)
            largest[name] = max(largest.get(name, 0.0), own)
    return largest


def far_from_zero(system: ReadoutSystem) -> tuple[float, ...] | None:
    """The middles of the values that are prescribed; None unless those of some field are far from zero."""
    if system.problem.domain.parts:
        return None
    prescribed = prescribed_values(system)
    if not any(ends is not None and abs(sum(ends)) > ends[1] - ends[0] for ends in prescribed):
        return None
    return tuple(0.0 if ends is None else sum(ends) / 2 for ends in prescribed)


def prescribed_values(system: ReadoutSystem) -> list[tuple[float, float] | None]:
    """The least and the largest value that conditions and data prescribe of each field, if any: also by g in a u = g.

    Derivatives count as zero.
    """
    found: list[list[Tensor]] = [[] for _ in range(system.fields)]
    for placed in system.placed:
        if placed.term.group == "interior" or not placed.term.trace.linear or placed.term.partner is not None:
            continue
        points = placed.cloud.points.to(system.like)
        jets = zero_jets(placed.term, points, system.fields)
        for linearized in linearize(system.problem, placed, points, jets, system.guesses().unbind()).values():
            own = prescribed(linearized)
            if own is not None:
                found[own[0]].append(own[1])
    return [ends_of(parts) for parts in found]


def prescribed(linearized: Linearized) -> tuple[int, Tensor] | None:
    """The field whose values a condition prescribes and these; None if it says nothing of one field alone."""
    values = [(k, slope) for (k, alpha), slope in linearized.slopes.items() if not any(alpha)]
    if len(values) != 1:
        return None
    ((field, slope),) = values
    value = -linearized.residual / slope
    return field, value[value.isfinite()]


def ends_of(parts: Sequence[Tensor]) -> tuple[float, float] | None:
    """The least and the largest of some values; None without any."""
    ends = [(part.min().item(), part.max().item()) for part in parts if len(part)]
    return (min(low for low, _ in ends), max(high for _, high in ends)) if ends else None


def _is_finite(system: ReadoutSystem) -> bool:
    """Whether all residuals and their slopes are finite at the fields of reference."""
    try:
        for _ in system.linearized(None, slopes=True):
            pass
    except NotFiniteError:
        return False
    return True
