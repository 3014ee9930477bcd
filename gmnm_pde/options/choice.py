"""From the arguments to a strategy; combinations that make no sense are refused before any work is done."""

from dataclasses import dataclass

import torch
from torch import nn

from gmnm_pde._errors import refuse
from gmnm_pde.adaptivity.h_refinement import Refining
from gmnm_pde.collocation.moving import MOVINGS
from gmnm_pde.collocation.whole import Counts
from gmnm_pde.fitting.data_start import referenced
from gmnm_pde.fitting.discretization import Setup, reference_scales, smoothness_for, zero_solves
from gmnm_pde.geometry import Region
from gmnm_pde.jets.engines import choose_engine
from gmnm_pde.methods import GaussNewton, LeastSquares, Method, TrainingMethod
from gmnm_pde.methods.weighting import WEIGHTINGS
from gmnm_pde.models import GMNM, RBF, Embedded, Mixture, Patchwork, along_each, has_readout
from gmnm_pde.options.arguments import (
    Arguments,
    parse_blocks,
    parse_continuation,
    parse_device,
    parse_methods,
    parse_model,
    parse_points,
    parse_weights,
)
from gmnm_pde.options.memory import refuse_beyond_memory
from gmnm_pde.run.checkpoint import Checkpoint, identity
from gmnm_pde.scrutiny import divided, look
from gmnm_pde.statement.hard import meet_exactly
from gmnm_pde.statement.problem import Problem
from gmnm_pde.strategies.automatic import Automatic
from gmnm_pde.strategies.given_model import GivenModel
from gmnm_pde.strategies.noisy_data import NoisyData, is_noisy, unobserved
from gmnm_pde.strategies.strategy import Strategy, StrategyMethod
from gmnm_pde.strategies.training import Plan, Training

_SAME = 1e-5
"""A given model is periodic if its values at both ends differ by no more than this, which allows for float32."""

_TRAINED_COMPONENTS = 200
"""Components of a mixture that is trained, where their number is not given."""

_TRAINED_WIDTH = 2.0
"""Their slope, where it is not given."""

_MIXTURES = (GMNM, RBF, Patchwork)
"""Modules whose components are drawn for least squares, and need not be trained."""


@dataclass(frozen=True)
class Choice:
    """What is solved, and how.

    Attributes:
        stated: The problem as it was given.
        setup: With the problem that is solved, into which some conditions may be built.
        strategy: How it is solved.
        checkpoint: The file to write and to resume from, if there is one.
        note: What was done to the problem unasked, in words.
    """

    stated: Problem
    setup: Setup
    strategy: Strategy
    checkpoint: Checkpoint | None = None
    note: str = ""


@dataclass(frozen=True)
class _ModelAndMethods:
    """The model and the methods that the arguments ask for.

    Attributes:
        mixture: The recipe for mixtures.
        module: A torch module to be used in place of mixtures.
        methods: In their order.
        why: Why these methods, where they were left open.
    """

    mixture: Mixture
    module: nn.Module | None
    methods: tuple[Method, ...]
    why: str

    @property
    def trains(self) -> bool:
        """Whether more than a readout is solved for."""
        return self.module is not None and any(isinstance(method, TrainingMethod) for method in self.methods)

    @property
    def readout_method(self) -> LeastSquares:
        """The method for readouts."""
        return next((method for method in self.methods if isinstance(method, LeastSquares)), LeastSquares())


def choose(arguments: Arguments) -> Choice:
    """The strategy for these arguments.

    Raises:
        GmnmError: arguments contradict one another, or the strategy does not take one; the message says which.
    """
    stated, hard = arguments.problem, arguments.hard
    check_parts(arguments)
    problem = meet_exactly(stated, hard) if hard is not False else stated
    problem = referenced(problem, arguments.seed)
    read = _read(arguments, problem)
    setup = setup_for(arguments, problem, read.mixture, read.module, read.readout_method)
    note, division = "", divided(problem, setup.features) if _may_be_divided(arguments, read) else None
    if division is not None:
        problem, note = division
        setup = setup_for(arguments, problem, read.mixture, None, read.readout_method)
    refuse_beyond_memory("solve(...)", setup, read.module, read.methods, read.mixture.components or _least(setup))
    _check_methods(arguments, read)
    _check_pieces(arguments, setup, read.module)
    if stated.domain.parts and (read.module is not None or isinstance(arguments.method, StrategyMethod)):
        raise _on_parts(f"the model {type(read.module).__name__}" if read.module is not None else "another strategy")
    strategy = _strategy(arguments, setup, read)
    for name in ("checkpoint", "engine", "compiled", "blocks", "continuation", "smoothing"):
        if name in arguments.given and name not in strategy.takes:
            raise _not_taken(name, arguments, strategy, read.module)
    _check_parameters(setup)
    return Choice(stated, setup, strategy, _checkpoint(arguments, setup, strategy), note)


