"""What needs more memory than there is, is refused before it is tried, with what would fit."""

import pytest
import torch

import gmnm_pde as g
from gmnm_pde import memory as bytes_there
from gmnm_pde.options import memory

SQUARE = g.Rectangle(x=(0, 1), y=(0, 1))
CUBE = g.Box(x=(0, 1), y=(0, 1), z=(0, 1))


def poisson(domain):
    return g.Problem(domain, lambda u: g.laplacian(u) + 1, [g.Dirichlet(u=0)])


TOO_MUCH = {
    "patches in the plane": lambda: g.solve(poisson(SQUARE), g.Mixture(patches=300)),
    "patches in space": lambda: g.solve(poisson(CUBE), g.Mixture(components=200, patches=40)),
    "points": lambda: g.solve(poisson(SQUARE), points=10**9),
    "components": lambda: g.solve(poisson(SQUARE), g.Mixture(components=300_000)),
    "parameters": lambda: g.solve(poisson(SQUARE), g.MLP([2, 220, 220, 1]), g.SelfScaled(steps=1)),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_too_much_is_refused_before(name, monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda device: 2.0 * 2**30)
    with pytest.raises(g.GmnmError, match=r"fits into 2\.0 GiB of memory.* at least.*would fit"):
        TOO_MUCH[name]()


def test_what_would_fit_fits():
    need = memory.Need("components", 1000, 3e9, 2)
    few = need.fitting(1e9)
    assert 570 < few < 580 and 3e9 * (few / 1000) ** 2 < 1e9


def test_there_is_some_memory_and_a_limit_of_the_process_counts(monkeypatch):
    free = memory.available_bytes(torch.device("cpu"))
    assert 2**20 < free < 2**60
    monkeypatch.setattr(bytes_there.resource, "getrlimit", lambda kind: (2**20, 2**20))
    assert memory.available_bytes(torch.device("cpu")) == 0.0
