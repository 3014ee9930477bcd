"""The ten programs of docs/coming_from.md: their lines, their errors and their seconds of the processor.

python examples/benchmarks/ten_programs.py [NUMBERS]
python examples/benchmarks/ten_programs.py --beside          # DeepXDE and scikit-fem too, in environments of their own

Errors are against the exact solution where there is one, else against the same program solved to ``FINER``; relative,
in the L2 norm at points of the interior, and for unknown numbers the largest relative error of them.
"""

import argparse
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
from environments import CACHE, PEERS, Peer, PeerError, run

from gmnm_pde import solve
from gmnm_pde.sampling import sample

PAGE = Path(__file__).resolve().parents[2] / "docs" / "coming_from.md"
FINER = {2: 1e-8, 3: 1e-8, 10: 1e-6}
"""Tolerances of what programs without an exact solution are compared with."""

TRUE = {4: {"c1": 10, "c2": 15, "c3": 8 / 3}, 7: {"mu1": 0.5, "mu2": 0.5}}
"""Unknown numbers, of programs that look for some."""

BESIDE = {
    **dict.fromkeys((1, 2, 3, 4), ("deepxde", "deepxde_programs.py")),
    **dict.fromkeys((8, 9, 10), ("scikit-fem", "skfem_programs.py")),
}
"""Who else states a program, and the script that does it."""

PEERS["scikit-fem"] = Peer(("scikit-fem==12.0.2",), torch=False)


def blocks():
    """The block that the others need, and the others by their titles."""
    first, *programs = re.split(r"^### ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    code = [re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL) for text in (first, *programs)]
    return code[0][0], {text.splitlines()[0]: own[0] for text, own in zip(programs, code[1:], strict=True)}


def lines_of(code: str) -> int:
    """Lines that are neither empty nor check the answer."""
    return sum(bool(line.strip()) and not line.startswith("assert") for line in code.splitlines())


def places(number: int, solution: Any) -> np.ndarray:
    """Points at which values are compared; of the heat equation those at the end, where its tutorial looks."""
    points = sample(solution.domain.interior, 1000, "sobol", seed=1).points.numpy()
    if number == 8:
        points[:, 2] = 2.0
    return points


def truth(number: int, solution: Any, points: np.ndarray) -> np.ndarray:
    """What the values or the unknown numbers should be."""
    if number in TRUE:
        return np.array(list(TRUE[number].values()))
    problem = solution.problem
    if problem.exact is None:
        return solve(problem, tol=FINER[number])(*points.T)
    columns, _ = problem.exact_columns([solution.like.new_tensor(column) for column in points.T])
    return columns[solution.fields[0]].numpy()


def error_of(number: int, values: np.ndarray, right: np.ndarray) -> float:
    """The relative error; values that are missing are left out."""
    there = np.isfinite(values)
    off = np.abs(values - right)[there]
    if number in TRUE:
        return float((off / np.abs(right[there])).max())
    return float(np.linalg.norm(off) / np.linalg.norm(right[there]))


def beside(number: int, points: np.ndarray, right: np.ndarray, names: dict[str, Any], options: Any) -> str:
    """The cells of another package: its name, error and seconds, or why not."""
    if number not in BESIDE:
        return " | | |"
    peer, script = BESIDE[number]
    file = options.folder.resolve() / f"points-{number}.npy"
    file.parent.mkdir(parents=True, exist_ok=True)
    np.save(file, points)
    if number == 4:
        times = names["t"].numpy()
        np.save(file.with_name("observed.npy"), np.stack([times, *solve(names["known"])(times).values()], axis=1))
    words = ["--program", str(number), "--points", str(file), "--limit", str(options.limit)]
    try:
        found = run(peer, script, words, folder=options.folder)
    except PeerError as error:
        return f" {error} | | |"
    values = np.array(found["values"], dtype=float)
    return f" {peer} {found['version']} | {error_of(number, values, right):.0e} | {found['seconds']:.2g} |"


def main():
    """Run the programs in order, since later ones use names of earlier ones, and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("numbers", nargs="*", type=int, help="rows that are printed; all by default")
    parser.add_argument("--beside", action="store_true", help="run the same in other packages, and measure errors")
    parser.add_argument("--limit", type=float, default=60.0, metavar="S", help="seconds for a training elsewhere (60)")
    parser.add_argument("--folder", type=Path, default=CACHE, help=f"where the environments are ({CACHE})")
    options = parser.parse_args()
    wanted = options.numbers
    shared, programs = blocks()
    names: dict[str, Any] = {}
    exec(shared, names)
    more = " package | error there | seconds there |" if options.beside else ""
    print("| program | lines | error estimate | error | seconds |" + more)
    print("| --- | --- | --- | --- | --- |" + " --- |" * 3 * options.beside)
    for number, (title, code) in enumerate(programs.items(), start=1):
        if wanted and number > max(wanted):
            break
        begun = time.process_time()
        exec(code, names)
        seconds = time.process_time() - begun
        if wanted and number not in wanted:
            continue
        solution = names["solution"]
        report, error, row = solution.report, solution.report.relative_l2, ""
        if options.beside:
            points = places(number, solution)
            right = truth(number, solution, points)
            ours = np.array(list(solution.parameters.values())) if number in TRUE else solution(*points.T)
            error = error_of(number, ours, right)
            row = beside(number, points, right, names, options)
        told = "" if error is None else f"{error:.0e}"
        print(f"| {title} | {lines_of(code)} | {report.error_estimate:.0e} | {told} | {seconds:.1f} |{row}", flush=True)


if __name__ == "__main__":
    main()
