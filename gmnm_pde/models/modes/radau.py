"""Radau IIA methods: implicit Runge-Kutta methods of order 2 s - 1 whose last stage is the end of the step.

Source: E. Hairer and G. Wanner, Solving Ordinary Differential Equations II, Springer 1996, chapters IV.5 and IV.8.
"""

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Radau:
    """The numbers of a method with s stages, s odd.

    The increments Z of the stages have the derivatives A^-1 Z / h. The eigenvalues of A^-1, one of them real, decouple
    the stages: A^-1 = V diag(lambda) V^-1.

    Attributes:
        stages: s.
        nodes: Where the stages are, in parts of the step, ascending, the last at 1, [s].
        inverse: A^-1, [s, s].
        slopes: The derivatives at 0 and the nodes of polynomials from their values there, [s + 1, s + 1].
        shifts: The real eigenvalue, then one of each complex pair, [(s + 1) / 2].
        modes: The eigenvectors that belong to them, [s, (s + 1) / 2].
        dual: The rows of V^-1 that belong to them, [(s + 1) / 2, s].
        weights: Of the increments in the embedded error estimate, [s].
    """

    stages: int
    nodes: Tensor
    inverse: Tensor
    slopes: Tensor
    shifts: Tensor
    modes: Tensor
    dual: Tensor
    weights: Tensor

    @property
    def real_shift(self) -> float:
        """The real eigenvalue, which the error estimate is solved with."""
        return self.shifts[0].real.item()

    @property
    def at_start(self) -> Tensor:
        """What polynomials through the stages alone are at the beginning: the weights of the stages, [s]."""
        return torch.linalg.solve(self.inverse.mT, -self.weights)

    @cached_property
    def highest(self) -> Tensor:
        """The coefficient of the highest Legendre polynomial, as large as 1, of polynomials through the stages alone,
        from their values there, [s].
        """  # noqa: D205
        legendre = np.polynomial.legendre.legvander(2 * self.nodes.numpy() - 1, self.stages - 1)
        return torch.from_numpy(np.linalg.inv(legendre)[-1].copy())

    def to(self, device: torch.device) -> "Radau":
        """The same numbers on a device."""
        tensors = (getattr(self, name).to(device) for name in self.__dataclass_fields__ if name != "stages")
        return Radau(self.stages, *tensors)

    def lagrange(self, at: Tensor, order: int = 0) -> Tensor:
        """The polynomials that are 1 at one of 0 and the nodes and 0 at the others, or derivatives of them.

        Args:
            at: Where, in parts of the step, [n].
            order: How often they are differentiated, by parts of the step.

        Returns:
            [n, s + 1].
        """
        nodes = torch.cat([at.new_zeros(1), self.nodes.to(at)])
        apart = at[:, None] - nodes
        values = torch.ones(len(at), len(nodes), dtype=at.dtype, device=at.device)
        for k, node in enumerate(nodes):
            others = torch.arange(len(nodes), device=at.device) != k
            values[:, k] = (apart[:, others] / (node - nodes[others])).prod(dim=1)
        for _ in range(order):
            values = values @ self.slopes.to(at)
        return values


@cache
def radau(stages: int) -> Radau:
    """The method with so many stages, an odd number; its order is 2 stages - 1."""
    nodes = _nodes(stages)
    slopes = _differentiation(np.concatenate([[0.0], nodes]))
    inverse = slopes[1:, 1:]
    values, vectors = np.linalg.eig(inverse)
    chosen = sorted((i for i in range(stages) if values[i].imag > -1e-9), key=lambda i: abs(values[i].imag))
    apart = nodes[:, None] - nodes + np.eye(stages)
    at_start = [np.prod(np.delete(-nodes, i)) / np.prod(np.delete(apart[i], i)) for i in range(stages)]
    modes, dual = vectors[:, chosen].astype(complex), np.linalg.inv(vectors)[chosen].astype(complex)
    numbers = (nodes, inverse, slopes, values[chosen].astype(complex), modes, dual, -np.array(at_start) @ inverse)
    return Radau(stages, *(torch.from_numpy(np.ascontiguousarray(a)) for a in numbers))


def _nodes(stages: int) -> np.ndarray:
    legendre = np.polynomial.legendre.Legendre
    polynomial = legendre.basis(stages) - legendre.basis(stages - 1)
    nodes = np.sort(polynomial.roots().real + 1) / 2
    for _ in range(3):  # Newton's method, to the last digit
        nodes -= polynomial(2 * nodes - 1) / (2 * polynomial.deriv()(2 * nodes - 1))
    nodes[-1] = 1.0
    return nodes


def _differentiation(nodes: np.ndarray) -> np.ndarray:
    """The derivatives at the nodes of the polynomials that are 1 at one of them and 0 at the others, [n, n]."""
    apart = nodes[:, None] - nodes + np.eye(len(nodes))
    weights = 1 / apart.prod(axis=1)
    matrix = weights / weights[:, None] / apart
    np.fill_diagonal(matrix, 0.0)
    return matrix - np.diag(matrix.sum(axis=1))
