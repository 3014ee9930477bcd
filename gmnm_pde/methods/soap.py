"""SOAP as an optimiser of PyTorch's kind (N. Vyas et al., arXiv 2409.11321, algorithm 3)."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


class SOAPOptimizer(torch.optim.Optimizer):
    """Adam in the slowly turning eigenbasis of Shampoo's preconditioner, for each matrix; plain Adam for the rest.

    For a gradient G [m, n] the running means L of G G^T and R of G^T G have eigenvectors Q_L, Q_R; Adam's second
    moment is kept of Q_L^T G Q_R, and the eigenvectors follow by one step of orthogonal iteration.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float = 3e-3,
        betas: tuple[float, float] = (0.95, 0.95),
        eps: float = 1e-8,
        every: int = 2,
        most: int = 2048,
    ):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "every": every, "most": most})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One step along the gradients."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, group)

    def _update(self, parameter: Tensor, group: dict) -> None:
        gradient, state = parameter.grad, self.state[parameter]
        assert gradient is not None
        (beta1, beta2), rotates = group["betas"], parameter.ndim == 2 and max(parameter.shape) > 1
        if not state:
            state["step"] = 0
            state["mean"] = torch.zeros_like(parameter)
            state["square"] = torch.zeros_like(parameter)
            for side in (0, 1) if rotates else ():
                size = parameter.shape[side]
                if 1 < size <= group["most"]:
                    factor = _outer(gradient, side)
                    state[f"factor{side}"] = factor * (1 - beta2)
                    state[f"basis{side}"] = torch.linalg.eigh(factor).eigenvectors.flip(-1).contiguous()
        state["step"] += 1
        step, mean, square = state["step"], state["mean"], state["square"]
        mean.lerp_(gradient, 1 - beta1)
        turned = self._turn(gradient, state)
        square.mul_(beta2).addcmul_(turned, turned, value=1 - beta2)
        denominator = (square / (1 - beta2**step)).sqrt_().add_(group["eps"])
        direction = self._turn(mean, state) / (1 - beta1**step) / denominator
        parameter.sub_(self._turn(direction, state, back=True), alpha=group["lr"])
        for side in (0, 1):
            if f"factor{side}" in state:
                state[f"factor{side}"].lerp_(_outer(gradient, side), 1 - beta2)
        if step % group["every"] == 0:
            self._follow(state)

    @staticmethod
    def _turn(matrix: Tensor, state: dict, *, back: bool = False) -> Tensor:
        for side, contracted in ((0, 0), (1, 1)):
            basis = state.get(f"basis{side}")
            if basis is not None:
                basis = basis if back else basis.mT
                matrix = basis @ matrix if contracted == 0 else matrix @ basis.mT
        return matrix

    @staticmethod
    def _follow(state: dict) -> None:
        """One step of orthogonal iteration, with the columns put in order of their size; the moments move along."""
        for side in (0, 1):
            if f"factor{side}" not in state:
                continue
            factor, basis, square = state[f"factor{side}"], state[f"basis{side}"], state["square"]
            sizes = torch.einsum("ij,jk,ki->i", basis.mT, factor, basis)
            order = sizes.argsort(descending=True)
            state["square"] = square.index_select(side, order)
            state[f"basis{side}"] = torch.linalg.qr(factor @ basis[:, order]).Q.contiguous()


def _outer(gradient: Tensor, side: int) -> Tensor:
    return gradient @ gradient.mT if side == 0 else gradient.mT @ gradient
