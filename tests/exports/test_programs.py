"""Solutions as programs of their own: the closed forms, torch.export, and ONNX run by onnxruntime."""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch
from conftest import make_poisson

import gmnm_pde as g
from gmnm_pde.exports.closed import closed
from gmnm_pde.models import Normalized, TimeBlocks


def heat():
    return g.Problem(
        g.Interval(x=(0, 1)) * g.Time(t=(0, 0.1)),
        lambda u, x, t: g.diff(u, t) - g.diff(u, x, x),
        [g.Initial(u=lambda x: torch.sin(torch.pi * x)), g.Dirichlet(u=0)],
    )


def ring():
    return g.Problem(
        g.Interval(x=(0, 1)) * g.Time(t=(0, 0.1)),
        lambda u, x, t: g.diff(u, t) + u * g.diff(u, x) - 0.1 * g.diff(u, x, x),
        [g.Initial(u=lambda x: torch.sin(2 * torch.pi * x)), g.Periodic("x")],
    )


def around(model):
    """A solution with a model of weights as it draws them, which do not cancel."""
    known = g.solve(make_poisson(), g.Mixture(components=20, widths=1.0))
    return dataclasses.replace(known, model=Normalized(model.double(), known.bounds))


def hard():
    problem = make_poisson(conditions=[g.Dirichlet(u=lambda x, y: 0.1 * torch.sin(3.3 * x) * y)], exact=None)
    return g.solve(problem, g.Mixture(components=40), hard=True)


def patches(form="affine"):
    partition = g.Partition(((((-1, 0), (-1, 1))), ((0, 1), (-1, 0)), ((0, 1), (0, 1))))  # windows do not sum to 1
    return g.Patchwork(partition, [g.GMNM(2, 1, 12, form=form) for _ in range(3)])


CASES = {
    "ridges": lambda: around(g.GMNM(2, 1, 30)),
    "bumps": lambda: around(g.GMNM(2, 1, 30, form="full")),
    "literal": lambda: around(g.GMNM(2, 1, 30, form="literal")),
    "circles": lambda: around(g.GMNM(2, 1, 30, periodic=[0])),
    "radial": lambda: around(g.RBF(2, 1, 30, shape="multiquadric")),
    "patches": lambda: around(patches()),
    "patches of bumps": lambda: around(patches("diagonal")),
    "blocks": lambda: around(TimeBlocks([-1.0, -0.1, 1.0], [patches(), g.GMNM(2, 1, 10)], 1, 2)),
    "perceptron": lambda: around(g.MLP([2, 6, 6, 1], activation="silu")),
    "splines": lambda: around(g.KAN([2, 4, 1])),
    "embedding": lambda: around(g.Embedded(g.FourierFeatures(2, 5), g.MLP([10, 6, 1]))),
    "own module": lambda: around(torch.nn.Sequential(torch.nn.Linear(2, 6), torch.nn.Tanh(), torch.nn.Linear(6, 1))),
    "march": lambda: g.solve(heat(), tol=1e-5),
    "march on a ring": lambda: g.solve(ring(), tol=1e-4),
    "march of numbers": lambda: g.solve(g.registry.load("lotka_volterra"), tol=1e-6),
    "met exactly": hard,
    "two materials": lambda: g.solve(g.registry.load("two_materials"), g.Mixture(components=40)),
}
"""Each kind of model."""

SOLVED = ("met exactly", "two materials")
"""Those that take seconds to solve."""

_KEPT: dict[str, g.Solution] = {}


def solution_of(case):
    if case not in _KEPT:
        torch.manual_seed(3)
        _KEPT[case] = CASES[case]()
    return _KEPT[case]


def points_of(solution, count=300):
    """Points all over the bounding box, the ends of all intervals among them."""
    low, high = np.array(solution.bounds).T
    shares = np.random.default_rng(0).random((count, len(low)))
    shares[0], shares[1] = 0.0, 1.0
    return low + shares * (high - low)


def judged(solution, points, found, least):
    with torch.no_grad():
        right = solution.model(torch.as_tensor(points, dtype=torch.float64)).numpy()
    error = np.abs(found - right).max() / np.abs(right).max()
    assert error < least, error


def cases(*slow):
    return [pytest.param(case, marks=pytest.mark.slow) if case in slow else case for case in CASES]


@pytest.mark.parametrize("case", cases(*SOLVED))
def test_the_closed_form_is_the_model(case):
    solution = solution_of(case)
    points = points_of(solution)
    with torch.no_grad():
        judged(solution, points, closed(solution.model)(torch.as_tensor(points)).numpy(), 1e-13)


@pytest.mark.parametrize(
    "case", cases(*SOLVED, "march", "march on a ring", "march of numbers", "patches of bumps", "splines")
)
def test_torch_export_takes_it_and_runs_it_again(case, tmp_path):
    solution = solution_of(case)
    requires = [parameter.requires_grad for parameter in solution.model.parameters()]
    path = solution.export(tmp_path / "u.pt2")
    assert requires == [parameter.requires_grad for parameter in solution.model.parameters()]
    kept = {"facts.json": ""}
    program = torch.export.load(path, extra_files=kept)
    assert json.loads(kept["facts.json"])["fields"] == json.dumps(solution.fields)
    for count in (1, 290):  # any number of points
        points = points_of(solution)[-count:]
        judged(solution, points, program.module()(torch.as_tensor(points)).numpy(), 1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("dtype", "least"), [(torch.float64, 1e-12), (torch.float32, 1e-6)], ids=["double", "single"])
def test_onnxruntime_runs_it(case, dtype, least, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    solution = solution_of(case)
    path = solution.export(tmp_path / "u.onnx", dtype=dtype)
    session = onnxruntime.InferenceSession(str(path))
    points = points_of(solution).astype(str(dtype).removeprefix("torch."))
    (found,) = session.run(None, {"points": points})
    assert found.dtype == points.dtype
    judged(solution, points.astype(float), found, least)


def test_onnxruntime_runs_a_mixture_to_every_digit(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    solution = solution_of("ridges")
    session = onnxruntime.InferenceSession(str(solution.export(tmp_path / "u.onnx")))
    points = points_of(solution)
    (found,) = session.run(["fields"], {"points": points})
    np.testing.assert_allclose(found[:, 0], solution(*points.T), rtol=0, atol=1e-12)
    facts = session.get_modelmeta().custom_metadata_map
    assert json.loads(facts["coordinates"]) == ["x", "y"] and json.loads(facts["fields"]) == ["u"]
    assert math.isclose(float(facts["error_estimate"]), solution.report.error_estimate)


class Choosing(torch.nn.Module):
    """A module that looks at its data."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)

    def forward(self, x):
        return self.layer(x) if bool((x > 5).any()) else 2 * self.layer(x)


BAD = {
    "another ending": (lambda s, p: s.export(p / "u.h5"), r"\.onnx or \.pt2"),
    "whole numbers": (lambda s, p: s.export(p / "u.pt2", dtype=torch.int64), "torch.float64 or torch.float32"),
    "choices by data": (lambda s, p: around(Choosing()).export(p / "u.pt2"), "torch.export can follow"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_exported(case, tmp_path):
    export, message = BAD[case]
    with pytest.raises(g.GmnmError, match=message):
        export(solution_of("ridges"), tmp_path)
    assert not list(tmp_path.iterdir())
