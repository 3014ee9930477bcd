"""A problem in time alone as a system of first order, F(t, y, y') = 0.

The unknowns y are the fields and, where a field is differentiated more than once, its derivatives below the highest.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from gmnm_pde._errors import GmnmError
from gmnm_pde.evolution.ordinary.evaluation import Evaluation, Written, evaluation_of
from gmnm_pde.evolution.ordinary.surfaces import Functions, may_jump, surfaces
from gmnm_pde.evolution.reading.statements import Statements
from gmnm_pde.scrutiny.looks.data import Data
from gmnm_pde.statement.degree import degree
from gmnm_pde.statement.recording import NOT_RECORDED
from gmnm_pde.statement.terms import Term

_PLAIN = 4
"""Polynomials of the state up to this degree are seen as a whole at the stages of a step."""


class System:
    """The equations, evaluated for arrays.

    Attributes:
        unknowns: Which field and which of its derivatives each is, (field, order).
        differential: Which unknowns are differentiated, [m].
        algebraic: Which rows hold no derivative of an unknown, [m].
    """

    def __init__(self, statements: Statements, constants: Sequence[str] = ()):
        self.statements = statements
        orders = [max(1, order) for order in statements.orders]
        self.unknowns = [(field, k) for field, order in enumerate(orders) for k in range(order)]
        self.differential = np.array([statements.orders[field] > 0 for field, _ in self.unknowns])
        self.fields = np.array([self.unknowns.index((field, 0)) for field in range(len(orders))])
        self.count = len(self.unknowns)
        asked = dict.fromkeys((field, alpha[0]) for term in statements.equations for field, alpha in term.trace.asked)
        self.asked = list(asked)
        self.evaluation: Evaluation
        self.evaluation, self.original = evaluation_of(statements, self.asked, constants)
        self._columns = np.array([0, *(1 + self.place(*own) for own in self.asked)])
        self._chained = [(self.place(f, k), self.place(f, k + 1)) for f, k in self.unknowns if k + 1 < orders[f]]
        self._rise = np.array([pair[0] for pair in self._chained], dtype=int)
        self._next = np.array([pair[1] for pair in self._chained], dtype=int)
        self.rows = self.original.rows

    def place(self, field: int, order: int) -> int:
        """Where a derivative stands in the row (y, y')."""
        if (field, order) in self.unknowns:
            return self.unknowns.index((field, order))
        return self.count + self.unknowns.index((field, order - 1))

    @property
    def explicit(self) -> bool:
        """Whether something reads the time."""
        return any(_reads_time(self.statements, term) for term in self.statements.equations)

    @property
    def is_written(self) -> bool:
        """Whether residuals are evaluated with as many digits as states have."""
        return isinstance(self.evaluation, Written)

    @cached_property
    def is_plain(self) -> bool:
        """Whether there can be nothing narrow in the state: polynomials of low degree, with data as coefficients."""
        try:
            graph, _ = self.original.recorded(1, slopes=False)
        except NOT_RECORDED:
            return False
        return degree(graph, self._of_state) <= _PLAIN

    @cached_property
    def surfaces(self) -> Functions | None:
        """Functions of points that are zero where the equations jump or have kinks in the state, as far as known."""
        try:
            return surfaces(self.original.recorded(1, slopes=False)[0], self._of_state)
        except NOT_RECORDED:
            return None

    @cached_property
    def may_jump(self) -> bool:
        """Whether the equations may jump or have kinks in the state."""
        try:
            return may_jump(self.original.recorded(1, slopes=False)[0], self._of_state)
        except NOT_RECORDED:
            return True

    @property
    def _of_state(self) -> list[int]:
        """Which numbers of a point are of the state."""
        return [0, *[1] * len(self.original.asked), *[0] * len(self.original.constants)]

    def fixed(self, state: np.ndarray) -> np.ndarray:
        """What the equations ask for, [asked], for a state at rest."""
        whole = np.concatenate([state, np.zeros(self.count)])
        return whole[self._columns[1:] - 1]

    def points(
        self, times: np.ndarray, states: np.ndarray, slopes: np.ndarray, constants: np.ndarray | None = None
    ) -> np.ndarray:
        """What the equations ask for at some times, [n, 1 + asked], and constants [n, c] where these vary."""
        whole = np.empty((len(times), 1 + 2 * self.count), dtype=states.dtype)
        whole[:, 0] = times
        whole[:, 1 : 1 + self.count] = states
        whole[:, 1 + self.count :] = slopes
        points = whole[:, self._columns]
        return points if constants is None else np.concatenate([points, constants], axis=1)

    def residual(
        self, times: np.ndarray, states: np.ndarray, slopes: np.ndarray, constants: np.ndarray | None = None
    ) -> np.ndarray:
        """F for states and their derivatives, [n, m] both: [n, m]."""
        found = self.evaluation.values(self.points(times, states, slopes, constants))
        if not self._chained:
            return found
        return np.concatenate([found, slopes[:, self._rise] - states[:, self._next]], axis=1)

    def slopes(self, time: float, state: np.ndarray, slope: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The derivatives of F by y and by y', [m, m], and by t, [m]."""
        by_state, by_slope, by_time = self.all_slopes(np.array([time]), state[None], slope[None])
        return by_state[0], by_slope[0], by_time[0]

    def all_slopes(
        self, times: np.ndarray, states: np.ndarray, slopes: np.ndarray, constants: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The same for several states, [n, m]: [n, m, m] twice, and [n, m]."""
        m = self.count
        partials = self.evaluation.slopes(self.points(times, states, slopes, constants))
        whole = np.zeros((len(times), m, 1 + 2 * m))
        whole[:, : self.rows, self._columns] = partials[:, :, : len(self._columns)]
        for row, (rise, following) in enumerate(self._chained, start=self.rows):
            whole[:, row, 1 + m + rise], whole[:, row, 1 + following] = 1.0, -1.0
        return whole[:, :, 1 : 1 + m], whole[:, :, 1 + m :], whole[:, :, 0]


def _reads_time(statements: Statements, term: Term) -> bool:
    """Whether a term's function reads the time; where that is not known, it does."""
    try:
        return bool(Data(statements.problem, term).reading().axes)
    except GmnmError:
        return True
