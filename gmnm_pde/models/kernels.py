"""The forms of a Gaussian component phi, with derivatives of every order in closed form.

======== =============================================== ==================================
form     component                                       parameters besides the centre mu
======== =============================================== ==================================
affine   exp(-(a . (x - mu))^2 / 2), a ridge             a [d]
literal  the same ridge, y = sum_n alpha_n LP_n + beta   A [m, d], b [m], alpha [m], beta
diagonal exp(-norm(s * (x - mu))^2 / 2)                  s [d]
full     exp(-norm(A (x - mu))^2 / 2)                    A [d, d]
======== =============================================== ==================================

Every kernel answers three questions, for all components and points at once: a linear combination of derivatives of
each component (``combine``), derivatives of weighted sums of components (``contract``), and a linear combination of
derivatives of such sums (``mix``).
"""

import math
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import zip_longest

import torch
from torch import Tensor, nn

from gmnm_pde.models.hermite import hermite, multivariate_hermite
from gmnm_pde.models.ridges import ridge_sums

Alpha = tuple[int, ...]


def _directions(components: int, d: int, norm: float) -> Tensor:
    directions = torch.randn(components, d)
    return norm * directions / directions.norm(dim=1, keepdim=True).clamp_min(1e-12)


class Kernel(nn.Module, ABC):
    """A form: components [n, components] at points, with their derivatives, for given centres [components, d]."""

    @abstractmethod
    def forward(self, x: Tensor, centers: Tensor) -> Tensor:
        """The components at x [n, d]."""

    @abstractmethod
    def combine(self, x: Tensor, centers: Tensor, coefficients: Mapping[Alpha, Tensor]) -> Tensor:
        """sum_alpha c_alpha D^alpha phi_j, for c_alpha of shape [n] or []."""

    @abstractmethod
    def contract(self, x: Tensor, centers: Tensor, alphas: Sequence[Alpha], weights: Tensor) -> dict[Alpha, Tensor]:
        """sum_j w_oj D^alpha phi_j, for each alpha [n, outputs]."""

    def mix(self, x: Tensor, centers: Tensor, coefficients: Mapping[Alpha, Tensor | float], weights: Tensor) -> Tensor:
        """sum_j w_oj sum_alpha c_alpha D^alpha phi_j, for c_alpha a number or of shape [n] or []: [n, outputs]."""
        tensors = {alpha: torch.as_tensor(c, dtype=x.dtype, device=x.device) for alpha, c in coefficients.items()}
        return self.combine(x, centers, tensors) @ weights.mT

    @abstractmethod
    def set_slopes(self, slopes: Tensor) -> None:
        """Put components of the given slopes [components, d] in place, aligned with the coordinates for bumps."""

    @abstractmethod
    def precisions(self) -> Tensor:
        """P of each component, phi = exp(-z.P z / 2): [components, d, d]."""


