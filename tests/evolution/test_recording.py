"""Users' functions, recorded and written as code, against the functions themselves."""

import numpy as np
import pytest
import torch

from gmnm_pde import Initial, Problem, Time, diff, table
from gmnm_pde.evolution.ordinary.evaluation import Original, agree, evaluation_of
from gmnm_pde.evolution.reading import read
from gmnm_pde.statement.recording import Unrecorded, record

T = Time(t=(0, 1))
STEPS = torch.linspace(0, 2, 11, dtype=torch.float64)
DRIVE = table([0.0, 0.3, 1.0], [0.0, 1.0, -1.0])
ROWS = torch.arange(9.0, dtype=torch.float64).reshape(3, 3)


def evaluations(equation, fields=None):
    names = ("y",) if fields is not None else ("u",)
    statements = read(Problem(T, equation, [Initial(**dict.fromkeys(names, 1))], fields=fields))
    asked = tuple(dict.fromkeys((f, a[0]) for term in statements.equations for f, a in term.trace.asked))
    return evaluation_of(statements, asked)


@pytest.mark.parametrize(
    ("equation", "kind"),
    [
        (lambda u, t: diff(u, t) + torch.exp(-u) * u**2 - torch.sin(3 * t), "Written"),
        (lambda u, t: diff(u, t) + torch.where(u > 0.5, u**0.5, torch.relu(u - t)), "Written"),
        (lambda u, t: diff(u, t) - STEPS[torch.clamp((t * 10).long(), 0, 9)] * u, "Written"),
        (lambda u, t: diff(u + u**3 / 3, t) + torch.clamp(u, min=0.1, max=2) * torch.tanh(u), "Written"),
        (lambda u, t: diff(u, t) + torch.sigmoid(u) / (1 + abs(u)) + torch.maximum(u, t) % 0.7, "Written"),
        (lambda u, t: diff(u, t) + u - DRIVE(t), None),
    ],
)
def test_code_gives_what_functions_do(equation, kind):
    own, original = evaluations(equation)
    assert kind is None or type(own).__name__ == kind
    draws = np.random.default_rng(3)
    points = draws.standard_normal((9, 1 + len(original.asked)))
    points[:, 0] = draws.random(9)
    assert agree(own, original, points)


def test_vectors_are_recorded_too():
    own, original = evaluations(lambda y, t: diff(y, t) + ROWS @ y * y[0], fields=("y", 3))
    assert not isinstance(own, Original)
    assert agree(own, original, np.random.default_rng(0).random((4, 1 + len(original.asked))))


def test_a_division_by_zero_that_is_not_chosen_does_no_harm():
    own, _ = evaluations(lambda u, t: diff(u, t) + torch.where(u > 0, 1 / u, 0.0 * u))
    values = own.values(np.array([[0.5, 0.0, 1.0], [0.5, 2.0, 1.0]]))
    assert values[:, 0] == pytest.approx([1.0, 1.5])


def test_what_reads_numbers_or_draws_them_is_not_recorded():
    x = torch.ones(1, dtype=torch.float64)
    with pytest.raises(Unrecorded):
        record(lambda: [x * x.item()], [x])
    with pytest.raises(Unrecorded):
        record(lambda: [x * torch.rand_like(x)], [x])
    with pytest.raises(Unrecorded):
        record(lambda: [x.add_(1.0)], [x])
