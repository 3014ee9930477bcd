"""Several models on one problem, under the same conditions."""

import dataclasses
import itertools
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gmnm_pde._doors import front_door
from gmnm_pde._errors import nearest, refuse
from gmnm_pde._modes import drawing
from gmnm_pde.interruption import NoAnswer
from gmnm_pde.methods import LeastSquares, Method, ProximalGaussNewton
from gmnm_pde.models import KAN, MLP, Mixture, has_readout
from gmnm_pde.models.protocols import Configurable, can
from gmnm_pde.options.arguments import Arguments, check_numbers
from gmnm_pde.options.choice import choose
from gmnm_pde.results.comparison import Comparison, Row
from gmnm_pde.results.solution import Solution, load_solution
from gmnm_pde.run.processes import check_jobs, side_by_side
from gmnm_pde.run.progress import Progress
from gmnm_pde.run.watching import Callback, Watch, check_callbacks, watching
from gmnm_pde.solve import solve
from gmnm_pde.statement.problem import Problem

Model = str | Mixture | nn.Module | Callable[[], nn.Module]
Methods = str | Method | Sequence[str | Method]

PAPER_MODELS: dict[str, Callable[[int, int], Mixture | nn.Module]] = {
    "gmnm": lambda coordinates, fields: Mixture(components=900),
    "kan": lambda coordinates, fields: KAN([coordinates, 10, 10, fields], grid=78),
    "mlp": lambda coordinates, fields: MLP([coordinates, 50, 50, 50, fields]),
}
"""The models of the paper's Table 1 by name, made from the numbers of coordinates and fields: on the Poisson problem
they have 4,500, 10,660 and 5,301 parameters. The components of ``gmnm`` are drawn evenly, to be trained from there, or
to be kept while the readout is solved for."""


def best_methods(model: Any, *, steps: int | None = None) -> tuple[Method, ...]:
    """The methods that give the most digits with a model; ``steps`` are those of Gauss-Newton.

    Mixtures keep their drawn components and solve for the readout by least squares. Networks are trained by proximal
    Gauss-Newton; where they have a linear readout, that is solved for once more at the end.
    """
    if isinstance(model, Mixture):
        return (LeastSquares(),)
    training = ProximalGaussNewton() if steps is None else ProximalGaussNewton(steps=steps)
    return (training, LeastSquares()) if has_readout(model) else (training,)


