"""A process's part of the points, where several train one model together (torch.distributed, data parallel)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn


@dataclass(frozen=True)
class Shard:
    """Part ``rank`` of ``count``: every count-th point. All processes hold the same unknowns and step alike."""

    rank: int
    count: int

    @classmethod
    def of_process(cls) -> "Shard | None":
        """This process's part, or None where it trains alone: torch.distributed is set up by whoever starts several."""
        if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
            return None
        return cls(dist.get_rank(), dist.get_world_size())

    def rows(self, points: Tensor) -> Tensor:
        """The indices of this part's points."""
        return torch.arange(self.rank, len(points), self.count, device=points.device)

    def add_up(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Replace each tensor by its sum over the processes, in one exchange."""
        flat = torch.cat([tensor.detach().flatten() for tensor in tensors])
        dist.all_reduce(flat)
        for tensor, part in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
            tensor.detach().copy_(part.view_as(tensor))
        return list(tensors)

    def gather(self, rows: Tensor) -> Tensor:
        """The rows of all processes, in the order of their ranks."""
        counts = [torch.zeros(1, dtype=torch.int64, device=rows.device) for _ in range(self.count)]
        dist.all_gather(counts, torch.tensor([len(rows)], device=rows.device))
        most = max(int(count) for count in counts)
        padded = torch.cat([rows, rows.new_zeros(most - len(rows), *rows.shape[1:])])
        parts = [torch.empty_like(padded) for _ in range(self.count)]
        dist.all_gather(parts, padded)
        return torch.cat([part[: int(count)] for part, count in zip(parts, counts, strict=True)])

    @staticmethod
    @torch.no_grad()
    def share(model: nn.Module) -> None:
        """Give a model in all processes the numbers that it has in the first: networks are drawn at random in each."""
        for value in model.state_dict().values():
            told = value.contiguous()
            dist.broadcast(told, 0)
            value.copy_(told)

    def any(self, flag: bool, like: Tensor) -> bool:
        """Whether ``flag`` holds in any process."""
        votes = torch.tensor(float(flag), device=like.device)
        dist.all_reduce(votes)
        return bool(votes > 0)
