"""Side by side: the same four problems in other libraries and in this one, errors judged the same way, on one core.

python examples/benchmarks/peers.py                                         # all, about an hour, 1 GB for each library
python examples/benchmarks/peers.py --libraries ours,deepxde --budget 10    # fewer of them, and less time for each
python examples/benchmarks/peers.py --only burgers --work DIR --reuse       # what DIR holds is not done again

Each library has an environment of its own (see ``environments.py``) and a program in ``peers/`` that states the
problems in its words, runs its default recipe and the best one that it documents, and writes its values at 4,000 points
after 1, 3, 10, 30 and 60 seconds, or as it comes to them. Seconds are those of the processor, without importing. A
library that does not install, cannot state a problem or fails is listed with the reason.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from environments import CACHE, HERE, PEERS, Peer, PeerError, make, run

from gmnm_pde import registry
from gmnm_pde.sampling import sample

PROBLEMS = ("poisson", "wave", "burgers", "four_holes")
RECIPES = ("default", "best")
BUDGETS = (1.0, 3.0, 10.0, 30.0, 60.0)
GRACE = 1.1
"""Values count for a budget that they pass by no more than this factor: a step is not interrupted."""

OURS = "ours"
PEERS.update(
    fastlsq=Peer(("fastlsq==0.7.1",)),
    pyrfm=Peer(("pyrfm==0.4.2",)),
    scimba=Peer(("scimba==1.4.1",)),
)
LIBRARIES = {
    OURS: ("gmnm_pde", "gmnm_solve.py"),
    "deepxde": ("DeepXDE", "deepxde_solve.py"),
    "pina": ("PINA", "pina_solve.py"),
    "jinns": ("jinns", "jinns_solve.py"),
    "scimba": ("Scimba", "scimba_solve.py"),
    "fastlsq": ("FastLSQ", "fastlsq_solve.py"),
    "pyrfm": ("pyRFM", "pyrfm_solve.py"),
}
"""Their names, and their programs."""

Row = dict[str, Any]


def budgets_up_to(largest: float) -> list[float]:
    """The budgets below the largest, and that."""
    return [budget for budget in BUDGETS if budget < largest] + [largest]


def points_of(name: str, work: Path) -> tuple[Path, np.ndarray]:
    """A file of points of a problem's domain, and the exact values there."""
    problem = registry.load(name)
    assert callable(problem.exact)
    points = sample(problem.domain.interior, 4000, "sobol", seed=1).points
    file = work / "points" / f"{name}.npy"
    file.parent.mkdir(parents=True, exist_ok=True)
    np.save(file, points.numpy())
    return file, problem.exact(*points.unbind(-1)).detach().numpy()


def solve_with(library: str, problem: str, recipe: str, options: argparse.Namespace) -> Row:
    """Run a library's program, unless there are results to be used again; its values are judged in any case."""
    points, exact = points_of(problem, options.work)
    folder = options.work / "results" / library / f"{problem}-{recipe}"
    complete = folder / "result.json"
    budgets = budgets_up_to(options.budget)
    if not (options.reuse and complete.exists()):
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        args = ["--problem", problem, "--recipe", recipe, "--points", str(points.resolve())]
        args += ["--out", str(folder.resolve()), "--budgets", ",".join(f"{budget:g}" for budget in budgets)]
        try:
            peer = HERE if library == OURS else library
            script, timeout = LIBRARIES[library][1], 120 + 2 * sum(budgets)
            found = run(peer, script, args, folder=options.work, timeout=timeout)
        except PeerError as error:
            found = {"failed": str(error)}
        complete.write_text(json.dumps({"budget": options.budget, **found}))
    found = json.loads(complete.read_text())
    values = {float(file.stem): np.load(file) for file in sorted(folder.glob("*.npy"))}
    errors = {seconds: relative_l2(values[seconds], exact) for seconds in sorted(values)}
    at = {budget: error_at(errors, budget) if budget <= found["budget"] else None for budget in budgets}
    return {"problem": problem, "library": library, "recipe": recipe, **found, "errors": errors, "at": at}


def relative_l2(found: np.ndarray, exact: np.ndarray) -> float:
    """The relative error in the L2 norm; infinite where values are no numbers."""
    error = float(np.linalg.norm(found - exact) / np.linalg.norm(exact))
    return error if np.isfinite(error) else float("inf")


def error_at(errors: dict[float, float], budget: float) -> float | None:
    """The error of the last values that were there within a budget."""
    there = [error for seconds, error in errors.items() if seconds <= GRACE * budget]
    return there[-1] if there else None


def show(rows: list[Row], without: dict[str, str]) -> None:
    """Print rows as a Markdown table, what was done in each, and who failed why."""
    heads = ["problem", "library", "recipe", *(f"{budget:g} s" for budget in (rows[0]["at"] if rows else ()))]
    print(f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}")
    for row in rows:
        cells = ["" if error is None else f"{error:.1e}" for error in row["at"].values()]
        name = f"{LIBRARIES[row['library']][0]} {row.get('version', '')}".strip()
        print(f"| {row['problem']} | {name} | {row['recipe']} | {' | '.join(cells)} |")
    print("\nRecipes:\n")
    for row in rows:
        words = row.get("recipe_words") or row.get("failed")
        print(f"- {row['problem']}, {LIBRARIES[row['library']][0]}, {row['recipe']}: {words}")
    for library, reason in without.items():
        print(f"- {LIBRARIES[library][0]}: {reason}")


def parse_libraries(text: str) -> list[str]:
    """The names in a list with commas.

    Raises:
        argparse.ArgumentTypeError: a name that is none of the libraries'.
    """
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in LIBRARIES:
            raise argparse.ArgumentTypeError(f"no library '{name}'; there are {', '.join(LIBRARIES)}")
    return names


def main() -> None:
    """Run what is asked for, and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PROBLEMS, help="only this problem")
    parser.add_argument("--libraries", type=parse_libraries, default=list(LIBRARIES), help=", ".join(LIBRARIES))
    parser.add_argument("--recipes", choices=RECIPES, nargs="+", default=RECIPES, help="both")
    parser.add_argument("--budget", type=float, default=BUDGETS[-1], metavar="S", help="the largest (60)")
    parser.add_argument("--work", type=Path, default=CACHE, metavar="DIR", help=f"environments and results ({CACHE})")
    parser.add_argument("--reuse", action="store_true", help="results that are there are not made again")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows: list[Row] = []
    without: dict[str, str] = {}
    for library in options.libraries:
        try:
            if library != OURS:
                make(library, options.work)
        except PeerError as error:
            without[library] = str(error)
            continue
        for problem in (options.only,) if options.only else PROBLEMS:
            for recipe in options.recipes:
                rows.append(solve_with(library, problem, recipe, options))
                errors = {seconds: f"{error:.1e}" for seconds, error in rows[-1]["errors"].items()}
                print(f"{library} {problem} {recipe}: {rows[-1].get('failed', errors)}", file=sys.stderr, flush=True)
    rows.sort(key=lambda row: PROBLEMS.index(row["problem"]))
    if options.json:
        print(json.dumps({"rows": rows, "without": without}))
    else:
        show(rows, without)


if __name__ == "__main__":
    main()
