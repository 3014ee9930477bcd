"""Section B of the reports: exceptions that are not the library's. Solving and refusing are both right."""

import tempfile
from functools import partial
from pathlib import Path

import torch

import gmnm_pde as g
from truth.case import add, case
from truth.hidden import tank_exact
from truth.references import screened
from truth.silent import LINE, PI, SINE, SQUARE

# Steps that are not finite


def plain_tank(cooled_by):
    """The exothermic stirred tank in kelvin."""

    def equations(T, C, t):
        r = 7.2e10 * torch.exp(-8750 / T) * C
        return {
            "heat": g.diff(T, t) - ((350 - T) + 209.2 * r + 2.092 * (cooled_by - T)),
            "matter": g.diff(C, t) - (1 - C - r),
        }

    return g.Problem(g.Time(t=(0, 10)), equations, [g.Initial(T=350.0, C=0.5)])


def plain_tank_exact(cooled_by):
    shifted = tank_exact(0.0, cooled_by)
    return lambda t: {"T": shifted(t)["H"], "C": shifted(t)["C"]}


for _cold in (300.0, 305.0):
    add(f"tank_{_cold:g}", "B", partial(plain_tank, _cold), plain_tank_exact(_cold))
    add(f"tank_{_cold:g}_tol", "B", partial(plain_tank, _cold), plain_tank_exact(_cold), tol=1e-6)


def poisson_boltzmann(k, scale=1.0, size=5.0):
    """The potential around a charged sphere of radius ``scale``."""
    shell = g.Interval(r=(scale, 21 * scale))
    kappa = k / scale
    return g.Problem(
        shell,
        lambda phi, r: g.diff(phi, r, r) + 2 / r * g.diff(phi, r) - kappa**2 * torch.sinh(phi),
        [g.Dirichlet(phi=size, on=shell.face(r=scale)), g.Neumann(phi=0, on=shell.face(r=21 * scale))],
    )


def poisson_boltzmann_exact(k, scale=1.0, size=5.0):
    unit = screened(k, size)
    return lambda r: unit(r / scale)


for _k in (0.5, 1.0, 2.0):
    add(f"boltzmann_{_k:g}", "B", partial(poisson_boltzmann, _k), poisson_boltzmann_exact(_k))
add("boltzmann_si", "B", partial(poisson_boltzmann, 0.5, 1e-8), poisson_boltzmann_exact(0.5, 1e-8))

# Residuals of an unusual kind


def odd(residual):
    """u'' + pi^2 sin(pi x), with something done to it."""
    return g.Problem(LINE, lambda u, x: residual(g.diff(u, x, x) + PI**2 * SINE(x), u, x), [g.Dirichlet(u=0)])


def heaviside(r, u, x):
    return r + torch.heaviside(u - 0.5, torch.zeros(())) - torch.heaviside(SINE(x) - 0.5, torch.zeros(()))


add("residual_heaviside", "B", partial(odd, heaviside), SINE)
add("residual_complex", "B", partial(odd, lambda r, u, x: r + 0j * u), SINE)
add("residual_int", "B", partial(odd, lambda r, u, x: (1.0 * r).to(torch.int64)))
add("residual_bool", "B", partial(odd, lambda r, u, x: r > 0))


@case("residual_without_fields", "B", model=g.Mixture(components=30, patches=4))
def without_fields():
    return g.Problem(
        SQUARE,
        lambda u, v, x, y: {"u": g.laplacian(u) - 1, "v": g.laplacian(v) - 1, "none": x * (1 - x)},
        [g.Dirichlet(u=0, v=0)],
    )


# Arguments of the wrong kind


def stated(name, make):
    """A statement that is to be refused, if it can be made at all."""
    add(f"argument_{name}", "B", make)


stated("conditions", lambda: g.Problem(LINE, lambda u, x: g.diff(u, x, x), None))
stated("ellipse", lambda: g.Problem(g.Ellipse(radii=1), lambda u: g.laplacian(u), [g.Dirichlet(u=0)]))
stated("disk", lambda: g.Problem(g.Disk(coordinates=None), lambda u: g.laplacian(u), [g.Dirichlet(u=0)]))
stated("observations", lambda: g.Problem(LINE, (), [g.Observations("abc", u=1.0)]))
stated("meta", lambda: g.Problem(LINE, (), [g.Observations(torch.zeros(3, 1, device="meta"), u=1.0)]))


def contains_a_list():
    LINE.contains([[0.5]])
    return odd(lambda r, u, x: r)


add("argument_contains", "B", contains_a_list, SINE)


def saved_at(place):
    """The answer, with a checkpoint at a place where there can be none."""

    def solve():
        with tempfile.TemporaryDirectory() as folder:
            return g.solve(odd(lambda r, u, x: r), tol=1e-6, checkpoint=place(Path(folder)))

    return solve


for _name, _place in (
    ("missing_folder", lambda folder: folder / "none" / "c.safetensors"),
    ("folder", lambda folder: folder),
    ("tilde", lambda folder: f"~nobody{folder}/c.safetensors"),
    ("device", lambda folder: "/dev/full"),
    ("nul", lambda folder: f"{folder}/a\0b"),
    ("long", lambda folder: f"{folder}/{'a' * 300}"),
):
    add(f"checkpoint_{_name}", "B", lambda: odd(lambda r, u, x: r), SINE, solve=saved_at(_place))
