"""What the operations of a user's function act on, as far as it tells where the function may be narrow.

A spot of width 1e-6 lies between any points that a function may be looked at. The argument of its ``exp`` does not: it
is as wide as the domain, and largest there. So it is with the denominators of rational functions, what ``tanh`` and its
kin bend, and numbers that are compared.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.sampling import Cloud
from gmnm_pde.statement.operations import BENDS, BOUNDS, CLAMPS, COMPARISONS, PEAKS, QUOTIENTS, SIGNS
from gmnm_pde.statement.recording import Call, Graph, Ref, graph_for, record

_CUT = SIGNS - {"abs", "sgn"} | BOUNDS | CLAMPS
"""What is the same on all of a sample may be another number where the argument passes a bound."""

_HUGE, _STEEP, _LARGE = 1e4, 200.0, 1e3
"""What has such a range is looked at: arguments of exponentials, of what bends, and the ratios of denominators."""

_RARE, _MOST = 0.2, 1e300
"""A result is rare on so small a part of the sample; infinite arguments count as so large."""

_POWER = 16
"""Powers that are at least so high may be narrow."""

_COLUMNS = 8
"""Values with more columns than that, as those of whole mixtures, are left alone."""


class Arguments:
    """Functions that are largest where another one, which is made of them, may be narrow.

    Args:
        function: From points to values [n, ...].
        sample: Points at which it is looked at; always as many are evaluated at once.

    Raises:
        Unrecorded, or what else NOT_RECORDED names: it cannot be recorded.
    """

    def __init__(self, function: Callable[[Cloud], Sequence[Tensor]], sample: Cloud):
        self._count = len(sample)
        with torch.enable_grad():
            graph = record(lambda: function(sample), _inputs(sample))
        self._ways = list(_ways_of(graph, sample))
        wanted = dict.fromkeys(number for way in self._ways for number in way.argument.numbers)
        self._graph = graph_for(graph.inputs, graph.calls, graph.constants, tuple(wanted))

    def __len__(self) -> int:
        return sum(len(way.low) for way in self._ways)

    def at(self, cloud: Cloud) -> Tensor:
        """The functions at points, [n, functions]: between -1 and 0 on the sample."""
        rows = []
        for start in range(0, len(cloud), self._count):
            parts = [own[start : start + self._count] for own in _inputs(cloud)]
            count = len(parts[0])
            filled = [torch.cat([own, own[-1:].expand(self._count - count, -1)]) for own in parts]
            known = _run(self._graph, filled)
            rows.append(torch.cat([way.value(known, self._count) for way in self._ways], dim=1)[:count])
        return torch.cat(rows)


@dataclass(frozen=True)
class _Argument:
    """What an operation acts on: a value, less another one if it compares them."""

    first: Ref
    other: Ref | float = 0.0

    @property
    def numbers(self) -> list[int]:
        return [own.number for own in (self.first, self.other) if isinstance(own, Ref)]

    def value(self, known: dict[int, Tensor], count: int) -> Tensor:
        """It at so many points, [n, columns]: real and imaginary parts of complex numbers."""
        value = _parts(known[self.first.number])
        value = value - (_parts(known[self.other.number]) if isinstance(self.other, Ref) else self.other)
        return value.reshape(count, -1).nan_to_num(torch.nan, _MOST, -_MOST)


@dataclass(frozen=True)
class _Way:
    """Where an argument is followed to: its ``most``, its ``least``, or ``zero``; with its range, [columns]."""

    argument: _Argument
    end: str
    low: Tensor
    high: Tensor

    def value(self, known: dict[int, Tensor], count: int) -> Tensor:
        """What is largest there, [n, columns]."""
        value = self.argument.value(known, count)
        if self.end == "zero":
            return -(value / torch.maximum(self.low.abs(), self.high.abs())).square()
        span = self.high - self.low
        return (value - self.high) / span if self.end == "most" else (self.low - value) / span


def _parts(value: Tensor) -> Tensor:
    return torch.view_as_real(value.to(torch.complex128)) if value.is_complex() else value.double()


def _inputs(cloud: Cloud) -> list[Tensor]:
    return [cloud.points] if cloud.normals is None else [cloud.points, cloud.normals]


def _ways_of(graph: Graph, sample: Cloud) -> Iterator[_Way]:
    """Those of the arguments whose range on a sample says that something may be narrow."""
    found = list(_found(graph, len(sample)))
    numbers = {number for call, argument in found for number in (*argument.numbers, call.results[0])}
    known = _run(graph_for(graph.inputs, graph.calls, graph.constants, tuple(numbers)), _inputs(sample))
    for call, argument in found:
        value, result = argument.value(known, len(sample)), known[call.results[0]]
        low, high = value.amin(dim=0), value.amax(dim=0)
        if bool((high > low).all()):
            for end in _ends(call, value, result.reshape(len(sample), -1)):
                yield _Way(argument, end, low, high)


def _found(graph: Graph, count: int) -> Iterator[tuple[Call, _Argument]]:
    """The operations that may make something narrow, and what they act on."""
    made = {number: call for call in graph.calls for number in call.results}
    for call in graph.calls:
        shape = call.shapes[0]
        first = call.args[1 if call.name == "div" else 0] if call.args else None
        known = isinstance(first, Ref) and first.number in made
        if not known or not len(shape) or shape[0] != count or shape.numel() > _COLUMNS * count:
            continue
        assert isinstance(first, Ref)
        if call.name in _CUT | COMPARISONS:
            others = [own for own in (*call.args[1:], *call.kwargs.values()) if isinstance(own, Ref | int | float)]
            yield call, _Argument(first, others[0] if others else 0.0)
        elif call.name in PEAKS | BENDS | QUOTIENTS | {"pow"}:
            yield call, _Argument(first)


def _ends(call: Call, value: Tensor, result: Tensor) -> tuple[str, ...]:
    """Where an argument is to be followed to, by its values and those of the operation on a sample."""
    name, size = call.name, value.abs()
    span = (value.amax(dim=0) - value.amin(dim=0)).max().item()
    if name in PEAKS:
        return ("most",) if span >= _HUGE else ()
    if name in BENDS:
        return ("most", "least", "zero") if span >= _STEEP else ()
    if name in _CUT | COMPARISONS:
        return _to_what_is_rare(value, result) or (("zero",) if name in COMPARISONS else ())
    power = call.args[1] if name == "pow" else -1
    if not isinstance(power, int | float) or 0 <= power < _POWER:
        return ()
    if power > 0:
        return ("most", "least")
    ratio = (size.amax(dim=0) / size.amin(dim=0).clamp_min(1e-300)).max().item()
    return ("zero",) if ratio >= _LARGE else ()


def _to_what_is_rare(value: Tensor, result: Tensor) -> tuple[str, ...]:
    """Where an argument goes to for a result that is rare on a sample, or never there; nothing if none is."""
    rare = result.double() != result.double().median()
    if not bool(rare.any()):
        return "most", "least"
    if rare.shape != value.shape or rare.double().mean() > _RARE:
        return ()
    return ("most",) if value[rare].mean() > value[~rare].mean() else ("least",)


def _run(graph: Graph, inputs: Sequence[Tensor]) -> dict[int, Tensor]:
    return dict(graph.constants) | dict(zip(graph.outputs, graph.run(inputs), strict=True))
