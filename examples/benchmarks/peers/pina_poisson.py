"""A step of Adam in PINA, without the progress bar, logger and checkpoints that it has by default: they cost more."""

from importlib.metadata import version

import torch
from common import BOUNDARY, INTERIOR, LEARNING_RATE, WIDTHS, arguments, report, seconds_per_step
from pina import Condition, Trainer
from pina.domain import CartesianDomain
from pina.equation import Equation, FixedValue
from pina.model import FeedForward
from pina.operator import laplacian
from pina.optim import TorchOptimizer
from pina.problem import SpatialProblem
from pina.solver import PINN


def poisson(points, u):
    x, y = points.extract(["x"]), points.extract(["y"])
    source = 2 * torch.pi**2 * torch.sin(torch.pi * x) * torch.sin(torch.pi * y)
    return laplacian(u, points, components=["u"], d=["x", "y"]) + source


class Poisson(SpatialProblem):
    """The problem, as PINA states one."""

    output_variables = ["u"]  # noqa: RUF012
    spatial_domain = CartesianDomain({"x": [-1, 1], "y": [-1, 1]})
    domains = {"inside": spatial_domain, "edge": spatial_domain.partial()}  # noqa: RUF012
    conditions = {  # noqa: RUF012
        "inside": Condition(domain="inside", equation=Equation(poisson)),
        "edge": Condition(domain="edge", equation=FixedValue(0.0)),
    }


def train(steps):
    """Train on, an epoch being a step, and return the last loss."""
    quiet = {"enable_progress_bar": False, "logger": False, "enable_checkpointing": False}
    trainer = Trainer(solver, max_epochs=steps, accelerator="cpu", enable_model_summary=False, **quiet)
    trainer.train()
    return trainer.callback_metrics["train_loss"].item()


options = arguments()
torch.set_default_dtype(getattr(torch, options.dtype))
torch.manual_seed(0)
problem = Poisson()
problem.discretise_domain(INTERIOR, mode="random", domains="inside")
problem.discretise_domain(BOUNDARY, mode="random", domains="edge")
network = FeedForward(WIDTHS[0], WIDTHS[-1], layers=WIDTHS[1:-1], func=torch.nn.Tanh)
solver = PINN(problem, network, optimizer=TorchOptimizer(torch.optim.Adam, lr=LEARNING_RATE))

first = train(1)
seconds = seconds_per_step(train, options.short, options.long)
report(seconds=seconds, first=first, last=train(1), version=version("pina-mathlab"))
