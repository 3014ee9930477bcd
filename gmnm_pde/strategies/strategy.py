"""What a strategy is: a way to solve."""

from typing import Any, ClassVar, Protocol

from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.methods import Method
from gmnm_pde.run.result import Result
from gmnm_pde.run.run import Run


class Strategy(Protocol):
    """A way to solve: one file of this folder each.

    Attributes:
        takes: Those of the arguments ``checkpoint``, ``engine``, ``compiled``, ``blocks``, ``continuation`` and
            ``smoothing`` that it takes, and ``events`` if it follows those of a problem; the others are refused. All
            other arguments every strategy takes.
    """

    takes: ClassVar[frozenset[str]]

    @property
    def description(self) -> str:
        """What the report says under ``method``."""
        ...

    @property
    def identity(self) -> dict[str, Any]:
        """What a checkpoint has to agree with, beside the problem and the discretisation; plain values."""
        ...

    def run(self, run: Run) -> Result:
        """Solve."""
        ...


class StrategyMethod(Method):
    """A method with a strategy of its own, by which ``solve(problem, method=ThisMethod(...))`` solves."""

    def strategy(self, setup: Setup) -> Strategy:
        """The strategy for a problem and its discretisation."""
        raise NotImplementedError
