"""One strategy, interrupted at ten moments by a real SIGINT: prints for each what came back, and how soon.

``python timed_interrupts.py "one mixture"`` prints lines of JSON; the first tells of the undisturbed solve, with the
longest time that passed between two news, which is a step.
"""

import json
import os
import signal
import sys
import threading
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from cases import SOLVES

import gmnm_pde as g

COUNT = 10


class Clock:
    """Hears news, and keeps the longest time between two."""

    def __init__(self):
        self.last = time.monotonic()
        self.longest, self.rows = 0.0, 0

    def __call__(self, news):
        now = time.monotonic()
        self.longest, self.last, self.rows = max(self.longest, now - self.last), now, self.rows + bool(news.figures)


def interrupted(solve, delay):
    """What a solve comes to that is interrupted after some seconds."""
    pressed, clock = [], Clock()

    def press():
        pressed.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(delay, press)
    timer.start()
    try:
        found = solve(callback=clock)
        timer.cancel()
        timer.join()
        status = told(found)
    except KeyboardInterrupt:
        status = {"status": "no answer"}
    after = time.monotonic() - pressed[0] if pressed else None
    return {"delay": delay, "after": after, "rows": clock.rows, **status}


def told(found):
    if isinstance(found, g.Comparison):
        return {"status": "interrupted" if found.interrupted else "done", "converged": False}
    if isinstance(found, g.Solution):
        report = found.report
        return {"status": report.status, "converged": report.converged, "reason": report.reason}
    return {"status": found.status, "converged": found.converged, "reason": found.reason}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    solve = SOLVES[sys.argv[1]]
    solve(callback=lambda news: True)  # so that what is imported late is there
    clock, began = Clock(), time.monotonic()
    solve(callback=clock)
    whole = time.monotonic() - began
    print(json.dumps({"whole": whole, "step": max(clock.longest, time.monotonic() - clock.last)}), flush=True)
    for number in range(COUNT):
        try:
            line = interrupted(solve, whole * (number + 0.5) / COUNT)
        except KeyboardInterrupt:  # it came when the solve was over
            line = {"delay": whole, "after": None, "status": "over"}
        print(json.dumps(line), flush=True)
