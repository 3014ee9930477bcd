"""Boxes that share only their faces: error, estimate, unknowns and seconds of problems that one mixture does not show.

``python examples/benchmarks/boxes.py`` prints the table of docs/scaling.md; ``--large`` adds the two largest.
"""

import argparse
import math
import time
from collections.abc import Callable

import torch

from gmnm_pde import (
    Box,
    Dirichlet,
    Disk,
    Interval,
    Problem,
    Rectangle,
    Robin,
    diff,
    div,
    grad,
    laplacian,
    registry,
    solve,
)

SQUARE = Rectangle(x=(0, 1), y=(0, 1))


def helmholtz(waves: int) -> Problem:
    """Two plane waves that cross, so many wavelengths in the unit square."""
    k = 2 * math.pi * waves

    def exact(x, y):
        first = torch.sin(k * (x * math.cos(0.7) + y * math.sin(0.7)))
        return first + torch.cos(k * (x * math.cos(1.4) - y * math.sin(1.4)))

    conditions = [Dirichlet(u=exact)]
    return Problem(
        SQUARE, lambda u: laplacian(u) + k * k * u, conditions, exact=exact, name=f"helmholtz, {waves} waves"
    )


def poisson(*waves: int) -> Problem:
    """Sines of several numbers of waves together."""
    numbers = [2 * math.pi * n for n in waves]

    def exact(x, y):
        return sum(torch.sin(k * x) * torch.sin(k * y) for k in numbers)

    def source(x, y):
        return sum(2 * k * k * torch.sin(k * x) * torch.sin(k * y) for k in numbers)

    name = f"poisson, {'+'.join(map(str, waves))} waves"
    return Problem(SQUARE, lambda u, x, y: laplacian(u) + source(x, y), [Dirichlet(u=0)], exact=exact, name=name)


def conductivity(waves: int) -> Problem:
    """A conductivity that varies, with an exchange of heat on one side."""
    k, face = 2 * math.pi * waves, SQUARE.face

    def exact(x, y):
        return torch.sin(k * x) * torch.sin(k * y)

    def a(x, y):
        return 1 + 0.5 * torch.sin(3 * x + y)

    def source(x, y):
        slopes = 3 * torch.cos(k * x) * torch.sin(k * y) + torch.sin(k * x) * torch.cos(k * y)
        return 2 * k * k * a(x, y) * exact(x, y) - 0.5 * k * torch.cos(3 * x + y) * slopes

    conditions = [
        Dirichlet(u=0, on=face(y=0) | face(y=1) | face(x=0)),
        Robin(1.0, 1.0, u=lambda x, y: k * torch.cos(k * x) * torch.sin(k * y), on=face(x=1)),
    ]
    equation = lambda u, x, y: div(a(x, y) * grad(u)) + source(x, y)  # noqa: E731
    return Problem(SQUARE, equation, conditions, exact=exact, name=f"varying conductivity, {waves} waves")


def line(waves: int) -> Problem:
    """Many waves on an interval."""
    k = 2 * math.pi * waves

    def exact(x):
        return torch.sin(k * x) * torch.exp(x)

    def source(x):
        return torch.exp(x) * ((1 - k * k) * torch.sin(k * x) + 2 * k * torch.cos(k * x))

    domain = Interval(x=(0, 1))
    conditions = [Dirichlet(u=exact)]
    equation = lambda u, x: diff(u, x, x) - source(x)  # noqa: E731
    return Problem(domain, equation, conditions, exact=exact, name=f"interval, {waves} waves")


