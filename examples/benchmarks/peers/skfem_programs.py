"""Three programs of the tutorial of dolfinx in scikit-fem, which pip installs: finite elements of the same kind.

``python skfem_programs.py --program 8 --points points.npy``. Meshes and steps are those of the tutorial; on its round
membrane, which gmsh meshes there, they are as fine. Prints the values at the points, or for the heat equation at the
end of its time, with the seconds of the processor.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import skfem
from skfem.helpers import dot, grad

parser = argparse.ArgumentParser()
parser.add_argument("--program", type=int, choices=(8, 9, 10), required=True)
parser.add_argument("--points", type=Path, required=True)
parser.add_argument("--limit", type=float, help="not used: it is quick")
options = parser.parse_args()
points = np.load(options.points)


def heat():
    alpha, beta, step = 3.0, 1.2, 0.1
    basis = skfem.Basis(skfem.MeshTri.init_tensor(*2 * [np.linspace(0, 1, 6)]), skfem.ElementTriP1())
    edge = basis.get_dofs()
    stiff = skfem.BilinearForm(lambda u, v, w: u * v + step * dot(grad(u), grad(v))).assemble(basis)
    mass = skfem.BilinearForm(lambda u, v, w: u * v).assemble(basis)
    load = skfem.LinearForm(lambda v, w: step * (beta - 2 - 2 * alpha) * v).assemble(basis)

    def known(t):
        x, y = basis.doflocs
        return 1 + x**2 + alpha * y**2 + beta * t

    u = known(0.0)
    for k in range(1, 21):
        u = skfem.solve(*skfem.condense(stiff, mass @ u + load, x=known(k * step), D=edge))
    return basis, u, points[:, :2]


def nonlinear():
    basis = skfem.Basis(skfem.MeshTri.init_tensor(*2 * [np.linspace(0, 1, 11)]), skfem.ElementTriP1())
    u = 1 + basis.doflocs[0] + 2 * basis.doflocs[1]
    inside = basis.complement_dofs(basis.get_dofs())
    u[inside] = 0

    @skfem.BilinearForm
    def slope(u, v, w):
        return (1 + w["old"] ** 2) * dot(grad(u), grad(v)) + 2 * w["old"] * u * dot(grad(w["old"]), grad(v))

    @skfem.LinearForm
    def residual(v, w):
        source = -10 * (1 + w.x[0] + 2 * w.x[1])
        return (1 + w["old"] ** 2) * dot(grad(w["old"]), grad(v)) - source * v

    for _ in range(20):
        old = basis.interpolate(u)
        change = skfem.solve(
            *skfem.condense(slope.assemble(basis, old=old), residual.assemble(basis, old=old), I=inside)
        )
        u = u - change
        if np.abs(change).max() < 1e-10:
            break
    return basis, u, points


def membrane():
    mesh = skfem.MeshTri.init_circle(5)  # 2,113 corners, as many as there
    basis = skfem.Basis(mesh, skfem.ElementTriP1())
    stiff = skfem.BilinearForm(lambda u, v, w: dot(grad(u), grad(v))).assemble(basis)
    load = skfem.LinearForm(lambda v, w: 4 * np.exp(-144 * (w.x[0] ** 2 + (w.x[1] - 0.3) ** 2)) * v).assemble(basis)
    return basis, skfem.solve(*skfem.condense(stiff, load, D=basis.get_dofs())), points


begun = time.process_time()
basis, u, places = {8: heat, 9: nonlinear, 10: membrane}[options.program]()
seconds = time.process_time() - begun
inside = np.ones(len(places), dtype=bool)
if options.program == 10:  # the mesh is a polygon within the circle
    inside = np.hypot(*places.T) < 0.995
values = np.full(len(places), np.nan)
values[inside] = basis.probes(places[inside].T) @ u
found = [None if np.isnan(value) else value for value in values]
print(json.dumps({"seconds": seconds, "version": skfem.__version__, "values": found}))
