"""The four problems in DeepXDE, as its examples state theirs.

Default: Adam at 1e-3 in float32, with the network and the points of its Burgers example. Best: Adam for a quarter of
the time, then L-BFGS, as the same example goes on, in float64, as the documentation of L-BFGS advises; ten steps of
L-BFGS in a call instead of a thousand, so that it can be stopped. The network that its wave example takes, of Fourier
features in space and time, is not there for PyTorch.
"""

import deepxde as dde
import numpy as np
import torch
from budgets import CENTERS, RADIUS, VISCOSITY, Run


def poisson(x, u):
    u_xx, u_yy = dde.grad.hessian(u, x, i=0, j=0), dde.grad.hessian(u, x, i=1, j=1)
    return u_xx + u_yy + 2 * torch.pi**2 * torch.sin(torch.pi * x[:, 0:1]) * torch.sin(torch.pi * x[:, 1:2])


def laplace(x, u):
    return dde.grad.hessian(u, x, i=0, j=0) + dde.grad.hessian(u, x, i=1, j=1)


def wave(x, u):
    return dde.grad.hessian(u, x, i=1, j=1) - 4 * dde.grad.hessian(u, x, i=0, j=0)


def burgers(x, u):
    u_x, u_t = dde.grad.jacobian(u, x, i=0, j=0), dde.grad.jacobian(u, x, i=0, j=1)
    return u_t + u * u_x - VISCOSITY * dde.grad.hessian(u, x, i=0, j=0)


def on_boundary(_, on):
    return on


def on_initial(_, on):
    return on


def data():
    """The problem with its points: 2,540 inside, 80 on the boundary and 160 at the start, or so."""
    if run.problem == "poisson":
        square = dde.geometry.Rectangle([-1, -1], [1, 1])
        edge = dde.icbc.DirichletBC(square, lambda x: 0, on_boundary)
        return dde.data.PDE(square, poisson, edge, num_domain=2540, num_boundary=160)
    if run.problem == "four_holes":
        square = dde.geometry.Rectangle([-0.5, -0.5], [0.5, 0.5])
        plate = square
        for center in CENTERS:
            plate = plate - dde.geometry.Disk(center, RADIUS)
        outer = dde.icbc.DirichletBC(plate, lambda x: 1, lambda x, on: on and square.on_boundary(x))
        holes = dde.icbc.DirichletBC(plate, lambda x: 0, lambda x, on: on and not square.on_boundary(x))
        return dde.data.PDE(plate, laplace, [outer, holes], num_domain=2540, num_boundary=400)
    low = 0 if run.problem == "wave" else -1
    strip = dde.geometry.GeometryXTime(dde.geometry.Interval(low, 1), dde.geometry.TimeDomain(0, 1))
    conditions = [dde.icbc.DirichletBC(strip, lambda x: 0, on_boundary)]
    counts = {"num_domain": 2540, "num_boundary": 80, "num_initial": 160}
    if run.problem == "burgers":
        conditions += [dde.icbc.IC(strip, lambda x: -np.sin(np.pi * x[:, 0:1]), on_initial)]
        return dde.data.TimePDE(strip, burgers, conditions, **counts)
    start = dde.icbc.IC(strip, lambda x: np.sin(np.pi * x[:, :1]) + 0.5 * np.sin(4 * np.pi * x[:, :1]), on_initial)
    rest = dde.icbc.OperatorBC(strip, lambda x, u, _: dde.grad.jacobian(u, x, i=0, j=1), lambda x, _: x[1] == 0)
    return dde.data.TimePDE(strip, wave, [*conditions, start, rest], **counts)


class Clock(dde.callbacks.Callback):
    """Writes values at the budgets, and stops the training when the time of its stage is up."""

    def __init__(self, until=np.inf):
        super().__init__()
        self.until = until

    def on_epoch_end(self):
        if run.step(lambda: self.model.predict(run.points)) or run.seconds > self.until:
            self.model.stop_training = True


run = Run()
dde.config.set_default_float("float64" if run.best else "float32")
dde.config.set_random_seed(0)
model = dde.Model(data(), dde.nn.FNN([2, 20, 20, 20, 1], "tanh", "Glorot normal"))
model.compile("adam", lr=1e-3)
model.train(iterations=10**6, callbacks=[Clock(run.limit / 4 if run.best else np.inf)])
if run.best:
    dde.optimizers.set_LBFGS_options(maxiter=10**6)
    dde.optimizers.config.LBFGS_options.update(iter_per_step=10, fun_per_step=13)
    model.compile("L-BFGS")
    model.train(callbacks=[Clock()])
run.record(lambda: model.predict(run.points))
words = "Adam, then L-BFGS, float64" if run.best else "Adam, float32"
run.finish(dde.__version__, f"{words}, 2-20-20-20-1, {len(model.data.train_x_all)} points")
