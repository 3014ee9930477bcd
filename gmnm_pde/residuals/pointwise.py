"""A term at its points: its residuals for given derivatives of the fields, and their linearisation.

The residual R(x, D^a u, p) of a term is linearised point by point, dR = sum_a R_a D^a du + R_p dp, with R_a and R_p
from autograd of the user's function.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from gmnm_pde.jets import Alpha, Field, Frame, GivenSource, output_jet, partials
from gmnm_pde.sampling import Cloud
from gmnm_pde.statement.probes import stand_in
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term


@dataclass(frozen=True)
class Placed:
    """A term with the points at which it is to hold.

    ``scales``, by residual name, multiply the rows of single points, [n]. ``integrate`` takes values at the points to
    their integrals over space; without it terms that ask for such get made-up ones, which shows what they depend on.
    """

    term: Term
    cloud: Cloud
    scales: Mapping[str, Tensor] | None = None
    integrate: Callable[[Tensor], Tensor] | None = None


@dataclass
class Linearized:
    """One named residual on some rows, [m]: its value and its slopes, the partial derivatives, each [m].

    ``slopes`` are those by the fields' derivatives, (field, alpha); ``by_parameter`` those by the unknown parameters.
    """

    residual: Tensor
    slopes: dict[tuple[int, Alpha], Tensor]
    by_parameter: dict[int, Tensor]

    @cached_property
    def operators(self) -> dict[int, dict[Alpha, Tensor | float]]:
        """By output, the differential operator on it; a coefficient that is the same on all rows is a number."""
        by_output: dict[int, dict[Alpha, Tensor | float]] = {}
        for (output, alpha), slope in self.slopes.items():
            same = len(slope) > 0 and bool((slope == slope[0]).all())
            by_output.setdefault(output, {})[alpha] = slope[0].item() if same else slope
        return by_output

    def select(self, rows: Tensor) -> "Linearized":
        """Some of its rows."""
        selected = Linearized(
            self.residual[rows],
            {key: slope[rows] for key, slope in self.slopes.items()},
            {k: slope[rows] for k, slope in self.by_parameter.items()},
        )
        selected.operators = {  # a coefficient that is a number on all rows is that number on some of them
            output: {a: c[rows] if isinstance(c, Tensor) else c for a, c in operator.items()}
            for output, operator in self.operators.items()
        }
        return selected

    def sizes(self, jets: Mapping[Alpha, Tensor]) -> Tensor:
        """How large the terms are that cancel in the residual, in the sum, where it was linearised at ``jets``, [m]."""
        parts = [slope * jets[alpha][:, output] for (output, alpha), slope in self.slopes.items()]
        data = self.residual - sum(parts)
        return sum((part.abs() for part in parts), data.abs())

    def at(self, jets: Mapping[Alpha, Tensor], parameters: Sequence[Tensor]) -> Tensor:
        """The residual of a linear term, linearised at zero, for other jets and parameters, [m]."""
        total = self.residual
        for (output, alpha), slope in self.slopes.items():
            total = total + slope * jets[alpha][:, output]
        for k, slope in self.by_parameter.items():
            total = total + slope * parameters[k]
        return total


def jets_of(model: Any, term: Term, points: Tensor, engine: str) -> dict[Alpha, Tensor]:
    """The derivatives that a term needs of the model's outputs, or of their jumps, each [n, fields]."""
    return jumps_of(term, points, lambda at: output_jet(model, at, term.trace.alphas, engine))


def jumps_of(term: Term, points: Tensor, jets: Callable[[Tensor], dict[Alpha, Tensor]]) -> dict[Alpha, Tensor]:
    """The derivatives at the points of a term, or their jumps from there to the partners."""
    near = jets(points)
    if term.partner is None:
        return near
    far = jets(term.partner(points))
    return {alpha: far[alpha] - near[alpha] for alpha in near}


def zero_jets(term: Term, points: Tensor, fields: int) -> dict[Alpha, Tensor]:
    """The derivatives that a term needs, of as many zero fields, each [n, fields]."""
    return {alpha: points.new_zeros(len(points), fields) for alpha in term.trace.alphas}


def reference_fields(problem: Problem, points: Tensor) -> Tensor:
    """The fields of reference at points [n, d], [n, fields]: constants, and what rises along all coordinates alike."""
    fields = points.new_zeros(len(points), len(problem.branches))
    if problem.reference:
        fields = fields + points.new_tensor(problem.reference)
    if problem.tilt:
        low, high = points.new_tensor(problem.domain.bounds).unbind(1)
        along = ((2 * points - low - high) / (high - low)).sum(dim=1, keepdim=True)
        fields = fields + along * points.new_tensor(problem.tilt)
    return fields


