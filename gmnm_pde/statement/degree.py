"""The degree of what was recorded as a polynomial of what goes in, and whether it is one."""

import math
from collections.abc import Sequence

from gmnm_pde.statement.recording import Call, Graph, Ref

_SUMS = {
    "add", "sub", "rsub", "neg", "stack", "cat", "sum", "mean", "detach", "clone", "view", "_unsafe_view", "reshape",
    "expand", "unsqueeze", "squeeze", "alias", "select", "slice", "contiguous", "lift_fresh", "permute", "transpose",
    "t", "_reshape_alias", "unbind", "_to_copy", "positive",
}  # fmt: skip
"""These are of the degree of the highest of their arguments."""

_PRODUCTS = {"mul", "mm", "mv", "dot", "bmm"}
"""The degrees of their arguments add up."""

_CURVED = {
    "abs", "sign", "sgn", "floor", "ceil", "round", "trunc", "frac", "remainder", "fmod", "heaviside", "floor_divide",
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "logaddexp", "sqrt", "rsqrt", "reciprocal", "hypot",
    "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "sinc",
    "sigmoid", "log_sigmoid_forward", "softplus", "elu", "gelu", "silu", "mish", "relu", "leaky_relu", "hardtanh",
    "threshold", "clamp", "clamp_min", "clamp_max", "maximum", "minimum", "fmax", "fmin", "erf", "erfc", "erfinv",
    "lgamma", "digamma", "gt", "ge", "lt", "le", "eq", "ne", "isclose", "searchsorted", "bucketize", "_softmax",
}  # fmt: skip
"""Of numbers of a certain size these may show nothing but a line, and are none."""


def is_curved(graph: Graph) -> bool:
    """Whether something acts on what goes in that is no polynomial, whatever it shows at some numbers."""
    known = degrees(graph, [1] * len(graph.inputs))
    return any(_acts(call, known) and _bends(call, known) for call in graph.calls)


def bent(graph: Graph) -> list[set[int]]:
    """For each of what comes out what goes in by which its slope may be no polynomial.

    These are acted on by what is no polynomial, or multiplied with what came of that.
    """
    varying = degrees(graph, [1] * len(graph.inputs))
    found: list[set[int]] = [set() for _ in graph.outputs]
    for place, own in enumerate(graph.inputs):
        known = {number: float(number == own) for number in graph.inputs}
        for call in graph.calls:
            degree = _degree(call, known)
            if _acts(call, varying) and _bends(call, varying):
                degree = math.inf if degree > 0 else 1.0
            known.update(dict.fromkeys(call.results, degree))
        for outputs, number in zip(found, graph.outputs, strict=True):
            if known.get(number, 0.0) > 1:
                outputs.add(place)
    return found


def _bends(call: Call, known: dict[int, float]) -> bool:
    """Whether an operation is no polynomial."""
    return call.name in _CURVED or (call.name in ("pow", "div") and _degree(call, known) == math.inf)


def degree(graph: Graph, inputs: Sequence[int]) -> float:
    """The highest degree of what comes out; infinite where it is no polynomial.

    Args:
        graph: What was recorded.
        inputs: The degree of each of what goes in: 0 for what counts as a coefficient.
    """
    known = degrees(graph, inputs)
    return max(known.get(number, 0.0) for number in graph.outputs)


def degrees(graph: Graph, inputs: Sequence[int]) -> dict[int, float]:
    """The degree of every value, by its number; of constants, which are not among them, it is 0."""
    known = dict(zip(graph.inputs, map(float, inputs), strict=True))
    for call in graph.calls:
        own = _degree(call, known)
        known.update(dict.fromkeys(call.results, own))
    return known


def _degree(call: Call, known: dict[int, float]) -> float:
    """That of what an operation gives."""
    degrees = [known.get(ref.number, 0.0) for ref in _refs([*call.args, *call.kwargs.values()])]
    highest = max(degrees, default=0.0)
    if highest == 0 or call.name in _SUMS:
        return highest
    if call.name in _PRODUCTS:
        return sum(degrees)
    others = call.args[1:]
    if call.name == "where" and not _is_varying(call.args[0], known):
        return highest
    if call.name == "div" and not _is_varying(others[0], known):
        return highest
    power = others[0] if call.name == "pow" and others else None
    if isinstance(power, int | float) and power >= 0 and power == int(power):
        return power * highest
    return math.inf


def _acts(call: Call, known: dict[int, float]) -> bool:
    """Whether an operation acts on something that varies."""
    return any(known.get(ref.number, 0.0) > 0 for ref in _refs([*call.args, *call.kwargs.values()]))


def _is_varying(argument: object, known: dict[int, float]) -> bool:
    return isinstance(argument, Ref) and known.get(argument.number, 0.0) > 0


def _refs(tree: object) -> list[Ref]:
    if isinstance(tree, Ref):
        return [tree]
    return [ref for item in tree for ref in _refs(item)] if isinstance(tree, list | tuple) else []
