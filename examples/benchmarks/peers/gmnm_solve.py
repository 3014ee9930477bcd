"""The four problems in this library, from its registry; a solve for each budget, as one with more time plans otherwise.

Default: ``solve(problem)``. Best: with a tolerance, as in ``sharp_problems.py``. A time limit is of the clock on the
wall: where other work shares the core it is made longer, by the share that this process had of it before.
"""

import time

import torch
from budgets import Run

from gmnm_pde import __version__, registry, solve

TOLERANCES = {"poisson": 1e-12, "wave": 1e-12, "burgers": 1e-7, "four_holes": 1e-7}

run = Run()
torch.set_num_threads(1)
problem = registry.load(run.problem)
points = torch.from_numpy(run.points)
wall, own = time.perf_counter(), time.process_time()
while time.process_time() < own + 0.2:
    torch.linalg.qr(torch.rand(100, 100))
for budget in run.budgets:
    share = min(1.0, (time.process_time() - own) / (time.perf_counter() - wall))
    wall, own = time.perf_counter(), time.process_time()
    solution = solve(problem, tol=TOLERANCES[run.problem] if run.best else None, time_limit=budget / share)
    seconds = time.process_time() - own
    run.record(lambda solution=solution: solution(*points.unbind(-1)), seconds)
    if solution.report.converged:
        break
words = f"solve(problem, tol={TOLERANCES[run.problem]:g})" if run.best else "solve(problem)"
run.finish(__version__, f"{words}, float64, {solution.report.components} components")
