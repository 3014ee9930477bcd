"""Random linear problems with solutions made up beforehand, each known by its number."""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import torch

import gmnm_pde as g
from truth.manufactured import Function, draw

TOL = 1e-6


@dataclass(frozen=True)
class Made:
    """A problem in parts: a domain, equations, conditions by what they say, and the exact fields."""

    family: str
    domain: g.geometry.Domain
    equations: Callable
    conditions: tuple[Callable[[float], Any], ...]
    exact: Callable

    def problem(self, left_out: int | None = None, doubled: tuple[int, float] | None = None) -> g.Problem:
        """The problem, less a condition, or with one once more and its value off by so much."""
        stated = [condition(0.0) for k, condition in enumerate(self.conditions) if k != left_out]
        if doubled is not None:
            stated.append(self.conditions[doubled[0]](doubled[1]))
        return g.Problem(self.domain, self.equations, stated, name=self.family)


def made(number: int) -> Made:
    """The problem of a number."""
    rng = Random(f"linear {number}")
    return rng.choice(FAMILIES)(rng)


def by_names(names: tuple[str, ...], function: Callable[..., Any]) -> Callable:
    """``function`` of a dict of columns, as one whose arguments have names."""

    def bound(**columns):
        return function(columns)

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    bound.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in names])
    return bound


# Domains


def line(rng: Random) -> g.geometry.Domain:
    low = rng.choice((0.0, -1.0, 0.5))
    return g.Interval(x=(low, low + rng.choice((0.5, 1.0, 2.0, 3.0))))


def plane(rng: Random) -> tuple[g.geometry.Domain, dict[str, g.geometry.Domain]]:
    """A domain of the plane, and shapes whose boundaries are its parts."""
    kind = rng.choice(("rectangle", "rectangle", "disk", "difference", "polygon"))
    if kind == "rectangle":
        box = g.Rectangle(x=(0, rng.choice((1.0, 1.5, 2.0))), y=(rng.choice((0.0, -1.0)), 1.0))
        return box, {}
    if kind == "disk":
        disk = g.Disk(center=(rng.uniform(-0.5, 0.5), 0.0), radius=rng.uniform(0.5, 1.2))
        return disk, {"edge": disk}
    if kind == "difference":
        box = g.Rectangle(x=(-1, 1), y=(-1, 1))
        hole = g.Disk(center=(rng.uniform(-0.4, 0.4), rng.uniform(-0.4, 0.4)), radius=rng.uniform(0.2, 0.4))
        return box - hole, {"box": box, "hole": hole}
    count, turn = rng.randint(3, 6), rng.uniform(0, 6.28)
    angles = [turn + 2 * math.pi * (k + rng.uniform(-0.2, 0.2)) / count for k in range(count)]
    polygon = g.Polygon([(math.cos(a), math.sin(a)) for a in angles])
    return polygon, {"edge": polygon}


def bounds_of(domain: g.geometry.Domain) -> dict[str, tuple[float, float]]:
    return dict(zip(domain.coordinates, domain.bounds, strict=True))


def parts(domain: g.geometry.Domain, shapes: Mapping[str, g.geometry.Domain]) -> list[Any]:
    """Regions that make up the spatial boundary."""
    if shapes:
        return [shape.boundary for shape in shapes.values()] if len(shapes) > 1 else [domain.boundary]
    faces = []
    for name, (low, high) in bounds_of(domain).items():
        if name in domain.space:
            faces += [domain.face(**{name: low}), domain.face(**{name: high})]
    return faces


# Conditions, each a function of how far off its value is


def dirichlet(domain, u: Function, field: str, region) -> Callable:
    def value(off):
        return by_names(domain.coordinates, lambda at: u.d(at) + off)

    return lambda off: g.Dirichlet(on=region, name=f"value {region.name} {off:g}", **{field: value(off)})


