"""How quickly short waves grow in a march, by the equations' symbol: whether it is the stable way through the time."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from scipy.linalg import eig

from gmnm_pde.evolution.reading import PROBES, Statements, by_parts
from gmnm_pde.residuals.pointwise import probed
from gmnm_pde.sampling import sample
from gmnm_pde.statement.terms import Term

_WAVES = 50.0
"""Waves along the space that are looked at."""

_DIRECTIONS = 4

_LOST = 30.0
"""Waves that grow by more than the exponential of this are rounding before the march ends."""


def grows(statements: Statements) -> bool:
    """Whether short waves grow somewhere, so that a march through the whole time is lost."""
    generator = torch.Generator().manual_seed(0)
    extents = np.array([high - low for low, high in statements.bounds])
    directions = torch.randn(_DIRECTIONS, len(extents), generator=generator, dtype=torch.float64).numpy()
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    waves = 2j * math.pi * _WAVES * directions / extents
    most = _LOST / (statements.end - statements.start)
    parts = by_parts(statements.equations).values()
    return any((_growth(statements, equations, waves, generator) > most).any() for equations in parts)


def _growth(
    statements: Statements, equations: Sequence[Term], waves: np.ndarray, generator: torch.Generator
) -> np.ndarray:
    """At which rates waves grow in one part of the domain, by its equations' slopes at some places."""
    fields, order = statements.fields, statements.order
    pencils = np.zeros((PROBES, len(waves), order + 1, fields, fields), dtype=complex)
    for term in equations:
        cloud = sample(term.region, PROBES, "sobol", seed=1)
        for name, own in probed(statements.problem, term, cloud, generator).items():
            for (branch, alpha), slope in own.slopes.items():
                orders, in_time = statements.split(alpha)
                symbol = (waves ** np.array(orders)).prod(axis=1)
                pencils[:, :, in_time, statements.tested[name], branch % fields] += slope.numpy()[:, None] * symbol
    return np.concatenate([np.real(_rates(pencil)) for pencil in pencils.reshape(-1, order + 1, fields, fields)])


def _rates(pencil: np.ndarray) -> np.ndarray:
    """The finite numbers z for which sum_j pencil[j] z^j is singular, for matrices [order + 1, n, n]."""
    order, n = len(pencil) - 1, pencil.shape[1]
    left, right = np.eye(order * n, k=n, dtype=complex), np.eye(order * n, dtype=complex)
    left[-n:], right[-n:, -n:] = -np.hstack(list(pencil[:-1])), pencil[-1]
    values = eig(left, right, right=False, homogeneous_eigvals=True)
    finite = np.abs(values[1]) > 1e-12 * np.abs(values[0])
    return values[0][finite] / values[1][finite]
