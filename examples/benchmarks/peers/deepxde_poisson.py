"""A step of Adam in DeepXDE.

The boundary condition is a ``PointSetBC`` on 400 given points, for with ``DirichletBC`` and ``num_boundary=400`` the
equation is taken on the boundary's points too: 3,300 rows instead of 2,900, and the network's Hessian on them.
"""

import deepxde as dde
import numpy as np
import torch
from common import BOUNDARY, INTERIOR, LEARNING_RATE, WIDTHS, arguments, report, seconds_per_step


def poisson(x, u):
    u_xx = dde.grad.hessian(u, x, i=0, j=0)
    u_yy = dde.grad.hessian(u, x, i=1, j=1)
    return u_xx + u_yy + 2 * torch.pi**2 * torch.sin(torch.pi * x[:, 0:1]) * torch.sin(torch.pi * x[:, 1:2])


options = arguments()
dde.config.set_default_float(options.dtype)
dde.config.set_random_seed(0)
square = dde.geometry.Rectangle([-1, -1], [1, 1])
edge = square.uniform_boundary_points(BOUNDARY)
condition = dde.icbc.PointSetBC(edge, np.zeros((len(edge), 1)))
data = dde.data.PDE(square, poisson, condition, num_domain=INTERIOR, num_boundary=0)
model = dde.Model(data, dde.nn.FNN(WIDTHS, "tanh", "Glorot normal"))
model.compile("adam", lr=LEARNING_RATE)

seconds = seconds_per_step(lambda steps: model.train(iterations=steps), options.short, options.long)
losses = [sum(terms) for terms in model.losshistory.loss_train]
report(seconds=seconds, first=float(losses[0]), last=float(losses[-1]), version=dde.__version__)
