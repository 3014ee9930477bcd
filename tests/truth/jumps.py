"""Random problems whose coefficient jumps, in flux form, where nothing says so."""

from random import Random

import torch

import gmnm_pde as g
from truth.manufactured import Function, Monomial, draw
from truth.random_problems import Made, bounds_of, by_names, line


def jumping(number: int) -> Made:
    """u = a + phi B / k, where phi = 0 is where k jumps: u and k grad u are continuous, div(k grad u) = lap(phi B)."""
    rng = Random(f"jump {number}")
    kind = rng.choice(("line", "line", "plane", "disk", "time"))
    ratio = 10 ** rng.uniform(0.5, 3) if rng.random() < 0.7 else 10 ** rng.uniform(-3, -0.5)
    if kind == "disk":
        domain = g.Rectangle(x=(-1, 1), y=(-1, 1))
        phi = _circle(rng)
    else:
        domain = g.Rectangle(x=(0, 1), y=(0, 1)) if kind == "plane" else line(rng)
        phi = _across(rng, domain)
    if kind == "time":
        domain = domain * g.Time(t=(0, 0.5))
    B = draw(rng, bounds_of(domain))
    a, names, space = rng.choice((0.0, 1.0, 300.0)), domain.coordinates, domain.space

    def k(at):
        return torch.where(phi.d(at) > 0, ratio, 1.0)

    def u(at):
        return a + phi.d(at) * B.d(at) / k(at)

    def source(at):
        product = (phi.d(at) * B.d(at, s, s) + 2 * phi.d(at, s) * B.d(at, s) + phi.d(at, s, s) * B.d(at) for s in space)
        return sum(product)

    def equation(at):
        flux = sum(g.diff(k(at) * g.diff(at["u"], s), s) for s in space) - source(at)
        if kind != "time":
            return flux
        return g.diff(at["u"], "t") - phi.d(at) * B.d(at, "t") / k(at) - flux

    def edge(off):
        return g.Dirichlet(u=by_names(names, lambda at: u(at) + off))

    def start(off):
        return g.Initial(u=by_names(space, lambda at: u({**at, "t": 0 * at["x"]}) + off))

    conditions = (edge, start) if kind == "time" else (edge,)
    return Made(f"jump, {kind}", domain, by_names(("u", *names), equation), conditions, by_names(names, u))


def _across(rng: Random, domain) -> Function:
    """x - c, or y - c."""
    name = rng.choice(domain.space)
    low, high = bounds_of(domain)[name]
    place = low + rng.uniform(0.2, 0.8) * (high - low)
    return Function((Monomial(1.0, {name: 1}), Monomial(-place, {name: 0})))


def _circle(rng: Random) -> Function:
    """x^2 + y^2 - r^2."""
    radius = rng.uniform(0.3, 0.7)
    return Function((Monomial(1.0, {"x": 2}), Monomial(1.0, {"y": 2}), Monomial(-(radius**2), {"x": 0})))
