"""The sizes that fields have beside one another by the equations they stand in, whatever units they are stated in."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from gmnm_pde.residuals.pointwise import Linearized, Placed, linearize, zero_jets
from gmnm_pde.sampling import Cloud, sample, stream
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

_POINTS = 128
"""Points at which coefficients are looked at."""

_CONSTANT = 1e-6
"""Fields that differ from their means by no more than this part are constant; if all are, they count whole."""

_TURNS = 20
"""By turns equations and fields are balanced so often; a few are enough."""


def natural_sizes(
    problem: Problem,
    sizes: Tensor,
    deviations: Tensor,
    clear: Tensor,
    parameters: Sequence[float] = (),
    *,
    most: bool = False,
) -> Tensor:
    """How large each field would be if it counted in an equation as much as the known fields in it do, [fields].

    Of several equations the least counts. A field that stands in none with a known field has 0, unless nothing at all
    drives it: then it is zero, and has the size of the largest.

    Args:
        problem: Whose equations; they are linearised at known fields of the sizes that are given, others are zero.
        sizes: The root mean squares of the fields, [fields].
        deviations: Those of how they differ from their means: constants cancel in most equations.
        clear: Which fields are known, a mask [fields].
        parameters: The values of the unknown parameters.
        most: Whether of several equations the most counts.
    """
    own, changes = (values.detach().to("cpu", torch.float64) for values in (sizes, deviations))
    known = clear.detach().cpu()
    if not bool((known & (changes > _CONSTANT * own)).any()):
        changes = own
    generator = torch.Generator().manual_seed(stream(0, "balance"))
    rows = [
        _coefficients(problem, found, len(own))
        for term in problem.terms
        if term.group == "interior"
        for found in _linearized(problem, term, own * known, parameters, generator).values()
    ]
    coefficients = torch.stack(rows)
    drivers = (coefficients * changes * known).amax(dim=1, keepdim=True)
    driven = (coefficients > 0) & (drivers > 0)
    ratios = drivers / torch.where(coefficients > 0, coefficients, 1.0)
    if most:
        natural = torch.where(driven, ratios, 0.0).amax(dim=0)
    else:
        natural = torch.where(driven, ratios, torch.inf).amin(dim=0)
        natural = torch.where(natural.isfinite(), natural, 0.0)
    for field in (~known).nonzero()[:, 0].tolist():
        if natural[field] == 0 and _is_undriven(problem, field, known, parameters):
            natural[field] = own.max()
    return natural.to(sizes)


def beside_others(
    problem: Problem, sizes: Tensor, deviations: Tensor, parameters: Sequence[float] = (), *, most: bool = False
) -> Tensor:
    """The same for each field where all others are known, [fields]."""
    every = torch.arange(len(sizes))
    each = [natural_sizes(problem, sizes, deviations, every != k, parameters, most=most)[k] for k in every.tolist()]
    return torch.stack(each)


def _is_undriven(problem: Problem, field: int, known: Tensor, parameters: Sequence[float]) -> bool:
    """Whether zero satisfies everything that is said of a field, which is nothing in common with known fields."""
    count = len(known)
    for term in problem.terms:
        asked = {branch % count for branch, _ in term.trace.asked}
        if field not in asked:
            continue
        if any(bool(known[other]) for other in asked):
            return False
        cloud = sample(term.region, _POINTS, "sobol", seed=stream(0, "balance"))
        zeros = zero_jets(term, cloud.points.to(torch.float64), len(problem.branches))
        for found in _at(problem, term, cloud, zeros, parameters).values():
            if bool(found.residual.any()):
                return False
    return True


def _linearized(
    problem: Problem, term: Term, sizes: Tensor, parameters: Sequence[float], generator: torch.Generator
) -> dict[str, Linearized]:
    """A term at some points, linearised at fields of given sizes whose derivatives are what the domain's makes them."""
    cloud = sample(term.region, _POINTS, "sobol", seed=stream(0, "balance"))
    every = sizes.repeat(len(problem.branches) // len(sizes))
    random = 0.5 + torch.rand(len(cloud), len(every), generator=generator, dtype=torch.float64)
    jets = {alpha: random * every / _length(problem, alpha) for alpha in term.trace.alphas}
    return _at(problem, term, cloud, jets, parameters)


def _at(problem: Problem, term: Term, cloud: Cloud, jets: dict, parameters: Sequence[float]) -> dict[str, Linearized]:
    points = cloud.points.to(torch.float64)
    scalars = [points.new_tensor(float(value)) for value in parameters]
    return linearize(problem, Placed(term, cloud), points, jets, scalars)


def _length(problem: Problem, alpha: Sequence[int]) -> float:
    """The extents of the domain to the powers of a derivative."""
    return math.prod((high - low) ** power for (low, high), power in zip(problem.domain.bounds, alpha, strict=True))


def _coefficients(problem: Problem, found: Linearized, fields: int) -> Tensor:
    """By field, how large a residual is of fields of size 1; those in parts together."""
    squares = torch.zeros(fields, dtype=torch.float64)
    for (branch, alpha), slope in found.slopes.items():
        known = slope[torch.isfinite(slope)]
        if len(known):
            squares[branch % fields] += (known / _length(problem, alpha)).square().mean()
    return squares.sqrt()


def balanced(squares: Tensor) -> Tensor:
    """Factors of the columns of matrices with which all are of one size, [..., columns], by their squared entries."""
    factors = squares.new_ones(*squares.shape[:-2], squares.shape[-1])
    for _ in range(_TURNS):
        sizes = (squares * factors[..., None, :]).sum(dim=-1, keepdim=True)
        own = (squares / torch.where(sizes > 0, sizes, 1.0)).sum(dim=-2)
        factors = torch.where(own > 0, (factors / own).sqrt(), factors)
    return (factors / factors.log().mean(dim=-1, keepdim=True).exp()).sqrt()
