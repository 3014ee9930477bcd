"""The last layer of a network, solved for: everything before it makes features, and its weights are least squares."""

import torch
from torch import Tensor, nn

from gmnm_pde import GMNM, KAN

from .heads import FullPrecision


def features(head: nn.Module, x: Tensor) -> Tensor:
    """What the last layer of a head weighs, at x [n, inputs]: [n, weights], with ones where the layer has a bias."""
    if isinstance(head, FullPrecision):
        return features(head.layer, x)
    if isinstance(head, GMNM | KAN):
        return head.features(x)
    if isinstance(head, nn.Sequential):
        return features(head[-1], head[:-1](x))
    return torch.cat([x, torch.ones_like(x[:, :1])], dim=1)


@torch.no_grad()
def solved(train: Tensor, values: Tensor, test: Tensor) -> tuple[Tensor, Tensor]:
    """Values from the least squares weights of features: at those trained on, and at others.

    Args:
        train: Features [n, weights], in double precision.
        values: What they are to give, [n, 1].
        test: Features [m, weights].
    """
    weights = torch.linalg.lstsq(train, values, driver="gelsd").solution
    return train @ weights, test @ weights
