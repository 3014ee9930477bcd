"""The four problems in PINA, as its tutorials state theirs.

Default: ``PINN`` with its own optimizer, Adam at 1e-3, in float32. Best: Adam for a quarter of the time, then L-BFGS
with a strong Wolfe search, in float64. Points do not change. Without the progress bar, logger and checkpoints that it
has by default, which take longer than a step.
"""

from importlib.metadata import version

import torch
from budgets import CENTERS, RADIUS, VISCOSITY, Run
from lightning.pytorch.callbacks import Callback
from pina import Condition, LabelTensor, Trainer
from pina.domain import CartesianDomain, Difference, EllipsoidDomain, Union
from pina.equation import Equation, FixedValue
from pina.model import FeedForward
from pina.operator import grad, laplacian
from pina.optim import TorchOptimizer
from pina.problem import SpatialProblem, TimeDependentProblem
from pina.solver import PINN


def poisson(points, u):
    x, y = points.extract(["x"]), points.extract(["y"])
    source = 2 * torch.pi**2 * torch.sin(torch.pi * x) * torch.sin(torch.pi * y)
    return laplacian(u, points, components=["u"], d=["x", "y"]) + source


def laplace(points, u):
    return laplacian(u, points, components=["u"], d=["x", "y"])


def wave(points, u):
    u_tt = laplacian(u, points, components=["u"], d=["t"])
    return u_tt - 4 * laplacian(u, points, components=["u"], d=["x"])


def burgers(points, u):
    u_x, u_t = grad(u, points, components=["u"], d=["x"]), grad(u, points, components=["u"], d=["t"])
    u_xx = laplacian(u, points, components=["u"], d=["x"])
    return u_t.tensor + u.tensor * u_x.tensor - VISCOSITY * u_xx.tensor


def start(points, u):
    x = torch.pi * points.extract(["x"]).tensor
    height = -torch.sin(x) if run.problem == "burgers" else torch.sin(x) + 0.5 * torch.sin(4 * x)
    return u.tensor - height


def rest(points, u):
    return grad(u, points, components=["u"], d=["t"])


def box(**ranges):
    return CartesianDomain(ranges)


def parts():
    """The domains by name, each with the equation there."""
    if run.problem == "poisson":
        square = box(x=[-1, 1], y=[-1, 1])
        return {"inside": (square, Equation(poisson)), "edge": (square.partial(), FixedValue(0.0))}
    if run.problem == "four_holes":
        square = box(x=[-0.5, 0.5], y=[-0.5, 0.5])
        ranges = [[[c - RADIUS, c + RADIUS] for c in center] for center in CENTERS]
        disks = [EllipsoidDomain({"x": x, "y": y}) for x, y in ranges]
        return {
            "inside": (Difference([square, *disks]), Equation(laplace)),
            "edge": (square.partial(), FixedValue(1.0)),
            "holes": (Union([disk.partial() for disk in disks]), FixedValue(0.0)),
        }
    low = 0 if run.problem == "wave" else -1
    found = {
        "inside": (box(x=[low, 1], t=[0, 1]), Equation(wave if run.problem == "wave" else burgers)),
        "left": (box(x=low, t=[0, 1]), FixedValue(0.0)),
        "right": (box(x=1, t=[0, 1]), FixedValue(0.0)),
        "start": (box(x=[low, 1], t=0), Equation(start)),
    }
    if run.problem == "wave":
        found["rest"] = (box(x=[low, 1], t=0), Equation(rest))
    return found


class Clock(Callback):
    """Writes values at the budgets, and stops the training when the time of its stage is up."""

    def __init__(self, until):
        self.until = until

    def on_train_batch_end(self, trainer, *_):
        if run.step(values) or run.seconds > self.until:
            trainer.should_stop = True


def values():
    with torch.no_grad():
        return network(points).detach().tensor


def train(optimizer, until):
    """Train with an optimizer until ``until`` seconds."""
    quiet = {"enable_progress_bar": False, "logger": False, "enable_checkpointing": False}
    settings = {"max_epochs": 10**6, "accelerator": "cpu", "enable_model_summary": False}
    Trainer(PINN(problem, network, optimizer=optimizer), callbacks=[Clock(until)], **settings, **quiet).train()


run = Run()
torch.set_default_dtype(torch.float64 if run.best else torch.float32)
torch.manual_seed(0)
stated = parts()
steady = run.problem in ("poisson", "four_holes")


class Stated(SpatialProblem, *(() if steady else (TimeDependentProblem,))):
    """The problem, as PINA states one."""

    output_variables = ["u"]  # noqa: RUF012
    spatial_domain = stated["inside"][0] if steady else box(x=[0 if run.problem == "wave" else -1, 1])
    temporal_domain = box(t=[0, 1])
    domains = {name: domain for name, (domain, _) in stated.items()}  # noqa: RUF012
    conditions = {name: Condition(domain=name, equation=found) for name, (_, found) in stated.items()}  # noqa: RUF012


problem = Stated()
for name in problem.domains:
    problem.discretise_domain(2500 if name == "inside" else 200, mode="random", domains=name)
points = LabelTensor(torch.tensor(run.points, dtype=torch.get_default_dtype()), ["x", "y" if steady else "t"])
network = FeedForward(2, 1, layers=[20, 20, 20], func=torch.nn.Tanh)
train(TorchOptimizer(torch.optim.Adam, lr=1e-3), run.limit / 4 if run.best else float("inf"))
if run.best:
    train(TorchOptimizer(torch.optim.LBFGS, max_iter=20, history_size=100, line_search_fn="strong_wolfe"), float("inf"))
run.record(values)
words = "Adam, then L-BFGS, float64" if run.best else "Adam, float32"
run.finish(version("pina-mathlab"), f"{words}, 2-20-20-20-1, 2,500 points and 200 for each condition")
