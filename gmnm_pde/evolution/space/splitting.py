"""Equations as what is linear with constant coefficients, and the rest.

The first part acts on coefficients of modes, where derivatives are cheap; only what the rest asks for is evaluated at
the points of the quadrature.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gmnm_pde.evolution.reading.statements import Statements
from gmnm_pde.evolution.space.integrals import integrals
from gmnm_pde.models.modes import Product, Waves
from gmnm_pde.multiindex import Alpha
from gmnm_pde.residuals.pointwise import Linearized, Placed, linearize
from gmnm_pde.sampling import Cloud, sample
from gmnm_pde.statement.probes import Drawn, Place, Probe
from gmnm_pde.statement.terms import Term

_PROBES = 24
"""Points at which slopes are looked at, to learn which are constant."""

_SIZES = (0.0, 1e-3, 1.0, 30.0)
"""How large the fields and their derivatives are there."""

Entry = tuple[str, int, Alpha]
"""A slope: of a named residual, by a derivative of a field."""

Numbers = Mapping[Entry, float]


def constant_slopes(statements: Statements) -> dict[Entry, float]:
    """The slopes that are the same everywhere, at all times and for all fields, as far as probes tell."""
    found: dict[Entry, float] = {}
    for term in statements.equations:
        seen: dict[Entry, list[Tensor]] = {}
        bent = _bent(statements, term)
        cloud = sample(term.region, _PROBES, "sobol", seed=2)
        for number, size in enumerate(_SIZES):
            generator = torch.Generator().manual_seed(number)
            shape = (len(cloud), len(statements.orders))
            jets = {a: size * torch.randn(*shape, generator=generator, dtype=torch.float64) for a in term.trace.alphas}
            for name, own in linearize(statements.problem, Placed(term, cloud), cloud.points, jets, ()).items():
                for key in term.trace.asked:
                    seen.setdefault((name, *key), []).append(own.slopes.get(key, torch.zeros(1, dtype=torch.float64)))
        for entry, parts in seen.items():
            slopes = torch.cat(parts)
            if entry[1:] not in bent.get(entry[0], ()) and bool((slopes == slopes[0]).all()):
                found[entry] = slopes[0].item()
    return found


def _bent(statements: Statements, term: Term) -> Mapping[str, AbstractSet[tuple[int, Alpha]]]:
    """By residual the derivatives by which a term's slopes may be anything where no probe is, as near some value."""
    if term.trace.linear:
        return {}
    problem, place = statements.problem, Place.first(sample(term.region, 2, "sobol", seed=2), 2)
    source = Drawn(lambda output, alpha: torch.full((len(place),), 0.7 + 0.1 * output, dtype=torch.float64))
    return Probe(term, problem.domain, problem.branches, place, source, {}).bent()


def is_sum_of_lines(statements: Statements) -> bool:
    """Whether each equation is about its own field alone, with constant coefficients, one coordinate at a time."""
    known = constant_slopes(statements)
    for term in statements.equations:
        for name, (number, alpha) in ((name, key) for name in term.trace.names for key in term.trace.asked):
            factor = known.get((name, number, alpha))
            orders, in_time = statements.split(alpha)
            plain = sum(1 for order in orders if order) <= (0 if in_time else 1) and not any(k % 2 for k in orders)
            if factor is None or (factor and not (plain and statements.tested[name] == number)):
                return False
    return True


@dataclass
class Varying:
    """Slopes at the stages' points, [stages, n] each, beside constants."""

    slopes: dict[Entry, Tensor] = field(default_factory=dict)

    def to(self, dtype: torch.dtype) -> "Varying":
        """The same in another precision."""
        return Varying({entry: slope.to(dtype) for entry, slope in self.slopes.items()})


