"""A solution as a program that runs without this library: ONNX, and torch.export."""

import copy
import json
import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gmnm_pde._errors import GmnmError, nearest, refuse
from gmnm_pde._extras import extra
from gmnm_pde.exports.closed import closed
from gmnm_pde.exports.constants import DoubleNumbers
from gmnm_pde.io.places import called, replace_whole, writable

_KINDS = (".onnx", ".pt2")

_TYPES = (torch.float64, torch.float32)

_POINTS = 7
"""Points of the example that is followed; any number may be given later."""


class Program(nn.Module):
    """From points to fields, in one precision outside and another inside."""

    def __init__(self, model: nn.Module, outside: torch.dtype, inside: torch.dtype):
        super().__init__()
        self.model, self.outside, self.inside = model, outside, inside

    def forward(self, points: Tensor) -> Tensor:
        return self.model(points.to(self.inside)).to(self.outside)


def write_program(solution: Any, path: str | Path, *, dtype: Any = None) -> Path:
    """See ``Solution.export``."""
    call = called("solution.export(...)", path)
    kind = Path(path).suffix if isinstance(path, str | Path) else ""
    if kind not in _KINDS:
        raise refuse(call, expected="a file .onnx or .pt2", got=repr(kind), remedy=nearest(kind, _KINDS))
    own = next(solution.model.parameters()).dtype
    outside = own if dtype is None else dtype
    if outside not in _TYPES:
        raise refuse(f"{call}: dtype", expected="torch.float64 or torch.float32", got=repr(dtype))
    if kind == ".onnx":
        for package in ("onnx", "onnxscript"):
            extra(package, call, "onnx")
    target = writable(path, call)
    program = _exported(solution, outside, own, call)
    facts = _facts(solution)
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / f"program{kind}"
        if kind == ".pt2":
            with _quietly():
                torch.export.save(program, draft, extra_files={"facts.json": json.dumps(facts)})
        else:
            _write_onnx(program, draft, facts)
        replace_whole(target, draft.read_bytes(), call)
    return target


def _exported(solution: Any, outside: torch.dtype, inside: torch.dtype, call: str) -> Any:
    """The program as torch.export sees it."""
    own = copy.deepcopy(closed(solution.model))  # what follows changes parameters' settings
    program = Program(own, outside, inside).eval().requires_grad_(False).cpu()
    bounds = torch.tensor(solution.bounds, dtype=torch.float64)
    shares = torch.linspace(0.1, 0.9, _POINTS, dtype=torch.float64)[:, None]
    points = (bounds[:, 0] + shares * (bounds[:, 1] - bounds[:, 0])).to(outside)
    try:
        with torch.no_grad(), _quietly(), DoubleNumbers():
            count = torch.export.Dim("points", min=1)
            return torch.export.export(program, (points,), dynamic_shapes={"points": {0: count}})
    except GmnmError:
        raise
    except Exception as error:
        got = f"{type(solution.approximator).__name__} with {type(error).__name__}: {str(error).splitlines()[0]}"
        remedy = "Functions in conditions that are met exactly, and modules, are to be of torch operations alone."
        raise refuse(call, expected="a model that torch.export can follow", got=got, remedy=remedy) from error


def _write_onnx(program: Any, draft: Path, facts: dict[str, str]) -> None:
    with _quietly():
        made = torch.onnx.export(
            program, dynamo=True, input_names=["points"], output_names=["fields"], verbose=False, optimize=True
        )
        assert made is not None
        made.model.metadata_props.update(facts)
        made.save(str(draft), external_data=False)


def _facts(solution: Any) -> dict[str, str]:
    """What the file says of the solution, as text."""
    report = solution.report
    return {
        "coordinates": json.dumps(solution.coordinates),
        "bounds": json.dumps(solution.bounds),
        "fields": json.dumps(solution.fields),
        "problem": report.problem,
        "error_estimate": repr(report.error_estimate),
        "parameters": json.dumps(report.found),
    }


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the warnings and the news of exporters, which are about themselves."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
