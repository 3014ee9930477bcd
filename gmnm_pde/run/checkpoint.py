"""A solve on file, so that one that was stopped goes on with the same digits: a climb, or a training under way."""

import dataclasses
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.adaptivity.p_refinement import Ascent, Rung
from gmnm_pde.adaptivity.time_slabs import Leg, block_after
from gmnm_pde.fitting.estimate import ErrorEstimate
from gmnm_pde.fitting.fit import Setup, restore
from gmnm_pde.io.states import flatten, unflatten
from gmnm_pde.io.tensors import format_of, read_tensors, write_tensors
from gmnm_pde.methods.least_squares import Outcome
from gmnm_pde.models import Partition
from gmnm_pde.strategies.training import Plan, State

_FORMAT = "gmnm_pde checkpoint 1"
_LEGS_FORMAT = "gmnm_pde blocks 1"
_TRAINING_FORMAT = "gmnm_pde training 1"
_PAUSE, _SHARE = 5.0, 20.0
"""Seconds between writes of a training, or so many times as long as a write takes."""
_OUTCOME = ("norm", "steps", "converged", "reason")


def identity(setup: Setup, tol: float | None) -> dict[str, Any]:
    """What a checkpoint must agree on with the solve that goes on from it."""
    problem = setup.problem
    found = {
        "problem": problem.name,
        "domain": str(problem.domain),
        "fields": problem.fields,
        "terms": [name for term in problem.terms for name in problem.traced(term).names],
        "parameters": problem.parameters,
        "tol": tol,
        "seed": setup.seed,
        "dtype": str(setup.dtype),
        "model": repr(setup.mixture),
        "method": repr(setup.method),
        "points": repr(setup.points),
        "scales": dict(setup.scales),
    }
    return json.loads(json.dumps(found))


def save(path: Path, setup: Setup, tol: float | None, ascent: Ascent, history: Sequence[Mapping[str, float]]) -> None:
    """Write ``ascent`` and the history so far."""
    best = ascent.best
    header = {
        "identity": identity(setup, tol),
        "estimates": ascent.estimates,
        "components": ascent.components,
        "widths": ascent.widths,
        "best": {
            "components": best.fit.components,
            "widths": best.fit.widths,
            "estimate": dataclasses.asdict(best.estimate),
            "outcome": {name: getattr(best.fit.outcome, name) for name in _OUTCOME},
        },
        "history": list(history),
    }
    _replace(path, _FORMAT, {"theta": best.fit.theta}, header)


def load(path: Path, setup: Setup, tol: float | None) -> tuple[Ascent | None, list[Leg], str, list[dict[str, float]]]:
    """The ascent, or the blocks and why there are any, in ``path``, and the history.

    Raises:
        GmnmError: the file is damaged, or was written by another solve; the message names the first difference.
    """
    if format_of(path) == _LEGS_FORMAT:
        return None, *_load_legs(path, setup, tol)
    tensors, header = _read(path, _FORMAT, identity(setup, tol))
    best = header["best"]
    theta = tensors["theta"].to(dtype=setup.dtype, device=setup.device)
    fit = restore(setup, best["components"], tuple(best["widths"]), Outcome(theta, **best["outcome"]))
    rung = Rung(fit, ErrorEstimate(**best["estimate"]))
    ascent = Ascent(rung, tuple(header["estimates"]), header["components"], tuple(header["widths"]))
    return ascent, [], "", header["history"]


def save_legs(
    path: Path,
    setup: Setup,
    tol: float | None,
    legs: Sequence[Leg],
    note: str,
    history: Sequence[Mapping[str, float]],
) -> None:
    """Write the blocks solved so far, why there are any, and the history."""
    kept = [
        {
            "start": leg.start,
            "end": leg.end,
            "partition": dataclasses.asdict(leg.fit.model.partition),
            "components": leg.fit.components // len(leg.fit.model.partition),
            "widths": leg.fit.widths,
            "estimate": dataclasses.asdict(leg.rung.estimate),
            "outcome": {name: getattr(leg.fit.outcome, name) for name in _OUTCOME},
        }
        for leg in legs
    ]
    tensors = {f"theta{k}": leg.fit.theta for k, leg in enumerate(legs)}
    header = {"identity": identity(setup, tol), "legs": kept, "note": note, "history": list(history)}
    _replace(path, _LEGS_FORMAT, tensors, header)