class Ridge(Kernel):
    """Derivatives of phi = exp(-y^2/2) with y = a . x + b: D^alpha phi = a^alpha (-1)^k He_k(y) phi, k = |alpha|.

    All derivatives of one order share the polynomial, so an operator costs one polynomial for each order, whatever the
    number of its terms.
    """

    @abstractmethod
    def slopes(self) -> Tensor:
        """a, [components, d]."""

    @abstractmethod
    def line(self, centers: Tensor) -> tuple[Tensor, Tensor]:
        """A [components, d] and b [components]."""

    def precisions(self) -> Tensor:
        a = self.slopes()
        return a[:, :, None] * a[:, None, :]

    def forward(self, x: Tensor, centers: Tensor) -> Tensor:
        a, b = self.line(centers)
        return torch.exp(-0.5 * torch.addmm(b, x, a.mT).square())

    def combine(self, x: Tensor, centers: Tensor, coefficients: Mapping[Alpha, Tensor]) -> Tensor:
        a, b = self.line(centers)
        y = torch.addmm(b, x, a.mT)
        total: Tensor | None = None
        for order, group in _by_order(coefficients).items():
            powers = torch.stack([_power(a, alpha) for alpha in group])
            constants = [coefficients[alpha] for alpha in group]
            if all(c.ndim == 0 for c in constants):
                factor = torch.stack(constants) @ powers
            else:
                factor = torch.stack([c.expand(len(x)) for c in constants], dim=1) @ powers
            term = (-1) ** order * factor * hermite(y, order)
            total = term if total is None else total + term
        if total is None:
            return torch.zeros_like(y)
        return total * torch.exp(-0.5 * y.square())

    def contract(self, x: Tensor, centers: Tensor, alphas: Sequence[Alpha], weights: Tensor) -> dict[Alpha, Tensor]:
        a, b = self.line(centers)
        groups = _by_order(alphas)
        mixing = {k: torch.cat([weights * _power(a, alpha) for alpha in group]) for k, group in groups.items()}
        jets = {}
        for order, sums in ridge_sums(x, a, b, mixing).items():
            jets.update(zip(groups[order], sums.split(len(weights), dim=1), strict=True))
        return jets

    def mix(self, x: Tensor, centers: Tensor, coefficients: Mapping[Alpha, Tensor | float], weights: Tensor) -> Tensor:
        a, b = self.line(centers)
        mixing: dict[int, Tensor] = {}
        varying: dict[int, list[Tensor]] = defaultdict(list)
        for order, group in _by_order(coefficients).items():
            columns, constant = [], None
            for alpha in group:
                c, power = coefficients[alpha], _power(a, alpha)
                if isinstance(c, Tensor) and c.ndim:
                    varying[order].append(c.to(x)[:, None])
                    columns.append(weights * power)
                else:
                    term = power * (c.to(x) if isinstance(c, Tensor) else c)
                    constant = term if constant is None else constant + term
            if constant is not None:
                columns.append(weights * constant)
            mixing[order] = torch.cat(columns) if len(columns) > 1 else columns[0]
        parts = []
        for order, sums in ridge_sums(x, a, b, mixing).items():
            for c, part in zip_longest(varying[order], sums.split(len(weights), dim=1)):
                parts.append(part if c is None else c * part)
        return sum(parts[1:], parts[0]) if parts else x.new_zeros(len(x), len(weights))


class Affine(Ridge):
    """y = a . (x - mu): two vectors for each component."""

    def __init__(self, d: int, components: int, norm: float):
        super().__init__()
        self.a = nn.Parameter(_directions(components, d, norm))

    def slopes(self) -> Tensor:
        return self.a

    def line(self, centers: Tensor) -> tuple[Tensor, Tensor]:
        return self.a, -(self.a * centers).sum(-1)

    def set_slopes(self, slopes: Tensor) -> None:
        self.a.copy_(slopes)


class Literal(Ridge):
    """The paper's two stages: projections LP_n = A_n . (x - mu) + b_n, then y = sum_n alpha_n LP_n + beta."""

    def __init__(self, d: int, components: int, norm: float, projections: int | None = None):
        super().__init__()
        m = projections or d
        self.A = nn.Parameter(_directions(components * m, d, norm).reshape(components, m, d))
        self.b = nn.Parameter(torch.zeros(components, m))
        self.alpha = nn.Parameter(torch.randn(components, m) / math.sqrt(m))
        self.beta = nn.Parameter(torch.zeros(components))

    def slopes(self) -> Tensor:
        return torch.einsum("jm,jmd->jd", self.alpha, self.A)

    def line(self, centers: Tensor) -> tuple[Tensor, Tensor]:
        a = self.slopes()
        return a, (self.alpha * self.b).sum(-1) + self.beta - (a * centers).sum(-1)

    def set_slopes(self, slopes: Tensor) -> None:
        m = self.alpha.shape[1]
        self.A.copy_(slopes[:, None, :].expand_as(self.A))
        self.alpha.fill_(1 / m)
        self.b.zero_()
        self.beta.zero_()


