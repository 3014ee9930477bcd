"""Systems in space with known solutions that boxes are tried on: elasticity, and the flow of Stokes."""

import math

import torch

import gmnm_pde as g

CUBE = g.Box(x=(0, 1), y=(0, 1), z=(0, 1))
BORED = CUBE - g.Disk(center=(0.5, 0.5), radius=0.2) * g.Interval(z=(0, 1))
LAME, SHEAR = 1.5, 1.0


def stresses(u, v, w, x, y, z, lame=LAME, shear=SHEAR):
    """The stress of displacements: the rows of a symmetric matrix."""
    volume = lame * (g.diff(u, x) + g.diff(v, y) + g.diff(w, z))
    xy, yz, xz = g.diff(u, y) + g.diff(v, x), g.diff(v, z) + g.diff(w, y), g.diff(u, z) + g.diff(w, x)
    return (
        (volume + 2 * shear * g.diff(u, x), shear * xy, shear * xz),
        (shear * xy, volume + 2 * shear * g.diff(v, y), shear * yz),
        (shear * xz, shear * yz, volume + 2 * shear * g.diff(w, z)),
    )


def stretched(waves):
    """Displacements of so many waves and what they are of: u, v, w as functions, and the force that makes them."""
    k = math.pi * 2 * waves

    def exact(x, y, z):
        return {
            "u": torch.sin(k * x) * torch.cos(k * y * 0.8) * torch.exp(-z),
            "v": torch.cos(k * (0.6 * x + 0.5 * z)) * torch.sin(k * 0.7 * y),
            "w": torch.sin(k * (0.7 * z - 0.4 * x)) + y * z,
        }

    return exact


def jet_of(exact):
    """Residual functions at an exact solution, by automatic differentiation: a force for any operator."""

    def derivative(name, *axes):
        def one(*points):
            points = [p.detach().requires_grad_(True) for p in torch.broadcast_tensors(*points)]
            with torch.enable_grad():
                value = exact(*points)[name]
                for axis in axes:
                    (value,) = torch.autograd.grad(value.sum(), points[axis], create_graph=True, allow_unused=True)
                    if value is None:
                        return torch.zeros_like(points[0])
            return value.detach()

        return one

    return derivative


def elasticity(waves, domain=CUBE, conditions=None, lame=LAME, stiffer=0.0, name="elasticity"):
    """Elasticity with displacements of so many waves; by default they are given on the boundary.

    Towards larger x the body is ``stiffer``.
    """
    exact = stretched(waves)
    at = jet_of(exact)
    names = ("u", "v", "w")

    def force(row, x, y, z):
        spread = sum(at(name, k, row)(x, y, z) for k, name in enumerate(names))
        plain = SHEAR * sum(at(names[row], k, k)(x, y, z) for k in range(3)) + (lame + SHEAR) * spread
        if not stiffer:
            return plain
        bend = [at(names[row], k)(x, y, z) + at(names[k], row)(x, y, z) for k in range(3)]
        slope = SHEAR * bend[0] + (lame * sum(at(n, k)(x, y, z) for k, n in enumerate(names)) if row == 0 else 0.0)
        return (1 + stiffer * x) * plain + stiffer * slope

    def balance(u, v, w, x, y, z):
        rows, axes = stresses(u, v, w, x, y, z, lame), (x, y, z)
        found = (sum(g.diff((1 + stiffer * x) * s, a) for s, a in zip(row, axes, strict=True)) for row in rows)
        return {f"balance_{c}": own - force(k, x, y, z) for k, (c, own) in enumerate(zip("xyz", found, strict=True))}

    def loaded(u, v, w, x, y, z, normal):
        rows = stresses(u, v, w, x, y, z, lame)
        given = [[at(n, k)(x, y, z) for k in range(3)] for n in names]
        volume = sum(given[k][k] for k in range(3))
        found = {}
        for k, row in enumerate(rows):
            stress = [SHEAR * (given[k][j] + given[j][k]) + (lame * volume if j == k else 0.0) for j in range(3)]
            found[f"traction_{'xyz'[k]}"] = sum(
                (s - t) * n for s, t, n in zip(row, stress, normal.unbind(-1), strict=True)
            )
        return found

    if conditions == "traction":
        free = domain.boundary.where(lambda x: x > 1e-9)
        given = [g.Dirichlet(**values(exact), on=domain.face(x=0)), g.Condition(loaded, on=free, name="loaded")]
    else:
        given = [g.Dirichlet(**values(exact))]
    return g.Problem(domain, balance, given, exact=exact, name=name)


