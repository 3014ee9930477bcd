"""The four problems in pyRFM, as its examples of the same equations state theirs.

Default: the numbers of the examples, of which the smallest for Poisson's equation. Best: more and more subdomains.
"""

import itertools
import time
from importlib.metadata import version

import pyrfm
import torch
from budgets import CENTERS, RADIUS, VISCOSITY, Run


class TimeIsUp(Exception):
    """Ends a Newton iteration."""


def elliptic(parts):
    """Poisson's and Laplace's equation, on ``parts`` by ``parts`` subdomains with 300 features each."""
    holes = run.problem == "four_holes"
    half = 0.5 if holes else 1.0
    square = domain = pyrfm.Square2D(center=[0.0, 0.0], radius=[half, half])
    count = 400 * parts**2
    edge = square.on_sample(count // 5)
    values = torch.full((len(edge), 1), 1.0 if holes else 0.0)
    for center in CENTERS if holes else ():
        disk = pyrfm.Circle2D(center=list(center), radius=RADIUS)
        around = disk.on_sample(count // 20)
        domain, edge = domain - disk, torch.cat([edge, around])
        values = torch.cat([values, torch.zeros(len(around), 1)])
    model = pyrfm.RFMBase(dim=2, n_hidden=300, domain=domain, n_subdomains=parts, pou=pyrfm.PsiB)
    x = domain.in_sample(count, with_boundary=False)
    source = torch.zeros(len(x), 1) if holes else 2 * torch.pi**2 * torch.sin(torch.pi * x).prod(dim=1, keepdim=True)
    laplacian = sum(model.features_second_derivative(x, axis1=k, axis2=k).cat(dim=1) for k in range(2))
    matrix = pyrfm.concat_blocks([[-laplacian], [model.features(edge).cat(dim=1)]])
    model.compute(matrix).solve(pyrfm.concat_blocks([[source], [values]]))
    return lambda: model(points)


def wave(parts):
    """The wave equation, in five blocks of time with ``parts`` subdomains in space and 300 features each."""
    domain, models = pyrfm.Line1D(x1=0.0, x2=1.0), []
    inside, ends = domain.in_sample(30 * parts, with_boundary=False), domain.on_sample(2)
    times = torch.linspace(0.0, 1.0, 6)
    for begin, end in itertools.pairwise(times):
        settings = {"n_spatial_subdomains": parts, "n_temporal_subdomains": 1, "st_type": "STC"}
        model = pyrfm.STRFMBase(dim=1, n_hidden=300, domain=domain, time_interval=[begin, end], **settings)
        later = torch.linspace(begin, end, 31)[1:].reshape(-1, 1)
        start = model.validate_and_prepare_xt(x=torch.cat([inside, ends]), t=begin.reshape(1, 1))
        within, edge = (model.validate_and_prepare_xt(x=x, t=later) for x in (inside, ends))
        second = [model.features_second_derivative(xt=within, axis1=k, axis2=k).cat(dim=1) for k in range(2)]
        slope = model.features_derivative(xt=start, axis=1).cat(dim=1)
        rows = [model.features(xt=start).cat(dim=1), slope, model.features(xt=edge).cat(dim=1)]
        rows.append(second[1] - 4 * second[0])
        x = start[:, :1]
        height, speed = torch.sin(torch.pi * x) + 0.5 * torch.sin(4 * torch.pi * x), 0 * x
        if models:
            height, speed = models[-1].forward(xt=start), models[-1].dForward(xt=start, order=[0, 1])
        values = [height, speed, torch.zeros(len(edge), 1), torch.zeros(len(within), 1)]
        model.compute(pyrfm.concat_blocks([[row] for row in rows])).solve(pyrfm.concat_blocks([[v] for v in values]))
        models.append(model)

    def found():
        block = (points[:, 1] * 5).long().clamp(max=4)
        u = torch.zeros(len(points), 1)
        for k, model in enumerate(models):
            u[block == k] = model.forward(xt=points[block == k])
        return u

    return found


def burgers(parts):
    """Burgers' equation, by Newton's method in space-time, with 200 features in each subdomain."""
    domain = pyrfm.Square2D(center=[0.0, 0.5], radius=[1.0, 0.5])
    model = pyrfm.RFMBase(dim=2, n_hidden=200, domain=domain, n_subdomains=parts, pou=pyrfm.PsiB)
    inside, ones = domain.in_sample(625 * parts**2, with_boundary=False), torch.ones(62 * parts**2, 1)
    x, t = 2 * torch.rand_like(ones) - 1, torch.rand_like(ones)
    edges = torch.cat([torch.cat(pair, dim=1) for pair in ((x, 0 * x), (-ones, t), (ones, t))])
    values = torch.cat([-torch.sin(torch.pi * x), 0 * t, 0 * t])
    u, u_x, u_t = model.features(inside), *(model.features_derivative(inside, axis=k) for k in range(2))
    u, u_x, u_t = (block.cat(dim=1) for block in (u, u_x, u_t))
    linear = u_t - VISCOSITY * model.features_second_derivative(inside, axis1=0, axis2=0).cat(dim=1)
    edge = model.features(edges).cat(dim=1)

    def residual(w):
        model.W = w
        if not run.best and run.step(lambda: model(points)):
            raise TimeIsUp
        return torch.cat([linear @ w + (u @ w) * (u_x @ w), edge @ w - values])

    def jacobian(w):
        return torch.cat([linear + (u @ w) * u_x + (u_x @ w) * u, edge])

    start = torch.zeros(u.shape[1], 1)
    tolerances = {"ftol": 1e-6, "gtol": 1e-6, "xtol": 1e-6}
    model.W, _ = pyrfm.nonlinear_least_square(residual, start, jacobian, method="newton", **tolerances)
    return lambda: model(points)


run = Run()
torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
points = torch.from_numpy(run.points)
solve = {"wave": wave, "burgers": burgers}.get(run.problem, elliptic)
defaults, larger = {"wave": (5, (3, 5, 7, 9)), "burgers": (4, (2, 3, 4, 5, 6))}.get(run.problem, (2, (2, 3, 4, 5, 6)))
done = []
try:
    for parts in larger if run.best else (defaults,):
        started = time.process_time()
        found = solve(parts)
        own = time.process_time() - started
        run.record(found, own)
        done.append(str(parts))
        if 4 * own > run.limit:
            break
except TimeIsUp:
    done = [f"{defaults}, Newton's method stopped by the time limit"]
run.finish(version("pyrfm"), f"subdomains on a side: {' and '.join(done)}, float64")
