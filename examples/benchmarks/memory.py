"""How much memory does a large solve take? 4,000 components fitted on 40,000 interior points.

python examples/benchmarks/memory.py
"""

import argparse
import json
import resource

from gmnm_pde import Mixture, registry, solve


def main():
    """Print peak memory and time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--components", type=int, default=4000)
    parser.add_argument("--points", type=int, default=40_000)
    options = parser.parse_args()
    before = _peak()
    mixture = Mixture(components=options.components, widths=5.0)
    solution = solve(registry.load("poisson"), mixture, points=options.points, callback=lambda news: print(news.what))
    row = {
        "components": options.components,
        "points": solution.report.points,
        "peak_GiB": _peak(),
        "peak_before_GiB": before,
        "seconds": solution.report.seconds,
        "relative_l2": solution.report.relative_l2,
    }
    print(json.dumps(row))


def _peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main()