@front_door
def compare(
    problem: Problem,
    models: Mapping[str, Model] | Sequence[str],
    *,
    methods: Methods | Mapping[str, Methods] = "best",
    seeds: Sequence[int] = (0,),
    points: int | Mapping[str, int] | None = None,
    time_limit: float | None = None,
    weights: str | Mapping[str, float] | None = None,
    dtype: torch.dtype = torch.float64,
    device: str | torch.device | None = None,
    progress: bool | None = None,
    callback: Callback | Sequence[Callback] | None = None,
    jobs: int = 1,
) -> Comparison:
    """Solve one problem with several models, from the same points, with the same methods, limits and seeds.

    Args:
        problem: What is solved; an exact solution serves the errors in the rows alone.
        models: By names, which tables and figures show: a function without arguments that makes the model, such as
            ``lambda: MLP([2, 50, 1])``, called once for each seed; a Mixture; ``"gmnm"``, ``"kan"`` or ``"mlp"`` for
            the paper's sizes (a list of these names will do); or, for a single seed, a torch module.
        methods: As in ``solve``, for every model or in a dict by name. ``"best"``: least squares for mixtures,
            Gauss-Newton for the others.
        seeds: Each model is drawn and run once for each.
        points: As in ``solve``.
        time_limit: Seconds for each run.
        weights: As in ``solve``.
        dtype: As in ``solve``.
        device: As in ``solve``.
        progress: As in ``solve``.
        callback: As in ``solve``; one that returns True, or Ctrl-C, ends the comparison with the runs so far.
        jobs: So many runs go on side by side, each in a process with one thread. With more of them than cores each
            takes longer by the clock, which ``time_limit`` and the seconds in the table are of.

    Returns:
        One row for each run, with means and spreads, a table, curves and files.

    Raises:
        GmnmError: an argument is impossible; nothing has run by then.
    """
    seeds = _seeds(seeds)
    check_numbers(problem, None, seeds[0], dtype, time_limit)
    makers = {name: _maker(problem, name, model, seeds) for name, model in _named(models).items()}
    chosen = _methods(methods, makers, seeds)
    common: dict[str, Any] = {"dtype": dtype, "device": device, "points": points, "weights": weights}
    for name, make in makers.items():
        choose(Arguments(problem=problem, model=make(seeds[0]), method=chosen[name], seed=seeds[0], **common))
    check_callbacks("compare", progress, callback)
    check_jobs("compare", jobs, device)
    runs = list(itertools.product(makers, seeds))

    def solved(name: str, seed: int, told: Callback | None = None) -> Solution:
        model = makers[name](seed)
        return solve(problem, model, chosen[name], seed=seed, time_limit=time_limit, callback=told, **common)

    with watching(progress, callback) as watch:
        if jobs > 1:
            solutions = _side_by_side(problem, runs, solved, makers, jobs, watch)
        else:
            solutions = _in_turn(runs, solved, watch)
        rows = tuple(Row.of(name, solution) for (name, _), solution in zip(runs, solutions, strict=False))
        return Comparison(problem.name, rows, tuple(solutions), interrupted=bool(watch.request.by))


def _in_turn(runs: Sequence[tuple[str, int]], solved: Callable[..., Solution], watch: Watch) -> list[Solution]:
    """The solutions of runs one after another, up to that with which the comparison is ended."""
    solutions: list[Solution] = []
    for name, seed in runs:
        try:
            solutions.append(solved(name, seed, _labelled(watch, f"{name}, seed {seed}: ")))
        except NoAnswer:
            if not solutions:
                raise
            break
        if watch.request.by:
            break
    return solutions


