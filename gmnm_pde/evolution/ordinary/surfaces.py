"""Surfaces in the state on which the equations jump or have kinks: where a recorded function compares numbers."""

from collections.abc import Callable, Sequence
from itertools import count

import numpy as np
import torch

from gmnm_pde.evolution.ordinary.scalars import written
from gmnm_pde.statement.degree import degrees
from gmnm_pde.statement.operations import BOUNDS, COMPARISONS, SIGNS
from gmnm_pde.statement.recording import Call, Graph, Ref, graph_for

_AT_WHOLE = {"floor", "ceil", "trunc", "remainder", "floor_divide"}
"""Operations that jump where the first argument, or its quotient by the second, is a whole number."""

_ELSEWHERE = {"round", "frac", "fmod", "searchsorted", "bucketize", "clamp", "where", "index", "gather", "isclose"}
"""Others that may jump or have kinks."""

Functions = Callable[[np.ndarray], np.ndarray]
"""Of points [n, inputs]: [n, functions]."""


def may_jump(graph: Graph, inputs: Sequence[int]) -> bool:
    """Whether something in the equations may jump or have kinks in the state, wherever that is.

    Args:
        graph: The equations at one point.
        inputs: 1 for numbers of the state, 0 for the time.
    """
    known, names = degrees(graph, inputs), COMPARISONS | BOUNDS | SIGNS | _AT_WHOLE | _ELSEWHERE
    return any(
        call.name in names and any(known.get(own.number, 0.0) > 0 for own in call.args if isinstance(own, Ref))
        for call in graph.calls
    )


def surfaces(graph: Graph, inputs: Sequence[int]) -> Functions | None:
    """Functions of the inputs that are zero on the surfaces; None where there are none.

    Args:
        graph: The equations at one point.
        inputs: 1 for numbers of the state, 0 for the time, along which jumps are looked for elsewhere.

    Raises:
        Unrecorded: they cannot be written as code.
    """
    known, numbers = degrees(graph, inputs), count(1_000_000)
    more: list[Call] = []

    def made(operation: object, *args: object) -> int:
        number = next(numbers)
        more.append(Call(operation, args, {}, (number,), (torch.Size([1]),), (torch.float64,), many=False))
        return number

    found: list[int] = []
    tables: dict[int, np.ndarray] = {}
    aten = torch.ops.aten
    for call in graph.calls:
        depends = any(isinstance(own, Ref) and known.get(own.number, 0.0) > 0 for own in call.args)
        first = call.args[0]
        if not depends or (call.dtypes[0] == torch.int64 and call.name != "searchsorted"):
            continue
        if call.name in COMPARISONS | BOUNDS:
            found.append(made(aten.sub.Tensor, *call.args[:2]))
        elif call.name == "searchsorted" and isinstance(call.args[1], Ref):
            tables[call.args[1].number] = graph.constants[call.args[0].number].numpy()
            found.append(call.args[1].number)
        elif call.name == "clamp":
            given = [*call.args[1:], *call.kwargs.values()]
            found += [made(aten.sub.Tensor, first, bound) for bound in given if bound is not None]
        elif call.name in SIGNS and isinstance(first, Ref):
            found.append(first.number)
        elif call.name in _AT_WHOLE:
            part = Ref(made(aten.div.Tensor, *call.args[:2])) if len(call.args) > 1 else first
            found.append(made(aten.sin.default, Ref(made(aten.mul.Tensor, part, np.pi))))
    if not found:
        return None
    ends = tuple(dict.fromkeys(found))
    _, function = written(graph_for(graph.inputs, (*graph.calls, *more), graph.constants, ends))

    def values(points: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            columns = [np.broadcast_to(own, len(points)) for own in function(*points.T)]
        pairs = zip(ends, columns, strict=True)
        return np.stack([_beside(tables[end], own) if end in tables else own for end, own in pairs], axis=1)

    return values


def _beside(table: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """How far numbers are from the nearest of a table, with a sign that changes there."""
    place = np.searchsorted(table, numbers)
    ends = np.concatenate([[-np.inf], table, [np.inf]])
    return np.minimum(numbers - ends[place], ends[place + 1] - numbers) * (1 - 2 * (place % 2))