def _load_legs(path: Path, setup: Setup, tol: float | None) -> tuple[list[Leg], str, list[dict[str, float]]]:
    tensors, header = _read(path, _LEGS_FORMAT, identity(setup, tol))
    legs: list[Leg] = []
    for number, kept in enumerate(header["legs"]):
        boxes = tuple(tuple((low, high) for low, high in box) for box in kept["partition"]["boxes"])
        partition = Partition(boxes, kept["partition"]["margin"], kept["partition"]["smoothness"])
        block = block_after(setup.problem, legs, kept["start"], kept["end"])
        stage = dataclasses.replace(setup, problem=block, partition=partition)
        theta = tensors[f"theta{number}"].to(dtype=setup.dtype, device=setup.device)
        fit = restore(stage, kept["components"], tuple(kept["widths"]), Outcome(theta, **kept["outcome"]))
        fit.outputs(theta.new_zeros(1, setup.dimension))  # puts the readout in place
        legs.append(Leg(kept["start"], kept["end"], Rung(fit, ErrorEstimate(**kept["estimate"]))))
    return legs, header["note"], header["history"]


class TrainingFile:
    """The file of a training: written now and then, so that writing takes a small part of the time, and at the end.

    Args:
        path: Where.
        setup: Of the solve.
        plan: What is trained, and how.
        tol: Of the solve.
    """

    def __init__(self, path: Path, setup: Setup, plan: Plan, tol: float | None):
        self._path = path
        model = plan.model
        self._identity = {
            **identity(setup, tol),
            "model": f"{type(model).__name__} of {sum(p.numel() for p in model.parameters())} parameters",
            "method": repr(plan.methods),
            "weighting": repr(plan.weighting),
            "moving": repr(plan.moving),
            "weights": dict(setup.weights),
        }
        self._due = 0.0

    def load(self, device: torch.device) -> tuple[State, list[dict[str, float]]] | None:
        """The state and the history in the file, or None where there is no file.

        Raises:
            GmnmError: the file is damaged, or was written by another solve; the message names the first difference.
        """
        if not self._path.exists():
            return None
        tensors, header = _read(self._path, _TRAINING_FORMAT, self._identity)
        return unflatten({name: one.to(device) for name, one in tensors.items()}, header["state"]), header["history"]

    def save(self, state: State, history: Sequence[Mapping[str, float]], *, now: bool) -> None:
        """Write the state, if it is time to, or if it must be ``now``."""
        started = time.monotonic()
        if not now and started < self._due:
            return
        tensors, structure = flatten(state)
        header = {"identity": self._identity, "state": structure, "history": list(history)}
        _replace(self._path, _TRAINING_FORMAT, tensors, header)
        self._due = time.monotonic() + max(_PAUSE, _SHARE * (time.monotonic() - started))


def _read(path: Path, kind: str, now: Mapping[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    call = f"solve(checkpoint={str(path)!r})"
    tensors, header = read_tensors(path, kind, call)
    for key, value in json.loads(json.dumps(now)).items():
        if header["identity"].get(key) != value:
            raise refuse(
                call,
                expected=f"the checkpoint of this solve, with {key} {value!r}",
                got=f"one with {header['identity'].get(key)!r}",
                remedy="Name another file, or remove this one.",
            )
    return tensors, header


def _replace(path: Path, kind: str, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """Write a file; an older one is replaced only by a whole new one."""
    partial = path.with_name(path.name + ".partial")
    write_tensors(partial, kind, tensors, header)
    partial.replace(path)
