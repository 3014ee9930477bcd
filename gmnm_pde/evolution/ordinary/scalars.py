"""A recorded graph of operations point by point, written as Python code: one source for numbers and for arrays.

A number takes Python 50 ns an operation, a tensor of one number takes torch 3000.
"""

import bisect
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from gmnm_pde.statement.recording import Call, Graph, Ref, Unrecorded

_SAME = {
    "detach", "clone", "view", "_unsafe_view", "reshape", "expand", "unsqueeze", "squeeze", "alias", "select", "slice",
    "contiguous", "lift_fresh", "sum", "mean", "permute", "transpose", "t", "_reshape_alias", "unbind", "conj",
}  # fmt: skip
"""Of one number these make the same one."""

_INFIX = {
    "mul": "*", "gt": ">", "ge": ">=", "lt": "<", "le": "<=", "eq": "==", "ne": "!=", "logical_and": "&",
    "bitwise_and": "&", "logical_or": "|", "bitwise_or": "|",
}  # fmt: skip

_FUNCTIONS = {
    "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "exp", "expm1",
    "log", "log1p", "log2", "log10", "sqrt", "abs", "floor", "ceil", "trunc", "sign", "maximum", "minimum", "atan2",
    "hypot", "where", "remainder", "erf", "sigmoid", "logical_not", "round",
}  # fmt: skip

_ALSO = {"sgn": "sign", "bitwise_not": "logical_not", "hypot": "hypot", "arctan2": "atan2", "floor_divide": "floordiv"}


def _sign(x: float) -> float:
    return float((x > 0) - (x < 0))


def _where(condition: Any, a: Any, b: Any) -> Any:
    return a if condition else b


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


