"""Several processes that solve one problem, or train one model: what torchrun starts."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist


@contextmanager
def together(device: str | None) -> Iterator[tuple[bool, str | None]]:
    """Join the processes that torchrun started; a process that it did not start stays by itself.

    Yields:
        Whether this process is the one that prints and writes, and the device that it computes on.
    """
    if not dist.is_torchelastic_launched():
        yield True, device
        return
    on_gpu = device is not None and device.startswith("cuda")
    dist.init_process_group("nccl" if on_gpu else "gloo")
    try:
        rank = dist.get_rank()
        if on_gpu:
            device = f"cuda:{rank % torch.cuda.device_count()}"
        yield rank == 0, device
    finally:
        dist.destroy_process_group()