def _may_be_divided(arguments: Arguments, read: _ModelAndMethods) -> bool:
    """Whether mixtures are left to be chosen, on a problem as it was stated."""
    mixture, problem = read.mixture, arguments.problem
    by_hand = (mixture.components, mixture.widths, mixture.patches, arguments.points, arguments.weights)
    whole = read.module is None and not isinstance(arguments.method, StrategyMethod) and arguments.hard is False
    exact = not problem.parameters and all(isinstance(term.region, Region) for term in problem.terms)
    return whole and exact and arguments.engine == "auto" and all(choice is None for choice in by_hand)


def setup_for(
    arguments: Arguments, problem: Problem, mixture: Mixture, module: nn.Module | None, method: LeastSquares
) -> Setup:
    """The problem and its discretization, as far as all fits share them."""
    device, seed, engine = parse_device(arguments.device), arguments.seed, arguments.engine
    points, weights = arguments.points, arguments.weights
    counts = Counts(points.interior, points.boundary) if isinstance(points, MOVINGS) else parse_points(points)
    factors = {} if isinstance(weights, WEIGHTINGS) else parse_weights(problem, weights)
    model = module or _drawn(problem, Mixture(components=1), seed)
    choose_engine(model, engine, call=f"solve(engine={engine!r})")
    scales = reference_scales(problem, factors, seed)
    partition = None if module is not None else mixture.partition(problem.domain.bounds, smoothness_for(problem))
    kind = (arguments.dtype, device, engine, partition)
    return Setup(problem, mixture, method, counts, scales, factors, seed, *kind, features=look(problem, seed))


def _least(setup: Setup) -> int | None:
    """The components of a patch in a first solve, where they are left open."""
    return None if setup.partition is None else Refining().components.of(setup.dimension)


def _read(arguments: Arguments, problem: Problem) -> _ModelAndMethods:
    """Model and methods; a mixture that is to be trained is drawn here."""
    mixture, module = parse_model(problem, arguments.model, arguments.seed)
    whole = isinstance(arguments.method, StrategyMethod)
    methods, why = (LeastSquares(),) if whole else parse_methods(arguments.method), ""
    if methods is None:
        methods, why = _usual_methods(module)
    if module is None and any(isinstance(method, TrainingMethod) for method in methods):
        if mixture.patches not in (None, 1):
            raise refuse(
                f"solve(model=Mixture(patches={mixture.patches!r}), method=...)",
                expected="least squares, which solves for many patches at once",
                got="a method that trains every parameter",
                remedy="Leave method out, or patches.",
            )
        module = _drawn(problem, mixture, arguments.seed)
    if module is not None and not has_readout(module) and any(isinstance(method, LeastSquares) for method in methods):
        raise refuse(
            "solve(model=..., method=LeastSquares())",
            expected="a model with features(x) and a linear readout, as GMNM, MLP and KAN have",
            got=f"a {type(module).__name__} without",
            remedy="Train it: method=[Adam(), LBFGS()] or GaussNewton().",
        )
    return _ModelAndMethods(mixture, module, methods, why)


def _usual_methods(module: nn.Module | None) -> tuple[tuple[Method, ...], str]:
    """The methods where they are left open, and why these."""
    if module is None:
        return (LeastSquares(),), ""
    inner = module.inner if isinstance(module, Embedded) else module
    if isinstance(inner, _MIXTURES):
        return (LeastSquares(),), "since the model is a mixture, whose components serve as they were drawn"
    trained: tuple[Method, ...] = (GaussNewton(), LeastSquares()) if has_readout(module) else (GaussNewton(),)
    return trained, "since the model is a network and no method was given"


