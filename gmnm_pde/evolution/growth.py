"""How quickly short waves grow in a march, by the equations' symbol: whether it is the stable way through the time."""

import math

import numpy as np
import torch
from scipy.linalg import eig

from gmnm_pde.evolution.reading import Statements
from gmnm_pde.residuals.pointwise import Placed, linearize
from gmnm_pde.sampling import Cloud, sample

_WAVES = 50.0
"""Waves along the space that are looked at."""

_PLACES, _DIRECTIONS = 8, 4

_LOST = 30.0
"""Waves that grow by more than the exponential of this are rounding before the march ends."""


def grows(statements: Statements) -> bool:
    """Whether short waves grow so that a march through the whole time is lost."""
    generator = torch.Generator().manual_seed(0)
    extents = np.array([high - low for low, high in statements.bounds])
    fields, order = statements.fields, statements.order
    names = list(statements.tested)
    pencils = np.zeros((_PLACES, _DIRECTIONS, order + 1, fields, fields), dtype=complex)
    directions = torch.randn(_DIRECTIONS, len(extents), generator=generator, dtype=torch.float64).numpy()
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    waves = 2j * math.pi * _WAVES * directions / extents
    for term in statements.equations:
        points = sample(term.region, _PLACES, "sobol", seed=1).points
        shape = (len(points), len(statements.problem.branches))
        jets = {a: 0.5 + torch.rand(*shape, generator=generator, dtype=torch.float64) for a in term.trace.alphas}
        for name, own in linearize(statements.problem, Placed(term, Cloud(points)), points, jets, ()).items():
            for (branch, alpha), slope in own.slopes.items():
                orders, in_time = statements.split(alpha)
                symbol = (waves ** np.array(orders)).prod(axis=1)
                row, column = names.index(name) % fields, branch % fields
                pencils[:, :, in_time, row, column] += slope.numpy()[:, None] * symbol
    rates = np.concatenate([np.real(_rates(pencil)) for pencil in pencils.reshape(-1, order + 1, fields, fields)])
    return bool((rates * (statements.end - statements.start) > _LOST).any())


def _rates(pencil: np.ndarray) -> np.ndarray:
    """The finite numbers z for which sum_j pencil[j] z^j is singular, for matrices [order + 1, n, n]."""
    order, n = len(pencil) - 1, pencil.shape[1]
    left, right = np.eye(order * n, k=n, dtype=complex), np.eye(order * n, dtype=complex)
    left[-n:], right[-n:, -n:] = -np.hstack(list(pencil[:-1])), pencil[-1]
    values = eig(left, right, right=False, homogeneous_eigvals=True)
    finite = np.abs(values[1]) > 1e-12 * np.abs(values[0])
    return values[0][finite] / values[1][finite]