def flux(domain, u: Function, field: str, region, alpha: float) -> Callable:
    """alpha u + du/dn."""
    names = domain.coordinates

    def stated(off):
        def residual(at):
            slope = sum(at["normal"][:, k] * u.d(at, name) for k, name in enumerate(domain.space))
            left = g.normal_derivative(at[field]) + alpha * at[field]
            return left - slope - alpha * u.d(at) - off

        return g.Condition(by_names((field, *names, "normal"), residual), on=region, name=f"flux {region.name} {off:g}")

    return stated


def at_start(domain, u: Function, field: str, order: int = 0) -> Callable:
    start = bounds_of(domain)["t"][0]
    names = tuple(name for name in domain.coordinates if name != "t") or ("t",)

    def value(off):
        def function(at):
            first = next(iter(at.values()))
            return u.d({**at, "t": start + 0 * first}, *["t"] * order) + off

        return by_names(names, function)

    return lambda off: g.Initial(order=order, name=f"start {order} {off:g}", **{field: value(off)})


def around(rng: Random, domain, u: Function, field: str, regions) -> list[Callable]:
    """A condition on each part of the boundary, one of them at least that tells values."""
    kinds = [rng.choice(("value", "value", "flux", "robin")) for _ in regions]
    if "value" not in kinds and "robin" not in kinds:
        kinds[rng.randrange(len(kinds))] = "value"
    alphas = {"flux": 0.0, "robin": rng.uniform(0.3, 3.0)}
    return [
        dirichlet(domain, u, field, region) if kind == "value" else flux(domain, u, field, region, alphas[kind])
        for kind, region in zip(kinds, regions, strict=True)
    ]


# Families


def scalar(family, domain, u: Function, operator: Callable, conditions) -> Made:
    """One field: ``operator(d, at)`` is the equation's left side in derivatives d(names...) at columns."""
    names = domain.coordinates

    def equation(at):
        field = at["u"]
        return operator(lambda *by: g.diff(field, *by) if by else field, at) - operator(lambda *by: u.d(at, *by), at)

    return Made(family, domain, by_names(("u", *names), equation), tuple(conditions), by_names(names, u.d))


def scale_of(rng: Random) -> float:
    return rng.choice((1.0, 1.0, 1e-3, 1e3))


def laplace(d, space):
    return sum(d(name, name) for name in space)


def steady(rng: Random, family: str, operator: Callable, flat: bool | None = None) -> Made:
    flat = rng.random() < 0.65 if flat is None else flat
    domain, shapes = plane(rng) if flat else (line(rng), {})
    u = draw(rng, bounds_of(domain), scale_of(rng))
    made_operator = operator(rng, domain)
    return scalar(family, domain, u, made_operator, around(rng, domain, u, "u", parts(domain, shapes)))


def poisson(rng):
    return steady(rng, "poisson", lambda rng, domain: lambda d, at: laplace(d, domain.space))


def helmholtz(rng):
    def operator(rng, domain):
        k = rng.uniform(0.5, 30.0) * rng.choice((1, 1, -1))
        return lambda d, at: laplace(d, domain.space) + k * d()

    return steady(rng, "helmholtz", operator)


def resonant(rng):
    """Near an eigenvalue of an interval or a rectangle with values on all sides."""
    flat = rng.random() < 0.5
    domain = g.Rectangle(x=(0, 1), y=(0, 1)) if flat else g.Interval(x=(0, 1))
    modes = [rng.randint(1, 2) for _ in domain.space]
    k = math.pi**2 * sum(n**2 for n in modes) + rng.choice((-1, 1)) * 10 ** rng.uniform(-5, -1)
    u = draw(rng, bounds_of(domain), scale_of(rng))
    conditions = [dirichlet(domain, u, "u", region) for region in parts(domain, {})]
    return scalar("near resonance", domain, u, lambda d, at: laplace(d, domain.space) + k * d(), conditions)


