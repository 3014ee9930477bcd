"""Constant fields near the values that conditions prescribe, for nonlinear problems that have no sense at zero.

A quotient, a logarithm, a root or exp(-E / T) is not finite at zero fields, or its slopes are not. Rows are then
scaled, residuals compared and Newton's method begun at the means of the prescribed values instead.
"""

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from gmnm_pde._errors import NotFiniteError
from gmnm_pde.fitting.discretization import small_system
from gmnm_pde.residuals.pointwise import Linearized, linearize, zero_jets
from gmnm_pde.residuals.readout import ReadoutSystem
from gmnm_pde.statement.problem import Problem


def referenced(problem: Problem, seed: int) -> Problem:
    """The problem, with constant fields of reference where it is not finite at zero."""
    if problem.linear or problem.domain.parts:
        return problem
    system = small_system(problem, seed)
    if _is_finite(system):
        return problem
    prescribed = prescribed_values(system)
    for others in (0.0, 1.0):
        constants = tuple(others if ends is None else sum(ends) / 2 for ends in prescribed)
        candidate = problem.restated(problem.terms, reference=constants)
        if any(constants) and _is_finite(replace(system, problem=candidate)):
            return candidate
    return problem


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
