"""A step of Adam in jinns, which runs on JAX: its training is one compiled loop.

Every call of ``solve`` compiles anew, for seconds that vary by more than some hundred steps take, so the seconds are
those that it prints for the training itself. Its boundary term is a sum over four edges: a quarter of it is the mean.
The Laplacian is ``method="loop"``; the default, the trace of the Hessian, was four times slower in float32.
"""

import contextlib
import io
import itertools
import re
from importlib.metadata import version

import equinox as eqx
import jax
import jax.numpy as jnp
import jinns
import optax
from common import BOUNDARY, INTERIOR, LEARNING_RATE, WIDTHS, arguments, report
from jinns.loss import Dirichlet, LossPDEStatio, LossWeightsPDEStatio, PDEStatio, laplacian_rev


class Poisson(PDEStatio):
    """The equation, as jinns states one: at a single point."""

    def equation(self, x, u, params):
        source = 2 * jnp.pi**2 * jnp.sin(jnp.pi * x[0]) * jnp.sin(jnp.pi * x[1])
        return laplacian_rev(x, u, params, method="loop")[None] + source


def train(start, steps):
    """The parameters, losses and seconds of a training."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        found, losses, *_ = jinns.solve(
            n_iter=steps,
            init_params=start,
            data=points,
            loss=loss,
            optimizer=optax.adam(LEARNING_RATE),
            print_loss_every=10 * steps,
        )
    return found, losses, float(re.search(r"Training took\s+([\d.e+-]+)", printed.getvalue())[1])


options = arguments()
jax.config.update("jax_enable_x64", options.dtype == "float64")
key = jax.random.PRNGKey(0)
layers = []
for before, after in itertools.pairwise(WIDTHS):
    layers += [(eqx.nn.Linear, before, after), (jax.nn.tanh,)]
u, weights = jinns.nn.PINN_MLP.create(key=key, eqx_list=tuple(layers[:-1]), eq_type="PDEStatio")
start = jinns.parameters.Params(nn_params=weights, eq_params={})
points = jinns.data.CubicMeshPDEStatio(
    key=key, n=INTERIOR, nb=BOUNDARY, dim=2, min_pts=(-1.0, -1.0), max_pts=(1.0, 1.0), method="uniform"
)
loss = LossPDEStatio(
    u=u,
    dynamic_loss=Poisson(),
    boundary_condition=Dirichlet(),
    loss_weights=LossWeightsPDEStatio(dyn_loss=1.0, boundary_loss=0.25),
    params=start,
)

start, losses, _ = train(start, options.short)
_, later, seconds = train(start, options.long)
report(
    seconds=seconds / options.long,
    first=losses[0].item(),
    last=later[options.long - 1].item(),
    version=version("jinns"),
)