def advection_diffusion(rng):
    def operator(rng, domain):
        eps = 10 ** rng.uniform(-1.5, 0)
        wind = {name: rng.uniform(-1, 1) for name in domain.space}
        return lambda d, at: -eps * laplace(d, domain.space) + sum(b * d(name) for name, b in wind.items())

    return steady(rng, "advection-diffusion", operator)


def varying(rng):
    """div(k grad u) - c u, k smooth and positive; stated in flux form."""
    flat = rng.random() < 0.6
    domain, shapes = plane(rng) if flat else (line(rng), {})
    u = draw(rng, bounds_of(domain), scale_of(rng))
    wave = draw(rng, bounds_of(domain), 0.15)
    c, names = rng.uniform(0, 2), domain.coordinates

    def equation(at):
        field = at["u"]
        k = torch.exp(wave.d(at))
        left = sum(g.diff(k * g.diff(field, name), name) for name in domain.space) - c * field
        right = sum(k * (u.d(at, name, name) + wave.d(at, name) * u.d(at, name)) for name in domain.space)
        return left - right + c * u.d(at)

    conditions = around(rng, domain, u, "u", parts(domain, shapes))
    return Made("varying", domain, by_names(("u", *names), equation), tuple(conditions), by_names(names, u.d))


def in_time(rng: Random, flat: bool):
    space, shapes = plane(rng) if flat else (line(rng), {})
    domain = space * g.Time(t=(0, rng.choice((0.3, 0.5, 1.0))))
    u = draw(rng, bounds_of(domain), scale_of(rng))
    regions = parts(domain, {}) if not shapes else [domain.boundary]
    return domain, u, regions


def heat(rng):
    domain, u, regions = in_time(rng, rng.random() < 0.25)
    kappa, c = 10 ** rng.uniform(-1.5, 0), rng.uniform(-1, 1)
    conditions = [*around(rng, domain, u, "u", regions), at_start(domain, u, "u")]
    return scalar("heat", domain, u, lambda d, at: d("t") - kappa * laplace(d, domain.space) + c * d(), conditions)


def wave(rng):
    domain, u, regions = in_time(rng, False)
    speed = rng.uniform(0.5, 1.5)
    conditions = [dirichlet(domain, u, "u", region) for region in regions]
    conditions += [at_start(domain, u, "u"), at_start(domain, u, "u", 1)]
    return scalar("wave", domain, u, lambda d, at: d("t", "t") - speed**2 * laplace(d, domain.space), conditions)


def vibrating_beam(rng):
    domain, u, regions = in_time(rng, False)
    stiffness = 10 ** rng.uniform(-2, -0.5)
    conditions = [dirichlet(domain, u, "u", region) for region in regions]
    conditions += [flux(domain, u, "u", region, 0.0) for region in regions]
    conditions += [at_start(domain, u, "u"), at_start(domain, u, "u", 1)]
    return scalar("beam", domain, u, lambda d, at: d("t", "t") + stiffness * d("x", "x", "x", "x"), conditions)


def biharmonic(rng):
    domain = line(rng)
    u = draw(rng, bounds_of(domain), scale_of(rng))
    regions, c = parts(domain, {}), rng.uniform(0, 5)
    conditions = [dirichlet(domain, u, "u", region) for region in regions]
    conditions += [flux(domain, u, "u", region, 0.0) for region in regions]
    return scalar("biharmonic", domain, u, lambda d, at: d("x", "x", "x", "x") + c * d(), conditions)


