"""A solve on file, so that one that was stopped goes on with the same digits.

A file holds which problem and which solve it belongs to, the state of the solve, any nesting of tensors and plain
values, and the history so far.
"""

import json
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from gmnm_pde._doors import stacklevel
from gmnm_pde._errors import GmnmError, NumericalWarning, refuse
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.io import checks
from gmnm_pde.io.places import called, damaged, place, writable
from gmnm_pde.io.states import flatten, restoring, unflatten
from gmnm_pde.io.tensors import read_tensors, write_tensors
from gmnm_pde.processes import speaks
from gmnm_pde.scrutiny import Feature
from gmnm_pde.statement.fingerprint import difference, fingerprint, same
from gmnm_pde.statement.problem import Problem

_FORMAT = "gmnm_pde checkpoint 4"
"""What files of solves say that they are."""

_PAUSE = 5.0
"""The least seconds between writes that may wait."""

_SHARE = 20.0
"""Such writes wait at least this many times as long as the last one took."""

DRAWN = "drawn"
"""The key under which an identity has the numbers of a model as it was given."""

_HEADER = checks.record(
    problem=checks.keyed(checks.anything),
    identity=checks.keyed(checks.anything),
    state=checks.anything,
    history=checks.rows,
)
"""What the header of a file is to be."""


def identity(setup: Setup, tol: float | None) -> dict[str, Any]:
    """What a checkpoint must agree on with the solve that goes on from it, beside the problem; plain values."""
    partition = setup.mixture.patches
    return {
        "seed": setup.seed,
        "tol": tol,
        "dtype": str(setup.dtype),
        "model": repr(setup.mixture),
        "patches": asdict(partition) if is_dataclass(partition) else partition,  # type: ignore[arg-type]
        "method": repr(setup.method),
        "points": repr(setup.points),
        "weights": dict(setup.weights),
        "engine": setup.engine,
        "hard": list(setup.problem.met),
        "sharp data": [_told(feature, setup.problem.domain.coordinates) for feature in setup.features],
    }


def _told(feature: Feature, coordinates: tuple[str, ...]) -> str:
    """A feature in words: the places at which problems are compared may miss it."""
    return f"{feature.described(coordinates)}, by {feature.size:.4g}"


class Checkpoint:
    """The file of a solve.

    Args:
        path: Where.
        problem: As the user stated it.
        identity: What a file must agree on with the solve that goes on from it; plain values.
        device: Where tensors go that are read.

    Raises:
        GmnmError: there can be no file.
    """

    def __init__(self, path: str | Path, problem: Problem, identity: Mapping[str, Any], device: torch.device):
        self._call = called("solve(checkpoint=...)", path)
        self._path = (writable if speaks() else place)(path, self._call)
        self._problem, self._identity = problem, json.loads(json.dumps(dict(identity)))
        self._device, self._due = device, 0.0

    @cached_property
    def _fingerprint(self) -> dict[str, Any]:
        return fingerprint(self._problem)

    def load(self) -> tuple[Any, list[dict[str, float]]] | None:
        """The state and the history in the file, or None where there is no file.

        Raises:
            GmnmError: the file is damaged, or was written by another solve; the message names the first difference.
        """
        if not self._path.exists():
            return None
        tensors, header = read_tensors(self._path, _FORMAT, self._call)
        try:
            _HEADER(header, "header")
        except checks.Unfit as error:
            raise damaged(self._call, error) from None
        self._refuse_another(header)
        moved = {name: tensor.to(self._device) for name, tensor in tensors.items()}
        with restoring():
            return unflatten(moved, header["state"]), header["history"]

    def _refuse_another(self, header: Mapping[str, Any]) -> None:
        """Refuse the file of another problem, or of another solve."""
        remedy = "Name another file, or remove this one."
        differs = difference(header["problem"], self._fingerprint)
        if differs:
            expected, got = "the checkpoint of this problem", f"that of another: {differs}"
            raise refuse(self._call, expected=expected, got=got, remedy=remedy)
        theirs = header["identity"]
        for key, mine in self._identity.items():
            if not same(theirs.get(key), mine):
                if key == DRAWN:
                    expected, got = "the checkpoint of this model", "one begun from a model with other numbers in it"
                    again = f"Draw it from the same seed, by torch.manual_seed. {remedy}"
                    raise refuse(self._call, expected=expected, got=got, remedy=again)
                expected = f"the checkpoint of this solve, with {key} {mine!r}"
                raise refuse(self._call, expected=expected, got=f"one with {theirs.get(key)!r}", remedy=remedy)
        if theirs.keys() != self._identity.keys():
            raise refuse(self._call, expected="the checkpoint of this solve", got="that of another", remedy=remedy)

    def save(self, state: Any, history: Sequence[Mapping[str, float]], *, now: bool) -> None:
        """Write the state, if it is time to, or if it must be ``now``; an older file is replaced by a whole new one.

        Where that fails the solve goes on, with a warning: what it finds is worth more than the file.
        """
        started = time.monotonic()
        if not speaks() or (not now and started < self._due):
            return
        tensors, structure = flatten(state)
        header = {"problem": self._fingerprint, "identity": self._identity}
        header |= {"state": structure, "history": list(history)}
        try:
            write_tensors(self._path, _FORMAT, tensors, header, self._call)
        except GmnmError as error:
            warnings.warn(f"{error} The solve goes on without writing.", NumericalWarning, stacklevel=stacklevel())
        self._due = time.monotonic() + max(_PAUSE, _SHARE * (time.monotonic() - started))