def _side_by_side(
    problem: Problem,
    runs: Sequence[tuple[str, int]],
    solved: Callable[..., Solution],
    makers: Mapping[str, Callable[[int], Any]],
    jobs: int,
    watch: Watch,
) -> list[Solution]:
    """The solutions of runs in processes of their own, which leave them in files."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number}.safetensors" for number in range(len(runs))]
        tasks = [lambda run=run, path=path: solved(*run).save(path) for run, path in zip(runs, paths, strict=True)]
        for number, _ in side_by_side(tasks, jobs):
            name, seed = runs[number]
            watch.tell(Progress(f"{name}, seed {seed}: done", time.monotonic() - started))
        loaded = []
        for (name, seed), path in zip(runs, paths, strict=True):
            made = makers[name](seed)
            own = made if isinstance(made, nn.Module) and not can(made, Configurable) else None
            loaded.append(load_solution(path, model=own, problem=problem))
    return loaded


def tune(
    problem: Problem,
    models: Mapping[str, Model | Sequence[Model]],
    methods: Sequence[Any],
    **options: Any,
) -> tuple[dict[str, Model], dict[str, Any]]:
    """For each model, the variant and the method with the least training loss after a short run of each.

    Every model gets the same tries. The exact solution has no part in the choice.

    Args:
        problem: What is solved.
        models: For each name, as in ``compare``; a list holds variants, such as mixtures of several widths.
        methods: The methods that are tried, such as ``[Adam(200, lr=1e-3), Adam(200, lr=1e-2)]``.
        options: ``points``, ``time_limit`` (of each try), ``seeds`` and the others of ``compare``.

    Returns:
        The variants chosen and the methods chosen, each by name.
    """
    if not methods:
        raise refuse("tune(methods=[])", expected="at least one method to try", got="none")
    chosen_models, chosen_methods = {}, {}
    for name, given in models.items():
        variants: Sequence[Any] = given if isinstance(given, list | tuple) else [given]
        if not variants:
            raise refuse(f"tune(models={{{name!r}: []}})", expected="at least one variant", got="none")
        tries = [(variant, method) for variant in variants for method in methods]
        losses = [_loss(compare(problem, {name: variant}, methods=method, **options)) for variant, method in tries]
        chosen_models[name], chosen_methods[name] = tries[losses.index(min(losses))]
    return chosen_models, chosen_methods


def _loss(compared: Comparison) -> float:
    """The training loss at the end, over the seeds."""
    loss = statistics.fmean(solution.history["loss"][-1] for solution in compared.solutions)
    return loss if math.isfinite(loss) else math.inf


def _seeds(seeds: Any) -> tuple[int, ...]:
    listed: tuple[Any, ...] = tuple(seeds) if isinstance(seeds, Sequence) else (seeds,)
    fine = all(isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0 for seed in listed)
    if not listed or not fine or len(set(listed)) < len(listed):
        raise refuse("compare(seeds=...)", expected="different whole numbers from 0, at least one", got=repr(seeds))
    return listed


def _named(models: Any) -> dict[str, Model]:
    if isinstance(models, Mapping):
        named = dict(models)
    elif isinstance(models, Sequence) and all(isinstance(model, str) for model in models):
        named = {name: name for name in ([models] if isinstance(models, str) else models)}
    else:
        raise refuse(
            "compare(models=...)", expected="a dict from names to models, or a list of names", got=repr(models)
        )
    if not named:
        raise refuse("compare(models=...)", expected="at least one model", got="none")
    return named


def _maker(problem: Problem, name: str, model: Any, seeds: Sequence[int]) -> Callable[[int], Any]:
    """A function that makes the model from a seed."""
    call = f"compare(models={{{name!r}: ...}})"
    if isinstance(model, str):
        if model not in PAPER_MODELS:
            raise refuse(call, expected="the name of a model", got=repr(model), remedy=nearest(model, PAPER_MODELS))
        build = PAPER_MODELS[model]
        return _drawn(lambda: build(problem.domain.dimension, len(problem.fields)))
    if isinstance(model, Mixture):
        return lambda seed: model
    if isinstance(model, nn.Module):
        if len(seeds) > 1:
            raise refuse(
                call,
                expected="a function that makes the model, so that each seed draws its own",
                got=f"one {type(model).__name__} for {len(seeds)} seeds",
                remedy=f"Write lambda: {type(model).__name__}(...).",
            )
        return lambda seed: model
    if not callable(model):
        raise refuse(call, expected="a name, a Mixture, a torch module or a function making one", got=repr(model))
    return _drawn(model)


def _drawn(build: Callable[[], Any]) -> Callable[[int], Any]:
    """A function that makes a model from a seed, and leaves torch's own generator as it was."""

    def make(seed: int) -> Any:
        with drawing(seed):
            return build()

    return make


def _methods(methods: Any, makers: Mapping[str, Callable[[int], Any]], seeds: Sequence[int]) -> dict[str, Any]:
    given = methods if isinstance(methods, Mapping) else dict.fromkeys(makers, methods)
    for name in (*given, *makers):
        if name not in makers or name not in given:
            raise refuse(
                "compare(methods={...})",
                expected=f"the methods of each of {', '.join(makers)}",
                got=f"none for '{name}'" if name in makers else f"'{name}'",
                remedy=nearest(name, makers),
            )
    return {
        name: best_methods(makers[name](seeds[0])) if wanted == "best" else wanted for name, wanted in given.items()
    }


def _labelled(watch: Watch, label: str) -> Callback | None:
    """What tells of a run of a comparison; None where nobody listens."""
    if not watch.has_listeners:
        return None
    return lambda news: watch.tell(dataclasses.replace(news, what=label + news.what), log=False)
