"""Four programs of DeepXDE's own examples in DeepXDE, with the networks, points and rates that they are published with.

``python deepxde_programs.py --program 2 --points points.npy --limit 60``: Adam for at most half of the seconds, then
L-BFGS, as published, until it ends or the time is up; in float64. Prints the values at the points, or what was found
for the unknown numbers, with the seconds of the processor.
"""

import argparse
import json
import time
from pathlib import Path

import deepxde as dde
import numpy as np
import torch

parser = argparse.ArgumentParser()
parser.add_argument("--program", type=int, choices=(1, 2, 3, 4), required=True)
parser.add_argument("--points", type=Path, required=True)
parser.add_argument("--limit", type=float, default=60.0)
options = parser.parse_args()
points = np.load(options.points)
dde.config.set_default_float("float64")
dde.config.set_random_seed(0)
hessian, jacobian = dde.grad.hessian, dde.grad.jacobian
unknown = [dde.Variable(1.0, dtype=torch.float64) for _ in range(3)]


def beam():
    def equation(x, y):
        return hessian(hessian(y, x), x) + 1

    def left(x, on):
        return on and np.isclose(x[0], 0)

    def right(x, on):
        return on and np.isclose(x[0], 1)

    line = dde.geometry.Interval(0, 1)
    conditions = [
        dde.icbc.DirichletBC(line, lambda x: 0, left),
        dde.icbc.NeumannBC(line, lambda x: 0, left),
        dde.icbc.OperatorBC(line, lambda x, y, _: hessian(y, x), right),
        dde.icbc.OperatorBC(line, lambda x, y, _: jacobian(hessian(y, x), x), right),
    ]
    return dde.data.PDE(line, equation, conditions, num_domain=10, num_boundary=2), [1, 20, 20, 20, 1]


def strip():
    return dde.geometry.GeometryXTime(dde.geometry.Interval(-1, 1), dde.geometry.TimeDomain(0, 1))


def burgers():
    def equation(x, u):
        return jacobian(u, x, j=1) + u * jacobian(u, x, j=0) - 0.01 / np.pi * hessian(u, x, i=0, j=0)

    domain = strip()
    conditions = [
        dde.icbc.DirichletBC(domain, lambda x: 0, lambda _, on: on),
        dde.icbc.IC(domain, lambda x: -np.sin(np.pi * x[:, :1]), lambda _, on: on),
    ]
    counts = {"num_domain": 2540, "num_boundary": 80, "num_initial": 160}
    return dde.data.TimePDE(domain, equation, conditions, **counts), [2, 20, 20, 20, 1]


def allen_cahn():
    def equation(x, u):
        return jacobian(u, x, j=1) - 0.001 * hessian(u, x, i=0, j=0) - 5 * (u - u**3)

    counts = {"num_domain": 8000, "num_boundary": 400, "num_initial": 800}
    return dde.data.TimePDE(strip(), equation, [], **counts), [2, 20, 20, 20, 1]


def always(value):
    return lambda t: value  # of one argument, since DeepXDE counts them


def lorenz():
    given = np.load(options.points.with_name("observed.npy"))

    def equation(t, y):
        x, v, z = y[:, :1], y[:, 1:2], y[:, 2:]
        c1, c2, c3 = unknown
        return [
            jacobian(y, t, i=0) - c1 * (v - x),
            jacobian(y, t, i=1) - x * (c2 - z) + v,
            jacobian(y, t, i=2) - x * v + c3 * z,
        ]

    span = dde.geometry.TimeDomain(0, 3)
    start = [dde.icbc.IC(span, always(value), lambda _, on: on, component=k) for k, value in enumerate((-8, 7, 27))]
    data = [dde.icbc.PointSetBC(given[:, :1], given[:, 1 + k : 2 + k], component=k) for k in range(3)]
    counts = {"num_domain": 400, "num_boundary": 2, "anchors": given[:, :1]}
    return dde.data.PDE(span, equation, [*start, *data], **counts), [1, 40, 40, 40, 3]


class Clock(dde.callbacks.Callback):
    """Ends a training when the processor has worked for so many seconds."""

    def __init__(self, until):
        super().__init__()
        self.until = until

    def on_epoch_end(self):
        if time.process_time() - begun > self.until:
            self.model.stop_training = True


steps = {1: 10000, 2: 15000, 3: 40000, 4: 20000}[options.program]
data, widths = {1: beam, 2: burgers, 3: allen_cahn, 4: lorenz}[options.program]()
network = dde.nn.FNN(widths, "tanh", "Glorot normal")
if options.program == 3:  # which meets the conditions by construction
    network.apply_output_transform(
        lambda x, y: x[:, :1] ** 2 * torch.cos(np.pi * x[:, :1]) + x[:, 1:] * (1 - x[:, :1] ** 2) * y
    )
model = dde.Model(data, network)
also = {"external_trainable_variables": unknown} if options.program == 4 else {}
begun = time.process_time()
model.compile("adam", lr=1e-3, **also)
model.train(iterations=steps, callbacks=[Clock(options.limit / 2)], verbose=0)
if options.program != 1:
    dde.optimizers.config.LBFGS_options.update(iter_per_step=10, fun_per_step=13)  # so that it can be ended
    model.compile("L-BFGS", **also)
    model.train(callbacks=[Clock(options.limit)], verbose=0)
seconds = time.process_time() - begun
found = {"values": [float(one) for one in unknown]} if also else {"values": model.predict(points)[:, 0].tolist()}
print("\n" + json.dumps({"seconds": seconds, "version": dde.__version__, **found}))
