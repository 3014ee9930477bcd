"""Tasks side by side in processes of their own, forked, so that they need not be written down to be passed on."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any

import torch

from gmnm_pde._errors import refuse

_tasks: Sequence[Callable[[], Any]] = ()
"""What processes that are forked find where their parent put it."""


def check_jobs(call: str, jobs: Any, device: Any) -> None:
    """Refuse what is no number of processes, and more than one where processes cannot be forked."""
    if not isinstance(jobs, int) or isinstance(jobs, bool) or jobs < 1:
        raise refuse(f"{call}(jobs={jobs!r})", expected="a positive number of processes", got=repr(jobs))
    if jobs == 1:
        return
    if device is not None and torch.device(device).type != "cpu":
        raise refuse(f"{call}(jobs={jobs})", expected="the CPU, whose work can be forked", got=f"device={device!r}")
    if "fork" not in multiprocessing.get_all_start_methods():
        raise refuse(f"{call}(jobs={jobs})", expected="a system that forks processes", got="one that does not")


def side_by_side(tasks: Sequence[Callable[[], Any]], jobs: int) -> Iterator[tuple[int, Any]]:
    """The number and the result of each task, as they come; each process computes with one thread.

    Raises:
        Exception: that of a task, as it was raised there.
    """
    global _tasks
    _tasks = tuple(tasks)
    try:
        context = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(min(jobs, len(tasks)), context, initializer=_alone) as pool:
            futures = {pool.submit(_perform, number): number for number in range(len(tasks))}
            for future in as_completed(futures):
                yield futures[future], future.result()
    finally:
        _tasks = ()


def _alone() -> None:
    torch.set_num_threads(1)  # a forked process has none of its parent's other threads


def _perform(number: int) -> Any:
    return _tasks[number]()
