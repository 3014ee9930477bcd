"""Vectors of fields: every function on them against the same one on their components."""

import numpy as np
import pytest
import torch

import gmnm_pde as g
from gmnm_pde.jets import Field, Frame, FunctionSource, Quantity, Stack

FRAME = Frame(("x", "t"), torch.rand(7, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)))
X, T = FRAME.leaves
MADE = FunctionSource([torch.sin(k * X) * torch.exp(T) for k in (1, 2, 3)], FRAME)
Y = torch.stack([Field(FRAME, MADE, k) for k in range(3)])
PLAIN = Y.tensor
A = torch.arange(9, dtype=torch.float64).reshape(3, 3)
w = A[1]

VECTORS = {
    "matrix": (lambda: A @ Y, A @ PLAIN),
    "transposed": (lambda: Y @ A, A.mT @ PLAIN),
    "numpy matrix": (lambda: A.numpy() @ Y, A @ PLAIN),
    "single precision": (lambda: A.float() @ Y, A @ PLAIN),
    "factors": (lambda: w * Y, w[:, None] * PLAIN),
    "numpy factors": (lambda: w.numpy() * Y, w[:, None] * PLAIN),
    "factors in a function": (lambda: torch.exp(-w * Y) / (1 + w), torch.exp(-w[:, None] * PLAIN) / (1 + w[:, None])),
    "a coordinate": (lambda: FRAME.coordinates["t"] * Y, T * PLAIN),
    "a component": (lambda: Y[0] * Y, PLAIN[0] * PLAIN),
    "a slice": (lambda: Y[1:], PLAIN[1:]),
    "some": (lambda: Y[[2, 0]], PLAIN[[2, 0]]),
    "a mask": (lambda: Y[torch.tensor([True, False, True])], PLAIN[[0, 2]]),
    "rolled": (lambda: torch.roll(Y, 1, 0), PLAIN.roll(1, 0)),
    "a method": (lambda: Y.clamp(min=0.5), PLAIN.clamp(min=0.5)),
    "numpy": (lambda: np.sin(Y), PLAIN.sin()),
    "joined": (lambda: torch.cat([Y, Y[:1]]), torch.cat([PLAIN, PLAIN[:1]])),
    "running sums": (lambda: torch.cumsum(Y, 0), PLAIN.cumsum(0)),
}
SCALARS = {
    "sum": (lambda: Y.sum(), PLAIN.sum(0)),
    "torch sum": (lambda: torch.sum(Y), PLAIN.sum(0)),
    "builtin sum": (lambda: sum(Y), PLAIN.sum(0)),
    "largest": (lambda: Y.max(), PLAIN.amax(0)),
    "norm": (lambda: torch.linalg.norm(Y), PLAIN.norm(dim=0)),
    "product": (lambda: Y @ Y, (PLAIN**2).sum(0)),
    "weighted": (lambda: w @ Y, w @ PLAIN),
    "weighted on the right": (lambda: Y @ w, w @ PLAIN),
    "a component": (lambda: Y[-1], PLAIN[2]),
}


@pytest.mark.parametrize("name", VECTORS)
def test_functions_give_vectors(name):
    made, right = VECTORS[name]
    assert isinstance(made(), Stack) and torch.allclose(made().tensor, right, rtol=1e-14)


@pytest.mark.parametrize("name", SCALARS)
def test_functions_over_the_components(name):
    made, right = SCALARS[name]
    assert type(made()) in (Quantity, Field) and torch.allclose(made().tensor, right, rtol=1e-14)


def test_derivatives_go_component_by_component():
    second = torch.stack([-(k**2) * row for k, row in zip((1, 2, 3), PLAIN, strict=True)])
    assert torch.allclose(g.diff(Y, "x", "x").tensor, second)
    assert torch.allclose(g.diff(A @ Y, "t").tensor, A @ PLAIN)


def test_components_that_are_not_used_are_not_computed():
    frame = Frame(("t",), torch.zeros(4, 1))
    asked = []

    class Asked:
        follows_coordinates = False

        def derivative(self, output, alpha):
            asked.append((output, alpha))
            return torch.ones(4)

    y = torch.stack([Field(frame, Asked(), k) for k in range(3)])
    g.diff(y, "t")[1] * 2
    assert asked == [(1, (1,))]
