"""Boxes with coefficients that vary, solved for given values on their faces by normal equations.

Each box has a matrix of its own. With polynomials that are orthonormal for the mean of all coefficients these matrices
are close to orthogonal, and their normal equations lose no digit: products of matrices and a Cholesky factorisation,
many times faster than QR, which is used where coefficients vary too much for that.
"""

from dataclasses import replace

import torch
from torch import Tensor

from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.equation import Interior, Key
from gmnm_pde.boxes.leaves import Pattern, equation_rows

_LARGEST_RATIO = 30.0
"""Normal equations are used where their triangles' diagonals vary by no more than this."""


class Orthonormal:
    """Polynomials in which the rows of a box with the mean of all coefficients are orthonormal.

    Args:
        degrees: Of the polynomials.
        equation: In the boxes.
        pattern: Their rows on faces.
    """

    def __init__(self, degrees: Degrees, equation: Interior, pattern: Pattern):
        self._operators = [
            {key: torch.as_tensor(c, dtype=torch.float64) for key, c in operator.items()}
            for operator in equation.operators
        ]
        means = tuple({key: c.mean().item() for key, c in operator.items()} for operator in self._operators)
        rows = equation_rows(degrees, replace(equation, operators=means))[0]
        self._triangle = torch.linalg.qr(torch.cat([rows, pattern.matching]), mode="r").R
        weights, count = degrees.inner[1].sqrt()[:, None], len(degrees.basis)
        tables = degrees.inside_table(equation.alphas)

        def table(key: Key) -> Tensor:
            """A derivative of a field, [points, own]."""
            field, alpha = key
            own = torch.zeros(len(weights), equation.fields, count, dtype=torch.float64)
            own[:, field] = weights * tables[alpha]
            return self._orthonormal(own.flatten(1))

        self._tables = [torch.stack([table(key) for key in own], dim=1) for own in means]  # [points, keys, own]
        matching = self._orthonormal(pattern.matching)
        self._gram, self._passed = matching.mT @ matching, -(matching.mT @ pattern.traces)

    def _orthonormal(self, rows: Tensor) -> Tensor:
        return torch.linalg.solve_triangular(self._triangle, rows, upper=True, left=False)

    def by_normal_equations(self, boxes: range, right: Tensor) -> tuple[Tensor, Tensor] | None:
        """As by QR; None where that is needed."""
        n = len(boxes)
        rows = torch.cat([self._rows(k, boxes) for k in range(len(self._operators))], dim=1)
        gram = torch.baddbmm(self._gram.expand(n, -1, -1), rows.mT, rows)
        lower, failed = torch.linalg.cholesky_ex(gram)
        sizes = lower.diagonal(dim1=1, dim2=2)
        if bool(failed.any()) or not bool((sizes.amax(dim=1) <= _LARGEST_RATIO * sizes.amin(dim=1)).all()):
            return None
        passed = torch.cat([rows.mT @ right[:, :, None], self._passed.expand(n, -1, -1)], dim=2)
        found = torch.linalg.solve_triangular(self._triangle, torch.cholesky_solve(passed, lower), upper=True)
        return found[:, :, 0].contiguous(), found[:, :, 1:].contiguous()

    def _rows(self, number: int, boxes: range) -> Tensor:
        """Those of an equation in some boxes, [n, points, own]."""
        m, n = len(self._tables[number]), len(boxes)
        each = [c[boxes.start : boxes.stop].mT if c.ndim else c.expand(m, n) for c in self._operators[number].values()]
        return (torch.stack(each, dim=2) @ self._tables[number]).transpose(0, 1).contiguous()
