"""What a checkpoint says of a training: which model it began with, and the state that it goes on from."""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gmnm_pde.fitting.stored import check_state, tensor
from gmnm_pde.io import checks
from gmnm_pde.sampling import unit_points
from gmnm_pde.statement.fingerprint import digest

_POINTS = 16
"""Points at which a model is looked at."""


@torch.no_grad()
def drawn(model: nn.Module, dimension: int) -> dict[str, Any]:
    """A few numbers that tell a model, as it was given, from others: its parameters, and its outputs at some points."""
    like = next(model.parameters())
    points = 2 * unit_points(_POINTS, dimension, "sobol", seed=1) - 1
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        outputs = copy.deepcopy(model)(points.to(like))  # the copy may change as it is called
    parts = {name: digest(value) for name, value in model.state_dict().items() if isinstance(value, Tensor)}
    return {"parameters": parts, "outputs": digest(outputs.double() if like.dtype == torch.float64 else outputs)}


def checked_training(resumed: Any, unknowns: Sequence[Tensor], methods: int) -> dict[str, Any]:
    """The state of a training in a checkpoint.

    Raises:
        GmnmError: it is that of no training of these unknowns by so many methods.
    """
    check_state(resumed, state=checks.keyed(checks.anything), work=checks.size)
    state = resumed["state"]
    check_state(
        state,
        model=checks.keyed(_values),
        scalars=checks.listed(tensor),
        aids=checks.listed(checks.keyed(checks.anything)),
        latest=checks.keyed(checks.anything),
        done=checks.listed(_done),
        recorded=checks.number,
        under_way=checks.optional(_under_way(unknowns)),
    )
    ended, under_way = len(state["done"]), state["under_way"] is not None
    if not (ended < methods if under_way else 0 < ended <= methods):
        got = f"{ended}, and {'another' if under_way else 'none'} under way"
        raise checks.Unfit("state.done", f"some of {methods} method(s)", got)
    return state


def _values(value: Any, where: str) -> None:
    """Numbers of a module; those that are whole are whatever they are."""
    if not isinstance(value, Tensor) or value.isnan().any():
        raise checks.Unfit(where, "a tensor of numbers", value)


def _done(value: Any, where: str) -> None:
    """How a method ended."""
    parts = (checks.number, checks.whole(), checks.flag, checks.text)
    checks.listed(checks.anything, count=len(parts))(value, where)
    for k, (check, part) in enumerate(zip(parts, value, strict=True)):
        check(part, f"{where}[{k}]")


def _under_way(unknowns: Sequence[Tensor]) -> checks.Check:
    """The loop of a method."""

    def like_unknowns(value: Any, where: str) -> None:
        checks.listed(tensor, count=len(unknowns))(value, where)
        shapes = [list(known.shape) for known in value], [list(known.shape) for known in unknowns]
        if shapes[0] != shapes[1]:
            raise checks.Unfit(where, f"tensors of the shapes {shapes[1]}", shapes[0])

    def best(value: Any, where: str) -> None:
        if value != []:
            like_unknowns(value, where)

    return checks.record(
        step=checks.whole(),
        fell=checks.whole(),
        best_loss=checks.number,
        best_current=checks.flag,
        best=best,
        unknowns=like_unknowns,
        work=checks.keyed(checks.anything),
    )
