"""Steady flows of Navier-Stokes on boxes: estimates, unknowns and seconds, and forces on a cylinder.

``python examples/benchmarks/flows.py`` prints the table of docs/scaling.md; ``--only cylinder`` some of its rows.
"""

import argparse
import math
import time
from collections.abc import Callable

import torch

from gmnm_pde import (
    Condition,
    Dirichlet,
    Disk,
    Observations,
    Problem,
    Rectangle,
    Solution,
    diff,
    laplacian,
    registry,
    solve,
)


def navier_stokes(viscosity: float) -> Callable:
    """The equations for u, v and p."""

    def equations(u, v, p, x, y):
        return {
            "along_x": u * diff(u, x) + v * diff(u, y) + diff(p, x) - viscosity * laplacian(u),
            "along_y": u * diff(v, x) + v * diff(v, y) + diff(p, y) - viscosity * laplacian(v),
            "mass": diff(u, x) + diff(v, y),
        }

    return equations


def cylinder() -> Problem:
    """The flow past a cylinder that stands a little off the middle of a channel, DFG benchmark 2D-1."""
    length, height, viscosity = 2.2, 0.41, 1e-3
    domain = Rectangle(x=(0, length), y=(0, height)) - Disk((0.2, 0.2), 0.05)
    near = 1e-9
    inlet = domain.boundary.where(lambda x: x < near)
    outlet = domain.boundary.where(lambda x: x > length - near)
    walls = domain.boundary.where(lambda x: (x > near) & (x < length - near))

    def free(u, v, p, x):
        return {"along": viscosity * diff(u, x) - p, "across": diff(v, x)}

    conditions = [
        Dirichlet(u=lambda y: 1.2 * y * (height - y) / height**2, v=0, on=inlet, name="inlet"),
        Condition(free, on=outlet, name="outlet"),
        Dirichlet(u=0, v=0, on=walls, name="walls"),
    ]
    return Problem(domain, navier_stokes(viscosity), conditions, name="cylinder")


def drag_and_lift(solution: Solution, points: int = 400) -> tuple[float, float]:
    """The forces on the cylinder, relative to half of the density times the mean velocity squared times its width."""
    viscosity, radius, velocity = 1e-3, 0.05, 0.2
    angle = 2 * math.pi * torch.arange(points, dtype=torch.float64) / points
    normal = torch.cos(angle), torch.sin(angle)
    at = [0.2 + (radius + 1e-12) * part for part in normal]
    slopes = {(k, by): torch.as_tensor(solution.diff(by, field=k)(*at)) for k in "uv" for by in "xy"}
    pressure = torch.as_tensor(solution(*at)["p"])
    shear = viscosity * (slopes["u", "y"] + slopes["v", "x"])
    along = (2 * viscosity * slopes["u", "x"] - pressure) * normal[0] + shear * normal[1]
    across = (2 * viscosity * slopes["v", "y"] - pressure) * normal[1] + shear * normal[0]
    scale = 2 * math.pi * radius / (0.5 * velocity**2 * 2 * radius)
    return scale * along.mean().item(), scale * across.mean().item()


def lid(reynolds: float) -> Problem:
    """A cavity whose lid is at rest in the corners, u = 16 x^2 (1 - x)^2."""
    square = Rectangle(x=(0, 1), y=(0, 1))
    still = square.face(x=0) | square.face(x=1) | square.face(y=0)
    conditions = [
        Dirichlet(u=0, v=0, on=still),
        Dirichlet(u=lambda x: 16 * x**2 * (1 - x) ** 2, v=0, on=square.face(y=1)),
        Observations([[0.5, 0.5]], p=[0.0]),
    ]
    return Problem(square, navier_stokes(1 / reynolds), conditions, name=f"cavity, Re = {reynolds:.0f}")


CASES: dict[str, tuple[Callable[[], Problem], float]] = {
    "step": (lambda: registry.load("backward_step"), 1e-3),
    "cylinder": (cylinder, 1e-3),
    "cavity_100": (lambda: lid(100), 1e-6),
    "cavity_1000": (lambda: lid(1000), 1e-4),
}


def main(arguments: list[str] | None = None) -> int:
    """Print a row for each flow."""
    parser = argparse.ArgumentParser(description="Steady flows of Navier and Stokes on boxes.")
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES))
    chosen = parser.parse_args(arguments)
    print("| problem | tol | estimate | unknowns | seconds |\n| --- | --- | --- | --- | --- |")
    for name in chosen.only:
        make, tol = CASES[name]
        started = time.process_time()
        solution = solve(make(), tol=tol)
        report, seconds = solution.report, time.process_time() - started
        mark = "" if report.converged else ", not converged"
        figures = f"{report.error_estimate:.1e}{mark} | {report.unknowns:,} | {seconds:.1f}"
        print(f"| {report.problem} | {tol:.0e} | {figures} |")
        if name == "cylinder":
            print("drag {:.6f} (5.579535), lift {:.7f} (0.0106189)".format(*drag_and_lift(solution)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
