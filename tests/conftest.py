import math
import os

import pytest
import torch
from hypothesis import settings

import gmnm_pde as g

if "PYTEST_XDIST_WORKER" in os.environ:  # workers share the cores, and so do the commands that tests start
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)

settings.register_profile("here", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("here")

PI = math.pi


def make_poisson(**changes):
    parts = {
        "domain": g.Rectangle(x=(-1, 1), y=(-1, 1)),
        "equations": lambda u, x, y: g.laplacian(u) + 2 * PI**2 * torch.sin(PI * x) * torch.sin(PI * y),
        "conditions": [g.Dirichlet(u=0)],
        "exact": lambda x, y: torch.sin(PI * x) * torch.sin(PI * y),
    }
    return g.Problem(**{**parts, **changes})


@pytest.fixture
def poisson():
    return make_poisson()


@pytest.fixture(scope="session")
def solved():
    """One small solution for tests that only look at it."""
    return g.solve(make_poisson(name="poisson"), g.Mixture(components=200, widths=1.5), seed=3)
