"""Solves of every kind on the CPU and on a simulated device: ``python cases.py GROUP`` prints what differs or fails.

A script, since a simulated device needs a process of its own. Each case is small: it is to run through the code, not to
solve well.
"""

import math
import sys
import traceback
import warnings

import torch
from simulated_device import NAME, simulated_device

import gmnm_pde as g

POINTS = {"interior": 24, "boundary": 8}
CLOSE = 1e-7
"""Digits may differ by rounding where the CPU works in blocks or has an optimiser of its own. On a real GPU they do."""

MODELS = {
    "mlp": lambda: g.MLP([2, 6, 6, 1]),
    "kan": lambda: g.KAN([2, 3, 1]),
    "affine": lambda: g.GMNM(2, 1, 8),
    "literal": lambda: g.GMNM(2, 1, 8, form="literal"),
    "diagonal": lambda: g.GMNM(2, 1, 8, form="diagonal"),
    "full": lambda: g.GMNM(2, 1, 8, form="full"),
    "rbf": lambda: g.RBF(2, 1, 8),
    "fourier": lambda: g.Embedded(g.FourierFeatures(2, 4), g.MLP([8, 6, 1])),
    "patches": lambda: g.Patchwork(g.Partition.even((2, 1)), [g.GMNM(2, 1, 4) for _ in range(2)]),
    "module": lambda: torch.nn.Sequential(torch.nn.Linear(2, 6), torch.nn.Tanh(), torch.nn.Linear(6, 1)),
}
METHODS = {
    "adam": g.Adam(3, lr=1e-2),
    "batches": g.Adam(3, lr=1e-2, batch=16),
    "soap": g.SOAP(3),
    "lbfgs": g.LBFGS(3),
    "self-scaled": g.SelfScaled(3),
    "gauss-newton": g.GaussNewton(2),
    "eliminating": g.GaussNewton(2, eliminate=True),
    "proximal": g.ProximalGaussNewton(2),
    "proximal, to the last digits": g.ProximalGaussNewton(2, damping=1e-12),
}


def model_of(name):
    torch.manual_seed(0)
    return MODELS[name]()


def trained(model, method, problem="poisson", **options):
    return lambda device: g.solve(
        g.registry.load(problem), model_of(model), method, **{"points": POINTS, "device": device, **options}
    )


def solved(problem, model=None, **options):
    return lambda device: g.solve(problem, model, device=device, **options)


def load(name, **arguments):
    return g.registry.load(name, **arguments)


DECAY = g.Problem(g.Time(t=(0, 2)), lambda u, t: g.diff(u, t) + u, [g.Initial(u=1.0)])

GROUPS = {
    "training": {
        **{name: trained(name, [g.Adam(2), g.GaussNewton(1, eliminate=True)]) for name in MODELS},
        **{name: trained("mlp", method) for name, method in METHODS.items()},
        "gradient norms": trained("mlp", g.Adam(3), weights=g.GradientNorm()),
        "loss balance": trained("mlp", g.Adam(3), weights=g.ReLoBRaLo()),
        "self-adaptive": trained("mlp", g.Adam(3), weights=g.SelfAdaptive()),
        "causal": trained("mlp", g.Adam(3), "heat", weights=g.Causal(), hard=True),
        "resampled": trained("mlp", g.Adam(4), points=g.Resampling(24, 8, every=2)),
        "residual-adaptive": trained("mlp", g.Adam(4), points=g.ResidualAdaptive(24, 8, every=2)),
        "then least squares": trained("affine", [g.Adam(3), g.LeastSquares()]),
        "single precision": trained("mlp", g.Adam(3), dtype=torch.float32),
    },
    "mixtures": {
        "one mixture": solved(load("poisson"), g.Mixture(components=15, widths=1.5)),
        "growing": solved(load("poisson"), g.Mixture(widths=1.5), tol=0.5),
        "nonlinear": solved(load("nonlinear_poisson"), g.Mixture(components=15, widths=1.0)),
        "bumps": solved(load("poisson"), g.Mixture(components=15, form="full")),
        "hard": solved(load("heat"), g.Mixture(components=15, widths=1.5), hard=True),
        "periodic": solved(load("advection"), g.Mixture(components=15, widths=1.5)),
        "a given model": lambda device: g.solve(load("poisson"), model_of("affine"), device=device),
        "noisy data": solved(load("inverse_heat", noise=0.02), g.Mixture(components=25, widths=1.5)),
        "eigenmodes": lambda device: g.eigenmodes(
            load("membrane"), 1, g.Mixture(components=20, widths=1.5), device=device
        ),
        "patches": solved(load("poisson"), g.Mixture(components=6, widths=1.5, patches=(2, 1))),
        "blocks in time": solved(DECAY, g.Mixture(components=8, widths=1.0), blocks=2, tol=1e-2),
        "eigenmodes in patches": lambda device: g.eigenmodes(
            load("membrane"), 1, g.Mixture(components=6, widths=1.5, patches=(2, 1)), device=device
        ),
        "marched": solved(load("heat"), tol=1e-3),
        "marched without space": solved(DECAY, tol=1e-3),
    },
}
ON_CPU = {"marched", "marched without space"}
"""What is solved on the CPU, whatever the device."""


