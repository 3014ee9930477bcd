"""What files say of fits, checked before anything is made of it."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.io import checks
from gmnm_pde.io.states import restoring
from gmnm_pde.models import Partition
from gmnm_pde.statement.problem import Problem


def tensor(value: Any, where: str) -> None:
    """Finite floating-point numbers."""
    if not isinstance(value, Tensor) or not value.is_floating_point() or not torch.isfinite(value).all():
        raise checks.Unfit(where, "a tensor of finite numbers", value)


_OUTCOME = checks.record(
    theta=tensor,
    norm=checks.size,
    steps=checks.whole(),
    converged=checks.flag,
    reason=checks.text,
    late=checks.flag,
)


@restoring()
def check_fit(setup: Setup, state: Any) -> None:
    """Refuse a fit that is none, or is larger than its unknowns say.

    Raises:
        GmnmError: it is; the message says where.
    """
    d, problem = setup.dimension, setup.problem
    boxes = checks.listed(checks.listed(checks.interval, count=d), least=1)
    partition = checks.record(boxes=boxes, margin=checks.positive, smoothness=checks.one_of(*range(1, 65)))
    checks.record(
        components=checks.whole(1),
        widths=checks.listed(checks.positive, count=d),
        partition=checks.optional(partition),
        outcome=_OUTCOME,
    )(state, "fit")
    if state["partition"] is not None:
        setup = replace(setup, partition=Partition(**state["partition"]))
    patches = setup.patches
    wanted = len(problem.parameters) + state["components"] * len(problem.fields)
    found = list(state["outcome"]["theta"].shape)
    if found != [wanted] or state["components"] % patches:
        raise checks.Unfit("fit.outcome.theta", f"{wanted} numbers, in {patches} equal parts", found)


@restoring()
def checked_estimate(problem: Problem, state: Any) -> dict[str, Any]:
    """The parts of an error estimate that a file holds.

    Raises:
        GmnmError: it is none of this problem.
    """
    by_field = checks.keyed(checks.size, names=problem.fields)
    doubts = {"doubt": checks.text, "sure": checks.flag, "faint": checks.listed(checks.one_of(*problem.fields))}
    checks.record(by_field=by_field, by_parameter=checks.keyed(checks.size), **doubts)(state, "estimate")
    return {**state, "faint": tuple(state["faint"])}


@restoring()
def check_state(state: Any, /, **parts: checks.Check) -> None:
    """Refuse a state that has other parts than these.

    Raises:
        GmnmError: it has; the message says where.
    """
    checks.record(**parts)(state, "state")
