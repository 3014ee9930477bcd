"""One process or several: who trains on what part of a batch, on which device."""

import os
from dataclasses import dataclass

import torch
import torch.distributed as distributed
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from gmnm_pde import GmnmError


@dataclass(frozen=True)
class Processes:
    """This process among those that train together.

    Attributes:
        rank: The number of this one; 0 writes and prints.
        count: How many there are.
        device: Where this one computes.
    """

    rank: int
    count: int
    device: torch.device

    @classmethod
    def start(cls, device: str | None = None) -> "Processes":
        """Join the others if torchrun started several.

        Args:
            device: ``cpu`` or ``cuda``; a GPU where there is one, unless given.

        Raises:
            GmnmError: a device that is not there.
        """
        kind = device or ("cuda" if torch.cuda.is_available() else "cpu")
        if kind not in ("cpu", "cuda") or (kind == "cuda" and not torch.cuda.is_available()):
            there = "cpu or cuda" if torch.cuda.is_available() else "cpu, for there is no CUDA device here"
            raise GmnmError(f"--device {kind}: expected {there}, got {kind!r}.")
        if "LOCAL_RANK" not in os.environ:
            return cls(0, 1, torch.device(kind))
        here = torch.device(kind, int(os.environ["LOCAL_RANK"])) if kind == "cuda" else torch.device(kind)
        if kind == "cuda":
            torch.cuda.set_device(here)
        distributed.init_process_group("nccl" if kind == "cuda" else "gloo")
        return cls(distributed.get_rank(), distributed.get_world_size(), here)

    def wrap(self, network: nn.Module) -> nn.Module:
        """The network with gradients averaged over the processes; alone, as it is.

        The statistics of batch normalisation are shared on GPUs alone, where PyTorch can.
        """
        if self.count == 1:
            return network
        if self.device.type == "cuda":
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
        return DistributedDataParallel(network)

    def share(self, indices: Tensor) -> Tensor:
        """This process's part of the last axis of indices; what cannot be split evenly is left out."""
        each = indices.shape[-1] // self.count
        return indices[..., self.rank * each : (self.rank + 1) * each]

    def total(self, values: Tensor) -> Tensor:
        """The sum over the processes."""
        if self.count > 1:
            distributed.all_reduce(values)
        return values

    def agree(self, network: nn.Module) -> None:
        """Give every process the buffers of the first, which batch normalisation fills from each one's own examples."""
        if self.count > 1:
            for buffer in network.buffers():
                distributed.broadcast(buffer, 0)

    def finish(self) -> None:
        """Leave the others."""
        if self.count > 1:
            distributed.destroy_process_group()
