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
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from gmnm_pde.models.mixtures.hermite import hermite
from gmnm_pde.models.mixtures.ridges import ridge_rows, ridge_sums
from gmnm_pde.multiindex import Alpha, Operator, raised


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

    def mix(self, x: Tensor, centers: Tensor, coefficients: Operator, weights: Tensor) -> Tensor:
        """sum_j w_oj sum_alpha c_alpha D^alpha phi_j, for c_alpha a number or of shape [n] or []: [n, outputs]."""
        tensors = {alpha: column(c, x) for alpha, c in coefficients.items()}
        return self.combine(x, centers, tensors) @ weights.mT

    def fill_rows(
        self, x: Tensor, centers: Tensor, coefficients: Operator, weights: Tensor, into: Mapping[str, Tensor]
    ) -> None:
        """Write the derivatives of ``mix`` with weights [components] at each point, [n, *shape].

        ``into`` names what is asked for: "weights", "centers" and the kernel's own parameters. What stands at a
        component is used by that one alone; so each point is given a copy of its own, and one backward pass finds the
        derivatives by all copies.
        """
        given = {"centers": centers, **dict(self.named_parameters())}
        call = _Combined(self)
        for rows in torch.arange(len(x)).split(_COPIED_POINTS):
            rows = slice(int(rows[0]), int(rows[-1]) + 1)
            part = {alpha: column(c, x, rows) for alpha, c in coefficients.items()}
            copies = {k: p.detach().expand(len(x[rows]), *p.shape).requires_grad_(k in into) for k, p in given.items()}
            with torch.enable_grad():
                own = {f"kernel.{name}": copy for name, copy in copies.items() if name != "centers"}
                combined = functional_call(call, own, (x[rows], copies["centers"], part))
            if "weights" in into:
                into["weights"][rows] = combined.detach()
            leaves = {name: copy for name, copy in copies.items() if copy.requires_grad}
            if leaves and combined.requires_grad:
                gradients = torch.autograd.grad(combined, list(leaves.values()), weights.detach().expand_as(combined))
                for name, gradient in zip(leaves, gradients, strict=True):
                    into[name][rows] = gradient
            else:
                for name in leaves:
                    into[name][rows] = 0

    @abstractmethod
    def set_slopes(self, slopes: Tensor) -> None:
        """Put components of the given slopes [components, d] in place, aligned with the coordinates for bumps."""

    @abstractmethod
    def precisions(self) -> Tensor:
        """P of each component, phi = exp(-z.P z / 2): [components, d, d]."""


class _Combined(nn.Module):
    """A kernel whose call is ``combine``, which is what functional_call can reach."""

    def __init__(self, kernel: Kernel):
        super().__init__()
        self.kernel = kernel

    def forward(self, *arguments: Any) -> Tensor:
        return self.kernel.combine(*arguments)


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

    @abstractmethod
    def fill_line_rows(self, centers: Tensor, by_a: Sequence[Tensor], by_b: Tensor, into: Mapping[str, Tensor]) -> None:
        """From derivatives by b and by each coordinate of a, [n, components], those by centers and parameters."""

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

    def mix(self, x: Tensor, centers: Tensor, coefficients: Operator, weights: Tensor) -> Tensor:
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

    @torch.no_grad()
    def fill_rows(
        self, x: Tensor, centers: Tensor, coefficients: Operator, weights: Tensor, into: Mapping[str, Tensor]
    ) -> None:
        a, b = self.line(centers)
        terms = {0: (x.new_zeros(1, 1), x.new_zeros(1 + x.shape[1], 1, len(a)))} if not coefficients else {}
        for order, group in _by_order(coefficients).items():
            columns = [column(coefficients[alpha], x) for alpha in group]
            powers = torch.stack([_powers(a, alpha) for alpha in group], dim=1)
            if all(c.ndim == 0 for c in columns):
                terms[order] = torch.stack(columns)[None], powers
            else:
                terms[order] = torch.stack([c.expand(len(x)) for c in columns], dim=1), powers
        for rows, value, by_a, by_b in ridge_rows(x, a, b, terms):
            if "weights" in into:
                into["weights"][rows] = value
            weighted = [slope_rows.mul_(weights) for slope_rows in by_a]
            part = {name: rows_of[rows] for name, rows_of in into.items()}
            self.fill_line_rows(centers, weighted, by_b.mul_(weights), part)