def numbers(result):
    """What is compared: values of modes, or reported numbers and the solution at some points."""
    if isinstance(result, g.Spectrum):
        return [float(value) for value in result.values]
    d = len(result.problem.domain.coordinates)
    domain = torch.tensor(result.problem.domain.bounds, dtype=torch.float64)
    at = domain[:, 0] + (domain[:, 1] - domain[:, 0]) * torch.linspace(0.2, 0.8, 3, dtype=torch.float64)[:, None]
    values = result(*at.expand(3, d).unbind(1))
    columns = values.values() if isinstance(values, dict) else [values]
    last = [result.history[name][-1] for name in ("loss", "residual", "boundary")]
    return [*last, *(float(value) for column in columns for value in torch.as_tensor(column).cpu().flatten())]


def differences(name, case):
    """What went wrong; nothing if all is well."""
    single, where = name == "single precision", "cpu" if name in ON_CPU else NAME
    expected = numbers(case(None))
    with simulated_device() as device:
        result = case(device)
        found = numbers(result)
    if not isinstance(result, g.Spectrum) and not result.report.device.startswith(where):
        return f"it ran on {result.report.device}"
    close = 1e-3 if single else CLOSE
    pairs = list(zip(expected, found, strict=True))
    same = [math.isclose(a, b, rel_tol=close, abs_tol=close) or (math.isnan(a) and math.isnan(b)) for a, b in pairs]
    return "" if all(same) else f"{found} instead of {expected}"


def refusals():
    """What the simulated device is there for: each of these is a mistake on a GPU."""

    def mistakes(device):
        here, there = torch.ones(3, device=device), torch.ones(3)
        return {
            "mixed": lambda: here + there,
            "mixed matrices": lambda: torch.eye(3, device=device) @ there,
            "joined": lambda: torch.cat([here, there]),
            "index of another device": lambda: there[here.long()],
            "generator of another device": lambda: torch.randn(3, device=device, generator=torch.Generator()),
            "numpy": lambda: here.numpy(),
            "driver": lambda: torch.linalg.lstsq(torch.eye(3, device=device), here[:, None], driver="gelsd"),
        }

    with simulated_device() as device:
        for name, mistake in mistakes(device).items():
            try:
                mistake()
            except (RuntimeError, TypeError):
                continue
            yield f"{name}: it was let through"
        ones = torch.ones(3, device=device, requires_grad=True)
        (2.0 * ones[torch.tensor([0, 2])] * torch.tensor(3.0)).sum().backward()
        if ones.grad.device.type != NAME or ones.grad.tolist() != [6.0, 0.0, 6.0]:
            yield f"backward: {ones.grad}"


def main(group):
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated")
    torch.set_num_threads(1)
    found = list(refusals())
    for name, case in GROUPS[group].items():
        try:
            wrong = differences(name, case)
        except Exception:
            wrong = traceback.format_exc()
        found += [f"{name}: {wrong}"] if wrong else []
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
