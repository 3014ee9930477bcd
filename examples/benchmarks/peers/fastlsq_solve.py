"""The four problems in FastLSQ, as classes with the methods that its tutorial of a problem of one's own lists.

Default: 1,500 features at the scale 5 of its tutorials. Best, where the equation is linear: scales of both coordinates,
learnt by its ``LearnableFastLSQ`` on 300 features, then 150 features to 6,000; for Burgers' equation, which that does
not take, as many at the largest scale of its search. That search itself compares with the exact solution: not used.
"""

import time
from importlib.metadata import version

import torch
from budgets import CENTERS, RADIUS, VISCOSITY, Run
from fastlsq import solve_linear, solve_nonlinear
from fastlsq.geometry import SDFDomain, sample_box
from fastlsq.learnable import LearnableFastLSQ

WEIGHT = 100.0
"""Of conditions, as in its problems."""


class Linear:
    """A linear problem: points, values of the conditions there, and the rows of the least squares problem."""

    dim = 2
    name = "linear"

    def get_train_data(self, n_pde, n_bc):
        if run.problem == "poisson":
            x = sample_box(n_pde, 2, bounds=(-1.0, 1.0))
            edge = SDFDomain.box([-1, -1], [1, 1]).sample_boundary(n_bc)
            source = -2 * torch.pi**2 * torch.sin(torch.pi * x).prod(dim=1, keepdim=True)
            return x, [(edge, torch.zeros(n_bc, 1), None)], source
        if run.problem == "four_holes":
            square, plate = SDFDomain.box([-0.5, -0.5], [0.5, 0.5]), SDFDomain.box([-0.5, -0.5], [0.5, 0.5])
            conditions = [(square.sample_boundary(n_bc), torch.ones(n_bc, 1), None)]
            for center in CENTERS:
                hole = SDFDomain.disk(RADIUS, center)
                plate = plate - hole
                conditions.append((hole.sample_boundary(n_bc // 4), torch.zeros(n_bc // 4, 1), None))
            return plate.sample(n_pde), conditions, torch.zeros(n_pde, 1)
        x = torch.rand(n_bc, 1)
        start, left, right = (torch.cat(pair, 1) for pair in ((x, 0 * x), (0 * x, x), (0 * x + 1, x)))
        height = torch.sin(torch.pi * x) + 0.5 * torch.sin(4 * torch.pi * x)
        conditions = [(start, height, None), (start, 0 * x, 1), (left, 0 * x, None), (right, 0 * x, None)]
        return torch.rand(n_pde, 2), conditions, torch.zeros(n_pde, 1)

    def build(self, solver, x_pde, conditions, source):
        basis = solver.basis
        second = basis.hessian_diag(x_pde)
        equation = second[:, 1] - 4 * second[:, 0] if run.problem == "wave" else second[:, 0] + second[:, 1]
        rows, values = [equation], [source]
        for points, wanted, derived in conditions:
            rows.append(WEIGHT * (basis.evaluate(points) if derived is None else basis.gradient(points)[:, derived]))
            values.append(WEIGHT * wanted)
        return torch.cat(rows), torch.cat(values)


class Burgers:
    """Burgers' equation, by Newton steps and a viscosity that falls, as in its steady Burgers problem."""

    dim = 2
    name = "burgers"
    use_continuation = True
    continuation_schedule = (1.0, 0.3, 0.1, 0.03, 0.01)
    nu = nu_target = VISCOSITY

    def get_train_data(self, n_pde, n_bc):
        x, t = 2 * torch.rand(n_bc, 1) - 1, torch.rand(n_bc, 1)
        inside = torch.cat([2 * torch.rand(n_pde, 1) - 1, torch.rand(n_pde, 1)], 1)
        edges = (torch.cat([x, 0 * x], 1), torch.cat([0 * t - 1, t], 1), torch.cat([0 * t + 1, t], 1))
        values = (-torch.sin(torch.pi * x), 0 * t, 0 * t)
        return inside, list(zip(edges, values, strict=True)), self.source(inside)

    def source(self, x):
        return torch.zeros(len(x), 1)

    def build_newton_step(self, solver, x_pde, conditions, _):
        basis, beta = solver.basis, solver.beta
        value, slope, second = basis.evaluate(x_pde), basis.gradient(x_pde), basis.hessian_diag(x_pde)
        linear = slope[:, 1] - self.nu * second[:, 0]
        u, u_x = value @ beta, slope[:, 0] @ beta
        rows, values = [linear + u * slope[:, 0] + u_x * value], [-(linear @ beta + u * u_x)]
        for points, wanted in conditions:
            there = basis.evaluate(points)
            rows.append(WEIGHT * there)
            values.append(WEIGHT * (wanted - there @ beta))
        return torch.cat(rows), torch.cat(values)

    def build_linear_init(self, solver, x_pde, conditions, source):
        solver.beta = torch.zeros(solver.n_features, 1)
        return self.build_newton_step(solver, x_pde, conditions, source)


run = Run()
torch.manual_seed(0)
points, linear, scale = torch.from_numpy(run.points), run.problem != "burgers", 5.0
problem = Linear() if linear else Burgers()
if run.best and linear:
    learnt = LearnableFastLSQ(2, 300, mode="diagonal", init_scale=5.0)
    learnt.fit(problem, n_pde=1000, n_bc=200, n_steps=30, verbose=False)
    scale, problem.scale_multipliers = 1.0, learnt.log_diag.exp().tolist()
elif run.best:
    scale = 15.0
before, words = run.seconds, []
for hidden in (50, 100, 200, 500, 1000, 1500, 2000) if run.best else (500,):
    started = time.process_time()
    settings = {"scale": scale, "hidden_size": hidden, "return_metrics": False, "verbose": False}
    found = (solve_linear if linear else solve_nonlinear)(problem, **settings)
    own = time.process_time() - started
    run.record(lambda found=found: found["u_fn"](points).detach(), before + own)
    words.append(str(3 * hidden))
    if before + 6 * own > run.limit:
        break
scales = getattr(problem, "scale_multipliers", [scale])
words = f"{' and '.join(words)} features, scale {' and '.join(f'{one:.1f}' for one in scales)}, float64"
run.finish(version("fastlsq"), words)
