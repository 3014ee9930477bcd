"""How long does a step of training take? One step of Adam, beside a plain PyTorch loop and other packages.

python examples/benchmarks/training_step.py                             # with all peers, about 15 minutes
python examples/benchmarks/training_step.py --peers none                # beside the plain loop alone
python examples/benchmarks/training_step.py --device cuda --compile     # on a GPU, compiled too; without peers

The work is the same for all (``peers/common.py`` states it): the paper's Poisson problem, equation (4), a network
2, 50, 50, 50, 1 with tanh, 2,500 interior and 400 boundary points, all in every step, one thread. Each runs in a
process of its own, one after the other, round by round. A step's time is the difference of a longer and a shorter
training over that of their steps: what is done now and then, such as keeping a history, counts, and starting does not.
Ratios are to the plain loop of the same round; where other work shares the machine, that of the least times says
more. The peers' environments are made by ``environments.py``.
"""

import argparse
import itertools
import json
import statistics
import sys
from pathlib import Path
from typing import Any

import torch
from environments import CACHE, HERE, PEERS, PeerError, make, parse_peers, run
from peers.common import BOUNDARY, INTERIOR, LEARNING_RATE, WIDTHS, add_arguments, report, seconds_per_step
from torch import Tensor, nn

import gmnm_pde

PLAIN, OURS = "plain PyTorch", "gmnm_pde"
DTYPES = ("float32", "float64")

Found = dict[str, dict[str, list[dict[str, Any]]]]
"""By precision and contender, what it found in each round."""


def measure_plain(options: argparse.Namespace) -> None:
    """The loop that people write by hand: ``torch.autograd.grad`` for the gradient, and again for its derivatives."""
    dtype, device = getattr(torch, options.dtype), torch.device(options.device)
    torch.manual_seed(0)
    inside = torch.rand(INTERIOR, 2, dtype=dtype, device=device) * 2 - 1
    edge = torch.rand(BOUNDARY, 2, dtype=dtype, device=device) * 2 - 1
    side = torch.arange(BOUNDARY, device=device) % 4
    edge[torch.arange(BOUNDARY, device=device), side // 2] = (side % 2 * 2 - 1).to(dtype)
    inside.requires_grad_()
    source = -2 * torch.pi**2 * torch.sin(torch.pi * inside).prod(dim=1).detach()
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(WIDTHS):
        linear = nn.Linear(before, after)
        nn.init.xavier_normal_(linear.weight)
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.Tanh()]
    network = nn.Sequential(*layers[:-1]).to(device, dtype)

    def loss_now() -> Tensor:
        u = network(inside)
        (slopes,) = torch.autograd.grad(u.sum(), inside, create_graph=True)
        seconds = [torch.autograd.grad(slopes[:, k].sum(), inside, create_graph=True)[0][:, k] for k in range(2)]
        return (seconds[0] + seconds[1] - source).square().mean() + network(edge).square().mean()

    loss = torch.compile(loss_now) if options.compile else loss_now

    def train(steps: int) -> None:
        optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
        for _ in range(steps):
            optimizer.zero_grad()
            loss().backward()
            optimizer.step()

    first = loss_now().item()
    seconds = seconds_per_step(train, options.short, options.long, _waiting(device))
    report(seconds=seconds, first=first, last=loss_now().item(), version=torch.__version__)


def measure_ours(options: argparse.Namespace) -> None:
    """Whole solves, with all that they do besides: history, the choice of the best state, the error estimate."""
    problem = gmnm_pde.registry.load("poisson")
    torch.manual_seed(0)
    model = (compiled_mlp() if options.compile else gmnm_pde.MLP)(WIDTHS)

    def train(steps: int) -> gmnm_pde.Solution:
        return gmnm_pde.solve(
            problem,
            model,
            gmnm_pde.Adam(steps=steps, lr=LEARNING_RATE),
            points={"interior": INTERIOR, "boundary": BOUNDARY},
            dtype=getattr(torch, options.dtype),
            device=options.device,
        )

    seconds = seconds_per_step(train, options.short, options.long, _waiting(torch.device(options.device)))
    losses = train(options.long).history["loss"]
    report(seconds=seconds, first=losses[0], last=losses[-1], version=gmnm_pde.__version__)


def compiled_mlp() -> type[gmnm_pde.MLP]:
    """The same network, with the passes compiled that make the derivatives in a step."""
    passes = [name for name in ("output_jet", "output_combination") if hasattr(gmnm_pde.MLP, name)]
    return type("CompiledMLP", (gmnm_pde.MLP,), {name: torch.compile(getattr(gmnm_pde.MLP, name)) for name in passes})


def _waiting(device: torch.device) -> Any:
    return torch.cuda.synchronize if device.type == "cuda" else lambda: None


MEASURES = {PLAIN: measure_plain, OURS: measure_ours}


