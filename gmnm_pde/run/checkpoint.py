"""A solve on file, so that one that was stopped goes on with the same digits.

A file holds who it belongs to (``identity``), the state of the solve, any nesting of tensors and plain values, and the
history so far.
"""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from gmnm_pde._errors import refuse
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.io.states import flatten, unflatten
from gmnm_pde.io.tensors import read_tensors, write_tensors
from gmnm_pde.residuals.shard import speaks

_FORMAT = "gmnm_pde checkpoint 2"

_PAUSE = 5.0
"""The least seconds between writes that may wait."""

_SHARE = 20.0
"""Such writes wait at least this many times as long as the last one took."""


def identity(setup: Setup, tol: float | None) -> dict[str, Any]:
    """What a checkpoint must agree on with the solve that goes on from it."""
    problem = setup.problem
    found = {
        "problem": problem.name,
        "domain": str(problem.domain),
        "fields": problem.fields,
        "terms": [name for term in problem.terms for name in term.trace.names],
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


class Checkpoint:
    """The file of a solve.

    Args:
        path: Where.
        identity: What a file must agree on with the solve that goes on from it; plain values.
        device: Where tensors go that are read.
    """

    def __init__(self, path: str | Path, identity: Mapping[str, Any], device: torch.device):
        self._path, self._identity = Path(path), json.loads(json.dumps(dict(identity)))
        self._device, self._due = device, 0.0

    def load(self) -> tuple[Any, list[dict[str, float]]] | None:
        """The state and the history in the file, or None where there is no file.

        Raises:
            GmnmError: the file is damaged, or was written by another solve; the message names the first difference.
        """
        if not self._path.exists():
            return None
        call = f"solve(checkpoint={str(self._path)!r})"
        tensors, header = read_tensors(self._path, _FORMAT, call)
        for key, value in self._identity.items():
            if header["identity"].get(key) != value:
                raise refuse(
                    call,
                    expected=f"the checkpoint of this solve, with {key} {value!r}",
                    got=f"one with {header['identity'].get(key)!r}",
                    remedy="Name another file, or remove this one.",
                )
        moved = {name: tensor.to(self._device) for name, tensor in tensors.items()}
        return unflatten(moved, header["state"]), header["history"]

    def save(self, state: Any, history: Sequence[Mapping[str, float]], *, now: bool) -> None:
        """Write the state, if it is time to, or if it must be ``now``; an older file is replaced by a whole new one."""
        started = time.monotonic()
        if not speaks() or (not now and started < self._due):
            return
        tensors, structure = flatten(state)
        partial = self._path.with_name(self._path.name + ".partial")
        write_tensors(
            partial, _FORMAT, tensors, {"identity": self._identity, "state": structure, "history": list(history)}
        )
        partial.replace(self._path)
        self._due = time.monotonic() + max(_PAUSE, _SHARE * (time.monotonic() - started))