_NUMBERS: dict[str, Any] = {
    **{name: getattr(math, name) for name in ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh")},
    **{name: getattr(math, name) for name in ("asinh", "acosh", "atanh", "exp", "expm1", "log", "log1p", "log2")},
    **{name: getattr(math, name) for name in ("log10", "sqrt", "floor", "ceil", "trunc", "atan2", "hypot", "erf")},
    "abs": abs, "maximum": max, "minimum": min, "sign": _sign, "where": _where, "power": math.pow, "inf": math.inf,
    "nan": math.nan, "sigmoid": _sigmoid, "logical_not": operator.not_, "round": round, "whole": int, "real": float,
    "remainder": lambda a, b: a % b, "floordiv": lambda a, b: a // b, "take": lambda table, i: table[i],
    "search_left": bisect.bisect_left, "search_right": bisect.bisect_right,
}  # fmt: skip
"""The functions of a source for numbers."""


def _erf(x: Any) -> Any:
    return torch.erf(torch.as_tensor(np.asarray(x, dtype=float))).numpy()


def _logistic(x: Any) -> Any:
    return torch.sigmoid(torch.as_tensor(np.asarray(x, dtype=float))).numpy()


_ARRAYS: dict[str, Any] = {
    **{name: getattr(np, name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "expm1", "log")},
    **{name: getattr(np, name) for name in ("log1p", "log2", "log10", "sqrt", "floor", "ceil", "trunc", "hypot")},
    **{name: getattr(np, name) for name in ("abs", "maximum", "minimum", "sign", "where", "power", "remainder")},
    **{f"a{name}": getattr(np, f"arc{name}") for name in ("sin", "cos", "tan", "tan2", "sinh", "cosh", "tanh")},
    "inf": math.inf, "nan": math.nan, "erf": _erf, "sigmoid": _logistic, "logical_not": np.logical_not,
    "round": np.round, "whole": lambda x: np.asarray(x).astype(np.int64), "floordiv": np.floor_divide,
    "real": lambda x: np.asarray(x, dtype=np.float64), "take": lambda table, i: table[i],
    "search_left": lambda table, x: np.searchsorted(table, x, side="left"),
    "search_right": lambda table, x: np.searchsorted(table, x, side="right"),
}  # fmt: skip
"""The same for arrays."""

Function = Callable[..., tuple]


def written(graph: Graph) -> tuple[Function, Function]:
    """The graph of one point as a function of numbers and as one of arrays, both giving tuples.

    Raises:
        Unrecorded: it has operations that are not point by point, or unknown ones.
    """
    source, tables = _Writer(graph).source()
    made = []
    for names, kind in ((_NUMBERS, list), (_ARRAYS, np.array)):
        scope = {**names, **{name: kind(table) for name, table in tables.items()}}
        exec(compile(source, "<recorded>", "exec"), scope)
        made.append(scope["function"])
    return made[0], made[1]


class _Writer:
    """Lines of code, an expression each; what occurs twice is written once."""

    def __init__(self, graph: Graph):
        self.graph = graph
        self.names: dict[int, str] = {number: f"x{k}" for k, number in enumerate(graph.inputs)}
        self.lines: list[str] = []
        self.tables: dict[str, list] = {}
        self.known: dict[str, str] = {}
        for number, tensor in graph.constants.items():
            if tensor.numel() == 1:
                self.names[number] = _literal(tensor.item())

    def source(self) -> tuple[str, dict[str, list]]:
        for call in self.graph.calls:
            self._write(call)
        arguments = ", ".join(f"x{k}" for k in range(len(self.graph.inputs)))
        ends = "".join(f"{self._name(number)}, " for number in self.graph.outputs)
        body = "\n".join(f"    {line}" for line in [*self.lines, f"return ({ends})"])
        return f"def function({arguments}):\n{body}\n", self.tables

    def _name(self, number: int) -> str:
        if number not in self.names:
            raise Unrecorded("a tensor of several numbers")
        return self.names[number]

    def _write(self, call: Call) -> None:
        allowed = (torch.float64, torch.int64, torch.bool)
        if any(shape.numel() != 1 for shape in call.shapes) or any(own not in allowed for own in call.dtypes):
            raise Unrecorded(f"'{call.name}' gives several numbers, or such of another precision")
        expression = self._expression(call)
        if not expression.isidentifier() and not _is_literal(expression):
            if expression not in self.known:
                self.known[expression] = f"v{len(self.known)}"
                self.lines.append(f"{self.known[expression]} = {expression}")
            expression = self.known[expression]
        for number in call.results:
            self.names[number] = expression

    def _values(self, call: Call) -> list[str]:
        """The arguments as code."""
        return [self._name(own.number) if isinstance(own, Ref) else _literal(own) for own in call.args]

    def _expression(self, call: Call) -> str:
        name, args = _ALSO.get(call.name, call.name), call.args
        if name in _SAME:
            return self._name(args[0].number)
        if name in ("index", "searchsorted"):
            return self._of_table(call)
        if name == "_to_copy":
            kind = call.kwargs.get("dtype")
            own = self._name(args[0].number)
            return f"whole({own})" if kind == torch.int64 else f"real({own})" if kind == torch.float64 else own
        if name == "clamp":
            return self._clamp(call)
        values = self._values(call)
        if name in ("add", "sub", "rsub"):
            return self._sum(name, values, call.kwargs.get("alpha", 1))
        if call.kwargs:
            raise Unrecorded(f"'{name}' with {call.kwargs}")
        if name == "mul" and "1.0" in values:
            return values[1] if values[0] == "1.0" else values[0]
        if name in _INFIX:
            return f"({values[0]} {_INFIX[name]} {values[1]})"
        if name in _FUNCTIONS:
            return f"{name}({', '.join(values)})"
        return self._other(name, values)

    def _other(self, name: str, values: list[str]) -> str:
        a = values[0]
        if name == "div" and len(values) == 2:
            return f"({a} / {values[1]})"
        if name == "neg":
            return f"(-{a})"
        if name == "reciprocal":
            return f"(1.0 / {a})"
        if name == "rsqrt":
            return f"(1.0 / sqrt({a}))"
        if name in ("square", "pow"):
            return _power(a, values[1] if name == "pow" else "2")
        if name == "relu":
            return f"where({a} > 0, {a}, 0.0)"
        if name == "threshold_backward":
            return f"where({values[1]} <= {values[2]}, 0.0, {a})"
        if name == "sigmoid_backward":
            return f"({a} * (1.0 - {values[1]}) * {values[1]})"
        if name == "tanh_backward":
            return f"({a} * (1.0 - {values[1]} * {values[1]}))"
        if name == "masked_fill":
            return f"where({values[1]}, {values[2]}, {a})"
        if name == "clamp_min":
            return f"maximum({a}, {values[1]})"
        if name == "clamp_max":
            return f"minimum({a}, {values[1]})"
        raise Unrecorded(f"'{name}' is not known point by point")

    def _clamp(self, call: Call) -> str:
        low, high = ([*call.args[1:], None, None])[:2]
        low, high = call.kwargs.get("min", low), call.kwargs.get("max", high)
        inner = self._name(call.args[0].number)
        for name, bound in (("maximum", low), ("minimum", high)):
            if bound is not None:
                inner = f"{name}({inner}, {_literal(bound)})"
        return inner

    def _sum(self, name: str, values: list[str], alpha: float) -> str:
        a, b = values if name != "rsub" else values[::-1]
        other = b if alpha == 1 else f"{_literal(alpha)} * {b}"
        if name == "rsub" and alpha != 1:
            return f"({a} - {_literal(alpha)} * {b})"
        return f"({a} {'+' if name == 'add' else '-'} {other})"

    def _of_table(self, call: Call) -> str:
        """A number out of a table of constants, or where one belongs in it."""
        reading = call.name == "index"
        table, other = call.args[0], call.args[1][0] if reading and len(call.args[1]) == 1 else call.args[1]
        if not (isinstance(table, Ref) and isinstance(other, Ref) and table.number in self.graph.constants):
            raise Unrecorded(f"'{call.name}' of no table")
        values = self.graph.constants[table.number]
        if values.ndim != 1 or len(values) < 1:
            raise Unrecorded("a table of several dimensions")
        name = f"t{table.number}"
        self.tables[name] = values.tolist()
        if reading:
            return f"take({name}, {self._name(other.number)})"
        right = call.kwargs.get("right", False) or call.kwargs.get("side") == "right"
        return f"search_{'right' if right else 'left'}({name}, {self._name(other.number)})"


def _power(base: str, exponent: str) -> str:
    simple = {"2": f"({base} * {base})", "3": f"({base} * {base} * {base})", "0.5": f"sqrt({base})"}
    simple |= {"1": base, "-1": f"(1.0 / {base})", "2.0": simple["2"], "3.0": simple["3"], "1.0": base}
    return simple.get(exponent, f"power({base}, {exponent})")


def _literal(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return repr(value)
    if isinstance(value, int | float):
        return repr(value) if value >= 0 else f"({value!r})"
    raise Unrecorded(f"the argument {value!r}")


def _is_literal(text: str) -> bool:
    try:
        float(text.strip("()"))
    except ValueError:
        return False
    return True