def reference_jets(term: Term, points: Tensor, problem: Problem) -> dict[Alpha, Tensor]:
    """The derivatives that a term needs, of the fields of reference, each [n, fields]."""
    jets = zero_jets(term, points, len(problem.branches))
    if term.partner is None and (problem.reference or problem.tilt):
        for alpha in jets:
            if not any(alpha):
                jets[alpha] = reference_fields(problem, points)
            elif sum(alpha) == 1 and problem.tilt:
                low, high = problem.domain.bounds[alpha.index(1)]
                jets[alpha] = (2 / (high - low) * points.new_tensor(problem.tilt)).repeat(len(points), 1)
    return jets


def residuals(
    problem: Problem,
    placed: Placed,
    points: Tensor,
    jets: Mapping[Alpha, Tensor],
    parameters: Sequence[Tensor],
    rows: Tensor | slice | None = None,
) -> tuple[dict[str, Tensor], list[Tensor]]:
    """The named residuals of a term, each [n], and the tensors of its derivatives that they were computed from.

    Args:
        problem: What the term belongs to.
        placed: The term and all its points.
        points: Those of ``rows``, in the dtype and on the device of the jets, [n, d].
        jets: The derivatives it needs, each [n, fields].
        parameters: The unknown scalars, each [n] or [].
        rows: Which rows of the term's points these are, a slice or indices; by default all.
    """
    normals = placed.cloud.normals
    rows = slice(None) if rows is None else rows
    frame = Frame(
        problem.domain.coordinates,
        points,
        time=problem.domain.time,
        normals=None if normals is None else normals[rows].to(points),
        rows=rows,
    )
    if placed.term.trace.over_space:
        frame.integrate = placed.integrate or stand_in(points)
    source = GivenSource(_scaled(problem, placed.term, _beside(problem, placed.term, jets)))
    fields = {name: Field(frame, source, k, name=name) for k, name in enumerate(problem.branches)}
    named = placed.term.evaluate(frame, {**fields, **dict(zip(problem.parameters, parameters, strict=True))})
    return named, [frame.entry(source, *key) for key in placed.term.trace.asked]


def _beside(problem: Problem, term: Term, jets: Mapping[Alpha, Tensor]) -> Mapping[Alpha, Tensor]:
    """The derivatives of whole fields from those of fields beside constants; jumps have none of these."""
    if not any(problem.base) or term.partner is not None:
        return jets
    return {alpha: jet if any(alpha) else jet + jet.new_tensor(problem.base) for alpha, jet in jets.items()}


def _scaled(problem: Problem, term: Term, jets: Mapping[Alpha, Tensor]) -> Mapping[Alpha, Tensor]:
    """The derivatives as functions see them."""
    factors = _factors(problem, term, tuple(jets))
    return (
        {alpha: factors[alpha] * jet if alpha in factors else jet for alpha, jet in jets.items()} if factors else jets
    )


def _factors(problem: Problem, term: Term, alphas: Sequence[Alpha]) -> dict[Alpha, float]:
    """By what functions see some derivatives larger: those of highest order, and those along what is mirrored."""
    factors: dict[Alpha, float] = {}
    if term.boost != 1.0:
        highest = max(map(sum, alphas))
        factors = {alpha: term.boost for alpha in alphas if sum(alpha) == highest}
    if problem.mirrored is not None:
        factors |= {alpha: -factors.get(alpha, 1.0) for alpha in alphas if alpha[problem.mirrored] % 2}
    return factors


@torch.enable_grad()
def linearize(
    problem: Problem,
    placed: Placed,
    points: Tensor,
    jets: Mapping[Alpha, Tensor],
    parameters: Sequence[Tensor],
    rows: Tensor | slice | None = None,
    *,
    slopes: bool = True,
) -> dict[str, Linearized]:
    """The named residuals with their slopes; ``parameters`` are numbers, [] each."""
    spread = [value.detach().expand(len(points)).clone().requires_grad_() for value in parameters]
    named, entries = residuals(problem, placed, points, jets, spread, rows)
    asked = placed.term.trace.asked
    factors = _factors(problem, placed.term, placed.term.trace.alphas)
    by_name = {}
    for name, residual in named.items():
        linearized = by_name[name] = Linearized(residual.detach(), {}, {})
        if slopes and residual.requires_grad:
            own = partials(residual, [*entries, *spread])
            known = [None if slope is None else slope.detach() for slope in own]
            linearized.slopes = {
                (k, alpha): factors[alpha] * slope if alpha in factors else slope
                for (k, alpha), slope in zip(asked, known, strict=False)
                if slope is not None
            }
            by_parameter = enumerate(known[len(asked) :])
            linearized.by_parameter = {k: slope for k, slope in by_parameter if slope is not None}
    return by_name


def probed(problem: Problem, term: Term, cloud: Cloud, generator: torch.Generator) -> dict[str, Linearized]:
    """A term linearised at points, for fields and derivatives of them that are random numbers from 0.5 to 1.5."""
    shape = (len(cloud), len(problem.branches))
    jets = {a: 0.5 + torch.rand(*shape, generator=generator, dtype=torch.float64) for a in term.trace.alphas}
    return linearize(problem, Placed(term, cloud), cloud.points, jets, ())
