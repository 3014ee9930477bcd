"""The problems on boxes in jinns, as its notebooks state theirs; it has no other domains.

Default: Adam at 1e-3 in float32. Best: its natural gradient, ``vanilla_ngd()``, in float64, with the network 2-16-16-1
of its notebook. There is no condition on u_t, so the wave's initial values are built into the network's output. Its
training is one compiled loop, whose compilation is not in the seconds; values come out of it as its validation.
"""

import itertools
from importlib.metadata import version

import equinox as eqx
import jax
import jax.numpy as jnp
import jinns
import numpy as np
import optax
from budgets import VISCOSITY, Run
from jinns.loss import (
    Dirichlet,
    LossPDENonStatio,
    LossPDEStatio,
    LossWeightsPDENonStatio,
    LossWeightsPDEStatio,
    PDENonStatio,
    PDEStatio,
    laplacian_rev,
)
from jinns.validation._validation import AbstractValidationModule


class Poisson(PDEStatio):
    """The equation at a single point."""

    def equation(self, x, u, params):
        source = 2 * jnp.pi**2 * jnp.sin(jnp.pi * x[0]) * jnp.sin(jnp.pi * x[1])
        return laplacian_rev(x, u, params, method="loop")[None] + source


class InTime(PDENonStatio):
    """The wave equation or Burgers' at a single point; time is the first coordinate."""

    def equation(self, t_x, u, params):
        def value(at):
            return jnp.squeeze(u(at, params))

        slope, second = jax.grad(value)(t_x), jax.hessian(value)(t_x)
        if run.problem == "wave":
            return (second[0, 0] - 4 * second[1, 1])[None]
        return (slope[0] + value(t_x) * slope[1] - VISCOSITY * second[1, 1])[None]


class Clock(AbstractValidationModule):
    """Writes values at the budgets, and stops the training when the time is up."""

    call_every: int = eqx.field(kw_only=True)

    def __call__(self, params):
        found = jax.vmap(lambda at: u(at, params))(points)
        stop = jax.experimental.io_callback(self.look, jax.ShapeDtypeStruct((), bool), found, ordered=True)
        return self, stop, jnp.zeros(()), False

    @staticmethod
    def look(found):
        if not compiling:
            compiling.append(run.seconds)
            run.restart()
        return np.asarray(run.step(lambda: found), dtype=bool)


def start_of_wave(t_x, out, params):
    x = t_x[1:]
    return jnp.sin(jnp.pi * x) + 0.5 * jnp.sin(4 * jnp.pi * x) + t_x[:1] ** 2 * out


run, compiling = Run(), []
if run.problem == "four_holes":
    raise SystemExit("its domains are boxes, intervals and time alone")
jax.config.update("jax_enable_x64", run.best)
key = jax.random.PRNGKey(0)
steady = run.problem == "poisson"
points = jnp.asarray(run.points if steady else run.points[:, ::-1])
layers = []
for before, after in itertools.pairwise([2, 16, 16, 1] if run.best else [2, 20, 20, 20, 1]):
    layers += [(eqx.nn.Linear, before, after), (jax.nn.tanh,)]
kind = {"eq_type": "PDEStatio" if steady else "PDENonStatio"}
if run.problem == "wave":
    kind["output_transform"] = start_of_wave
u, weights = jinns.nn.PINN_MLP.create(key=key, eqx_list=tuple(layers[:-1]), **kind)
params = jinns.parameters.Params(nn_params=weights, eq_params={})
low = 0.0 if run.problem == "wave" else -1.0
if steady:
    data = jinns.data.CubicMeshPDEStatio(key=key, n=2500, nb=400, dim=2, min_pts=(-1.0, -1.0), max_pts=(1.0, 1.0))
    weighing = LossWeightsPDEStatio(dyn_loss=1.0, boundary_loss=1.0)
    loss = LossPDEStatio(
        u=u, dynamic_loss=Poisson(), boundary_condition=Dirichlet(), loss_weights=weighing, params=params
    )
else:
    interval = {"dim": 1, "min_pts": (low,), "max_pts": (1.0,), "tmin": 0.0, "tmax": 1.0}
    data = jinns.data.CubicMeshPDENonStatio(key=key, n=2500, nb=400, ni=200, **interval)
    initial = {"initial_condition_fun": lambda x: -jnp.sin(jnp.pi * x)} if run.problem == "burgers" else {}
    at_start = {"initial_condition": 1.0} if initial else {}
    weighing = LossWeightsPDENonStatio(dyn_loss=1.0, boundary_loss=1.0, **at_start)
    loss = LossPDENonStatio(
        u=u, dynamic_loss=InTime(), boundary_condition=Dirichlet(), loss_weights=weighing, params=params, **initial
    )
jinns.solve(
    n_iter=10**6,
    init_params=params,
    data=data,
    loss=loss,
    optimizer=jinns.optimizers.vanilla_ngd() if run.best else optax.adam(1e-3),
    validation=Clock(call_every=2 if run.best else 20),
    print_loss_every=10**6,
)
words = "natural gradient, float64, 2-16-16-1" if run.best else "Adam, float32, 2-20-20-20-1"
words += f", 2,500 points, after {compiling[0]:.0f} s to compile" if compiling else ""
run.finish(version("jinns"), words + (", ended by itself, without numbers" if run.left else ""))
