"""What a checkpoint says of a solve by default: which part of it was under way, and what came before."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from gmnm_pde.fitting.fit import saved
from gmnm_pde.fitting.stored import check_state
from gmnm_pde.io import checks
from gmnm_pde.run.result import Result, Status

_FIRST = checks.record(
    best=checks.anything,
    estimate=checks.anything,
    status=checks.one_of(*Status.__members__),
    details=checks.text,
)
"""What a checkpoint holds of one mixture that was left for patches or slabs."""


def checked(resumed: Any) -> Mapping[str, Any]:
    """The state of a solve in a checkpoint; nothing without a checkpoint.

    Raises:
        GmnmError: it is that of no course.
    """
    if resumed is None:
        return {}
    parts = {"note": checks.text, "guess": checks.anything, "state": checks.anything, "work": checks.size}
    first = {"first": _FIRST} if isinstance(resumed, dict) and "first" in resumed else {}
    check_state(resumed, stage=checks.one_of("one mixture", "patches", "slabs"), **parts, **first)
    return resumed


def kept(result: Result) -> dict[str, Any]:
    """What a checkpoint keeps of one mixture that was left for patches or slabs."""
    estimate = asdict(result.best.estimate)
    named = {"status": result.status.name, "details": result.details}
    return {"best": saved(result.best.fit), "estimate": estimate, **named}
