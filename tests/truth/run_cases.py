"""``python tests/truth/run_cases.py [NAMES] [--kind A]``: every case in a process of its own, a line for each.

A last word is SILENT where an answer says that it is right and is not, OVER where it is within ten times its estimate
and above the tolerance, COARSE where no tolerance was named and it is not right to 1e-6, FOREIGN where an exception is
not the library's, REFUSED where it is, LATE where a time limit did not hold, HANGS where the process had to be stopped;
in small letters "low" where an answer that says it is wrong is worse than it says. Seconds are those of the processor.
"""

import argparse
import dataclasses
import json
import math
import os
import resource
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from truth.case import Verdict
from truth.cases import CASES, judge

MEMORY = 10 * 2**30
"""Bytes of addresses that a case may use: those that ask for more memory than there is must not take it."""

BAD = ("SILENT", "FOREIGN", "HANGS", "LATE", "OVER", "COARSE")


def stopped(command: list[str], limit: float) -> subprocess.CompletedProcess:
    """What a command on one thread prints, if it needs no more than ``limit`` seconds of the processor.

    Raises:
        TimeoutError: it does, or it waits for ten times as long.
    """
    bound = math.ceil(limit)
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=10 * limit,
            check=False,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (bound, bound + 5)),
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"waits for more than {10 * limit:g} s") from None
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        raise TimeoutError(f"stopped after {limit:g} s")
    return done


def in_a_process(name: str, limit: float) -> Verdict:
    """The verdict on a case, made by another process that is stopped after ``limit`` seconds."""
    command = [sys.executable, str(Path(__file__).resolve()), name, "--here"]
    kind = CASES[name].kind
    try:
        done = stopped(command, limit)
    except TimeoutError as stop:
        return Verdict(name, kind, "HANGS", seconds=limit, text=str(stop))
    if done.returncode:
        return Verdict(name, kind, "FOREIGN", text=f"exit {done.returncode}: {done.stderr.strip()[-120:]}")
    return Verdict(**json.loads(done.stdout.strip().splitlines()[-1]))


def line(verdict: Verdict) -> str:
    """One line of the table."""
    text = " ".join(verdict.text.split())
    if verdict.converged is None:
        return f"{verdict.name:28} {verdict.kind:3} {'':60} {verdict.seconds:7.1f} {verdict.word} {text[:80]}"
    said = "converged" if verdict.converged else "not"
    numbers = f"{verdict.estimate:8.1e} {verdict.error:8.1e} {verdict.deviation:8.1e} {verdict.ratio:8.1e}"
    head = f"{verdict.name:28} {verdict.kind:3} {said:9} {verdict.status:13} {numbers}"
    return f"{head} {verdict.seconds:7.1f} {verdict.word or 'ok'}" + ("" if verdict.converged else f" ({text[:80]})")


def main(arguments: list[str] | None = None) -> int:
    """Run cases as the command line says; status 1 where a word of ``BAD`` was said."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="cases; all by default")
    parser.add_argument("--kind", nargs="*", help="sections: A, A2, B, ...")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--limit", type=float, default=60.0, help="seconds for each")
    parser.add_argument("--list", action="store_true", help="names alone")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.names if name not in CASES]
    if unknown:
        parser.error(f"no case called {', '.join(unknown)}")
    if chosen.here:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        print(json.dumps(dataclasses.asdict(judge(CASES[chosen.names[0]]))))
        return 0
    kinds = chosen.kind
    names = chosen.names or [name for name, one in CASES.items() if not kinds or one.kind in kinds]
    if chosen.list:
        print("\n".join(names))
        return 0
    print(f"{'case':28} {'of':3} {'':9} {'status':13} {'estimate':8} {'error':8} {'of dev.':8} {'err/est':8} seconds")
    words: dict[str, list[str]] = {}
    with ThreadPoolExecutor(chosen.jobs) as pool:
        for verdict in pool.map(lambda name: in_a_process(name, chosen.limit), names):
            print(line(verdict), flush=True)
            for word in (verdict.word or "ok").split():
                words.setdefault(word, []).append(verdict.name)
    for word, of in words.items():
        print(f"{word}: {len(of)}" + ("" if word == "ok" else f" ({', '.join(of)})"))
    return int(any(word in words for word in BAD))


if __name__ == "__main__":
    sys.exit(main())
