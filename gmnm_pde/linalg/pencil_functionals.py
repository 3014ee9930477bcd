"""What residuals do to the eigenvalues of a pencil A + mu B, to first order: for each mode rows y with d mu = -y . r.

With r = (A + mu B) c, y is the left eigenvector, y^T (A + mu B) = 0 and y^T B c = 1. Left eigenvectors are those of
(B A^+)^T, found by a few steps of subspace iteration from the images B c of the modes and some more. Of several modes
of one value each has the left eigenvector that does not see the others.

The pseudo-inverse has a ridge far above rounding, which would come back amplified otherwise: what a mode's functional
is to a few digits, smooth functions tell.
"""

import torch
from torch import Tensor

from gmnm_pde.interruption import pause
from gmnm_pde.linalg.fronts import Rows
from gmnm_pde.linalg.multifrontal import FrontSolver
from gmnm_pde.linalg.pencil import GUARD_VECTORS, Pieces

_RIDGE = 1e-10
"""Of the pseudo-inverse, on normalised columns. From 1e-12 to 1e-8 estimates are the same to two digits."""

_STEPS, _MOST_STEPS = 6, 60
"""Of the subspace iteration, at least, and at most, until it has all values: where these are close to many others it is
slow."""


def functionals(A: Pieces, B: Pieces, centers: Tensor, values: Tensor, vectors: Tensor, same: float) -> Tensor:
    """The rows y of modes, [rows, modes]; NaN of a mode whose value the left eigenvectors do not have.

    Values that differ by no more than ``same``, relative to the largest, count as one.
    """
    ridge = _RIDGE / torch.finfo(values.dtype).eps
    rows = [Rows(groups, matrix, matrix.new_zeros(len(matrix))) for groups, matrix in A.matrices]
    factor = FrontSolver(rows, A.sizes, centers, ridge=ridge)
    images = B @ vectors
    generator = torch.Generator().manual_seed(0)
    more = min(len(values) + GUARD_VECTORS, sum(A.sizes) - len(values))
    others = torch.randn(len(images), max(more, 0), generator=generator, dtype=torch.float64).to(images)
    space = moved = torch.linalg.qr(torch.cat([images, others], dim=1)).Q
    limit = same * values.abs().max()
    for step in range(_MOST_STEPS):
        pause()
        space = torch.linalg.qr(moved).Q if step else space
        moved = A @ factor.inverse(factor.inverse_transposed(B.transposed(space)))
        if step < _STEPS - 1:
            continue
        inverses, turns = torch.linalg.eig(space.mT @ moved)
        close = (-inverses.reciprocal().real - values[:, None]).abs() <= limit
        if close.any(dim=1).all():
            break
    left = torch.full_like(images, torch.nan)
    for k, (value, near) in enumerate(zip(values, close, strict=True)):
        alike = (values - value).abs() <= limit
        if near.any():
            basis = moved @ torch.cat([turns[:, near].real, turns[:, near].imag], dim=1)
            duals = basis @ torch.linalg.pinv(images[:, alike].mT @ basis, rtol=same)
            left[:, k] = duals[:, int(alike[:k].sum())]
    return left