def stokes(waves):
    """The equations of Stokes that a curl of so many waves meets, and that with its pressure."""
    k = math.pi * 2 * waves

    def exact(x, y, z):  # the curl of (sin ky sin kz, sin kz sin kx, sin kx sin ky / 2)
        sx, sy, sz = (torch.sin(k * a + b) for a, b in ((x, 0.3), (y, 0.1), (z, 0.7)))
        cx, cy, cz = (torch.cos(k * a + b) for a, b in ((x, 0.3), (y, 0.1), (z, 0.7)))
        return {
            "u": sx * cy / 2 - cz * sx,
            "v": sy * cz - cx * sy / 2,
            "w": sz * cx - cy * sz,
            "p": torch.cos(k * (x + 0.5 * y)) * torch.exp(z),
        }

    at = jet_of(exact)

    def equations(u, v, w, p, x, y, z):
        def force(name, axis):
            return at("p", axis)(x, y, z) - sum(at(name, a, a)(x, y, z) for a in range(3))

        return {
            "momentum_x": g.diff(p, x) - g.laplacian(u) - force("u", 0),
            "momentum_y": g.diff(p, y) - g.laplacian(v) - force("v", 1),
            "momentum_z": g.diff(p, z) - g.laplacian(w) - force("w", 2),
            "mass": g.diff(u, x) + g.diff(v, y) + g.diff(w, z),
        }

    return equations, exact


def values(exact, names="uvw"):
    """Given values of some fields, as conditions take them."""
    return {name: _one(exact, name) for name in names}


def _one(exact, name):
    return lambda x, y, z: exact(x, y, z)[name]


def flow(waves, domain=CUBE, pin=(0.1, 0.9, 0.2), name="stokes"):
    """The flow of Stokes with velocities given on the boundary, the pressure at a point."""
    equations, exact = stokes(waves)
    point = torch.tensor([pin], dtype=torch.float64)
    level = g.Observations(point.tolist(), p=exact(*point.unbind(1))["p"].tolist())
    return g.Problem(domain, equations, [g.Dirichlet(**values(exact)), level], exact=exact, name=name)


def beam(length=3.0, radius=0.2):
    """A beam with a hole across it, clamped at one end, drawn at the other; no solution is known."""
    block = g.Box(x=(0, length), y=(0, 1), z=(0, 1))
    hole = g.Disk(center=(length / 2, 0.5), radius=radius) * g.Interval(z=(0, 1))
    domain = block - hole

    def drawn(u, v, w, x, y, z, normal):
        found = traction(u, v, w, x, y, z, normal)
        return (*found[:2], found[2] - y * (1 - y) * z * (1 - z))

    conditions = [
        g.Dirichlet(u=0, v=0, w=0, on=domain.face(x=0)),
        g.Condition(traction, on=domain.boundary.where(lambda x: (x > 1e-9) & (x < length - 1e-9)), name="free"),
        g.Condition(drawn, on=domain.face(x=length), name="drawn"),
    ]
    return g.Problem(domain, rest, conditions, name="beam")


def rest(u, v, w, x, y, z):
    """A body without forces inside."""
    axes = (x, y, z)
    return tuple(sum(g.diff(s, a) for s, a in zip(row, axes, strict=True)) for row in stresses(u, v, w, x, y, z))


def traction(u, v, w, x, y, z, normal):
    """The stress on a side."""
    rows = stresses(u, v, w, x, y, z)
    return tuple(sum(s * n for s, n in zip(row, normal.unbind(-1), strict=True)) for row in rows)
