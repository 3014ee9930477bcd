"""Functions of the solution that are no equations, such as events and invariants: bound, and run once to be checked."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.geometry import Domain
from gmnm_pde.jets import Quantity
from gmnm_pde.sampling import sample
from gmnm_pde.statement.probes import Drawn, Place, Probe
from gmnm_pde.statement.terms import Term, Trace

Function = Callable[[Mapping[str, Any]], Any]
"""A user's function as one of a scope."""

_POINTS = 8


class Stated(Protocol):
    """What is seen of a problem."""

    domain: Any
    parameters: dict[str, float]

    @property
    def branches(self) -> tuple[str, ...]:
        """The unknown functions."""
        ...

    def bound(self, function: Callable[..., Any], call: str) -> Function:
        """A user's function as one of a scope."""
        ...


def observable(problem: Stated, name: str, function: Function, call: str, *, unknown: bool = False) -> Term:
    """A term whose residual, called ``name``, is the value of a function, run once to see what it asks for.

    Args:
        problem: What it belongs to.
        name: Of the value.
        function: Of a scope; it gives a number, or one number for each point.
        call: For messages.
        unknown: Whether it must depend on the fields.

    Raises:
        GmnmError: it fails, gives something else, or does not depend on the fields where it must.
    """
    domain: Domain = problem.domain

    def value(scope: Mapping[str, Any]) -> Any:
        frame, result = scope[domain.coordinates[0]].frame, function(scope)
        tensor = result.tensor if isinstance(result, Quantity) else result
        if isinstance(tensor, bool | int | float) or (isinstance(tensor, Tensor) and not tensor.ndim):
            return frame.points.new_zeros(len(frame)) + tensor
        if not isinstance(tensor, Tensor) or tensor.shape != (len(frame),):
            got = f"shape {tuple(tensor.shape)}" if isinstance(tensor, Tensor) else repr(result)
            raise refuse(call, expected="a function that gives one number at each time", got=got)
        return result

    term = Term(name, "interior", domain.interior, value)
    place = Place.first(sample(term.region, _POINTS, "sobol", seed=1), _POINTS)
    generator = torch.Generator().manual_seed(1)
    source = Drawn(lambda output, alpha: torch.rand(len(place), generator=generator, dtype=torch.float64))
    guesses = {key: torch.full((len(place),), guess).double() for key, guess in problem.parameters.items()}
    probe = Probe(term, domain, problem.branches, place, source, guesses)
    if unknown and not source.asked:
        remedy = "For known times write Event(at=[...])."
        raise refuse(call, expected="a function of the fields", got="one without any", remedy=remedy)
    over_space = bool(probe.frame.integrals)
    return replace(term, trace=Trace(tuple(probe.residuals), tuple(source.asked), False, over_space=over_space))


def read_invariants(problem: Stated, invariants: Any) -> dict[str, Term]:
    """Functions that should not change with time, by name, each run once.

    Raises:
        GmnmError: they are no dict of functions, there is no time, or a function asks for what there is not.
    """
    if invariants is None:
        return {}
    call = "Problem(invariants={...})"
    if not isinstance(invariants, Mapping) or not all(isinstance(name, str) for name in invariants):
        example = "{'energy': lambda h, v: ...}"
        raise refuse(call, expected=f"a dict from names to functions, as in {example}", got=repr(invariants))
    if invariants and (not problem.domain.time or problem.domain.parts):
        expected = "a domain with time, and without parts"
        raise refuse(call, expected=expected, got=f"{problem.domain}")
    found = {}
    for name, function in invariants.items():
        where = f"{call}: '{name}'"
        found[name] = observable(problem, name, problem.bound(function, where), where, unknown=True)
    return found
