r"""
Components that measure Mahalanobis distance
============================================

A GMNM of the form ``full`` has components :math:`\exp(-|A (x - \mu)|^2 / 2)`. With :math:`A = L^T`, where
:math:`L L^T = \Sigma^{-1}` is the Cholesky factorisation, the exponent is minus half the squared Mahalanobis distance
:math:`(x - \mu)^T \Sigma^{-1} (x - \mu)`. The module is an ordinary layer of torch.
"""

# %%
# Every matrix :math:`A` is allowed, since :math:`A^T A` is positive semidefinite: nothing has to be projected or
# factorised during training. Conversely every covariance is reached, as this one is.
import torch
from torch import nn

from gmnm_pde import GMNM, Mixture, Problem, Rectangle, solve

torch.manual_seed(0)
sigma = torch.tensor([[0.9, 0.5, 0.1], [0.5, 0.8, 0.3], [0.1, 0.3, 0.7]])
layer = GMNM(3, 1, 1, form="full")
layer.kernel.load_state_dict({"A": torch.linalg.cholesky(sigma.inverse()).mT[None]})
with torch.no_grad():
    x = torch.randn(5, 3)
    offset = x - layer.centers
    distance = (offset @ sigma.inverse() * offset).sum(dim=1)
    gap = (-2 * layer.features(x)[:, 0].log() / distance - 1).abs().max().item()
print(f"largest relative difference of the squared distances, in float32: {gap:.1e}")


# %%
# As the last layer of a network. The target is a narrow, bent ridge across the square.
def target(x, y):
    return torch.exp(-20 * (x + y - 0.3 * torch.sin(3 * x)) ** 2)


points = 2 * torch.rand(1000, 2) - 1
values = target(*points.T)


def train(network, learning_rate, steps=400):
    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(network(points)[:, 0], values)
        loss.backward()
        optimizer.step()
    return loss.item()


network = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), GMNM(8, 1, 32, form="full"))
print(f"mean squared error of the network: {train(network, 0.02):.1e}")

# %%
# Alone, on the coordinates. Adam moves and turns the components; ``solve`` then keeps them and finds the mixture
# weights by least squares. Fitting a function is a problem whose equation has no derivative.
bumps = GMNM(2, 1, 60, form="full", scale=6.0)
train(bumps, 0.05)
problem = Problem(Rectangle(x=(-1, 1), y=(-1, 1)), lambda u, x, y: u - target(x, y), exact=target, name="ridge")
solution = solve(problem, bumps)
drawn = solve(problem, Mixture(components=60, form="full"))
print(f"mean squared error: trained components {solution.report.mse:.1e}, drawn ones {drawn.report.mse:.1e}")

# %%
# Each ellipse is where a component has fallen to :math:`e^{-1/2}`. On the ridge they have narrowed across it.
figure = solution.plot_components()
field = solution.plot()

# sphinx_gallery_thumbnail_path = "images/gallery/mahalanobis_components.jpg"