class Affine(Ridge):
    """y = a . (x - mu): two vectors for each component."""

    def __init__(self, d: int, components: int, norm: float):
        super().__init__()
        self.a = nn.Parameter(_directions(components, d, norm))

    def slopes(self) -> Tensor:
        return self.a

    def line(self, centers: Tensor) -> tuple[Tensor, Tensor]:
        return self.a, -(self.a * centers).sum(-1)

    def fill_line_rows(self, centers: Tensor, by_a: Sequence[Tensor], by_b: Tensor, into: Mapping[str, Tensor]) -> None:
        for k, slope_rows in enumerate(by_a):
            if "centers" in into:
                torch.mul(by_b, -self.a[:, k], out=into["centers"][..., k])
            if "a" in into:
                torch.addcmul(slope_rows, by_b, centers[:, k], value=-1, out=into["a"][..., k])

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

    def fill_line_rows(self, centers: Tensor, by_a: Sequence[Tensor], by_b: Tensor, into: Mapping[str, Tensor]) -> None:
        by_slope = [torch.addcmul(slope_rows, by_b, centers[:, k], value=-1) for k, slope_rows in enumerate(by_a)]
        if "centers" in into:
            for k, slope in enumerate(self.slopes().unbind(1)):
                torch.mul(by_b, -slope, out=into["centers"][..., k])
        if "beta" in into:
            into["beta"].copy_(by_b)
        for m, alpha in enumerate(self.alpha.unbind(1)):
            if "b" in into:
                torch.mul(by_b, alpha, out=into["b"][..., m])
            if "alpha" in into:
                total = by_b * self.b[:, m]
                for k, slope_rows in enumerate(by_slope):
                    total.addcmul_(slope_rows, self.A[:, m, k])
                into["alpha"][..., m] = total
            if "A" in into:
                for k, slope_rows in enumerate(by_slope):
                    torch.mul(slope_rows, alpha, out=into["A"][..., m, k])

    def set_slopes(self, slopes: Tensor) -> None:
        m = self.alpha.shape[1]
        self.A.copy_(slopes[:, None, :].expand_as(self.A))
        self.alpha.fill_(1 / m)
        self.b.zero_()
        self.beta.zero_()


def _by_order(alphas: Iterable[Alpha]) -> dict[int, list[Alpha]]:
    groups: dict[int, list[Alpha]] = defaultdict(list)
    for alpha in alphas:
        groups[sum(alpha)].append(alpha)
    return groups


def column(c: Tensor | float, x: Tensor, rows: slice = slice(None)) -> Tensor:
    """A coefficient as a tensor like x, of the points ``rows`` if it has a value for each."""
    if not isinstance(c, Tensor):
        return x.new_full((), c)  # a tensor made of a number on the CPU would make a device wait
    return c.to(x)[rows] if c.ndim else c.to(x)


_COPIED_POINTS = 256
"""Points for which copies of the parameters are made at once."""


def _powers(a: Tensor, alpha: Alpha) -> Tensor:
    """a^alpha and its derivatives by each coordinate of a, [1 + d, components]."""
    rows = [_power(a, alpha)]
    for k, order in enumerate(alpha):
        rows.append(order * _power(a, raised(alpha, k, -1)) if order else torch.zeros_like(rows[0]))
    return torch.stack(rows)


def _power(a: Tensor, alpha: Alpha) -> Tensor:
    """a^alpha = prod_k a_k^alpha_k, [components]."""
    product = torch.ones_like(a[:, 0])
    for k, order in enumerate(alpha):
        if order:
            product = product * a[:, k] ** order
    return product
