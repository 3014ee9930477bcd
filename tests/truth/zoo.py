"""``python tests/truth/zoo.py [NAMES]``: every problem that ships with an exact solution, solved with nothing chosen.

The last column is the estimate over the error; ABOVE and BELOW mark those further than a factor of 30 from 1, SLOW
those that were stopped after ``--limit`` seconds of the processor.
"""

import argparse
import json
import sys
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import gmnm_pde as g
from truth.run_cases import stopped

FACTOR = 30.0
ROUNDING = 1e-13
"""Errors below this are rounding, which no estimate can tell; they count as this large."""


def solved(name: str, tol: float | None) -> dict:
    """What came of one problem."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        problem = g.registry.load(name)
        started = time.process_time()
        report = g.solve(problem, tol=tol).report
    errors = report.relative_l2 if isinstance(report.relative_l2, dict) else {"": report.relative_l2}
    return {
        "converged": report.converged,
        "estimate": report.error_estimate,
        "error": max(error for error in errors.values() if error is not None),
        "seconds": time.process_time() - started,
        "status": report.status,
    }


def judged_by_exact(name: str) -> bool:
    """Whether a problem is to be solved, and has an exact solution."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        problem = g.registry.load(name)
    return problem.exact is not None and problem.spectrum is None


def in_a_process(name: str, arguments: argparse.Namespace) -> dict | str:
    """The same, in a process that is stopped after a while; a word where nothing came."""
    command = [sys.executable, __file__, name, "--here"]
    if arguments.tol is not None:
        command += ["--tol", str(arguments.tol)]
    try:
        done = stopped(command, arguments.limit)
    except TimeoutError as stop:
        return f"SLOW: {stop}"
    if done.returncode:
        return f"FAILED: {done.stderr.strip().splitlines()[-1][:100]}"
    return json.loads(done.stdout.strip().splitlines()[-1])


def main(arguments: list[str] | None = None) -> int:
    """Print the table; status 1 where an estimate is further than ``FACTOR`` from the error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--tol", type=float)
    parser.add_argument("--limit", type=float, default=60.0)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.here:
        print(json.dumps(solved(chosen.names[0], chosen.tol)))
        return 0
    words: dict[str, list[str]] = {}
    print(f"{'problem':22} {'':9} {'status':13} estimate    error  est/err seconds")
    for name in filter(judged_by_exact, chosen.names or g.registry.names()):
        found = in_a_process(name, chosen)
        if isinstance(found, str):
            words.setdefault(found.split(":")[0], []).append(name)
            print(f"{name:22} {found}", flush=True)
        else:
            ratio = max(found["estimate"], ROUNDING) / max(found["error"], ROUNDING)
            word = "ABOVE" if ratio > FACTOR else "BELOW" if ratio < 1 / FACTOR else "ok"
            words.setdefault(word, []).append(name)
            said = "converged" if found["converged"] else "not"
            figures = f"{found['estimate']:8.1e} {found['error']:8.1e} {ratio:8.2g} {found['seconds']:7.1f}"
            print(f"{name:22} {said:9} {found['status']:13} {figures} {word}", flush=True)
    for word, names in words.items():
        print(f"{word}: {len(names)}" + ("" if word == "ok" else f" ({', '.join(names)})"))
    return int("ABOVE" in words or "BELOW" in words)


if __name__ == "__main__":
    sys.exit(main())
