"""Modules of a user's own beside the built-in network: a step of training, and digits: ``python users_modules.py``."""

import argparse
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from gmnm_pde import MLP, Dirichlet, Problem, ProximalGaussNewton, Rectangle, laplacian, solve

PI = torch.pi


class Attention(nn.Module):
    """Attention between coordinates."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(1, 8), nn.LayerNorm(8), nn.Linear(8, 1)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs at x [n, d]: [n, 1]."""
        h = torch.tanh(self.first(x[:, :, None]))
        return self.last(torch.tanh(self.norm(h + self.attention(h, h, h, need_weights=False)[0]).mean(1)))


class Recurrent(nn.Module):
    """Recurrence over coordinates."""

    def __init__(self) -> None:
        super().__init__()
        self.cells, self.last = nn.GRU(1, 8, batch_first=True), nn.Linear(8, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs at x [n, d]: [n, 1]."""
        return self.last(self.cells(x[:, :, None])[0][:, -1])


def plain(*between: nn.Module) -> nn.Sequential:
    """Two layers, with others after the first."""
    return nn.Sequential(nn.Linear(2, 14), *between, nn.Tanh(), nn.Linear(14, 14), nn.Tanh(), nn.Linear(14, 1))


MODULES: dict[str, Callable[[], nn.Module]] = {
    "MLP": lambda: MLP([2, 14, 14, 1]),
    "Sequential": plain,
    "LayerNorm": lambda: plain(nn.LayerNorm(14)),
    "attention": Attention,
    "GRU": Recurrent,
}


def screened() -> Problem:
    """A screened Poisson equation with a known solution."""
    return Problem(
        Rectangle(x=(0, 1), y=(0, 2)),
        lambda u, x, y: laplacian(u) - u + (1 + 1.25 * PI**2) * torch.sin(PI * x) * torch.sin(PI * y / 2),
        [Dirichlet(u=0)],
        exact=lambda x, y: torch.sin(PI * x) * torch.sin(PI * y / 2),
        name="screened",
    )


def main() -> None:
    """Train each for some steps, and print what a step takes and what came."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--time-limit", type=float, default=60.0)
    arguments = parser.parse_args()
    print(f"{'module':<12} {'parameters':>10} {'ms a step':>9} {'CPU s':>6} {'error':>9} {'estimate':>9}")
    for name, make in MODULES.items():
        torch.manual_seed(0)
        method = ProximalGaussNewton(steps=arguments.steps)
        points, started = {"interior": 500, "boundary": 120}, time.process_time()
        solution = solve(screened(), make(), method, points=points, time_limit=arguments.time_limit)
        seconds, report = time.process_time() - started, solution.report
        each = 1e3 * seconds / max(1, solution.history["step"][-1])
        print(
            f"{name:<12} {report.unknowns:>10} {each:9.0f} {seconds:6.1f} {report.relative_l2:9.1e} "
            f"{report.error_estimate:9.1e}",
            flush=True,
        )


if __name__ == "__main__":
    main()
