"""A step of Adam in TorchPhysics, without the progress bar, logger and checkpoints of Lightning: they cost more."""

import pytorch_lightning as pl
import torch
import torchphysics as tp
from common import BOUNDARY, INTERIOR, LEARNING_RATE, WIDTHS, arguments, report, seconds_per_step


def poisson(u, x):
    source = 2 * torch.pi**2 * torch.sin(torch.pi * x[:, :1]) * torch.sin(torch.pi * x[:, 1:])
    return tp.utils.laplacian(u, x) + source


def train(steps):
    """Train on and return the last loss."""
    quiet = {"enable_progress_bar": False, "logger": False, "enable_checkpointing": False}
    trainer = pl.Trainer(accelerator="cpu", max_steps=steps, enable_model_summary=False, **quiet)
    trainer.fit(solver)
    return trainer.callback_metrics["train/loss"].item()


options = arguments()
torch.set_default_dtype(getattr(torch, options.dtype))
torch.manual_seed(0)
X, U = tp.spaces.R2("x"), tp.spaces.R1("u")
square = tp.domains.Parallelogram(X, [-1, -1], [1, -1], [-1, 1])
inside = tp.samplers.RandomUniformSampler(square, n_points=INTERIOR).make_static()
edge = tp.samplers.RandomUniformSampler(square.boundary, n_points=BOUNDARY).make_static()
network = tp.models.FCN(X, U, hidden=WIDTHS[1:-1], xavier_gains=1)
conditions = [
    tp.conditions.PINNCondition(network, inside, poisson),
    tp.conditions.PINNCondition(network, edge, lambda u: u, track_gradients=False),
]
solver = tp.solver.Solver(conditions, optimizer_setting=tp.OptimizerSetting(torch.optim.Adam, lr=LEARNING_RATE))

first = train(1)
seconds = seconds_per_step(train, options.short, options.long)
report(seconds=seconds, first=first, last=train(1), version=tp.__version__)