class Bump(Kernel):
    """Components that fall off in every direction; a form gives its derivatives one by one."""

    @abstractmethod
    def derivatives(self, x: Tensor, centers: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        """For each alpha the derivative of every component, [n, components]."""

    def forward(self, x: Tensor, centers: Tensor) -> Tensor:
        zero = (0,) * x.shape[1]
        return self.derivatives(x, centers, (zero,))[zero]

    def combine(self, x: Tensor, centers: Tensor, coefficients: Mapping[Alpha, Tensor]) -> Tensor:
        parts = self.derivatives(x, centers, tuple(coefficients))
        total = x.new_zeros(len(x), len(centers))
        for alpha, c in coefficients.items():
            total = total + c[..., None] * parts[alpha]
        return total

    def contract(self, x: Tensor, centers: Tensor, alphas: Sequence[Alpha], weights: Tensor) -> dict[Alpha, Tensor]:
        parts = self.derivatives(x, centers, alphas)
        return {alpha: parts[alpha] @ weights.mT for alpha in alphas}


class Diagonal(Bump):
    """exp(-|s * (x - mu)|^2 / 2): a product over coordinates, and so are its derivatives."""

    def __init__(self, d: int, components: int, norm: float):
        super().__init__()
        self.s = nn.Parameter(torch.full((components, d), norm / math.sqrt(d)))

    def derivatives(self, x: Tensor, centers: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        y = [(x[:, k, None] - centers[:, k]) * self.s[:, k] for k in range(x.shape[1])]
        gauss = torch.exp(-0.5 * torch.stack(y).square().sum(dim=0))
        jets = {}
        for alpha in alphas:
            value = gauss
            for k, order in enumerate(alpha):
                if order:
                    value = value * hermite(y[k], order) * (-self.s[:, k]) ** order
            jets[alpha] = value
        return jets

    def set_slopes(self, slopes: Tensor) -> None:
        self.s.copy_(slopes)

    def precisions(self) -> Tensor:
        return torch.diag_embed(self.s.square())


class Full(Bump):
    """exp(-|A (x - mu)|^2 / 2): the Mahalanobis distance of the precision matrix A^T A, any A."""

    def __init__(self, d: int, components: int, norm: float):
        super().__init__()
        self.A = nn.Parameter(norm / math.sqrt(d) * torch.linalg.qr(torch.randn(components, d, d)).Q)

    def derivatives(self, x: Tensor, centers: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        z = (x[:, None, :] - centers).movedim(-1, 0)
        precision = self.precisions()
        v = torch.einsum("jkl,lnj->knj", precision, z)
        gauss = torch.exp(-0.5 * (z * v).sum(dim=0))
        polynomials = multivariate_hermite(list(v), precision, alphas)
        return {alpha: (-1) ** sum(alpha) * polynomials[alpha] * gauss for alpha in alphas}

    def set_slopes(self, slopes: Tensor) -> None:
        self.A.copy_(torch.diag_embed(slopes))

    def precisions(self) -> Tensor:
        return self.A.mT @ self.A


KERNELS: dict[str, Callable[[int, int, float], Kernel]] = {
    "affine": Affine,
    "literal": Literal,
    "diagonal": Diagonal,
    "full": Full,
}


def _by_order(alphas: Iterable[Alpha]) -> dict[int, list[Alpha]]:
    groups: dict[int, list[Alpha]] = defaultdict(list)
    for alpha in alphas:
        groups[sum(alpha)].append(alpha)
    return groups


def _power(a: Tensor, alpha: Alpha) -> Tensor:
    """a^alpha = prod_k a_k^alpha_k, [components]."""
    product = torch.ones_like(a[:, 0])
    for k, order in enumerate(alpha):
        if order:
            product = product * a[:, k] ** order
    return product
