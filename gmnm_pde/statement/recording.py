"""What a user's function does with tensors, recorded once: a graph of torch's operations, which can be run again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode


class Unrecorded(Exception):
    """Why what a function does cannot be recorded."""


NOT_RECORDED = (Unrecorded, ArithmeticError, TypeError, AttributeError, IndexError, NotImplementedError)
"""What may come of functions that do what cannot be recorded."""


@dataclass(frozen=True)
class Ref:
    """A value of a graph, by its number."""

    number: int


@dataclass(frozen=True)
class Call:
    """An operation: tensors among its arguments are refs; what it gives has numbers."""

    function: Any
    args: tuple
    kwargs: dict[str, Any]
    results: tuple[int, ...]
    shapes: tuple[torch.Size, ...]
    dtypes: tuple[torch.dtype, ...]
    many: bool

    @property
    def name(self) -> str:
        """Of the operation, such as ``mul``."""
        return _name(self.function)


@dataclass(frozen=True)
class Graph:
    """Operations one after another.

    Attributes:
        inputs: The numbers of what goes in.
        calls: The operations that depend on it and are needed.
        constants: What else they take, by number.
        outputs: The numbers of what comes out.
    """

    inputs: tuple[int, ...]
    calls: tuple[Call, ...]
    constants: dict[int, Tensor]
    outputs: tuple[int, ...]

    @torch.no_grad()
    def run(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """The outputs for inputs of the shapes that were recorded."""
        known = dict(self.constants)
        known.update(zip(self.inputs, inputs, strict=True))
        for call in self.calls:
            made = call.function(*_filled(call.args, known), **_filled(call.kwargs, known))
            for number, value in zip(call.results, made if call.many else (made,), strict=True):
                known[number] = value
        return [known[number] for number in self.outputs]


def graph_for(
    inputs: tuple[int, ...], calls: Sequence[Call], constants: dict[int, Tensor], outputs: tuple[int, ...]
) -> Graph:
    """The graph of those operations that are needed for some outputs."""
    wanted, needed = set(outputs), list[Call]()
    for call in reversed(calls):
        if wanted & set(call.results):
            needed.append(call)
            wanted.update(_refs((call.args, call.kwargs)))
    held = {number: own for number, own in constants.items() if number in wanted}
    return Graph(inputs, tuple(reversed(needed)), held, outputs)


_OF_SHAPES = {"zeros_like", "ones_like", "full_like", "empty_like", "new_zeros", "new_ones", "new_full", "new_tensor"}
"""Operations that read no numbers of their arguments."""


def record(function: Callable[[], Sequence[Tensor]], inputs: Sequence[Tensor]) -> Graph:
    """What ``function`` does with the inputs, which it knows.

    Raises:
        Unrecorded: it changes tensors in place, reads numbers out of them, or draws random ones.
    """
    recorder = _Recorder()
    with recorder:
        outputs = list(function())
    return _Reader(inputs).graph(recorder.calls, outputs)


class _Recorder(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, tuple, dict, Any]] = []

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing is compiled here, and to learn that would take torch two seconds."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        result = func(*args, **(kwargs or {}))
        self.calls.append((func, args, kwargs or {}, result))  # what is kept alive has an id of its own
        return result


class _Reader:
    """Numbers for tensors, by identity."""

    def __init__(self, inputs: Sequence[Tensor]):
        self.numbers: dict[int, int] = {}
        self.constants: dict[int, Tensor] = {}
        self.dependent: set[int] = set()
        self.kept: list[Tensor] = []
        self.inputs = tuple(self._number(tensor) for tensor in inputs)
        self.dependent.update(self.inputs)

    def graph(self, calls: Sequence[tuple[Any, tuple, dict, Any]], outputs: Sequence[Tensor]) -> Graph:
        made = [own for own in (self._call(*call) for call in calls) if own is not None]
        ends = tuple(self._ref(output).number for output in outputs)
        return graph_for(self.inputs, made, self.constants, ends)

    def _call(self, function: Any, args: tuple, kwargs: dict, result: Any) -> Call | None:
        plain, named = self._read(args), self._read(kwargs)
        many = isinstance(result, tuple | list)
        tensors = list(result) if many else [result]
        touched = any(number in self.dependent for number in _refs((plain, named)))
        if function._schema.is_mutable and not self._own(plain):
            raise Unrecorded(f"{function} changes a tensor in place")
        if torch.Tag.nondeterministic_seeded in function.tags:
            raise Unrecorded(f"{function} draws random numbers")
        if not all(isinstance(own, Tensor) for own in tensors):
            if touched:
                raise Unrecorded(f"{function} reads numbers")
            return None
        if not touched or _name(function) in _OF_SHAPES:
            for own in tensors:
                self.constants[self._number(own)] = own.detach()
            return None
        results = tuple(self._number(own) for own in tensors)
        self.dependent.update(results)
        shapes, dtypes = tuple(own.shape for own in tensors), tuple(own.dtype for own in tensors)
        return Call(function, plain, named, results, shapes, dtypes, many)

    def _own(self, args: tuple) -> bool:
        """Whether the first argument was computed from the inputs, so that it may be changed in place."""
        first = args[0].number if args and isinstance(args[0], Ref) else None
        return first in self.dependent and first not in self.inputs

    def _number(self, tensor: Tensor) -> int:
        number = len(self.kept)
        self.kept.append(tensor)
        self.numbers[id(tensor)] = number
        return number

    def _ref(self, tensor: Tensor) -> Ref:
        if id(tensor) not in self.numbers:
            self.constants[self._number(tensor)] = tensor.detach()
        return Ref(self.numbers[id(tensor)])

    def _read(self, tree: Any) -> Any:
        if isinstance(tree, Tensor):
            return self._ref(tree)
        if isinstance(tree, tuple | list):
            return type(tree)(self._read(item) for item in tree)
        if isinstance(tree, dict):
            return {key: self._read(item) for key, item in tree.items()}
        return tree


def _name(function: Any) -> str:
    return function._schema.name.split("::")[1].removesuffix("_")


def _refs(tree: Any) -> list[int]:
    if isinstance(tree, Ref):
        return [tree.number]
    if isinstance(tree, dict):
        tree = tuple(tree.values())
    if isinstance(tree, tuple | list):
        return [number for item in tree for number in _refs(item)]
    return []


def _filled(tree: Any, known: dict[int, Tensor]) -> Any:
    if isinstance(tree, Ref):
        return known[tree.number]
    if isinstance(tree, tuple | list):
        return type(tree)(_filled(item, known) for item in tree)
    if isinstance(tree, dict):
        return {key: _filled(item, known) for key, item in tree.items()}
    return tree
