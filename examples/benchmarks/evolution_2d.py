"""Two dimensions of space in time: error against seconds, with nothing chosen but the tolerance.

python examples/benchmarks/evolution_2d.py                          # all of the table, three minutes on two cores
python examples/benchmarks/evolution_2d.py allen_cahn vortices      # some
python examples/benchmarks/evolution_2d.py vortices --tol 1e-5      # at another tolerance
python examples/benchmarks/evolution_2d.py references               # how well references agree with themselves

Errors are relative L2 norms: at the end against an own Fourier method with exponential Runge-Kutta steps where there is
no exact solution, over all times where there is one.
"""

import argparse
import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module

import numpy as np
import torch
from torch import Tensor

import gmnm_pde as g

etdrk4 = import_module("gmnm_pde.problems._exponential").etdrk4

SQUARE = g.Rectangle(x=(-1, 1), y=(-1, 1))
TORUS = [g.Periodic("x"), g.Periodic("y")]
ROBIN = ((0.8603335890193798, torch.cos), (2.0287578381104345, torch.sin), (3.425618459481728, torch.cos))
"""Eigenfunctions of du/dn + u = 0 on (-1, 1): k tan k = 1 (even), k = -tan k (odd)."""


def random_waves(highest: int, seed: int) -> Callable[[Tensor, Tensor], Tensor]:
    """A smooth random field of period 2, without a mean."""
    rng = np.random.default_rng(seed)
    pairs = [(i, j) for i in range(-highest, highest + 1) for j in range(-highest, highest + 1)]
    drawn = [(rng.normal(), i, j, rng.uniform(0, 2 * math.pi)) for i, j in pairs]
    parts = [(a * math.exp(-(i * i + j * j) / 6) / 2.2, i, j, phase) for a, i, j, phase in drawn if (i, j) != (0, 0)]
    return lambda x, y: sum((a * torch.cos(math.pi * (i * x + j * y) + phase) for a, i, j, phase in parts), 0 * x)


def vorticity(x: Tensor, y: Tensor) -> Tensor:
    own = 2 * math.pi**2 * torch.sin(math.pi * x) * torch.sin(math.pi * y)
    return own + 0.3 * math.pi**2 * random_waves(2, 3)(x, y)


