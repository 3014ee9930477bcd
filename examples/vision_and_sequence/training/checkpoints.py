"""Files from which a training goes on as if it had not stopped."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from gmnm_pde import GmnmError

_REMEDY = "Remove it, or take another --out."


def write(path: Path, network: nn.Module, optimizer: torch.optim.Optimizer, made_by: dict, curves: dict) -> None:
    """Write the state after an epoch; a kill on the way leaves the last one in place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "made_by": made_by, "curves": curves}
    beside = path.with_suffix(".part")
    torch.save(state, beside)
    beside.replace(path)


def read(
    path: Path, network: nn.Module, optimizer: torch.optim.Optimizer, made_by: dict[str, Any], device: torch.device
) -> dict[str, list[Any]]:
    """Put the state of a file into network and optimiser, and return its curves.

    Raises:
        GmnmError: the file is damaged, or of other settings or another network.
    """
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        found = state["made_by"]
        differing = [name for name in made_by if found.get(name) != made_by[name]]
    except Exception as error:  # a damaged file raises nearly anything
        raise GmnmError(f"{path}: expected a checkpoint, got {error}. Remove it to start anew.") from None
    if differing:
        told = ", ".join(f"{name} {found.get(name)} in place of {made_by[name]}" for name in differing)
        raise GmnmError(
            f"{path}: expected a checkpoint of these settings, got {told}. Remove it, or take another --out."
        )
    try:
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
    except (RuntimeError, ValueError) as error:
        told = str(error).splitlines()[0]
        raise GmnmError(f"{path}: expected a checkpoint of this network, got {told} {_REMEDY}") from None
    return state["curves"]
