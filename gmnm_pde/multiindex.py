"""Multi-indices, which name partial derivatives, and linear differential operators as sums of them."""

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import product

from torch import Tensor

Alpha = tuple[int, ...]
"""A multi-index: how often to differentiate by each coordinate. (1, 2) is the derivative by x, y and y."""

Operator = Mapping[Alpha, Tensor | float]
"""A linear differential operator: derivatives, such as (2, 0), to their coefficients, numbers or tensors [] or [n]."""


def axes_of(alpha: Alpha) -> tuple[int, ...]:
    """The coordinates that a derivative differentiates by, one for each order: of (1, 2) they are 0, 1, 1."""
    return tuple(axis for axis, order in enumerate(alpha) for _ in range(order))


def raised(alpha: Alpha, axis: int, by: int = 1) -> Alpha:
    """``alpha`` with one more derivative by the coordinate number ``axis``, or with ``by`` more."""
    return (*alpha[:axis], alpha[axis] + by, *alpha[axis + 1 :])


@lru_cache(maxsize=4096)
def leibniz(alpha: Alpha) -> tuple[tuple[Alpha, Alpha, int], ...]:
    """The terms of D^alpha (f g): for each beta how f is differentiated, how g is, and how often that occurs."""
    terms = []
    for beta in product(*[range(k + 1) for k in alpha]):
        rest = tuple(a - b for a, b in zip(alpha, beta, strict=True))
        terms.append((beta, rest, math.prod(math.comb(a, b) for a, b in zip(alpha, beta, strict=True))))
    return tuple(terms)


def below(alphas: Iterable[Alpha]) -> list[Alpha]:
    """All multi-indices that are at most one of ``alphas`` in each entry, by rising order."""
    lower = {beta for alpha in alphas for beta in product(*[range(k + 1) for k in alpha])}
    return sorted(lower, key=lambda beta: (sum(beta), beta))
