"""Where a running solve stands: a value handed to callbacks, to the bar and to the log, never a print."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Progress:
    """Where a running solve stands, as ``callback`` sees it.

    Attributes:
        what: What is being done, or was just done, in words.
        seconds: Since the solve began.
        step: The number of the step, of a march or a training or Newton's method, or of the row of the history.
        t: The time that a march, or a block in time, has reached; nan where nothing goes on in time.
        estimate: The best error estimate so far; nan before there is one.
        loss: The mean square of the residuals, of a training; else nan.
        part: The part of the work that is done, where that is known; else nan.
        figures: The row of the history that was added, if one was; else empty.
    """

    what: str
    seconds: float
    step: int = 0
    t: float = math.nan
    estimate: float = math.nan
    loss: float = math.nan
    part: float = math.nan
    figures: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of_time(
        cls, name: str, t: float, span: tuple[float, float], steps: int, seconds: float, estimate: float
    ) -> "Progress":
        """A march came to some time."""
        start, end = span
        what, part = f"{name} = {t:.4g} of {end:.4g}: {steps} steps", (t - start) / (end - start)
        return cls(what, seconds, steps, t=t, estimate=estimate, part=part)
