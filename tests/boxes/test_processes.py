"""Two processes that solve on boxes together: the digits of one process to the bit, and one end for both."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import gmnm_pde as g
from gmnm_pde import processes
from gmnm_pde.boxes import leaves
from gmnm_pde.linalg.subtrees import ALL, Division, Piece

SQUARE, CUBE = g.Rectangle(x=(0, 1), y=(0, 1)), g.Box(x=(0, 1), y=(0, 1), z=(0, 1))


def wave(x, y):
    return torch.sin(9 * x + 4 * y)


def varying():
    """A coefficient that varies, around a hole: boxes with factorisations of their own, some of them cut."""

    def equation(u, x, y):
        return g.div((1 + x * y) * g.grad(u)) + wave(x, y)

    domain = SQUARE - g.Disk(center=(0.5, 0.5), radius=0.2)
    return g.Problem(domain, equation, [g.Dirichlet(u=wave)], name="varying"), g.Boxes(counts=4, degree=8)


def nonlinear():
    """Newton's method on boxes."""

    def equation(u, x, y):
        return g.laplacian(u) - u**3 + wave(x, y)

    return g.Problem(SQUARE, equation, [g.Dirichlet(u=0)], name="nonlinear"), g.Boxes(counts=3, degree=9)


def even():
    """Boxes that share one factorisation."""
    equation = lambda u: g.laplacian(u) + 97 * u  # noqa: E731
    return g.Problem(SQUARE, equation, [g.Dirichlet(u=wave)], name="even"), g.Boxes(counts=5, degree=10)


def space():
    """A balance of fluxes, by GMRES."""

    def equation(u, x, y, z):
        return g.div((1 + x * z) * g.grad(u)) + torch.sin(3 * x + y)

    return g.Problem(CUBE, equation, [g.Dirichlet(u=0)], name="space"), g.Boxes(counts=3, degree=6)


def shifted(constant):
    """A problem whose constant only its equation knows."""
    return g.Problem(SQUARE, lambda u: g.laplacian(u) + constant * u, [g.Dirichlet(u=wave)], name="even")


CASES = (varying, nonlinear, even, space)


def digits(solution):
    """All that was found, written so that every bit shows."""
    numbers = torch.cat([weights.detach().flatten() for weights in solution.model.parameters()])
    return [f"{numbers.view(torch.long).sum().item()}", repr(solution.report.error_estimate), solution.report.status]


def together(folder):
    """What each of two processes does; its findings are written to a file of its own."""
    torch.distributed.init_process_group("gloo")
    rank, found = torch.distributed.get_rank(), {}
    for make in CASES:
        problem, method = make()
        found[make.__name__] = digits(g.solve(problem, method=method, tol=1e-12))
    found["no time"] = digits(g.solve(even()[0], method="boxes", tol=1e-12, time_limit=0.5 if rank else 0.4))
    asked = [lambda news: bool(news.figures)] if rank else None
    found["asked"] = digits(g.solve(nonlinear()[0], method="boxes", tol=1e-14, callback=asked))
    found["another"] = failure(even()[0], tol=1e-3 * (1 + rank))
    found["another constant"] = failure(shifted(90.0 + rank))
    network = g.MLP([2, 6, 1])  # drawn at random in each process
    trained = g.solve(g.registry.load("poisson"), network, g.ProximalGaussNewton(steps=5), time_limit=60)
    found["trained"] = digits(trained)
    if rank:
        leaves._check = broken
    problem, method = varying()
    found["broken"] = failure(problem, method=method)
    Path(folder, f"{rank}.json").write_text(json.dumps(found))
    torch.distributed.destroy_process_group()


def broken(triangle):
    """In place of what looks at a leaf."""
    raise MemoryError("no more")


def failure(problem, **options):
    try:
        g.solve(problem, **options)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """What the two processes found."""
    folder = tmp_path_factory.mktemp("processes")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", __file__]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([*command, str(folder)], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)]


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_two_processes_give_the_digits_of_one(both, make):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    problem, method = make()
    alone = digits(g.solve(problem, method=method, tol=1e-12))
    torch.set_num_threads(threads)
    assert [found[make.__name__] for found in both] == [alone, alone]


def test_both_end_at_the_same_place(both):
    first, second = both
    assert first["no time"] == second["no time"]
    assert first["asked"] == second["asked"]
    assert first["asked"][-1] == "interrupted"


def test_what_goes_wrong_in_one_process_goes_wrong_in_both(both):
    assert both[0]["broken"] == both[1]["broken"]
    assert "no more" in both[0]["broken"]
    assert all("the same in all processes" in found["another"] for found in both)
    assert all("the residual 'equation' differs" in found["another constant"] for found in both)


def test_networks_begin_with_the_numbers_of_the_first_process(both):
    """Each with its own, their gradients were those of two networks, and some methods waited for ever."""
    assert both[0]["trained"] == both[1]["trained"]


def test_subtrees_are_shared_out_evenly(monkeypatch):
    monkeypatch.setattr(processes, "count", lambda: 2)
    parts = [(0,), (1,), (2,), (3,), (4,), (5,), (6,)]
    pieces = [Piece(groups, 1) for groups in [(0, 2), (1, 2), (2, 6), (3, 5), (4, 5), (5, 6)]]
    found = Division.of(parts, pieces, [1] * 7, lambda own, later, rows: 1.0)
    assert found.top == (6,)
    assert sorted([found.of_process(0), found.of_process(1)]) == [(0, 1, 2), (3, 4, 5)]
    one_sided = Division.of(parts, [Piece((0, 2), 1, 50.0), *pieces[1:]], [1] * 7, lambda own, later, rows: 1.0)
    owner = one_sided.owners[0]
    assert all(other in (ALL, 1 - owner) for block, other in enumerate(one_sided.owners) if block)


if __name__ == "__main__":
    together(sys.argv[1])
