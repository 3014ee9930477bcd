"""The memory that there is."""

import os
from pathlib import Path

import torch

from gmnm_pde.processes import agreed

try:
    import resource
except ImportError:  # Windows has none
    resource = None


def written(size: float) -> str:
    """Bytes in words."""
    return f"{size / 2**30:,.1f} GiB"


def available_bytes(device: torch.device) -> float:
    """Memory that can be had: of the machine, within the limits of the process and of its control group.

    Of several processes that solve together the first one's.
    """
    if device.type == "cuda":
        return agreed(float(torch.cuda.mem_get_info(device)[0]))
    return agreed(min(_of_machine(), _of_process(), _of_group()))


def _of_machine() -> float:
    known = _numbers(Path("/proc/meminfo"), unit=1024)
    if "MemAvailable" in known:
        return known["MemAvailable"]
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return float("inf")


def _of_process() -> float:
    if resource is None:
        return float("inf")
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return float("inf")
    return max(0.0, limit - _numbers(Path("/proc/self/status"), unit=1024).get("VmSize", 0.0))


def _of_group() -> float:
    """What control groups leave; what the kernel keeps of files counts as free."""
    for folder, most, used in (
        (Path("/sys/fs/cgroup"), "memory.max", "memory.current"),
        (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        try:
            limit = float((folder / most).read_text())
            taken = float((folder / used).read_text())
        except (OSError, ValueError):
            continue
        files = _numbers(folder / "memory.stat").get("inactive_file", 0.0)
        return max(0.0, limit - taken + files)
    return float("inf")


def _numbers(path: Path, unit: float = 1.0) -> dict[str, float]:
    """The numbers by name in one of the kernel's files."""
    try:
        lines = [line.split() for line in path.read_text().splitlines()]
    except OSError:
        return {}
    return {words[0].rstrip(":"): float(words[1]) * unit for words in lines if len(words) > 1 and words[1].isdigit()}