def spots(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    u = 1 - torch.exp(-80 * ((x + 0.05) ** 2 + (y + 0.02) ** 2))
    return u, torch.exp(-80 * ((x - 0.05) ** 2 + (y - 0.02) ** 2))


def allen_cahn() -> g.Problem:
    def equation(u, t):
        return g.diff(u, t) - 1e-2 * g.laplacian(u) - u + u**3

    return g.Problem(SQUARE * g.Time(t=(0, 2)), equation, [*TORUS, g.Initial(u=random_waves(3, 1))], name="allen_cahn")


def vortices() -> g.Problem:
    def equations(w, psi, x, y, t):
        transport = g.diff(psi, y) * g.diff(w, x) - g.diff(psi, x) * g.diff(w, y)
        return {"vorticity": g.diff(w, t) + transport - 1e-2 * g.laplacian(w), "stream": g.laplacian(psi) + w}

    return g.Problem(SQUARE * g.Time(t=(0, 2)), equations, [*TORUS, g.Initial(w=vorticity)], name="vortices")


def gray_scott() -> g.Problem:
    def equations(u, v, t):
        return {
            "u": g.diff(u, t) - 1e-5 * g.laplacian(u) - 0.04 * (1 - u) + u * v**2,
            "v": g.diff(v, t) - 5e-6 * g.laplacian(v) + 0.1 * v - u * v**2,
        }

    start = g.Initial(u=lambda x, y: spots(x, y)[0], v=lambda x, y: spots(x, y)[1])
    return g.Problem(SQUARE * g.Time(t=(0, 200)), equations, [*TORUS, start], name="gray_scott")


def robin_heat() -> g.Problem:
    def exact(x, y, t):
        pairs = ((0, 0), (0, 1), (2, 1))
        modes = [(ROBIN[i], ROBIN[j]) for i, j in pairs]
        return sum(torch.exp(-(k**2 + m**2) * t) * f(k * x) * h(m * y) for (k, f), (m, h) in modes)

    conditions = [g.Robin(1.0, 1.0, u=0.0), g.Initial(u=lambda x, y: exact(x, y, 0 * x))]
    return g.Problem(
        SQUARE * g.Time(t=(0, 0.5)),
        lambda u, t: g.diff(u, t) - g.laplacian(u),
        conditions,
        exact=exact,
        name="heat, Robin sides",
    )


class Fourier:
    """A grid on the square of period 2, and references on it."""

    def __init__(self, nodes: int):
        self.nodes = nodes
        line = -1 + 2 * torch.arange(nodes, dtype=torch.float64) / nodes
        self.x, self.y = torch.meshgrid(line, line, indexing="ij")
        k = math.pi * np.fft.fftfreq(nodes, 1 / nodes)
        self.kx, self.ky = k[:, None], np.abs(k[: nodes // 2 + 1])[None]
        self.square = self.kx**2 + self.ky**2
        self.kept = np.maximum(np.abs(self.kx), self.ky) < math.pi * nodes / 3

    def values(self, w: np.ndarray) -> np.ndarray:
        return np.fft.irfft2(w, (self.nodes, self.nodes))

    def allen_cahn(self, steps: int) -> np.ndarray:
        start = np.fft.rfft2(random_waves(3, 1)(self.x, self.y).numpy())
        cube = lambda w: -np.fft.rfft2(self.values(w * self.kept) ** 3) * self.kept  # noqa: E731
        return self.values(_last(etdrk4(start, 1 - 1e-2 * self.square, cube, 2 / steps, steps)))[None]

    def vortices(self, steps: int) -> np.ndarray:
        inverse = self.kept / np.where(self.square > 0, self.square, 1.0)

        def transport(w: np.ndarray) -> np.ndarray:
            u, v = self.values(1j * self.ky * inverse * w), self.values(-1j * self.kx * inverse * w)
            by_x, by_y = self.values(1j * self.kx * self.kept * w), self.values(1j * self.ky * self.kept * w)
            return -np.fft.rfft2(u * by_x + v * by_y) * self.kept

        start = np.fft.rfft2(vorticity(self.x, self.y).numpy())
        return self.values(_last(etdrk4(start, -1e-2 * self.square, transport, 2 / steps, steps)))[None]

    def gray_scott(self, steps: int) -> np.ndarray:
        def reaction(w: np.ndarray) -> np.ndarray:
            u, v = self.values(w)
            rate = np.fft.rfft2(u * v**2)
            change = np.stack([-rate, rate])
            change[0, 0, 0] += 0.04 * self.nodes**2
            return change

        start = np.fft.rfft2(torch.stack(spots(self.x, self.y)).numpy())
        linear = np.stack([-1e-5 * self.square - 0.04, -5e-6 * self.square - 0.1])
        return self.values(_last(etdrk4(start, linear, reaction, 200 / steps, steps)))


def _last(steps: Iterator[np.ndarray]) -> np.ndarray:
    return deque(steps, maxlen=1).pop()


@dataclass(frozen=True)
class Case:
    """A problem, its tolerance, and a reference: the name of Fourier's method, nodes and steps; by default exact."""

    problem: Callable[[], g.Problem]
    tol: float
    reference: tuple[str, int, int] | None = None
    coarser: tuple[int, int] | None = None


CASES = {
    "allen_cahn": Case(allen_cahn, 1e-8, ("allen_cahn", 128, 800), (96, 400)),
    "vortices": Case(vortices, 1e-7, ("vortices", 144, 1200), (120, 800)),
    "robin_heat": Case(robin_heat, 1e-10),
    "gray_scott": Case(gray_scott, 1e-3, ("gray_scott", 384, 400), (320, 200)),
    "taylor_green": Case(partial(g.registry.load, "taylor_green"), 1e-8),
    "wave_2d": Case(partial(g.registry.load, "wave_2d"), 1e-5),
    "heat_multiscale": Case(partial(g.registry.load, "heat_multiscale"), 1e-6),
    "heat_varying": Case(partial(g.registry.load, "heat_varying"), 1e-5),
}


def errors(case: Case, solution: g.Solution) -> list[float]:
    """Of every field that the reference has."""
    problem = solution.problem
    assert problem is not None  # as it was solved here
    if case.reference is None:
        generator = torch.Generator().manual_seed(0)
        bounds = torch.tensor(problem.domain.bounds, dtype=torch.float64)
        points = bounds[:, 0] + bounds.diff(dim=1)[:, 0] * torch.rand(
            4000, len(bounds), generator=generator, dtype=torch.float64
        )
        exact, _ = problem.exact_columns(points.unbind(1))
        want = torch.stack(list(exact.values()), dim=1)
        found = solution.model(points).detach()
    else:
        name, nodes, steps = case.reference
        grid = Fourier(nodes)
        want = torch.from_numpy(getattr(grid, name)(steps)).flatten(1).T
        times = torch.full_like(grid.x, problem.domain.bounds[-1][1])
        found = solution.model(torch.stack([grid.x, grid.y, times], dim=-1).flatten(0, 1)).detach()
        found = found[:, : want.shape[1]]
    return ((found - want).norm(dim=0) / want.norm(dim=0)).tolist()


def agreement(case: Case) -> float:
    """By how much a reference differs from a coarser one, at the nodes that both have: the worst of all fields."""
    assert case.reference is not None and case.coarser is not None
    name, nodes, steps = case.reference
    fine, coarse = getattr(Fourier(nodes), name)(steps), getattr(Fourier(case.coarser[0]), name)(case.coarser[1])
    both = math.gcd(nodes, case.coarser[0])
    a, b = (f[:, :: f.shape[1] // both, :: f.shape[1] // both].reshape(len(f), -1) for f in (fine, coarse))
    return float((np.linalg.norm(a - b, axis=1) / np.linalg.norm(a, axis=1)).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=", ".join([*CASES, "references"]))
    parser.add_argument("--tol", type=float, help="in place of the table's")
    chosen = parser.parse_args()
    if chosen.names == ["references"]:
        for name, case in CASES.items():
            if case.reference is not None:
                print(f"{name:16s} the reference agrees with a coarser one to {agreement(case):.1e}", flush=True)
        return
    for name in chosen.names or CASES:
        case = CASES[name]
        tol = chosen.tol or case.tol
        start = time.perf_counter()
        solution = g.solve(case.problem(), tol=tol)
        seconds = time.perf_counter() - start
        report = solution.report
        said = f"estimate {report.error_estimate:.1e}, {'converged' if report.converged else 'not converged'}"
        found = ", ".join(f"{error:.1e}" for error in errors(case, solution))
        print(f"{name:16s} tol {tol:.0e}: error {found} in {seconds:.1f} s; {said}", flush=True)


if __name__ == "__main__":
    main()
