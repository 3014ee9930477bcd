"""Polynomials, and beside them functions around holes, as Laurent's series has powers that are singular in them.

A field that goes around a hole, such as (-y, x) / r^2, is no limit of a few polynomials or of components that are
smooth in the hole. In polar coordinates around the hole it is simple.
"""

import itertools
import math
from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor, nn

from gmnm_pde.geometry.topology import Hole
from gmnm_pde.multiindex import Alpha, Operator, below, leibniz

_TINY = 1e-6
"""Distances from a centre count as no less than this part of the extent of the domain."""

_FEWER, _FIRST, _MANY = 3, 3, 3
"""Around holes degrees are so many times lower, and then more by the second number, or where there are many by one:
what goes on in corners far off is more."""

_THIN = 1e-3
"""Half the range of the logarithm of squared distances is no less than this."""


class Laurent(nn.Module):
    """Polynomials on a box; around each hole, polynomials in the logarithm of the distance from it times waves.

    Features are in ascending order of their degree; around holes the highest counts as much as that of polynomials.

    Args:
        bounds: The box, (low, high) by coordinate.
        holes: What the domain goes around.
        points: Of the domain, [n, d], which show how far it is from the holes.
        degree: The highest degree.
        outputs: How many fields there are.
    """

    def __init__(
        self, bounds: Sequence[Sequence[float]], holes: Sequence[Hole], points: Tensor, degree: int, outputs: int
    ):
        super().__init__()
        around = degree // _FEWER + (_FIRST if len(holes) < _MANY else 1)
        self.parts = [Products(bounds, degree), *(Around(bounds, hole, points, around) for hole in holes)]
        degrees = torch.cat([self.parts[0].degrees, *(part.degrees * degree / around for part in self.parts[1:])])
        self._order = degrees.argsort(stable=True)
        self.degrees = degrees[self._order]
        self.weights = nn.Parameter(torch.zeros(outputs, len(degrees), dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        """The fields at x [n, d]: [n, outputs]."""
        return self.features(x) @ self.weights.mT

    def features(self, x: Tensor) -> Tensor:
        """The features at x [n, d]: [n, features]."""
        zero = (0,) * x.shape[1]
        return self._jets(x, [zero])[zero]

    def feature_combination(self, x: Tensor, coefficients: Operator) -> Tensor:
        """sum_alpha c_alpha D^alpha of every feature at x [n, d], for c_alpha of shape [n] or []: [n, features]."""
        jets = self._jets(x, list(coefficients))
        terms = [torch.as_tensor(c)[..., None] * jets[alpha] for alpha, c in coefficients.items()]
        return torch.stack(terms).sum(dim=0)

    def output_jet(self, x: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        """Derivatives of the fields at x [n, d]: for each alpha, [n, outputs]."""
        return {alpha: jet @ self.weights.mT for alpha, jet in self._jets(x, list(alphas)).items()}

    @property
    def readout(self) -> Tensor:
        """The weights of the features, [outputs, features]."""
        return self.weights

    @torch.no_grad()
    def set_readout(self, readout: Tensor) -> None:
        """Put other weights in place."""
        self.weights.copy_(readout)

    def up_to(self, degree: float) -> int:
        """How many features have no higher degree than this; they come first."""
        return int((self.degrees <= degree).sum())

    def _jets(self, x: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        by_part = [part.jets(x, alphas) for part in self.parts]
        return {alpha: torch.cat([jets[alpha] for jets in by_part], dim=1)[:, self._order] for alpha in alphas}


class Products:
    """Products of Chebyshev's polynomials of the coordinates, scaled to a box."""

    def __init__(self, bounds: Sequence[Sequence[float]], degree: int):
        box = torch.tensor(bounds, dtype=torch.float64)
        self._middle, self._half, self._degree = box.mean(dim=1), (box[:, 1] - box[:, 0]) / 2, degree
        self._slope = slopes_of_chebyshev(degree)
        self._table, self.degrees = _up_to(degree, [torch.arange(degree + 1)] * len(bounds))

    def along(self, x: Tensor, axis: int, order: int) -> Tensor:
        """A derivative of the polynomials of one coordinate, [n, degree + 1]."""
        unit = (x[:, axis] - self._middle[axis]) / self._half[axis]
        return chebyshev(unit, self._degree) @ (self._slope / self._half[axis]).matrix_power(order)

    def jets(self, x: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        """Derivatives of all products, [n, count] each."""
        orders = [{alpha[axis] for alpha in alphas} for axis in range(x.shape[1])]
        factors = {(axis, m): self.along(x, axis, m) for axis, own in enumerate(orders) for m in own}
        jets = {}
        for alpha in alphas:
            parts = [factors[one][:, numbers] for one, numbers in zip(enumerate(alpha), self._table, strict=True)]
            jets[alpha] = math.prod(parts[1:], start=parts[0])
        return jets


class Around:
    """Around a hole: polynomials in the logarithm of the distance r, times waves, times polynomials along its axis.

    A wave of degree l is h(x) / r^l, with a homogeneous polynomial h of the way x from the centre.
    """

    def __init__(self, bounds: Sequence[Sequence[float]], hole: Hole, points: Tensor, degree: int):
        self._axis, self._degree, self._products = hole.axis, degree, Products(bounds, degree)
        self._across = [k for k in range(len(bounds)) if k != hole.axis]
        self._center = torch.tensor(hole.center, dtype=torch.float64)[self._across]
        least = (_TINY * max(high - low for low, high in bounds)) ** 2
        low, high = (points[:, self._across] - self._center).square().sum(dim=1).clamp_min(least).log().aminmax()
        self._scale, self._half = ((low + high) / 4).exp(), ((high - low) / 2).clamp_min(_THIN)
        self._waves = Circle(degree) if len(self._across) == 2 else Sphere(degree)
        line, levels = torch.arange(degree + 1), self._waves.levels
        table, self.degrees = _up_to(degree, [line, levels, *([] if hole.axis is None else [line])])
        self._radial_column, self._wave = levels[table[1]] * (degree + 1) + table[0], table[1]
        self._along = table[2] if len(table) > 2 else None

    def jets(self, x: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        """Derivatives of all products, [n, count] each."""
        across = {alpha: tuple(alpha[k] for k in self._across) for alpha in alphas}
        away = (x[:, self._across] - self._center) / self._scale
        square = away.square().sum(dim=1).clamp_min(_TINY**2)
        by_square = [self._by_square(square, order) for order in range(max(map(sum, alphas)) + 1)]
        needed = below(set(across.values()))
        radial = {gamma: _of_square(gamma, away, by_square)[:, self._radial_column] for gamma in needed}
        waves = {beta: self._waves.derivative(away, beta)[:, self._wave] for beta in needed}
        jets = {}
        for alpha, own in across.items():
            terms = [ways * radial[rest] * waves[beta] for beta, rest, ways in leibniz(own)]
            jets[alpha] = sum(terms[1:], start=terms[0]) / self._scale ** sum(own)
            if self._axis is not None:
                jets[alpha] = jets[alpha] * self._products.along(x, self._axis, alpha[self._axis])[:, self._along]
        return jets

    def _by_square(self, square: Tensor, order: int) -> Tensor:
        """A derivative by q = r^2 of r^-l T_j(log q) for every l and j, [n, levels, count].

        The operator q d/dq is a matrix E on polynomials in log q, and the derivative of order m of q^(-l/2) f is
        q^(-l/2 - m) (E - l/2) (E - l/2 - 1) ... (E - l/2 - m + 1) f.
        """
        count = self._degree + 1
        power = torch.arange(count, dtype=torch.float64) + (len(self._across) - 2) / 2
        matrix = torch.eye(count, dtype=torch.float64).expand(count, count, count)
        slope = slopes_of_chebyshev(self._degree) / self._half
        for k in range(order):
            matrix = matrix @ (slope - (power + k)[:, None, None] * torch.eye(count, dtype=torch.float64))
        values = chebyshev(square.log() / self._half, self._degree)
        return (square[:, None] ** (-power - order))[:, :, None] * (values @ matrix.mT.flatten(0, 1).mT).unflatten(
            1, (count, count)
        )


def _of_square(alpha: Alpha, away: Tensor, by_square: Sequence[Tensor]) -> Tensor:
    """D^alpha of functions of the square of ``away`` [n, d], from their derivatives by it: [n, functions]."""
    total = torch.zeros_like(by_square[0])
    for halves in itertools.product(*[range(order // 2 + 1) for order in alpha]):
        factor = torch.ones_like(away[:, 0])
        for axis, (order, k) in enumerate(zip(alpha, halves, strict=True)):
            ways = math.factorial(order) / (math.factorial(k) * math.factorial(order - 2 * k))
            factor = factor * ways * (2 * away[:, axis]) ** (order - 2 * k)
        total = total + factor[:, None, None] * by_square[sum(alpha) - sum(halves)]
    return total.flatten(1)


class Circle:
    """The real and imaginary parts of (x + i y)^m."""

    def __init__(self, degree: int):
        self.levels = (torch.arange(2 * degree + 1) + 1) // 2
        self._degree = degree

    def derivative(self, away: Tensor, beta: Alpha) -> Tensor:
        """One of all, [n, count]."""
        order, powers = sum(beta), torch.arange(self._degree + 1)
        z = torch.complex(away[:, 0], away[:, 1])[:, None] ** (powers - order).clamp_min(0)
        z = z * _falling(powers, order) * 1j ** beta[1]
        return torch.view_as_real(z).flatten(1)[:, [0, *range(2, 2 * self._degree + 2)]]


class Sphere:
    """Monomials x^a y^b z^c with c of 0 or 1, which are all polynomials on the sphere."""

    def __init__(self, degree: int):
        line = torch.arange(degree + 1)
        self._powers, self.levels = _up_to(degree, [line, line, torch.arange(2)])

    def derivative(self, away: Tensor, beta: Alpha) -> Tensor:
        """One of all, [n, count]."""
        parts = [
            away[:, k, None] ** (own - order).clamp_min(0) * _falling(own, order)
            for k, (own, order) in enumerate(zip(self._powers, beta, strict=True))
        ]
        return parts[0] * parts[1] * parts[2]


def _falling(powers: Tensor, order: int) -> Tensor:
    """The factors p (p - 1) ... of the derivatives of powers; zero where nothing is left."""
    return torch.stack([torch.ones_like(powers), *(powers - k for k in range(order))]).prod(dim=0).double()


def _up_to(degree: int, kinds: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """The products of functions up to a total degree, from the degrees of those of each kind.

    Their numbers, [kinds, count], and the degrees of the products, [count].
    """
    degrees = torch.cartesian_prod(*kinds).reshape(-1, len(kinds)).sum(dim=1)
    numbers = torch.cartesian_prod(*[torch.arange(len(kind)) for kind in kinds]).reshape(-1, len(kinds))
    kept = degrees <= degree
    return numbers[kept].T, degrees[kept]


def chebyshev(t: Tensor, degree: int) -> Tensor:
    """Chebyshev's polynomials up to a degree at t [n], [n, degree + 1]."""
    values = [torch.ones_like(t), t]
    for _ in range(degree - 1):
        values.append(2 * t * values[-1] - values[-2])
    return torch.stack(values[: degree + 1], dim=1)


@cache
def slopes_of_chebyshev(degree: int) -> Tensor:
    """D with T' = T D for Chebyshev's polynomials up to a degree, [degree + 1, degree + 1]."""
    k = torch.arange(degree + 1, dtype=torch.float64)
    later = (k[None, :] > k[:, None]) & ((k[None, :] - k[:, None]) % 2 == 1)
    slopes = later * 2 * k[None, :]
    slopes[0] /= 2
    return slopes