def space(waves: int, *, varying: bool = False) -> Problem:
    """Sines of so many waves in the unit cube, with a conductivity that is 1 or varies."""
    k, domain = 2 * math.pi * waves, Box(x=(0, 1), y=(0, 1), z=(0, 1))
    half = 0.5 if varying else 0.0

    def exact(x, y, z):
        return torch.sin(k * x) * torch.sin(k * y) * torch.sin(k * z)

    def a(x, y, z):
        return 1 + half * torch.sin(x + 2 * y) * torch.cos(z)

    def source(x, y, z):
        along = torch.cos(k * x) * torch.sin(k * y) * torch.sin(k * z)
        across = 2 * torch.sin(k * x) * torch.cos(k * y) * torch.sin(k * z)
        upwards = torch.sin(x + 2 * y) * torch.sin(z) * torch.sin(k * x) * torch.sin(k * y) * torch.cos(k * z)
        slopes = torch.cos(x + 2 * y) * torch.cos(z) * (along + across) - upwards
        return 3 * k * k * a(x, y, z) * exact(x, y, z) - half * k * slopes

    def varied(u, x, y, z):
        return div(a(x, y, z) * grad(u)) + source(x, y, z)

    def even(u, x, y, z):
        return laplacian(u) + source(x, y, z)

    name = f"cube, {waves} waves{', varying' if varying else ''}"
    return Problem(domain, varied if varying else even, [Dirichlet(u=0)], exact=exact, name=name)


def tiny_hole(radius: float) -> Problem:
    """Laplace's equation in a disk with a small hole."""
    domain = Disk(center=(0, 0), radius=1) - Disk(center=(0, 0), radius=radius)

    def exact(x, y):
        return torch.log(x * x + y * y) / (2 * math.log(radius))

    return Problem(domain, lambda u: laplacian(u), [Dirichlet(u=exact)], exact=exact, name=f"hole of radius {radius}")


def slanted_layer(degrees: float, width: float, eps: float = 1e-3) -> Problem:
    """A layer along a wind that blows at an angle."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))

    def exact(x, y):
        return torch.tanh((c * (y - 0.5) - s * (x - 0.5)) / width)

    def source(x, y):
        u = exact(x, y)
        return 2 * eps * u * (1 - u * u) / width**2

    equation = lambda u, x, y: c * diff(u, x) + s * diff(u, y) - eps * laplacian(u) - source(x, y)  # noqa: E731
    conditions, name = [Dirichlet(u=exact)], f"layer at {degrees:g} degrees"
    return Problem(SQUARE, equation, conditions, exact=exact, name=name)


SHAPES: list[tuple[Callable[[], Problem], float]] = [
    (lambda: registry.load("four_holes"), 1e-9),
    (lambda: registry.load("poisson_screened"), 1e-7),
    (lambda: registry.load("l_shape"), 1e-6),
    (lambda: registry.load("boundary_layer", eps=1e-3, dimension=2), 1e-9),
    (lambda: registry.load("boundary_layer", eps=1e-5, dimension=2), 1e-9),
    (lambda: slanted_layer(25, 0.02), 1e-6),
    (lambda: tiny_hole(0.01), 1e-8),
    (lambda: tiny_hole(0.001), 1e-8),
]
"""Boxes of several sizes, and boxes that a boundary cuts."""

CASES: list[tuple[Callable[[], Problem], float]] = [
    (lambda: helmholtz(16), 1e-7),
    (lambda: helmholtz(32), 1e-7),
    (lambda: poisson(2, 4, 6, 8), 1e-10),
    (lambda: poisson(16), 1e-9),
    (lambda: conductivity(8), 1e-8),
    (lambda: line(200), 1e-9),
    (lambda: space(2), 1e-6),
    (lambda: space(4), 1e-5),
    (lambda: space(2, varying=True), 1e-4),
]
LARGE: list[tuple[Callable[[], Problem], float]] = [
    (lambda: helmholtz(64), 1e-7),
    (lambda: poisson(64), 1e-9),
    (lambda: space(4), 1e-6),
]


def main() -> None:
    """Solve all of them by ``solve(problem, tol=...)``."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--large", action="store_true", help="with 64 waves, too")
    print(f"{'problem':32} {'tol':>7} {'error':>8} {'estimate':>8} {'unknowns':>9} {'seconds':>7}  status")
    for make, tol in [*SHAPES, *CASES, *(LARGE if arguments.parse_args().large else [])]:
        problem = make()
        started = time.perf_counter()
        report = solve(problem, tol=tol).report
        seconds = time.perf_counter() - started
        figures = f"{report.relative_l2:8.1e} {report.error_estimate:8.1e} {report.unknowns:9d} {seconds:7.1f}"
        print(f"{problem.name:32} {tol:7.0e} {figures}  {report.status}", flush=True)


if __name__ == "__main__":
    main()
