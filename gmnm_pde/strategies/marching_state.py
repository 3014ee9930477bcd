"""How far repeated marches have come, and that as the state of a checkpoint."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gmnm_pde.evolution.marched import Marched
from gmnm_pde.evolution.reading import Statements
from gmnm_pde.evolution.resuming import march_from, saved_march
from gmnm_pde.fitting.candidate import Candidate
from gmnm_pde.fitting.estimate import ErrorEstimate
from gmnm_pde.fitting.stored import check_state
from gmnm_pde.io import checks
from gmnm_pde.io.states import restoring


@dataclass
class Course:
    """How far repeated marches have come.

    Attributes:
        allowed: The error that the next march may make in a step.
        last: That of the one before.
        number: Of marches that are done.
        before: The last march.
        best: The best one.
        ended: Why that ended before the final time, if it did.
        stalls: How many marches one after another did not lower the estimate.
        apart: How far the last two marches are from one another, by field.
        begun: What the next march goes on from, if it has begun.
    """

    allowed: float
    last: float
    number: int = 0
    before: Marched | None = None
    best: Candidate | None = None
    ended: str = ""
    stalls: int = 0
    apart: list[float] | None = None
    begun: Mapping[str, Any] | None = None

    def saved(self, begun: Callable[[], dict[str, Any]] | None = None) -> dict[str, Any]:
        """All of it, and the state of a march that is under way, as plain values and tensors."""
        best, before = self.best, self.before
        own = None if best is None or best.fit is before else saved_march(best.fit)
        return {
            "allowed": self.allowed,
            "last": self.last,
            "number": self.number,
            "before": saved_march(before),
            "best": own,
            "estimate": None if best is None else asdict(best.estimate),
            "ended": self.ended,
            "stalls": self.stalls,
            "apart": self.apart,
            "begun": None if begun is None else begun(),
        }

    @classmethod
    @restoring()
    def of(cls, known: Mapping[str, Any], statements: Statements, seed: int) -> "Course":
        """From what ``saved`` gave.

        Raises:
            GmnmError: the state is another.
        """
        kept = checks.optional(checks.anything)
        check_state(
            known,
            allowed=checks.positive,
            last=checks.positive,
            number=checks.whole(),
            before=kept,
            best=kept,
            estimate=kept,
            ended=checks.text,
            stalls=checks.whole(),
            apart=kept,
            begun=kept,
        )
        before = march_from(known["before"], statements, seed)
        own = march_from(known["best"], statements, seed) or before
        estimate = known["estimate"]
        best = None if estimate is None or own is None else Candidate(own, ErrorEstimate(**estimate))
        places = (known["ended"], known["stalls"], known["apart"], known["begun"])
        return cls(known["allowed"], known["last"], known["number"], before, best, *places)