def transport(rng):
    """u_t + a u_x + c u, or a wind across a rectangle; values where it comes in."""
    c = rng.uniform(-1, 1)
    if rng.random() < 0.5:
        domain, u, _ = in_time(rng, False)
        a = rng.uniform(0.3, 1.5)
        low = domain.face(x=domain.bounds[0][0])
        conditions = [dirichlet(domain, u, "u", low), at_start(domain, u, "u")]
        return scalar("transport", domain, u, lambda d, at: d("t") + a * d("x") + c * d(), conditions)
    domain = g.Rectangle(x=(0, 1), y=(0, rng.choice((1.0, 2.0))))
    u = draw(rng, bounds_of(domain), scale_of(rng))
    a, b = rng.uniform(0.3, 1.5), rng.uniform(0.3, 1.5)
    conditions = [dirichlet(domain, u, "u", domain.face(x=0)), dirichlet(domain, u, "u", domain.face(y=0))]
    return scalar("transport", domain, u, lambda d, at: a * d("x") + b * d("y") + c * d(), conditions)


def ordinary(rng):
    """u'' + a u' + b u in time."""
    domain = g.Time(t=(0, rng.choice((1.0, 3.0, 6.0))))
    u = draw(rng, bounds_of(domain), scale_of(rng))
    a, b = rng.uniform(-0.3, 1), rng.uniform(-1, 9)
    conditions = [at_start(domain, u, "u"), at_start(domain, u, "u", 1)]
    return scalar("ordinary", domain, u, lambda d, at: d("t", "t") + a * d("t") + b * d(), conditions)


def several(family, domain, fields: Mapping[str, Function], operators: Mapping[str, Callable], conditions) -> Made:
    """Several fields: ``operators`` by name, each of d(field, names...)."""
    names = domain.coordinates

    def equations(at):
        def stated(field, *by):
            return g.diff(at[field], *by) if by else at[field]

        def right(field, *by):
            return fields[field].d(at, *by)

        return {name: operator(stated) - operator(right) for name, operator in operators.items()}

    exact = by_names(names, lambda at: {name: u.d(at) for name, u in fields.items()})
    return Made(family, domain, by_names((*fields, *names), equations), tuple(conditions), exact)


def coupled(rng):
    flat = rng.random() < 0.5
    domain, shapes = plane(rng) if flat else (line(rng), {})
    scale, space = scale_of(rng), domain.space
    fields = {"u": draw(rng, bounds_of(domain), scale), "v": draw(rng, bounds_of(domain), scale)}
    a, b, c = (rng.uniform(-1, 1) for _ in range(3))

    def first(d):
        return sum(d("u", x, x) for x in space) + a * d("v") + c * d("v", "x")

    def second(d):
        return sum(d("v", x, x) for x in space) + b * d("u")

    conditions = []
    for name, u in fields.items():
        conditions += around(rng, domain, u, name, parts(domain, shapes))
    return several("coupled", domain, fields, {"first": first, "second": second}, conditions)


def stokes(rng):
    """Stokes' equations with sources of momentum and mass; the pressure is given at a corner."""
    domain = g.Rectangle(x=(0, 1), y=(0, 1))
    fields = {name: draw(rng, bounds_of(domain)) for name in ("u", "v", "p")}
    nu = 10 ** rng.uniform(-1, 0.5)
    operators = {
        "x": lambda d: -nu * (d("u", "x", "x") + d("u", "y", "y")) + d("p", "x"),
        "y": lambda d: -nu * (d("v", "x", "x") + d("v", "y", "y")) + d("p", "y"),
        "mass": lambda d: d("u", "x") + d("v", "y"),
    }
    corner = torch.zeros(1, 2, dtype=torch.float64)
    at = {"x": corner[:, 0], "y": corner[:, 1]}

    def pin(off):
        return g.Observations(corner, p=fields["p"].d(at) + off, name=f"pin {off:g}")

    conditions = [dirichlet(domain, fields[name], name, domain.boundary) for name in ("u", "v")]
    return several("stokes", domain, fields, operators, [*conditions, pin])


FAMILIES = (
    poisson, poisson, helmholtz, resonant, advection_diffusion, varying, heat, wave, vibrating_beam, biharmonic,
    transport, ordinary, coupled, stokes,
)  # fmt: skip