def measure(name: str, dtype: str, options: argparse.Namespace) -> dict[str, Any]:
    """What one contender's process found."""
    args = ["--dtype", dtype, "--short", str(options.short), "--long", str(options.long)]
    base = name.removesuffix(", compiled")
    if base in MEASURES:
        own = ["--alone", base, "--device", options.device, *(["--compile"] if base != name else [])]
        return run(HERE, Path(__file__).resolve(), [*own, *args])
    return run(name, f"{name}_poisson.py", args, folder=options.folder)


def contenders(options: argparse.Namespace) -> list[str]:
    """Who takes part: peers that do not install are named and left out."""
    found = [PLAIN, OURS]
    if options.compile:
        found += [f"{PLAIN}, compiled", f"{OURS}, compiled"]
    for peer in options.peers:
        try:
            make(peer, options.folder)
            found.append(peer)
        except PeerError as error:
            print(error, file=sys.stderr, flush=True)
    return found


def rounds(options: argparse.Namespace) -> Found:
    """Measure all, round by round; who fails once is left out altogether."""
    names = contenders(options)
    found: Found = {dtype: {name: [] for name in names} for dtype in options.dtypes}
    for number in range(options.rounds):
        for dtype, by_name in found.items():
            for name in list(by_name):
                try:
                    by_name[name].append(measure(name, dtype, options))
                except PeerError as error:
                    print(f"{name}, {dtype}: left out: {error}", file=sys.stderr, flush=True)
                    del by_name[name]
                    continue
                latest = by_name[name][-1]["seconds"] * 1e3
                print(f"round {number + 1}: {dtype} {name} {latest:.2f} ms", file=sys.stderr, flush=True)
    return found


def summary(found: Found) -> list[dict[str, Any]]:
    """A row for each precision and contender: medians, extremes, and ratios to the plain loop of the same round."""
    rows = []
    for dtype, by_name in found.items():
        plain = [one["seconds"] for one in by_name.get(PLAIN, [])]
        for name, ones in by_name.items():
            ms = [one["seconds"] * 1e3 for one in ones]
            ratios = [one["seconds"] / yardstick for one, yardstick in zip(ones, plain, strict=False)]
            rows.append(
                {
                    "dtype": dtype,
                    "package": name,
                    "version": ones[0]["version"],
                    "ms": statistics.median(ms),
                    "least_ms": min(ms),
                    "most_ms": max(ms),
                    "ratio": statistics.median(ratios) if ratios else None,
                    "least_ratio": min(ratios, default=None),
                    "most_ratio": max(ratios, default=None),
                    "ratio_of_least": min(ms) / (min(plain) * 1e3) if plain else None,
                    "first_loss": ones[0]["first_loss"],
                    "last_loss": ones[0]["last_loss"],
                    "peak_MiB": statistics.median(one["peak_MiB"] for one in ones),
                }
            )
    return rows


def show(rows: list[dict[str, Any]]) -> None:
    """Print rows as a Markdown table."""
    heads = ["precision", "package", "ms a step", "least to most", "times plain", "least to most", "of the least"]
    heads += ["loss", "peak MiB"]
    print(f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}")
    for row in rows:
        ratio, between, least = "", "", ""
        if row["ratio"] is not None:
            ratio, between = f"{row['ratio']:.2f}", f"{row['least_ratio']:.2f} to {row['most_ratio']:.2f}"
            least = f"{row['ratio_of_least']:.2f}"
        print(
            f"| {row['dtype']} | {row['package']} {row['version']} | {row['ms']:.1f} "
            f"| {row['least_ms']:.1f} to {row['most_ms']:.1f} | {ratio} | {between} | {least} "
            f"| {row['first_loss']:.0f} to {row['last_loss']:.2g} | {row['peak_MiB']:.0f} |"
        )


def main() -> None:
    """Measure and print; or, as a process of its own, measure one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.set_defaults(dtype=None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cpu", help="another one, such as cuda, is without peers")
    parser.add_argument("--compile", action="store_true", help="with torch.compile, too")
    parser.add_argument("--peers", type=parse_peers, help=f"of {', '.join(PEERS)}; all (on the CPU) or none")
    parser.add_argument("--folder", type=Path, default=CACHE, help="where the peers' environments are made")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--alone", choices=tuple(MEASURES), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        MEASURES[options.alone](options)
        return
    on_cpu = torch.device(options.device).type == "cpu"
    if options.peers and not on_cpu:
        parser.error("the peers are measured on the CPU only: --peers none")
    if not on_cpu and not torch.cuda.is_available():
        parser.error(f"--device {options.device}: PyTorch sees no GPU here")
    if options.peers is None:
        options.peers = list(PEERS) if on_cpu else []
    options.dtypes = (options.dtype,) if options.dtype else DTYPES
    device = "one CPU thread" if on_cpu else torch.cuda.get_device_name(options.device)
    rows = summary(rounds(options))
    if options.json:
        steps = {"rounds": options.rounds, "short": options.short, "long": options.long}
        print(json.dumps({"device": device, **steps, "rows": rows}))
        return
    print(f"One step of Adam, {device}, {options.rounds} rounds of {options.long} - {options.short} steps\n")
    show(rows)


if __name__ == "__main__":
    main()
