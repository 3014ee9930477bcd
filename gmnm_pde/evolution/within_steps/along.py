"""What the equations do along a step in space and time, between its stages: states that are passed in a short time.

As in time alone (``ordinary/between.py``): at a few places the equations are evaluated at many times on the polynomials
of a step, and so are the conditions on sides and where parts meet. What they leave there is as smooth in time as these
are, but for what is narrow in the state.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from gmnm_pde.evolution.reading.statements import Statements
from gmnm_pde.evolution.steps import Step
from gmnm_pde.evolution.within_steps.passed import passed
from gmnm_pde.evolution.within_steps.spots import OnSide, Within
from gmnm_pde.evolution.within_steps.watched import Watched
from gmnm_pde.residuals.pointwise import Placed, residuals
from gmnm_pde.sampling import sample
from gmnm_pde.statement.degree import degree
from gmnm_pde.statement.recording import NOT_RECORDED, record
from gmnm_pde.statement.terms import Term

_EACH = 32
"""Times in a window of a step, spread unevenly."""

_WINDOWS = 256
"""Windows in all the time; a step has its part of them, and one at least."""

_PLAIN = 4
"""Polynomials of the fields up to this degree are seen as a whole at the stages of a step."""

_MISSED = 0.3
"""What stages do not see counts with this factor."""

_OF_ACCOUNT, _SHORTER = 0.1, 0.125
"""A step is to end before the first window in which so large a part of the most in any window is not seen; it is
shortened to no less than a part."""


@dataclass(frozen=True)
class Missed:
    """What a step does not see.

    Attributes:
        errors: What that may do to each field, as its norm, [fields].
        parts: To which part the step is to be shortened for each, [fields].
        narrow: The most that it did in any step so far, [fields]: how large a field may be that is zero before.
        within: The same of equations alone, of which it is known how large they make a field.
    """

    errors: Tensor
    parts: Tensor
    narrow: Tensor
    within: Tensor


class Along:
    """The equations and conditions along the steps of a march.

    Args:
        statements: The problem.
    """

    def __init__(self, statements: Statements):
        self._statements = statements
        every = terms_watched(statements) if statements.space else ()
        self._watched = [own for own in every if not _is_plain(statements, own.term)]
        self._narrow = torch.zeros(2, statements.fields, dtype=torch.float64)

    @property
    def looks(self) -> bool:
        """Whether there may be anything narrow in the state."""
        return bool(self._watched)

    def missed(self, step: Step) -> Missed:
        """What there is between the stages of a step, whose states are beside the problem's constants."""
        windows = self._windows(step.length)
        parts, smooth, inverse = _times(windows, 2 * step.stages)
        found = torch.zeros(2, windows, self._statements.fields, dtype=torch.float64)
        whole = torch.cat([parts.new_zeros(1), parts, parts.new_ones(1)])
        ends = torch.full((self._statements.fields,), math.inf, dtype=torch.float64)
        for own in self._watched:
            inside = int(own.term.group == "interior")
            left, heard = own.left_and_heard(step, whole)
            inner = {name: values[1:-1] for name, values in left.items()}
            apart = {name: values - smooth @ (inverse @ (smooth.mT @ values)) for name, values in inner.items()}
            narrow = passed(own, step, whole, apart, heard)
            for name, values in apart.items():
                means = values.abs().unflatten(0, (windows, _EACH)).mean(dim=1)
                field, effect = own.effect(name, step)
                for each in narrow:
                    means[min(windows - 1, int(each.part * windows))] += windows * each.over[name]
                    ends[field] = min(ends[field].item(), each.before if bool(each.over[name].any()) else math.inf)
                size = (means * effect).square().mean(dim=1).sqrt()
                found[inside, :, field] += _MISSED * own.spots.volume**0.5 * size
        self._narrow = torch.maximum(self._narrow, found.mean(dim=1))
        every = found.sum(dim=0)
        first = (every >= _OF_ACCOUNT * every.amax(dim=0)).double().argmax(dim=0) / windows
        first = torch.where((ends > 0) & (ends < first + 1 / windows), ends, first.clamp_min(_SHORTER))
        return Missed(every.mean(dim=0), first, self._narrow.sum(dim=0), self._narrow[1])

    def _windows(self, length: float) -> int:
        """How many windows a step has: a power of two."""
        part = _WINDOWS * length / (self._statements.end - self._statements.start)
        return 1 if part <= 1 else 1 << round(math.log2(part))


def terms_watched(statements: Statements) -> Iterator[Watched]:
    """What holds at all times of a problem, each to be looked at at some places."""
    for term in statements.equations:
        yield Watched(statements, term, Within(statements, *term.parts[:1]))
    for side in (*statements.sides, *statements.meetings):
        yield Watched(statements, side.term, OnSide(statements, side))


def _is_plain(statements: Statements, term: Term) -> bool:
    """Whether a term is a polynomial of low degree of the fields, with data as coefficients."""
    problem, cloud = statements.stated, sample(term.region, 1, "sobol", seed=1)
    shape = (len(cloud), len(problem.branches))
    jets = {alpha: torch.full(shape, 0.7, dtype=torch.float64) for alpha in term.trace.alphas}

    def named() -> list[Tensor]:
        return list(residuals(problem, Placed(term, cloud), cloud.points, jets, ())[0].values())

    try:
        with torch.enable_grad():
            graph = record(named, [cloud.points, *jets.values()])
    except NOT_RECORDED:
        return False
    return degree(graph, [0, *[1] * len(jets)]) <= _PLAIN


@lru_cache(maxsize=4)
def _times(windows: int, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Parts of a step of some windows, ascending, so many polynomials there, and the inverse of their products."""
    number = windows * _EACH
    draws = np.random.default_rng(11).random(number)
    parts = (np.arange(number) + draws) / number
    smooth = np.polynomial.legendre.legvander(2 * parts - 1, count - 1)
    return torch.from_numpy(parts), torch.from_numpy(smooth), torch.from_numpy(np.linalg.inv(smooth.T @ smooth))
