"""A march as an approximate solution."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby

import torch
from torch import Tensor

from gmnm_pde.evolution.reading.faces import parts_of
from gmnm_pde.evolution.reading.statements import Statements
from gmnm_pde.evolution.space.integrals import integrals
from gmnm_pde.evolution.steps import Step
from gmnm_pde.fitting.fit import fields_from
from gmnm_pde.fitting.inspection import CONDITIONS, INTERIOR, Inspected, Rows, sizes_of
from gmnm_pde.geometry import Region
from gmnm_pde.models import Evolved, Normalized, Stretch
from gmnm_pde.models.modes import Product
from gmnm_pde.residuals.pointwise import Linearized, Placed, jets_of, linearize, zero_jets
from gmnm_pde.sampling import Cloud, sample, stream, unit_points
from gmnm_pde.statement.terms import Term

_HELD_OUT = 1000
"""Points at which residuals are reported, of each equation."""

_TIMES = 12
"""Times at which equations with integrals over space are looked at."""

_CONDITIONS = 200
"""The same of each condition."""

_AT_FIRST = 0.01
"""What initial conditions on derivatives that follow from the equations leave is beside this part of their sizes."""


@dataclass(frozen=True)
class Told:
    """What is told of a march beside its steps.

    Attributes:
        stopped: The event that ended it before the final time, if one did.
        events: Times of events, by name.
        drifts: The largest changes of invariants, relative to their sizes, by name.
        noise: What rounding makes of fields, [fields]; None where that is not known.
    """

    stopped: str = ""
    events: Mapping[str, list[float]] = field(default_factory=dict)
    drifts: Mapping[str, float] = field(default_factory=dict)
    noise: Tensor | None = None


class Marched:
    """The steps of a march, as adaptive methods and reports see an approximation (``fitting/approximation.py``).

    Args:
        statements: What was marched.
        steps: Those taken.
        seed: Of the points at which residuals are reported.
        reached: Whether they reach the final time.
        counts: What was done.
        told: What is told of the march beside its steps.
    """

    widths: tuple[float, ...] = ()
    trained = 0
    fits: tuple = ()
    components: int | None = None

    def __init__(
        self,
        statements: Statements,
        steps: Sequence[Step],
        seed: int,
        *,
        reached: bool,
        counts: Mapping[str, int],
        told: Told | None = None,
    ):
        self.statements, self.problem, self.told = statements, statements.stated, told or Told()
        self.steps, self.seed, self.reached, self.counts = tuple(steps), seed, reached, dict(counts)

    @property
    def end(self) -> float:
        """The time of the march that was reached."""
        return self.steps[-1].start + self.steps[-1].length

    @property
    def until(self) -> float:
        """The time of the problem that was reached."""
        return self.statements.when(self.end)

    @cached_property
    def model(self) -> Normalized:
        """The steps as one function of the coordinates."""
        stretches, kept = [], []
        for _, group in groupby(self.steps, key=lambda step: id(step.basis)):
            own = list(group)
            basis = own[0].basis
            plain = Product([line.plain() for line in basis.lines])
            times = torch.tensor([[getattr(s, name) for s in own] for name in ("start", "length")], dtype=torch.float64)
            states = torch.stack([step.states for step in own])
            kept += [replace(step, states=held) for step, held in zip(own, states, strict=True)]
            states = states if plain.lines == basis.lines else basis.transfer(states, plain)
            stretches.append(Stretch(plain.lines, times[0], times[1], states))
        self.steps = tuple(kept)  # which hold the model's own numbers where these are the same
        whole, space = self.reached and not self.told.stopped, self.statements.space
        parts = [[part.bounds[k] for k in space] for part in parts_of(self.problem.domain).values()]
        inner = Evolved.of(stretches, self.statements.axis, whole=whole, parts=parts)
        box = [(-1.0, 1.0)] * self.problem.domain.dimension
        if self.statements.mirrored:
            middle = self.statements.start + self.statements.end
            box[self.statements.axis] = (middle + 1.0, middle - 1.0)
        return Normalized(inner, box)

    @property
    def converged(self) -> bool:
        return self.reached

    @property
    def unknowns(self) -> int:
        """The most coefficients at one time."""
        return len(self.problem.fields) * max(step.basis.count for step in self.steps)

    @property
    def points(self) -> int:
        """Of the quadrature in space, the most."""
        return max(len(step.basis.points) for step in self.steps)

    @property
    def parameters(self) -> dict[str, float]:
        return {}

    @property
    def theta(self) -> Tensor:
        return self.steps[-1].states[-1].flatten()

    def outputs(self, points: Tensor) -> Tensor:
        return fields_from(self.problem, points, self.solved_for(points))

    @torch.no_grad()
    def solved_for(self, points: Tensor) -> Tensor:
        return self.model(points.cpu()).to(points.device)  # marched on the CPU, wherever other fits are

    def in_steps(self, count: int) -> tuple[Tensor, Tensor]:
        """About so many points, as many in each step, [n, d], and how much of the domain each stands for, [n].

        Half of them are spread over the cells, however short these are, for what the long ones do not hold.
        """
        each, space = -(-count // len(self.steps)), len(self.statements.space)
        unit = unit_points(each * len(self.steps), 1 + space, "sobol", seed=stream(self.seed, "held out"))
        points, weights, first = unit.new_empty(unit.shape), [], 0
        for _, group in groupby(self.steps, key=lambda step: id(step.basis)):
            own = list(group)
            among = slice(first, first + each * len(own))
            first = among.stop
            starts, lengths = (
                torch.tensor([getattr(step, name) for step in own], dtype=torch.float64).repeat_interleave(each)
                for name in ("start", "length")
            )
            points[among, self.statements.axis] = self.statements.when(starts + unit[among, 0] * lengths)
            for k, (axis, line) in enumerate(zip(self.statements.space, own[0].basis.lines, strict=True)):
                points[among, axis], shares = line.spread(unit[among, 1 + k])
                lengths = lengths * shares
            weights.append(lengths)
        return points, torch.cat(weights)

    @property
    def loss(self) -> float:
        squares = [values.square().mean().item() for values in self.named_residuals().values()]
        return sum(squares) / len(squares)

    def named_residuals(self) -> dict[str, Tensor]:
        """The residuals on held-out points, up to the time that was reached."""
        return {name: values[values.isfinite()] for name, values in self._residuals.items()}

    @cached_property
    def _residuals(self) -> dict[str, Tensor]:
        every = self.on(_HELD_OUT, _CONDITIONS)
        return {name: own.residual for _, _, by_name in every for name, own in by_name.items()}

    def inspected(self, seed: int) -> list[Inspected]:
        """Every named residual on points that were never used before, beside the size of its own terms."""
        fresh = Marched(
            self.statements, self.steps, stream(seed, "inspection"), reached=self.reached, counts={}, told=self.told
        )
        rows: dict[str, Rows] = {}
        placed = fresh.on(INTERIOR, CONDITIONS, slopes=True)
        inside = torch.cat([points for one, points, _ in placed if one.term.group == "interior"])
        keys = {key for one, _, _ in placed for key in one.term.trace.asked}
        sizes = sizes_of(self.model, [inside], keys, self.problem, "closed")
        for one, points, by_name in placed:
            zero = linearize(self.problem, one, points, zero_jets(one.term, points, len(self.problem.branches)), ())
            for name, own in by_name.items():
                # one statement in all parts: in some of them it may say no more than 0 = 0
                known = rows.setdefault(name.removesuffix(one.term.suffix), Rows())
                known.residuals.append(own.residual)
                known.at_zero.append(zero[name].residual)
                parts = (abs(c) * sizes[key] for key, c in own.slopes.items())
                terms = sum(parts, torch.zeros_like(own.residual))
                if self._follows(one.term):  # which may be far smaller at the beginning than later
                    terms = _AT_FIRST * terms + (own.residual - zero[name].residual).abs()
                known.terms.append(terms)
                known.points.append(points)
        return [own.inspected(name, self.problem.domain.coordinates) for name, own in rows.items()]

    def on(
        self, interior: int, conditions: int, *, slopes: bool = False
    ) -> list[tuple[Placed, Tensor, dict[str, Linearized]]]:
        """Every term at points of its own, with its residuals."""
        found = []
        for number, term in enumerate(self.problem.terms):
            if self._is_void(term):
                continue
            if term.trace.over_space:
                found.append(self._over_space(term, number, slopes=slopes))
                continue
            charts = term.region.charts if isinstance(term.region, Region) else ()
            count = interior if term.group == "interior" else max(conditions, len(charts))
            cloud = sample(term.region, count, "sobol", seed=stream(self.seed, "held out", number + 1))
            placed = Placed(term, cloud)
            jets = jets_of(self.model, term, cloud.points, "closed")
            found.append((placed, cloud.points, linearize(self.problem, placed, cloud.points, jets, (), slopes=slopes)))
        return found

    def _over_space(self, term: Term, number: int, *, slopes: bool) -> tuple[Placed, Tensor, dict[str, Linearized]]:
        """The same for a term with integrals over space, on whole grids at some times."""
        generator = torch.Generator().manual_seed(stream(self.seed, "held out", number + 1))
        start, basis = self.statements.start, self.steps[-1].basis
        times = start + (self.end - start) * torch.rand(_TIMES, generator=generator, dtype=torch.float64)
        points = self.statements.joined(basis.points, times)
        placed = Placed(term, Cloud(points), integrate=integrals(basis))
        jets = jets_of(self.model, term, points, "closed")
        return placed, points, linearize(self.problem, placed, points, jets, (), slopes=slopes)

    def _is_void(self, term: Term) -> bool:
        """Whether an initial condition is none of the solution's: it gives what equations determine, from which they
        are free to differ or which was held beside them before, or an event at the beginning changes it.
        """  # noqa: D205
        if term.group != "initial":
            return False
        if any(self.statements.start in times for times in self.told.events.values()):
            return True
        judged = 0 if self.statements.space else 2
        return all(0 <= higher < (judged if order else 1) for higher, order in self._above(term))

    def _follows(self, term: Term) -> bool:
        """Whether it is an initial condition on derivatives that follow from the equations."""
        return term.group == "initial" and any(higher >= 0 < order for higher, order in self._above(term))

    def _above(self, term: Term) -> list[tuple[int, int]]:
        """By how much the orders in time that a term asks for are above those of the fields, and these."""
        axis, orders = self.statements.axis, self.statements.orders
        own = [(alpha[axis], orders[branch % len(orders)]) for branch, alpha in term.trace.asked]
        return [(asked - order, order) for asked, order in own]


def _finite(values: Tensor) -> Tensor:
    return values[torch.isfinite(values)]
