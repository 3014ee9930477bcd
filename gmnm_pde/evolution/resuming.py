"""Marches as plain states of a checkpoint, and marches that go on from them."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import torch

from gmnm_pde.evolution.marched import Marched, Told
from gmnm_pde.evolution.reading.statements import Statements
from gmnm_pde.evolution.scales import Scales
from gmnm_pde.evolution.steps import Step
from gmnm_pde.evolution.transient import Transient
from gmnm_pde.models.modes import Cells, Line, LocalCells, Polynomials, Product, Waves, product_of

if TYPE_CHECKING:
    from gmnm_pde.evolution.marching import March

_KINDS = {kind.__name__: kind for kind in (Cells, LocalCells, Polynomials, Waves)}


def saved_basis(basis: Product) -> list[dict[str, Any]]:
    """Modes as plain values."""
    return [{**line.config(), "kind": type(line).__name__} for line in basis.lines]


def basis_from(lines: Sequence[Mapping[str, Any]]) -> Product:
    """The modes that ``saved_basis`` described."""
    made: list[Line] = []
    for line in lines:
        config = dict(line)
        made.append(_KINDS[config.pop("kind")](**config))
    return product_of(made)


def saved_steps(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Steps as plain values and tensors, those with the same modes together."""
    stretches = []
    for _, group in groupby(steps, key=lambda step: id(step.basis)):
        own = list(group)
        stretches.append(
            {
                "basis": saved_basis(own[0].basis),
                "stages": own[0].stages,
                "times": torch.tensor([[step.start, step.length] for step in own], dtype=torch.float64),
                "states": torch.stack([step.states for step in own]),
            }
        )
    return stretches


def steps_from(stretches: Sequence[Mapping[str, Any]]) -> list[Step]:
    """The steps that ``saved_steps`` described."""
    steps = []
    for own in stretches:
        basis = basis_from(own["basis"])
        for (start, length), states in zip(own["times"].tolist(), own["states"], strict=True):
            steps.append(Step(start, length, states, basis, own["stages"]))
    return steps


def saved_state(march: "March") -> dict[str, Any]:
    """What a march can go on from, to the same digits, as plain values and tensors."""
    before = march.before
    assert before is not None
    return {
        "steps": saved_steps(march.steps),
        "basis": saved_basis(march.system.basis),
        "state": march.state,
        "top": march.top,
        "before": {"start": before.start, "length": before.length, "states": before.states},
        "time": march.time,
        "length": march.length,
        "scale": march.scales.scale,
        "largest": march.scales.largest,
        "least": march.scales.least,
        "square": march.scales.square,
        "past": march.scales.past,
        "natural": march.scales.natural,
        "settled": march.settled,
        "counts": march.counts,
        "rest": march.control.rest,
        "happened": march.happened,
        "transient": march.transient.saved(),
    }


def resume(march: "March", known: Mapping[str, Any]) -> None:
    """Make a march that has not begun go on from what was saved."""
    march.steps = steps_from(known["steps"])
    basis = basis_from(known["basis"])
    if saved_basis(march.steps[-1].basis) == saved_basis(basis):
        basis = march.steps[-1].basis  # one and the same, as in a march left alone
    march.take(basis)
    march.state, march.top = list(known["state"]), known["top"]
    before = known["before"]
    march.before = Step(before["start"], before["length"], before["states"], basis, march.method.stages)
    march.time, march.length = known["time"], known["length"]
    sizes = (known[name] for name in ("scale", "largest", "least"))
    tied, natural = bool(march.statements.free), known["natural"]
    march.scales = Scales(march.accuracy, march.statements.orders, *sizes, tied=tied, natural=natural)
    march.scales.square, march.scales.past = known["square"], known["past"]
    march.control.natural = natural
    march.slope = torch.zeros(march.system.count, dtype=torch.float64)
    march.settled, march.first = known["settled"], False
    march.counts, march.control.rest = dict(known["counts"]), known["rest"]
    march.happened = {name: list(times) for name, times in known["happened"].items()}
    march.transient = Transient.of(known["transient"])
    for step in march.steps:
        march.kept.add(step.states)


def saved_march(marched: Marched | None) -> dict[str, Any] | None:
    """A march that came to its end, as plain values and tensors."""
    if marched is None:
        return None
    told = {"stopped": marched.told.stopped, "events": marched.told.events, "drifts": marched.told.drifts}
    return {"steps": saved_steps(marched.steps), "reached": marched.reached, "counts": marched.counts, "told": told}


def march_from(known: Mapping[str, Any] | None, statements: Statements, seed: int) -> Marched | None:
    """The march that ``saved_march`` described."""
    if known is None:
        return None
    steps, told = steps_from(known["steps"]), Told(**known["told"])
    return Marched(statements, steps, seed, reached=known["reached"], counts=known["counts"], told=told)
