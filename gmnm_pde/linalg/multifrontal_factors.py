"""A multifrontal QR that is kept, for right-hand sides that come one after another.

``FrontSolver`` discards its orthogonal factor and transforms the right-hand side as it goes; here the Householder
vectors of every front are kept, and applied to a right-hand side in the order of elimination.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.interruption import pause, unbroken
from gmnm_pde.linalg.fronts import Rows, front_of
from gmnm_pde.linalg.multifrontal import column_norms
from gmnm_pde.linalg.nested_dissection import Groups, dissect, neighbours
from gmnm_pde.linalg.qr import RIDGE, qr_operations


@dataclass(frozen=True)
class _Front:
    """The factorisation of one front.

    Args:
        own: The groups that are eliminated.
        later: The groups that they are coupled to, which are eliminated later.
        sources: What was assembled: (given, number, rows), with the number of a given piece of rows, or of the front
            whose contribution block it is.
        householder: Householder vectors under R, as LAPACK's geqrf returns them.
        tau: Their factors.
        width: The number of columns that are eliminated.
    """

    own: Groups
    later: Groups
    sources: tuple[tuple[bool, int, int], ...]
    householder: Tensor
    tau: Tensor
    width: int

    @property
    def passed_on(self) -> int:
        """The number of rows of the contribution block."""
        return min(self.householder.shape) - self.width

    def through(self, right: Tensor) -> Tensor:
        """Q^T times right-hand sides [rows, p]."""
        return torch.ormqr(self.householder, self.tau, right, left=True, transpose=True)


class FrontFactors:
    """The QR of rows in groups, with a ridge at rounding level on normalised columns.

    Args:
        matrices: For each piece of rows its groups and its matrix.
        sizes: The number of unknowns in each group.
        centers: Where the groups lie in space, [groups, d]; only the order of elimination depends on it.
        ridge: In units of the machine precision.
    """

    def __init__(
        self,
        matrices: Sequence[tuple[Groups, Tensor]],
        sizes: Sequence[int],
        centers: Tensor,
        *,
        ridge: float = RIDGE,
    ):
        self.sizes, self.centers = tuple(sizes), centers
        rows = [Rows(groups, matrix, matrix.new_zeros(len(matrix))) for groups, matrix in matrices]
        norms = column_norms(rows, self.sizes)
        scaled = [
            Rows(piece.groups, piece.matrix / torch.cat([norms[g] for g in piece.groups]), piece.right)
            for piece in rows
        ]
        self.norms = norms
        parts = dissect(centers.cpu(), neighbours([piece.groups for piece in rows], len(centers)))
        self._fronts = _factor(scaled, self.sizes, parts, ridge * torch.finfo(norms[0].dtype).eps)

    def solve(self, rights: Sequence[Tensor]) -> Tensor:
        """The least squares solutions for right-hand sides, [rows of the piece, p] for each: [columns, p]."""
        solved_groups: dict[int, Tensor] = {}
        for front, right in zip(reversed(self._fronts), reversed(self.reduced(rights)), strict=True):
            R = front.householder[: front.width].triu()
            if front.later:
                right = right - R[:, front.width :] @ torch.cat([solved_groups[g] for g in front.later])
            solved = torch.linalg.solve_triangular(R[:, : front.width], right, upper=True)
            solved_groups.update(zip(front.own, solved.split([self.sizes[g] for g in front.own]), strict=True))
        return torch.cat([solved_groups[g] / norms[:, None] for g, norms in enumerate(self.norms)])

    def reduced(self, rights: Sequence[Tensor]) -> list[Tensor]:
        """Q^T times right-hand sides, the rows of each front's own unknowns."""
        passed: dict[int, Tensor] = {}
        tops = []
        for number, front in enumerate(self._fronts):
            pause()
            parts = [rights[k] if given else passed.pop(k) for given, k, _ in front.sources]
            missing = len(front.householder) - sum(len(part) for part in parts)
            whole = front.through(torch.cat([*parts, parts[0].new_zeros(missing, parts[0].shape[1])]))
            tops.append(whole[: front.width])
            passed[number] = whole[front.width : front.width + front.passed_on]
        return tops

    def leading(self, sizes: Sequence[int]) -> "LeadingFactors":
        """The solver in the leading unknowns of each group, ``sizes`` of them."""
        return LeadingFactors(self, sizes)

    def narrowed(self, sizes: Sequence[int]) -> list[tuple[Groups, Tensor]]:
        """The rows of R of each front in the leading columns of each group, ``sizes`` of them, normalised."""
        triangles = []
        for front in self._fronts:
            groups = (*front.own, *front.later)
            parts = front.householder[: front.width].triu().split([self.sizes[g] for g in groups], dim=1)
            triangles.append((groups, torch.cat([p[:, : sizes[g]] for g, p in zip(groups, parts, strict=True)], dim=1)))
        return triangles


class LeadingFactors:
    """The least squares solution in the leading unknowns of each group, zero in the others."""

    def __init__(self, whole: FrontFactors, sizes: Sequence[int]):
        self._whole, self._kept = whole, tuple(sizes)
        self._factors = FrontFactors(whole.narrowed(sizes), sizes, whole.centers, ridge=0.0)

    def solve(self, rights: Sequence[Tensor]) -> Tensor:
        """As ``FrontFactors.solve``, [columns, p]."""
        head = self._factors.solve(self._whole.reduced(rights))
        groups = []
        for part, size, norms in zip(head.split(self._kept), self._whole.sizes, self._whole.norms, strict=True):
            whole = part.new_zeros(size, part.shape[1])
            whole[: len(part)] = part / norms[: len(part), None]
            groups.append(whole)
        return torch.cat(groups)


def _factor(rows: list[Rows], sizes: Sequence[int], parts: Sequence[Groups], ridge: float) -> list[_Front]:
    """Assemble and factor a front for each block of groups, in the order of elimination."""
    rank = {group: (k, j) for k, part in enumerate(parts) for j, group in enumerate(part)}
    waiting: list[list[tuple[bool, int, Rows]]] = [[] for _ in parts]
    for k, piece in enumerate(rows):
        waiting[min(rank[g] for g in piece.groups)[0]].append((True, k, piece))
    fronts: list[_Front] = []
    for number, own in enumerate(parts):
        taken, waiting[number] = waiting[number], []
        later = tuple(sorted({g for _, _, piece in taken for g in piece.groups} - set(own), key=rank.__getitem__))
        width = sum(sizes[g] for g in own)
        matrix = front_of([piece for _, _, piece in taken], (*own, *later), sizes, width if ridge else 0, ridge)[:, :-1]
        with unbroken(qr_operations(matrix)):
            householder, tau = torch.geqrf(matrix)
        sources = tuple((given, k, len(piece.right)) for given, k, piece in taken)
        front = _Front(own, later, sources, householder, tau, width)
        fronts.append(front)
        if later and front.passed_on:
            rest = householder[width : width + front.passed_on].triu(width)[:, width:]
            remaining = Rows(later, rest, rest.new_zeros(len(rest)))
            waiting[min(rank[g] for g in later)[0]].append((False, number, remaining))
    return fronts
