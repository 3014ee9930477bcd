"""Boxes that share only their faces: error, estimate, unknowns and seconds of problems that one mixture does not show.

``python examples/benchmarks/boxes.py`` prints the table of docs/scaling.md; ``--large`` adds the two largest.
"""

import argparse
import math
import time
from collections.abc import Callable

import torch

from gmnm_pde import (
    Ball,
    Box,
    Boxes,
    Condition,
    Dirichlet,
    Disk,
    Interval,
    Neumann,
    Observations,
    Polygon,
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
from gmnm_pde.geometry import Domain

SQUARE = Rectangle(x=(0, 1), y=(0, 1))
CUBE = Box(x=(0, 1), y=(0, 1), z=(0, 1))


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
    k, domain = 2 * math.pi * waves, CUBE
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


def absorbing(waves: int) -> Problem:
    """The real and imaginary parts of a plane wave that leaves through one side."""
    k = 2 * math.pi * waves
    c, face = 0.8 * k, SQUARE.face

    def exact(x, y):
        phase = k * (0.8 * x + 0.6 * y)
        return {"u": torch.cos(phase), "v": torch.sin(phase)}

    def leaving(u, v, x, y):
        return {"real": diff(u, x) + c * v, "imaginary": diff(v, x) - c * u}

    given = face(x=0) | face(y=0) | face(y=1)
    wave = Dirichlet(u=lambda x, y: exact(x, y)["u"], v=lambda x, y: exact(x, y)["v"], on=given)
    conditions = [wave, Condition(leaving, on=face(x=1))]
    equations = lambda u, v: (laplacian(u) + k * k * u, laplacian(v) + k * k * v)  # noqa: E731
    return Problem(SQUARE, equations, conditions, exact=exact, name=f"absorbing side, {waves} waves")


def cubic(waves: int) -> Problem:
    """A nonlinear Poisson equation with sines of so many waves."""
    k = 2 * math.pi * waves

    def exact(x, y):
        return torch.sin(k * x) * torch.sin(k * y)

    def equation(u, x, y):
        return laplacian(u) - u**3 + 2 * k * k * exact(x, y) + exact(x, y) ** 3

    return Problem(SQUARE, equation, [Dirichlet(u=exact)], exact=exact, name=f"lap u = u^3 + f, {waves} waves")


def layer(width: float) -> Problem:
    """A nonlinear equation with an inner layer that is bent."""

    def place(x, y):
        return (x - 0.5 - 0.1 * torch.sin(3 * y)) / (math.sqrt(2) * width)

    def exact(x, y):
        return torch.tanh(place(x, y))

    def source(x, y):
        t = exact(x, y)
        slope, bend = (1 - t * t) / (math.sqrt(2) * width), -t * (1 - t * t) / width**2
        bent = bend * (1 + 0.09 * torch.cos(3 * y) ** 2) + slope * 0.9 * torch.sin(3 * y)
        return width**2 * bent + t - t**3

    equation = lambda u, x, y: width**2 * laplacian(u) + u - u**3 - source(x, y)  # noqa: E731
    return Problem(SQUARE, equation, [Dirichlet(u=exact)], exact=exact, name=f"bent layer of width {width}")


def lid(viscosity: float) -> Problem:
    """Navier-Stokes in a cavity; its lid is at rest in the corners, u = 16 x^2 (1 - x)^2."""
    face = SQUARE.face

    def equations(u, v, p, x, y):
        return {
            "along_x": u * diff(u, x) + v * diff(u, y) + diff(p, x) - viscosity * laplacian(u),
            "along_y": u * diff(v, x) + v * diff(v, y) + diff(p, y) - viscosity * laplacian(v),
            "mass": diff(u, x) + diff(v, y),
        }

    conditions = [
        Dirichlet(u=0, v=0, on=face(x=0) | face(x=1) | face(y=0)),
        Dirichlet(u=lambda x: 16 * x**2 * (1 - x) ** 2, v=0, on=face(y=1)),
        Observations([[0.5, 0.5]], p=[0.0]),
    ]
    return Problem(SQUARE, equations, conditions, name=f"cavity, Re = {1 / viscosity:.0f}")


def tiny_hole(radius: float) -> Problem:
    """Laplace's equation in a disk with a small hole."""
    domain = Disk(center=(0, 0), radius=1) - Disk(center=(0, 0), radius=radius)

    def exact(x, y):
        return torch.log(x * x + y * y) / (2 * math.log(radius))

    return Problem(domain, lambda u: laplacian(u), [Dirichlet(u=exact)], exact=exact, name=f"hole of radius {radius}")


def flow_around(viscosity: float) -> Problem:
    """Navier-Stokes in a disk with a hole, with a pressure that is given at a point."""
    domain = Disk(center=(0, 0), radius=1) - Disk(center=(0.2, 0), radius=0.4)

    def exact(x, y):
        return {"u": torch.sin(x) * torch.cos(y), "v": -torch.cos(x) * torch.sin(y), "p": torch.sin(x + y)}

    def equations(u, v, p, x, y):
        known, force = exact(x, y), torch.cos(x + y)
        along_x = 2 * viscosity * known["u"] + force + torch.sin(x) * torch.cos(x)
        along_y = 2 * viscosity * known["v"] + force + torch.sin(y) * torch.cos(y)
        return {
            "along_x": u * diff(u, x) + v * diff(u, y) + diff(p, x) - viscosity * laplacian(u) - along_x,
            "along_y": u * diff(v, x) + v * diff(v, y) + diff(p, y) - viscosity * laplacian(v) - along_y,
            "mass": diff(u, x) + diff(v, y),
        }

    given = Dirichlet(u=lambda x, y: exact(x, y)["u"], v=lambda x, y: exact(x, y)["v"])
    at = torch.tensor([[0.0, 0.75]], dtype=torch.float64)
    conditions = [given, Observations(at, p=torch.sin(at[:, 1]))]
    return Problem(domain, equations, conditions, exact=exact, name="flow around a hole")


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


def in_space(domain: Domain, name: str, square: float = 0.0) -> Problem:
    """A smooth solution in a shape of space, with values on the boundary; ``square`` is taken from the Laplacian."""
    k = 2 * math.pi

    def exact(x, y, z):
        return torch.sin(k * x) * torch.cos(k * y) * torch.sin(3 * z + 1)

    factor = 2 * k * k + 9 + square
    equation = lambda u, x, y, z: laplacian(u) - square * u + factor * exact(x, y, z)  # noqa: E731
    return Problem(domain, equation, [Dirichlet(u=exact)], exact=exact, name=name)


def smooth(domain: Domain, name: str) -> Problem:
    """A smoother solution in a shape of space."""

    def exact(x, y, z):
        return torch.sin(x + 2 * y) * torch.exp(-z)

    equation = lambda u, x, y, z: laplacian(u) + 4 * exact(x, y, z)  # noqa: E731
    return Problem(domain, equation, [Dirichlet(u=exact)], exact=exact, name=name)


def electrode(half: float) -> Problem:
    """A potential that is zero on a strip of the ground, beside which no current passes: singular at both its ends."""
    domain = Rectangle(x=(-1, 1), y=(0, 1))
    ground, others = domain.face(y=0), domain.face(x=-1) | domain.face(x=1) | domain.face(y=1)

    def exact(x, y):
        z = torch.complex(x, y)
        return (torch.sqrt(z - half) * torch.sqrt(z + half)).real

    conditions = [
        Dirichlet(u=exact, on=others),
        Dirichlet(u=0, on=ground.where(lambda x: abs(x) < half)),
        Neumann(u=0, on=ground.where(lambda x: abs(x) > half)),
    ]
    return Problem(domain, lambda u: laplacian(u), conditions, exact=exact, name="electrode")


def obtuse() -> Problem:
    """A value and a slope on the sides of a corner of 135 degrees, where u = r^(2/3) sin(2 theta / 3)."""
    domain = Polygon([(0, 0), (1, 0), (1, 1), (-1, 1)])

    def exact(x, y):
        return (x * x + y * y) ** (1 / 3) * torch.sin(2 / 3 * torch.atan2(y, x))

    conditions = [
        Neumann(u=0, on=domain.boundary.where(lambda x, y: abs(x + y) < 1e-9)),
        Dirichlet(u=exact, on=domain.boundary.where(lambda x, y: abs(x + y) >= 1e-9)),
    ]
    return Problem(domain, lambda u: laplacian(u), conditions, exact=exact, name="obtuse corner, value and slope")


def shell() -> Problem:
    """A spherical shell."""
    return smooth(Ball(center=(0, 0, 0), radius=1) - Ball(center=(0, 0, 0), radius=0.5), "smooth spherical shell")


def drilled() -> Problem:
    """A cube with a hole of a cylinder."""
    return in_space(CUBE - Disk(center=(0.5, 0.5), radius=0.2) * Interval(z=(0, 1)), "cube with a cylinder's hole")


SHAPES: list[tuple[Callable[[], Problem], float]] = [
    (lambda: registry.load("four_holes"), 1e-9),
    (lambda: registry.load("poisson_screened"), 1e-7),
    (lambda: registry.load("l_shape"), 1e-6),
    (lambda: registry.load("boundary_layer", eps=1e-3, dimension=2), 1e-9),
    (lambda: registry.load("boundary_layer", eps=1e-5, dimension=2), 1e-9),
    (lambda: slanted_layer(25, 0.02), 1e-6),
    (lambda: registry.load("plate_with_hole"), 1e-11),
    (lambda: tiny_hole(0.01), 1e-8),
    (lambda: tiny_hole(0.001), 1e-8),
    (lambda: electrode(0.5), 1e-4),
    (obtuse, 1e-6),
    (shell, 1e-7),
    (lambda: in_space(registry.load("four_balls").domain, "cube without four balls", 64.0), 1e-5),
    (lambda: registry.load("four_balls"), 1e-3),
    (drilled, 1e-6),
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
    (lambda: space(4, varying=True), 1e-6),
    (lambda: absorbing(20), 1e-6),
    (lambda: cubic(8), 1e-8),
    (lambda: layer(0.05), 1e-7),
    (lambda: lid(0.01), 1e-5),
]
BY_HAND: list[tuple[Callable[[], Problem], float]] = [
    (lambda: registry.load("burgers"), 1e-9),
    (lambda: registry.load("schrodinger"), 1e-6),
    (lambda: registry.load("allen_cahn"), 1e-7),
    (lambda: registry.load("kovasznay"), 1e-9),
    (lambda: registry.load("cantilever"), 1e-9),
    (lambda: registry.load("clamped_plate"), 1e-9),
    (lambda: flow_around(0.1), 1e-5),
]
"""Solved with ``method=Boxes()``, since one mixture or a march in time is enough for them."""
LARGE: list[tuple[Callable[[], Problem], float]] = [
    (lambda: helmholtz(64), 1e-7),
    (lambda: poisson(64), 1e-9),
    (lambda: space(4), 1e-6),
]


def main() -> None:
    """Solve all of them by ``solve(problem, tol=...)``."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--large", action="store_true", help="with 64 waves, too")
    arguments.add_argument("--only", default="", help="those whose names contain this")
    given = arguments.parse_args()
    print(f"{'problem':32} {'tol':>7} {'error':>8} {'estimate':>8} {'unknowns':>9} {'seconds':>7}  status")
    cases = [(*case, None) for case in [*SHAPES, *CASES, *(LARGE if given.large else [])]]
    for make, tol, method in [*cases, *((*case, Boxes()) for case in BY_HAND)]:
        problem = make()
        if given.only not in problem.name:
            continue
        started = time.process_time()
        report = solve(problem, tol=tol, method=method).report
        seconds = time.process_time() - started
        errors = f"{_largest(report.relative_l2):8.1e} {_largest(report.error_estimate):8.1e}"
        print(f"{problem.name:32} {tol:7.0e} {errors} {report.unknowns:9d} {seconds:7.1f}  {report.status}", flush=True)


def _largest(figures: float | dict[str, float] | None) -> float:
    """The largest over the fields; NaN where no exact solution is known."""
    known = figures.values() if isinstance(figures, dict) else [figures]
    return max(math.nan if value is None else value for value in known)


if __name__ == "__main__":
    main()
