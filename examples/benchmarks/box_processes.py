"""Boxes on several processes beside one: ``python examples/benchmarks/box_processes.py --processes 2``.

Seconds are those of the processor, of one process by itself and of the busiest of several, each with one thread: what
the solve takes on a machine whose cores nobody else works on. Walls are what a clock at the wall shows. The script
starts the processes itself, by torchrun.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.distributed as dist
from boxes import conductivity, cubic, helmholtz, space

from gmnm_pde import Problem, solve

CASES: dict[str, tuple[Callable[[], Problem], float]] = {
    "helmholtz32": (lambda: helmholtz(32), 1e-7),
    "helmholtz64": (lambda: helmholtz(64), 1e-7),
    "conductivity": (lambda: conductivity(8), 1e-8),
    "cubic": (lambda: cubic(8), 1e-8),
    "cube": (lambda: space(4, varying=True), 1e-6),
}


def measured(names: list[str], folder: Path) -> None:
    """What each process does: it solves, and writes what that took and what was found."""
    dist.init_process_group("gloo")
    rows = []
    for name in names:
        make, tol = CASES[name]
        problem, processor, wall = make(), time.process_time(), time.monotonic()
        solution = solve(problem, tol=tol)
        seconds = {"processor": time.process_time() - processor, "wall": time.monotonic() - wall}
        numbers = torch.cat([weights.detach().flatten() for weights in solution.model.parameters()])
        digits = str(numbers.view(torch.long).sum().item())
        rows.append({"name": problem.name, "digits": digits, "error": solution.report.relative_l2, **seconds})
    (folder / f"{dist.get_rank()}.json").write_text(json.dumps(rows))
    dist.destroy_process_group()


def started(count: int, names: list[str]) -> list[list[dict]]:
    """By process, what it wrote for each problem."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}", __file__]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        subprocess.run([*command, "--folder", folder, "--only", *names], env=environment, check=True)
        return [json.loads(Path(folder, f"{rank}.json").read_text()) for rank in range(count)]


def main() -> None:
    """Solve all of them on one process, then on several."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--processes", type=int, default=2)
    arguments.add_argument("--only", nargs="*", choices=CASES, default=list(CASES))
    arguments.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.folder is not None:
        measured(given.only, given.folder)
        return
    print(f"{'problem':28} {'error':>8} {'one':>7} {'busiest':>8} {'times':>6} {'walls':>14}  digits")
    for name in given.only:
        ((alone,),), several = started(1, [name]), [rows[0] for rows in started(given.processes, [name])]
        busiest, wall = (max(row[key] for row in several) for key in ("processor", "wall"))
        same = "the same" if {row["digits"] for row in several} == {alone["digits"]} else "others"
        seconds = f"{alone['processor']:7.1f} {busiest:8.1f} {alone['processor'] / busiest:6.2f}"
        walls = f"{alone['wall']:.1f} / {wall:.1f}"
        print(f"{alone['name']:28} {alone['error']:8.1e} {seconds} {walls:>14}  {same}", flush=True)


if __name__ == "__main__":
    main()
