"""A climb on file: written after every rung, so that a solve that was stopped goes on with the same digits."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gmnm_pde._errors import refuse
from gmnm_pde.fitting.estimate import ErrorEstimate
from gmnm_pde.fitting.fit import Setup, restore
from gmnm_pde.fitting.ladder import Ascent, Rung
from gmnm_pde.io.tensors import read_tensors, write_tensors
from gmnm_pde.methods.least_squares import Outcome

_FORMAT = "gmnm_pde checkpoint 1"
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
    """Write ``ascent`` and the history so far; an older file is replaced only by a whole new one."""
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
    partial = path.with_name(path.name + ".partial")
    write_tensors(partial, _FORMAT, {"theta": best.fit.theta}, header)
    partial.replace(path)


def load(path: Path, setup: Setup, tol: float | None) -> tuple[Ascent, list[dict[str, float]]]:
    """The ascent and history in ``path``.

    Raises:
        GmnmError: the file is damaged, or was written by another solve; the message names the first difference.
    """
    call = f"solve(checkpoint={str(path)!r})"
    tensors, header = read_tensors(path, _FORMAT, call)
    now = identity(setup, tol)
    for key, value in header["identity"].items():
        if now.get(key) != value:
            raise refuse(
                call,
                expected=f"the checkpoint of this solve, with {key} {now.get(key)!r}",
                got=f"one with {value!r}",
                remedy="Name another file, or remove this one.",
            )
    best = header["best"]
    theta = tensors["theta"].to(dtype=setup.dtype, device=setup.device)
    fit = restore(setup, best["components"], tuple(best["widths"]), Outcome(theta, **best["outcome"]))
    rung = Rung(fit, ErrorEstimate(**best["estimate"]))
    ascent = Ascent(rung, tuple(header["estimates"]), header["components"], tuple(header["widths"]))
    return ascent, header["history"]
