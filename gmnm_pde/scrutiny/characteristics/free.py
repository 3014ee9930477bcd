"""First-order and hyperbolic equations of which no condition determines the solution on some characteristics.

A first-order equation says how its solution changes along its characteristics, and a condition at one place of each
says what it is there. Hyperbolic equations of two coordinates have several families of them. A condition on their
boundary ties the values on the lines that meet there to each other; two of them give both of two. So a chain of lines
from one place without any condition to another, over places with one, has one condition fewer than lines: the solution
has a part there that is free, which smooth approximations do not show.
"""

import torch
from torch import Tensor

from gmnm_pde._errors import GmnmError
from gmnm_pde.geometry import GivenPoints
from gmnm_pde.sampling import sample
from gmnm_pde.scrutiny.characteristics.chains import Characteristics
from gmnm_pde.scrutiny.characteristics.families import Jets, equations, families, leading_depends
from gmnm_pde.scrutiny.characteristics.flow import Flow
from gmnm_pde.scrutiny.characteristics.loops import free_loops
from gmnm_pde.scrutiny.characteristics.places import conditions_of
from gmnm_pde.scrutiny.characteristics.sides import open_side
from gmnm_pde.scrutiny.characteristics.unit_box import UnitBox
from gmnm_pde.statement.problem import Problem

_LINES, _LOOPS = 200, 50
"""Lines that are followed, of all families together, and those of them that may close."""

_LEAST = 2
"""So many of them are free before anything is told, as single ones may touch a corner."""

_SCATTERED = 10
"""Fewer values at given points than this determine no function."""

_ON_A_SIDE = 1e-3
"""A place is on a side of the bounding box that is no farther off, as a part of the box."""


def free_characteristics(problem: Problem, jets: Jets | None = None) -> str:
    """Where characteristics meet no condition that determines the solution on them, in words; empty if all do.

    Args:
        problem: As it was stated.
        jets: From a term and points [n, d] to derivatives of the fields, where the equations are linearised; without
            it, nothing is said of equations whose characteristics depend on the solution.
    """
    box = UnitBox.of(problem) if _is_concerned(problem) else None
    if box is None:
        return ""
    try:
        if jets is not None and _is_known_before(problem):
            return ""
        flows = families(problem, jets)
        free = "" if flows is None else _free(problem, box, flows)
        lines = flows is not None and len(flows) < 3  # of which they tell all there is to tell
        return free if free or lines else _entering(problem, box, jets)
    except (GmnmError, RuntimeError, ArithmeticError):  # from functions that are not defined all over the bounding box
        return ""


def _is_concerned(problem: Problem) -> bool:
    """Whether all conditions are of a kind whose places can be told, beside equations all over the domain."""
    domain = problem.domain
    if domain.dimension < 2 or domain.parts or not domain.solid or problem.parameters or problem.lift is not None:
        return False
    for term in problem.terms:
        if term.trace.over_space:
            return False
        if term.group == "interior":
            continue
        if isinstance(term.region, GivenPoints):
            if len(term.region.points) >= _SCATTERED:
                return False
        elif any(chart.dimension != domain.dimension - 1 for chart in term.region.charts):
            return False
    return True


def _is_known_before(problem: Problem) -> bool:
    """Whether characteristics are the same for all solutions, and all that could be told was told without one."""
    terms, order = equations(problem)
    return all(term.trace.linear for term in terms) or (order > 1 and not leading_depends(problem, terms, order))


def _free(problem: Problem, box: UnitBox, flows: tuple[Flow, ...]) -> str:
    names = ", ".join(problem.fields)
    starts = box.scaled(sample(problem.domain.interior, _LINES // len(flows), "sobol", seed=0).points)
    lines = Characteristics(box, flows, conditions_of(problem, box))
    for family, flow in enumerate(flows):
        back = lines.chains(family, starts, -1)
        rest = back.open.nonzero()[:, 0]
        ahead = lines.chains(family, starts[rest], 1)
        free = ahead.open.nonzero()[:, 0]
        if len(free) >= _LEAST:
            k = free[len(free) // 2]
            return _between(problem, box, torch.stack([back.places[rest[k]], ahead.places[k]]), len(flows))
        inside = starts[~back.left][:_LOOPS]
        loops = free_loops(flow, box, inside) if len(flows) == 1 and len(inside) else inside[:0]
        if len(loops) >= _LEAST:
            place = _near(problem, box.unscaled(loops[len(loops) // 2 :][:1])[0])
            return f"nothing determines {names} on characteristics that close on themselves, as the one through {place}"
    return ""


def _entering(problem: Problem, box: UnitBox, jets: Jets | None) -> str:
    """In words, where fewer conditions hold than waves enter."""
    found = open_side(problem, box, jets)
    if found is None:
        return ""
    place, given, wanted = found
    side = _side(problem, box, box.scaled(place[None])[0])
    return f"{given} condition(s) hold on {side}, through which {wanted} wave(s) enter"


def _between(problem: Problem, box: UnitBox, ends: Tensor, count: int) -> str:
    """In words, that characteristics from one place of the unit box to another, [2, d], are free."""
    domain, names = problem.domain, ", ".join(problem.fields)
    if domain.time:
        ends = ends[ends[:, domain.coordinates.index(domain.time[0])].argsort()]
    first, last = (_side(problem, box, end) for end in ends)
    if count == 1:
        what = f"nothing determines {names} on the characteristics that enter through {first}"
        return f"{what}: give {names} there"
    return f"too few conditions determine {names} on characteristics between {first} and {last}"


def _side(problem: Problem, box: UnitBox, place: Tensor) -> str:
    """A place of the boundary in words, by the side that it lies on where that is one of the bounding box."""
    at = box.unscaled(place[None])[0]
    for axis, (low, high) in enumerate(problem.domain.bounds):
        for value in (low, high):
            if axis not in box.periodic and abs(at[axis].item() - value) < _ON_A_SIDE * (high - low):
                return f"{problem.domain.coordinates[axis]} = {value:g} near {_near(problem, at, axis)}"
    return f"the boundary near {_near(problem, at)}"


def _near(problem: Problem, at: Tensor, without: int | None = None) -> str:
    """A place by its coordinates, perhaps without one of them."""
    named = enumerate(zip(problem.domain.coordinates, at.tolist(), strict=True))
    return ", ".join(f"{name} = {value:.3g}" for axis, (name, value) in named if axis != without)