class Split:
    """The equations of one basis, split.

    Residuals and products are [stages, fields, modes].

    Args:
        statements: The problem.
        basis: Of its space.
    """

    def __init__(self, statements: Statements, basis: Product):
        self.statements, self.basis = statements, basis
        self.constants = constant_slopes(statements)
        self._whole = True
        self._symbols: dict[tuple[str, int, int], Tensor] = {}
        self._collect()

    def _collect(self) -> None:
        """Which derivatives are evaluated at points, and which act on coefficients: of these on a torus all of even
        orders together.
        """  # noqa: D205
        self._asked: dict[str, list[tuple[int, Alpha]]] = {}
        self._even: dict[tuple[str, int, int], Tensor] = {}
        self._odd: dict[Entry, float] = {}
        torus = all(isinstance(line, Waves) for line in self.basis.lines)
        ones = torch.ones(self.basis.count, dtype=torch.float64)
        for term in self.statements.equations:
            names, asked = term.trace.names, term.trace.asked
            inside = [key for key in asked if all((name, *key) in self.constants for name in names)]
            self._asked[term.name] = [key for key in asked if key not in inside]
            for name, (number, alpha) in ((name, key) for name in names for key in inside):
                factor = self.constants[name, number, alpha]
                orders, in_time = self.statements.split(alpha)
                if torus and not any(k % 2 for k in orders):
                    known = self._even.get((name, number, in_time), 0.0)
                    self._even[name, number, in_time] = known + factor * self.basis.differentiated(ones, orders)
                elif factor:
                    self._odd[name, number, alpha] = factor

    def residual(self, times: Tensor, jets: Sequence[Tensor]) -> Tensor:
        """What the equations leave at some times."""
        return self._sum(times, jets, slopes=False)[0]

    def linearized(self, times: Tensor, jets: Sequence[Tensor]) -> tuple[Tensor, Varying]:
        """The same, and the slopes that are not constant."""
        if self._whole:  # once with everything at the points, in case that probes were wrong
            self._whole = False
            self._correct(times, jets)
        return self._sum(times, jets, slopes=True)

    def _constant(self, jets: Sequence[Tensor]) -> Tensor:
        """What acts on coefficients."""
        total = torch.zeros_like(jets[0])
        for (name, number, in_time), symbol in self._even.items():
            total[:, self.statements.tested[name]] += symbol.to(total) * jets[in_time][:, number]
        for (name, number, alpha), factor in self._odd.items():
            orders, in_time = self.statements.split(alpha)
            own = factor * self.basis.differentiated(jets[in_time][:, number], orders)
            total[:, self.statements.tested[name]] += own
        return total

    def varying(self, differences: Varying, jets: Sequence[Tensor]) -> Tensor:
        """The product of slopes at points and jets."""
        total = torch.zeros_like(jets[0])
        values: dict[tuple[int, Alpha], Tensor] = {}
        sums: dict[str, Tensor] = {}
        for (name, number, alpha), slope in differences.slopes.items():
            if (number, alpha) not in values:
                orders, in_time = self.statements.split(alpha)
                values[number, alpha] = self.basis.values(jets[in_time][:, number], orders)
            if name in sums:
                sums[name].addcmul_(slope, values[number, alpha])
            else:
                sums[name] = slope * values[number, alpha]
        for name, own in sums.items():
            total[:, self.statements.tested[name]] = self.basis.projected(own)
        return total

    def _sum(self, times: Tensor, jets: Sequence[Tensor], *, slopes: bool) -> tuple[Tensor, Varying]:
        points = self.statements.joined(self.basis.points, times)
        total, varying = self._constant(jets), Varying()
        for term in self.statements.equations:
            values = self._values(term, jets, points, self._asked[term.name])
            placed = Placed(term, Cloud(points), integrate=integrals(self.basis))
            for name, own in linearize(self.statements.problem, placed, points, values, (), slopes=slopes).items():
                by_time = own.residual.unflatten(0, (len(times), -1))
                if bool(by_time.any()):
                    total[:, self.statements.tested[name]] += self.basis.projected(by_time)
                if slopes:
                    self._note(varying, name, own, len(times))
        return total, varying

    def _note(self, varying: Varying, name: str, linearized: Linearized, times: int) -> None:
        for (number, alpha), slope in linearized.slopes.items():
            if (name, number, alpha) not in self.constants:
                varying.slopes[name, number, alpha] = slope.unflatten(0, (times, -1))

    def _values(
        self, term: Term, jets: Sequence[Tensor], points: Tensor, asked: Sequence[tuple[int, Alpha]]
    ) -> dict[Alpha, Tensor]:
        """The derivatives that a term asks for at the points, [times * n, fields]; zero where its slope is constant."""
        zero = points.new_zeros(len(points))
        values = {}
        for alpha in term.trace.alphas:
            orders, in_time = self.statements.split(alpha)
            columns = [
                self.basis.values(jets[in_time][:, number], orders).flatten() if (number, alpha) in asked else zero
                for number in range(len(self.statements.orders))
            ]
            values[alpha] = torch.stack(columns, dim=1)
        return values

    def _correct(self, times: Tensor, jets: Sequence[Tensor]) -> None:
        """Slopes that are not constant at the true state are none."""
        points, problem = self.statements.joined(self.basis.points, times), self.statements.problem
        wrong: list[Entry] = []
        for term in self.statements.equations:
            values = self._values(term, jets, points, term.trace.asked)
            for name, own in linearize(problem, Placed(term, Cloud(points)), points, values, ()).items():
                for key in term.trace.asked:
                    slope = own.slopes.get(key, torch.zeros(1, dtype=torch.float64))
                    known = self.constants.get((name, *key))
                    if known is not None and not bool((slope == known).all()):
                        wrong.append((name, *key))
        for entry in wrong:
            del self.constants[entry]
        if wrong:
            self._collect()
