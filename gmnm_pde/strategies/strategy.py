"""What a way to solve is."""

from typing import Any, ClassVar, Protocol

from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.methods import Method
from gmnm_pde.run.result import Result
from gmnm_pde.run.run import Run


class Strategy(Protocol):
    """A way to solve: one file of this folder each.

    Attributes:
        takes: Those of the arguments ``checkpoint``, ``engine``, ``compiled``, ``blocks``, ``continuation`` and
            ``smoothing`` that it takes; the others are refused. All other arguments every strategy takes.
    """

    takes: ClassVar[frozenset[str]]

    @property
    def description(self) -> str:
        """What the report says under ``method``."""
        ...

    @property
    def identity(self) -> dict[str, Any]:
        """What a checkpoint says of it, beside the problem and the discretisation; plain values."""
        ...

    def run(self, run: Run) -> Result:
        """Solve."""
        ...


class StrategyMethod(Method):
    """A method that is a strategy of its own: ``solve(problem, method=It(...))`` solves by what ``strategy`` gives."""

    def strategy(self, setup: Setup) -> Strategy:
        """The strategy for a problem and its discretisation."""
        raise NotImplementedError
