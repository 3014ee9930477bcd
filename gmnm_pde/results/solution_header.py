"""What the header of a solution's file is to be."""

from pathlib import Path
from typing import Any

from gmnm_pde.io import checks
from gmnm_pde.io.places import called, damaged

_per_field = checks.optional(checks.either(checks.size, checks.keyed(checks.size)))

_REPORT = checks.record(
    problem=checks.text,
    method=checks.text,
    model=checks.text,
    relative_l2=_per_field,
    max_error=_per_field,
    mse=_per_field,
    error_estimate=checks.size,
    estimates=checks.keyed(checks.size),
    residual=checks.size,
    boundary=checks.size,
    components=checks.optional(checks.whole(1)),
    parameters=checks.whole(),
    unknowns=checks.whole(),
    points=checks.whole(),
    seconds=checks.size,
    converged=checks.flag,
    reason=checks.text,
    seed=checks.whole(),
    dtype=checks.text,
    device=checks.text,
    found=checks.keyed(checks.number),
    met=checks.distinct(checks.name),
    status=checks.text,
    deviation_estimates=checks.keyed(checks.size),
    events=checks.keyed(checks.listed(checks.finite)),
    invariants=checks.keyed(checks.size),
)

PARTS: dict[str, checks.Check] = {
    "coordinates": checks.distinct(checks.name, least=1),
    "time": checks.distinct(checks.name),
    "bounds": checks.listed(checks.interval, least=1),
    "fields": checks.distinct(checks.name, least=1),
    "report": _REPORT,
    "history": checks.rows,
    "lifted": checks.flag,
    "problem": checks.optional(checks.keyed(checks.anything)),
}
"""What there is beside the model, with a check for each."""


def check_header(path: str | Path, header: dict[str, Any]) -> None:
    """Refuse a header whose parts do not fit together.

    Raises:
        GmnmError: they do not; the message names the first one.
    """
    coordinates, report = header["coordinates"], header["report"]
    fields = header["fields"]
    fits = {
        "bounds": len(header["bounds"]) == len(coordinates) and _same_box(header),
        "time": set(header["time"]) <= set(coordinates),
        "fields": not set(fields) & set(coordinates),
        "report.dtype": report["dtype"] == header["dtype"],
        "lifted": not header["lifted"] or bool(report["met"]),
        **{f"report.{name}": _per_field_of(report[name], fields) for name in ("relative_l2", "max_error", "mse")},
    }
    for name, fine in fits.items():
        if not fine:
            raise damaged(called("load_solution(...)", path), f"header.{name} does not fit the rest of it")


def _per_field_of(value: Any, fields: list[str]) -> bool:
    """Whether a figure is one number for a single field, or one for each of several."""
    return value is None or (list(value) == fields if isinstance(value, dict) else len(fields) == 1)


def _same_box(header: dict[str, Any]) -> bool:
    """Whether the model is scaled from the domain's box; marches have the problem's own coordinates."""
    model = header["model"]
    kinds = [model["kind"], model["config"]["inner"]["kind"] if model["kind"] == "ByPart" else ""]
    return model["bounds"] == header["bounds"] or "Evolved" in kinds
