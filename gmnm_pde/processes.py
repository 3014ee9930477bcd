"""Several processes that solve one problem: what torchrun starts, by torch.distributed.

All of them run the same program on the same data. What is dear is divided: each process does its part apart from the
others, what the parts gave is gathered by all, and all go on with the same numbers. What a clock or a user's wish
decides, the first process decides for all, so that they never part. Without torch.distributed, and outside of a solve,
every process is alone, and nothing here costs anything.
"""

import math
import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from gmnm_pde._errors import refuse

Found = TypeVar("Found")

ALL = -1
"""In place of the number of a process: work that every process does, since all need what it gives."""

_together: ContextVar[bool | None] = ContextVar("together", default=None)
"""False within work that a process does apart."""


@contextmanager
def together(
    sameness: Callable[[], Any] = str, difference: Callable[[Any, Any], str] = lambda *_: ""
) -> Iterator[None]:
    """Work that all processes do alike, at which they help one another.

    Args:
        sameness: What is to be the same in all of them, as plain values; asked for only where there are several.
        difference: In words, what differs between that of the first process and that of another.

    Raises:
        GmnmError: it is not.
    """
    token = _together.set(_together.get() is not False and _can_talk())
    try:
        if count() > 1:
            told: list[Any] = [None] * count()
            dist.all_gather_object(told, sameness())
            found = [words for words in (difference(told[0], other) for other in told[1:]) if words]
            if found:
                remedy = "Each process by itself: torch.distributed.destroy_process_group() before."
                raise refuse("solve", expected="the same in all processes", got=found[0], remedy=remedy)
        yield
    finally:
        _together.reset(token)


@contextmanager
def apart() -> Iterator[None]:
    """Work that a process does by itself, within what all do together."""
    token = _together.set(False)
    try:
        yield
    finally:
        _together.reset(token)


def _can_talk() -> bool:
    """Whether there are several processes that can exchange what is in the memory of a CPU."""
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return False
    return "cpu:" in str(dist.get_backend_config())


def count() -> int:
    """How many processes there are that help with the work at hand; 1 for a process by itself."""
    return dist.get_world_size() if _together.get() else 1


def rank() -> int:
    """The number of this one, also in work that it does apart."""
    return dist.get_rank() if _together.get() is not None and _can_talk() else 0


def speaks() -> bool:
    """Whether this process is the one that writes files, where several work together."""
    return not (dist.is_available() and dist.is_initialized()) or dist.get_rank() == 0


def agreed(value: float) -> float:
    """What the first process says."""
    if count() == 1:
        return value
    told = torch.tensor([value], dtype=torch.float64)
    dist.broadcast(told, 0)
    return told.item()


def most(value: int) -> int:
    """The largest that any process says."""
    if count() == 1:
        return value
    told = torch.tensor([value])
    dist.all_reduce(told, dist.ReduceOp.MAX)
    return int(told)


def own_part(work: Callable[[], Found]) -> Found:
    """What a process's own part of the work gives it; what goes wrong in one process goes wrong in all."""
    if count() == 1:
        return work()
    found, failure = _tried(work)
    if most(int(failure is not None)):
        raise _first(failure)
    assert found is not None
    return found


def gathered(work: Callable[[], Sequence[Tensor]]) -> list[Sequence[Tensor]]:
    """What the parts of all processes give, in the order of their numbers: real numbers, as many as each likes.

    What goes wrong in one process goes wrong in all.
    """
    if count() == 1:
        return [work()]
    found, failure = _tried(work)
    packed = _packed(found or ())
    told = torch.tensor([len(packed), int(failure is not None)])
    every = [torch.empty_like(told) for _ in range(count())]
    dist.all_gather(every, told)
    if any(bool(each[1]) for each in every):
        raise _first(failure)
    longest = max(int(each[0]) for each in every)
    parts = [packed.new_empty(longest) for _ in every]
    dist.all_gather(parts, torch.nn.functional.pad(packed, (0, longest - len(packed))))
    return [found or () if number == rank() else _unpacked(part) for number, part in enumerate(parts)]


def portion(number: int) -> slice:
    """This process's part of so many things, which parts follow one another."""
    own = rank() if count() > 1 else 0
    return slice(number * own // count(), number * (own + 1) // count())


def shared_out(costs: Sequence[float]) -> list[int]:
    """The process that each piece of work is for, so that all have about as much: pieces in a row stay together."""
    total, done, owners = sum(costs) or 1.0, 0.0, []
    for cost in costs:
        owners.append(min(count() - 1, int((done + cost / 2) / total * count())))
        done += cost
    return owners


def _tried(work: Callable[[], Found]) -> tuple[Found | None, Exception | None]:
    with apart():
        try:
            return work(), None
        except Exception as failure:
            return None, failure


def _first(failure: Exception | None) -> Exception:
    """What went wrong in the first process in which something did, the same in all."""
    told: list[bytes | None] = [None] * count()
    dist.all_gather_object(told, None if failure is None else _pickled(failure))
    number, known = next((number, each) for number, each in enumerate(told) if each is not None)
    return failure if number == rank() and failure is not None else pickle.loads(known)


def _pickled(failure: Exception) -> bytes:
    try:
        told = pickle.dumps(failure)
        pickle.loads(told)
    except Exception:  # exceptions may take other arguments than their words
        return pickle.dumps(RuntimeError(f"{type(failure).__name__}: {failure}"))
    return told


def _packed(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors as one, with their shapes before them, and before these how many numbers they are."""
    head = [0]
    for tensor in tensors:
        head += [tensor.ndim, *tensor.shape]
    head[0] = len(head)
    return torch.cat([torch.tensor(head, dtype=torch.float64), *(tensor.flatten().double() for tensor in tensors)])


def _unpacked(packed: Tensor) -> list[Tensor]:
    """The tensors."""
    first, shapes = int(packed[0]), []
    head = [int(number) for number in packed[1:first].tolist()]
    while head:
        shapes.append(head[1 : 1 + head[0]])
        head = head[1 + head[0] :]
    sizes = [math.prod(shape) for shape in shapes]
    parts = packed[first : first + sum(sizes)].split(sizes)
    return [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]