def _strategy(arguments: Arguments, setup: Setup, read: _ModelAndMethods) -> Strategy:
    problem, points, weights = setup.problem, arguments.points, arguments.weights
    if read.trains and problem.limits:
        raise refuse(
            f"solve({problem.name}, method=...)",
            expected="least squares, whose steps keep to the bounds of parameters",
            got="a method that trains",
            remedy="Leave method out, or give a guess without bounds.",
        )
    moving = points if isinstance(points, MOVINGS) else None
    weighting = weights if isinstance(weights, WEIGHTINGS) else None
    if read.trains:
        assert read.module is not None
        return Training(setup, Plan(read.module, read.methods, weighting, moving, arguments.compiled), read.why)
    if moving is not None or weighting is not None or arguments.compiled:
        what = "points=" if moving is not None else "weights=" if weighting is not None else "compiled="
        raise refuse(
            f"solve({what}...)",
            expected="a method that trains, for what changes during training",
            got="least squares, whose points and weights are fixed",
            remedy="Give a number of points or a dict of weights, or method='gauss-newton'.",
        )
    kind = "since the problem is linear in its readout"
    if not problem.linear:
        kind = "by Newton steps on the readout, since the problem is nonlinear"
    description = f"least squares{',' if problem.linear else ''} {kind}"
    if isinstance(arguments.method, StrategyMethod):
        return arguments.method.strategy(setup)
    if read.module is not None:
        return GivenModel(setup, read.module, f"{description}; {read.why}" if read.why else description)
    if is_noisy(problem):
        return NoisyData(setup, description, arguments.smoothing)
    return Automatic(
        setup,
        description,
        blocks=parse_blocks(problem, arguments.blocks),
        slabs_allowed=arguments.blocks is None,
        homotopy=parse_continuation(problem, arguments.continuation),
        continuation_allowed=arguments.continuation is None,
    )


def _not_taken(name: str, arguments: Arguments, strategy: Strategy, module: nn.Module | None) -> Exception:
    """The error for an argument that a strategy does not take."""
    call = f"solve({name}={getattr(arguments, name)!r})"
    noisy = isinstance(strategy, NoisyData)
    given = "one mixture for data whose noise is stated" if noisy else f"the model {type(module).__name__}"
    if name == "checkpoint":
        return refuse(
            "solve(checkpoint=...)",
            expected="a mixture, or a model that is trained, which are written as they go",
            got=given if noisy else "one solve for the readout of a given model",
            remedy="Leave checkpoint out.",
        )
    if name == "smoothing":
        return refuse(
            call,
            expected="data whose noise is stated, Observations(..., noise=...), which leave something to be smoothed",
            got="none",
            remedy="Leave smoothing out, or state the noise.",
        )
    expected = "one mixture" if noisy else "a mixture, which is solved for anew on the way"
    return refuse(call, expected=expected, got=given, remedy=f"Leave {'' if noisy else 'model or '}{name} out.")


def _check_methods(arguments: Arguments, read: _ModelAndMethods) -> None:
    """Refuse methods, and fields of methods, that would have no effect."""
    readouts = [method for method in read.methods if isinstance(method, LeastSquares)]
    if not read.trains and len(read.methods) > 1:
        raise refuse(
            f"solve(method={list(read.methods)!r})",
            expected="one LeastSquares(), after which another has nothing left to do",
            got=f"{len(read.methods)} of them",
            remedy="Leave the others out.",
        )
    usual = LeastSquares().oversampling
    if any(method.oversampling != usual for method in readouts) and (read.trains or arguments.points is not None):
        raise refuse(
            "solve(method=LeastSquares(oversampling=...))",
            expected="points left open, of whose number oversampling decides",
            got="a model that is trained on points of its own" if read.trains else f"points={arguments.points!r}",
            remedy="Leave oversampling out, or give no points.",
        )
    trained = [method for method in read.methods if isinstance(method, TrainingMethod)]
    if arguments.compiled and trained and not any(method.compilable for method in trained):
        raise refuse(
            "solve(compiled=True)",
            expected="a method that takes gradients of the loss: Adam, SOAP, LBFGS or SelfScaled",
            got=", ".join(repr(method) for method in read.methods),
            remedy="Leave compiled out: Gauss-Newton takes Jacobians, which are made in closed form.",
        )


def _check_pieces(arguments: Arguments, setup: Setup, module: nn.Module | None) -> None:
    """Refuse arguments that patches, time slabs or noisy data exclude."""
    problem, blocks = setup.problem, arguments.blocks is not None and arguments.blocks is not False
    pieces = "patches" if setup.partition is not None else "blocks in time" if blocks else ""
    if blocks and module is None:
        parse_blocks(problem, arguments.blocks)
    _check_exact_conditions(problem, module, pieces)
    if is_noisy(problem):
        _check_noise(arguments, problem, module, pieces)
    if pieces and arguments.engine not in ("auto", "closed"):
        raise refuse(
            f"solve(engine={arguments.engine!r})",
            expected=f"'auto' or 'closed' where there are {pieces}, whose derivatives are made in closed form",
            got=repr(arguments.engine),
            remedy="Leave engine out.",
        )
    if blocks and arguments.continuation not in (None, False):
        raise refuse(
            f"solve(blocks={arguments.blocks!r}, continuation={arguments.continuation!r})",
            expected="one of the two: each block begins from the one before it",
            got="both",
            remedy="Leave continuation out.",
        )


