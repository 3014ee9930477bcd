"""The sizes that fields have beside one another by the equations they stand in, whatever units they are stated in."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from gmnm_pde.residuals.pointwise import Linearized, Placed, linearize
from gmnm_pde.sampling import sample, stream
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

_POINTS = 128
"""Points at which coefficients are looked at."""

_TURNS = 20
"""By turns equations and fields are balanced so often; a few are enough."""


def natural_sizes(problem: Problem, sizes: Tensor, parameters: Sequence[float] = ()) -> Tensor:
    """How large each field would be if it counted in the equations as much as the largest one does, [fields].

    Args:
        problem: Whose equations; they are linearised at fields of the sizes that are given.
        sizes: The root mean squares of the fields, [fields].
        parameters: The values of the unknown parameters.
    """
    own = sizes.detach().to("cpu", torch.float64)
    generator = torch.Generator().manual_seed(stream(0, "balance"))
    rows = [
        _squares(problem, found, len(own))
        for term in problem.terms
        if term.group == "interior"
        for found in _linearized(problem, term, own, parameters, generator).values()
    ]
    factors = balanced(torch.stack(rows))
    return ((own / factors).max() * factors).to(sizes)


def _linearized(
    problem: Problem, term: Term, sizes: Tensor, parameters: Sequence[float], generator: torch.Generator
) -> dict[str, Linearized]:
    """A term at some points, linearised at fields of given sizes whose derivatives are what the domain's makes them."""
    cloud = sample(term.region, _POINTS, "sobol", seed=stream(0, "balance"))
    points = cloud.points.to(torch.float64)
    every = sizes.repeat(len(problem.branches) // len(sizes))
    random = 0.5 + torch.rand(len(points), len(every), generator=generator, dtype=torch.float64)
    jets = {alpha: random * every / _length(problem, alpha) for alpha in term.trace.alphas}
    scalars = [points.new_tensor(float(value)) for value in parameters]
    return linearize(problem, Placed(term, cloud), points, jets, scalars)


def _length(problem: Problem, alpha: Sequence[int]) -> float:
    """The extents of the domain to the powers of a derivative."""
    return math.prod((high - low) ** power for (low, high), power in zip(problem.domain.bounds, alpha, strict=True))


def _squares(problem: Problem, found: Linearized, fields: int) -> Tensor:
    """By field, the mean square of what a residual has of it, of fields of size 1; those in parts together."""
    squares = torch.zeros(fields, dtype=torch.float64)
    for (branch, alpha), slope in found.slopes.items():
        known = slope[torch.isfinite(slope)]
        if len(known):
            squares[branch % fields] += (known / _length(problem, alpha)).square().mean()
    return squares


def balanced(squares: Tensor) -> Tensor:
    """Factors of the columns of matrices with which all are of one size, [..., columns], by their squared entries."""
    factors = squares.new_ones(*squares.shape[:-2], squares.shape[-1])
    for _ in range(_TURNS):
        sizes = (squares * factors[..., None, :]).sum(dim=-1, keepdim=True)
        own = (squares / torch.where(sizes > 0, sizes, 1.0)).sum(dim=-2)
        factors = torch.where(own > 0, (factors / own).sqrt(), factors)
    return (factors / factors.log().mean(dim=-1, keepdim=True).exp()).sqrt()
