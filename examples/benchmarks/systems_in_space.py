"""Systems in space on boxes that share their faces: error, estimate and seconds of the processor, without a choice.

``python examples/benchmarks/systems_in_space.py`` prints the table of docs/scaling.md; ``--only WORD`` some rows of it.
"""

import argparse
import math
import time

import torch

from gmnm_pde import Box, Condition, Dirichlet, Disk, Interval, Observations, Problem, diff, laplacian, solve
from gmnm_pde.geometry import Domain

CUBE = Box(x=(0, 1), y=(0, 1), z=(0, 1))
BORED = CUBE - Disk(center=(0.5, 0.5), radius=0.2) * Interval(z=(0, 1))
LAME, SHEAR = 1.5, 1.0
AXES = ("x", "y", "z")


def plane_waves(waves: float, directions, polarizations):
    """Values of three fields, a sum of sines of so many waves along directions, and their derivatives by axes."""
    numbers = [[2 * math.pi * waves * part for part in own] for own in directions]

    def values(x, y, z, *axes):
        found = [torch.zeros_like(x + y + z) for _ in AXES]
        for (a, b, c), turned in zip(numbers, polarizations, strict=True):
            wave = torch.sin(a * x + b * y + c * z + math.pi / 2 * len(axes))
            for axis in axes:
                wave = wave * (a, b, c)[axis]
            found = [own + part * wave for own, part in zip(found, turned, strict=True)]
        return found

    return values


def _one(exact, name):
    return lambda x, y, z: exact(x, y, z)[name]


def stresses(slopes):
    """The stress for the derivatives of three displacements by three axes."""
    volume = sum(slopes[k][k] for k in range(3))
    return [
        [SHEAR * (slopes[j][k] + slopes[k][j]) + (LAME * volume if j == k else 0.0) for k in range(3)] for j in range(3)
    ]


def elasticity(waves: float, domain: Domain = CUBE, *, loaded: bool = False, stiffer: float = 0.0) -> Problem:
    """Displacements of two plane waves, given on the boundary, or at x = 0 alone with tractions on all else."""
    values = plane_waves(waves, [(0.8, 0.6, 0.0), (0.0, 0.5, 0.9)], [(1.0, 0.3, -0.5), (0.4, -1.0, 0.6)])

    def exact(x, y, z):
        return dict(zip("uvw", values(x, y, z), strict=True))

    def shown(x, y, z):
        each = [values(x, y, z, k) for k in range(3)]
        return stresses([[each[k][j] for k in range(3)] for j in range(3)])

    def force(row, x, y, z):
        bent = sum(values(x, y, z, k, k)[row] for k in range(3))
        spread = sum(values(x, y, z, k, row)[k] for k in range(3))
        return (1 + stiffer * x) * (SHEAR * bent + (LAME + SHEAR) * spread) + stiffer * shown(x, y, z)[row][0]

    def balance(u, v, w, x, y, z):
        own = stresses([[diff(field, axis) for axis in (x, y, z)] for field in (u, v, w)])
        return {
            f"balance_{AXES[j]}": sum(diff((1 + stiffer * x) * own[j][k], (x, y, z)[k]) for k in range(3))
            - force(j, x, y, z)
            for j in range(3)
        }

    def traction(u, v, w, x, y, z, normal):
        own = stresses([[diff(field, axis) for axis in (x, y, z)] for field in (u, v, w)])
        given = shown(x, y, z)
        return tuple(sum((own[j][k] - given[j][k]) * normal[:, k] for k in range(3)) for j in range(3))

    u, v, w = (_one(exact, name) for name in "uvw")
    conditions = [Dirichlet(u=u, v=v, w=w)]
    if loaded:
        free = domain.boundary.where(lambda x: x > 1e-9)
        conditions = [Dirichlet(u=u, v=v, w=w, on=domain.face(x=0)), Condition(traction, on=free, name="loaded")]
    kind = ", loaded" if loaded else ", stiffer to one side" if stiffer else ""
    name = f"elasticity{kind}, {waves:g} wave{'s' * (waves != 1)}" + ("" if domain is CUBE else " around a hole")
    return Problem(domain, balance, conditions, exact=exact, name=name)


def stokes(waves: float, domain: Domain = CUBE) -> Problem:
    """Velocities of two plane waves without sources, with a pressure that is known at a point."""
    values = plane_waves(waves, [(0.8, 0.6, 0.0), (0.0, 0.6, 0.8)], [(0.6, -0.8, 0.5), (0.7, 0.8, -0.6)])
    k = 2 * math.pi * waves

    def pressure(x, y, z):
        return k * torch.cos(k * (0.5 * x + 0.5 * y + 0.7 * z))

    def exact(x, y, z):
        return {**dict(zip("uvw", values(x, y, z), strict=True)), "p": pressure(x, y, z)}

    def flow(u, v, w, p, x, y, z):
        bent = [sum(values(x, y, z, k, k)[row] for k in range(3)) for row in range(3)]
        wave = -k * k * torch.sin(k * (0.5 * x + 0.5 * y + 0.7 * z))
        found = {
            f"momentum_{name}": diff(p, axis) - laplacian(field) - part * wave + own
            for name, field, axis, part, own in zip(AXES, (u, v, w), (x, y, z), (0.5, 0.5, 0.7), bent, strict=True)
        }
        return {**found, "mass": diff(u, x) + diff(v, y) + diff(w, z)}

    u, v, w = (_one(exact, name) for name in "uvw")
    corner = torch.zeros(1, dtype=torch.float64)
    level = Observations([[0.0, 0.0, 0.0]], p=pressure(corner, corner, corner).tolist())
    name = f"stokes, {waves:g} wave{'s' * (waves != 1)}" + ("" if domain is CUBE else " around a hole")
    return Problem(domain, flow, [Dirichlet(u=u, v=v, w=w), level], exact=exact, name=name)


CASES = [
    elasticity(2),
    elasticity(3),
    elasticity(1.5, loaded=True),
    elasticity(1.5, stiffer=0.7),
    elasticity(1, BORED, loaded=True),
    stokes(1),
    stokes(2),
    stokes(0.5, BORED),
]


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--only", default="", help="rows that have this word in them")
    given = arguments.parse_args()
    print("| problem | error | estimate | unknowns | seconds |", flush=True)
    for problem in CASES:
        if given.only not in problem.name:
            continue
        begin = time.process_time()
        report = solve(problem, tol=1e-4).report
        seconds = time.process_time() - begin
        errors = report.relative_l2
        error, estimate = max(errors.values()) if isinstance(errors, dict) else math.nan, report.error_estimate
        print(f"| {problem.name} | {error:.1e} | {estimate:.1e} | {report.parameters:,} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