def check_parts(arguments: Arguments) -> None:
    """Refuse arguments that a domain with parts excludes."""
    if not arguments.problem.domain.parts:
        return
    mixture = arguments.model
    if arguments.hard is not False:
        raise _on_parts("conditions to be met by construction", "Leave hard out.")
    if arguments.engine not in ("auto", "closed"):
        raise _on_parts(f"engine={arguments.engine!r}", "Leave engine out.")
    if is_noisy(arguments.problem):
        raise _on_parts("data whose noise is stated", "Leave noise out of Observations(...).")
    if isinstance(mixture, Mixture) and mixture.active not in (None, arguments.problem.domain.dimension):
        raise _on_parts(f"ridges along {mixture.active} coordinate(s)", "Leave active out.")


def _on_parts(got: str, remedy: str = "Leave model and method out.") -> Exception:
    """The error for what is not solved where the domain has parts."""
    expected = "least squares by a mixture in each part, where the domain has parts"
    return refuse("solve(problem, ...)", expected=expected, got=got, remedy=remedy)


def _check_noise(arguments: Arguments, problem: Problem, module: nn.Module | None, pieces: str) -> None:
    """Refuse arguments that noisy data exclude."""
    if pieces or module is not None:
        raise refuse(
            f"solve({problem.name})",
            expected="one mixture, where the noise of data is stated",
            got=pieces or f"the model {type(module).__name__}, whose fit has no regard to noise",
            remedy="Leave patches and blocks out." if pieces else "Leave model and method out, or noise.",
        )
    if arguments.smoothing is not None and not unobserved(problem):
        raise refuse(
            f"solve(smoothing={arguments.smoothing!r})",
            expected="a field that the noisy data do not show, which is kept smooth",
            got="data that show every field",
            remedy="Leave smoothing out.",
        )


def _check_parameters(setup: Setup) -> None:
    """Refuse an eigenvalue problem."""
    problem = setup.problem
    if problem.parameters and zero_solves(setup):
        name = next(iter(problem.parameters))
        raise refuse(
            f"solve({problem.name})",
            expected=f"a problem that determines '{name}'",
            got="one that zero fields solve whatever it is: an eigenvalue problem",
            remedy="Ask for eigenmodes(problem, count=6), or on the command line for gmnm-pde modes.",
        )


def _checkpoint(arguments: Arguments, setup: Setup, strategy: Strategy) -> Checkpoint | None:
    if arguments.checkpoint is None:
        return None
    continuation = True if arguments.continuation == "diffusion" else arguments.continuation
    who = {**identity(setup, arguments.tol), "continuation": continuation, **strategy.identity}
    return Checkpoint(arguments.checkpoint, arguments.problem, who, setup.device)


def _check_exact_conditions(problem: Problem, module: nn.Module | None, pieces: str) -> None:
    """Refuse arguments that conditions met by construction exclude."""
    begun = any(term.group == "initial" for term in problem.terms)
    if pieces and (problem.periodic or (pieces != "patches" and not begun)):
        raise refuse(
            "solve(hard=...)",
            expected=f"{'initial' if not begun else 'periodic'} conditions by least squares, where there are {pieces}",
            got=f"{', '.join(problem.met)} to be met exactly",
            remedy="Name the others: hard=('boundary',) or the names of conditions.",
        )
    if module is not None:
        for axis in problem.periodic:
            _check_period(module, problem.domain.dimension, axis)


@torch.no_grad()
def _check_period(module: nn.Module, dimension: int, axis: int) -> None:
    generator = torch.Generator().manual_seed(0)
    low = (2 * torch.rand(16, dimension, generator=generator, dtype=torch.float32) - 1).to(next(module.parameters()))
    low[:, axis] = -1.0
    high = low.clone()
    high[:, axis] = 1.0
    gap = (module(high) - module(low)).abs().max().item()
    if gap > _SAME:
        raise refuse(
            f"solve(model={type(module).__name__}, hard=...)",
            expected=f"a model of period 2 along axis {axis}, the length of [-1, 1]",
            got=f"one whose values at both ends differ by {gap:.1e}",
            remedy=f"Put FourierFeatures(..., periods={{{axis}: 2.0}}) before it by Embedded, or name other "
            "conditions: hard=('initial',).",
        )


def _drawn(problem: Problem, mixture: Mixture, seed: int) -> nn.Module:
    """A mixture to train: its components drawn, and a small random readout to start from."""
    d = problem.domain.dimension
    each = along_each(mixture.widths or _TRAINED_WIDTH, d)
    size = mixture.components or _TRAINED_COMPONENTS
    made = mixture.draw(d, len(problem.fields), size, each, seed=seed, periodic=problem.periodic)
    generator = torch.Generator().manual_seed(seed)
    made.set_readout(torch.randn(made.readout.shape, generator=generator, dtype=torch.float32) / made.components)
    return made
