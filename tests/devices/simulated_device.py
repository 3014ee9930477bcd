"""A device that is the CPU in disguise, so that mistakes with devices fail where there is no GPU.

    with simulated_device() as device:
        gmnm_pde.solve(problem, device=device)

A tensor on it wraps a tensor on the CPU, which does the work. What CUDA refuses is refused: operations on tensors of
two devices (but for numbers, and for indices into a tensor on the device), generators of another device, conversion to
NumPy, and least squares by drivers that CUDA lacks. Digits are the CPU's.

PyTorch takes one such device in a process, before the first backward pass, and for good: import this in a process of
its own, as ``test_on_simulated_device.py`` does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

NAME = "simulated"


class OnDevice(torch.Tensor):
    """A tensor on the simulated device, whose numbers are those of ``held``, a tensor on the CPU."""

    held: torch.Tensor

    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> "OnDevice":
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            held.size(),
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=torch.device(NAME, 0),
        )
        made.held = held
        return made

    @classmethod
    def __torch_dispatch__(cls, op: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        return on_cpu(op, args, kwargs or {})

    def __repr__(self) -> str:
        return f"OnDevice({self.held!r})"

    def tolist(self) -> Any:
        return self.held.tolist()

    def new_tensor(self, data: Any, *, dtype: torch.dtype | None = None, device: Any = None) -> torch.Tensor:
        made = torch.tensor(data, dtype=dtype or self.dtype)
        return OnDevice(made) if device is None or is_here(device) else made

    def numpy(self, **_: Any) -> Any:
        raise TypeError(f"can't convert {self.device} tensor to numpy; use Tensor.cpu() first")

    __array__ = numpy


def is_here(device: Any) -> bool:
    return device is not None and torch.device(device).type == NAME


def on_cpu(op: Any, args: tuple, kwargs: dict) -> Any:
    """Do an operation that a tensor or an argument has brought to the device."""
    here: list[OnDevice] = []
    elsewhere: list[torch.Tensor] = []

    def unwrap(value: Any) -> Any:
        if isinstance(value, OnDevice):
            here.append(value)
            return value.held
        if isinstance(value, torch.Tensor):
            elsewhere.append(value)
        elif isinstance(value, list | tuple):
            return type(value)([unwrap(item) for item in value])
        return value

    held, options = unwrap(args), {name: unwrap(value) for name, value in kwargs.items()}
    device = kwargs.get("device")
    stays = bool(here) if device is None else is_here(device)
    _refuse_what_cuda_refuses(op, args, kwargs, here, elsewhere)
    if op.overloadpacket is torch.ops.aten.copy_:
        stays = isinstance(args[0], OnDevice)
    if device is not None:
        options["device"] = torch.device("cpu")
    if op is torch.ops.aten._efficientzerotensor.default:  # zeros without memory, which cannot be held
        op = torch.ops.aten.zeros.default
    if options.get("pin_memory"):
        options["pin_memory"] = False
    result = op(*held, **options)
    if not stays:
        return result
    known = {id(tensor.held): tensor for tensor in here}  # in-place operations give back what they were given

    def wrap(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return known[id(value)] if id(value) in known else OnDevice(value)
        return type(value)([wrap(item) for item in value]) if isinstance(value, list | tuple) else value

    return wrap(result)


MOVES = {"aten::copy_", "aten::_to_copy"}
INDEXING = {"aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_"}
DRIVERS_OF_CUDA = (None, "gels")


def _refuse_what_cuda_refuses(
    op: Any, args: tuple, kwargs: dict, here: list[OnDevice], elsewhere: list[torch.Tensor]
) -> None:
    name = op._schema.name
    if name in INDEXING:
        mixed = bool(here) and not isinstance(args[0], OnDevice)
    else:
        mixed = bool(here) and name not in MOVES and any(tensor.ndim > 0 for tensor in elsewhere)
    if mixed:
        shapes = [tuple(tensor.shape) for tensor in (*here, *elsewhere)]
        raise RuntimeError(f"{op} of tensors on {NAME} and cpu, of shapes {shapes}")
    generator = kwargs.get("generator")
    makes_here = bool(here) if kwargs.get("device") is None else is_here(kwargs["device"])
    if generator is not None and makes_here and not is_here(generator.device):
        raise RuntimeError(f"{op} on {NAME} with a generator of {generator.device}")
    if name == "aten::linalg_lstsq" and here and kwargs.get("driver") not in DRIVERS_OF_CUDA:
        raise RuntimeError(f"least squares by {kwargs['driver']}, which CUDA lacks")


class _Factories(TorchDispatchMode):
    """Sends to the device what is asked for there, such as torch.zeros(3, device="simulated")."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # there is nothing to compile, and the compiler takes seconds to import

    def __torch_dispatch__(self, op: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        if OnDevice in types or is_here(kwargs.get("device")):
            return on_cpu(op, args, kwargs)
        return op(*args, **kwargs)


class _Backend:
    """What PyTorch asks the module of a device."""

    @staticmethod
    def is_available() -> bool:
        return True

    @staticmethod
    def device_count() -> int:
        return 1

    @staticmethod
    def current_device() -> int:
        return 0

    @staticmethod
    def is_initialized() -> bool:
        return True

    @staticmethod
    def _is_in_bad_fork() -> bool:
        return False

    @staticmethod
    def manual_seed_all(seed: int) -> None:
        pass


def _empty(size: Any, *, dtype: torch.dtype | None = None, **_: Any) -> OnDevice:
    return OnDevice(torch.empty(size, dtype=dtype))


def _empty_strided(size: Any, stride: Any, *, dtype: torch.dtype | None = None, **_: Any) -> OnDevice:
    return OnDevice(torch.empty_strided(size, stride, dtype=dtype))


_setup_privateuseone_for_python_backend(rename=NAME, backend_module=_Backend())
_library = torch.library.Library("aten", "IMPL")  # for threads of backward passes, which no mode reaches
_library.impl("empty.memory_format", _empty, "PrivateUse1")
_library.impl("empty_strided", _empty_strided, "PrivateUse1")


@contextmanager
def simulated_device() -> Iterator[torch.device]:
    """The device, which tensors can be made on and moved to within the context."""
    before = torch._C._only_lift_cpu_tensors()
    torch._C._set_only_lift_cpu_tensors(True)  # torch.tensor(numbers, device=...) makes a CPU tensor and moves it
    try:
        with _Factories():
            yield torch.device(NAME, 0)
    finally:
        torch._C._set_only_lift_cpu_tensors(before)
