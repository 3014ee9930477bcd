"""``gmnm-pde bench``: this library on a published benchmark."""

import argparse
from pathlib import Path

from gmnm_pde._errors import GmnmError, nearest
from gmnm_pde.bench.pinnacle import ENTRIES
from gmnm_pde.bench.scoreboard import HEADER, score
from gmnm_pde.cli.common import STOPPED, to_json
from gmnm_pde.run.watching import watching

HELP = "this library on a published benchmark"
DESCRIPTION = "Solve the problems of a benchmark and print the errors beside the best published ones."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument(
        "benchmark", choices=("pinnacle",), help="PINNacle, twelve PINN methods on some twenty problems"
    )
    parser.add_argument("--only", metavar="NAME", help="one problem, by the benchmark's name or the registry's")
    parser.add_argument("--time-limit", type=float, default=120.0, metavar="S", help="seconds for each problem (120)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same digits (0)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the table, JSON and the figure there")
    parser.add_argument("--json", action="store_true", help="print the rows as one JSON object, and nothing else")


def run(options: argparse.Namespace) -> int:
    """Solve the problems, print each row when it is there, and write files."""
    chosen = ENTRIES
    if options.only is not None:
        chosen = tuple(entry for entry in ENTRIES if options.only.lower() in (entry.name.lower(), entry.problem))
        if not chosen:
            known = [name for entry in ENTRIES for name in (entry.name, entry.problem)]
            near = nearest(options.only, known)
            raise GmnmError(f"bench pinnacle --only {options.only}: there is no such problem. {near}")
    if not options.json:
        print(HEADER, flush=True)
    scores = []
    with watching(progress=False) as watch:
        for entry in chosen:
            scores.append(score(entry, time_limit=options.time_limit, seed=options.seed))
            if not options.json:
                print(scores[-1].as_row(), flush=True)
            if watch.request.by:
                break
    rows = {"rows": [row.as_dict() for row in scores]}
    if options.json:
        print(to_json(rows))
    if options.out is not None:
        from gmnm_pde.plots.scores import plot_scores  # here: matplotlib takes long to import

        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "scoreboard.json").write_text(to_json(rows, indent=2) + "\n", encoding="utf-8")
        rows_of_text = "\n".join([HEADER, *(row.as_row() for row in scores)])
        (options.out / "scoreboard.md").write_text(rows_of_text + "\n", encoding="utf-8")
        plot_scores(scores).savefig(options.out / "scoreboard.png")
    return STOPPED if watch.request.by else 0
