"""From the arguments to a strategy; combinations that make no sense are refused before any work is done."""

from dataclasses import dataclass, replace

from torch import nn

from gmnm_pde._errors import refuse
from gmnm_pde.adaptivity.h_refinement import Refining
from gmnm_pde.collocation.moving import MOVINGS
from gmnm_pde.collocation.whole import Counts
from gmnm_pde.fitting.data_start import referenced
from gmnm_pde.fitting.discretization import Setup, reference_scales, smoothness_for
from gmnm_pde.geometry import Region
from gmnm_pde.jets.engines import choose_engine
from gmnm_pde.methods import LeastSquares
from gmnm_pde.methods.weighting import WEIGHTINGS
from gmnm_pde.models import Mixture, plain
from gmnm_pde.options.arguments import (
    Arguments,
    parse_blocks,
    parse_continuation,
    parse_device,
    parse_points,
    parse_weights,
    with_strategy,
)
from gmnm_pde.options.initial_guess import read_guess
from gmnm_pde.options.memory import refuse_beyond_memory
from gmnm_pde.options.model_and_methods import ModelAndMethods, drawn, read_model_and_methods
from gmnm_pde.options.refusals import (
    check_conditions,
    check_events,
    check_integrals,
    check_methods,
    check_parameters,
    check_parts,
    check_pieces,
    not_taken,
    on_parts,
)
from gmnm_pde.run.checkpoint import Checkpoint, identity
from gmnm_pde.scrutiny import divided, look, posedness
from gmnm_pde.statement.hard import is_constant_on_a_sphere, meet_exactly
from gmnm_pde.statement.problem import Problem
from gmnm_pde.strategies.automatic import Automatic
from gmnm_pde.strategies.boxes import Boxes
from gmnm_pde.strategies.evolution import Evolution, suited
from gmnm_pde.strategies.given_model import GivenModel
from gmnm_pde.strategies.marching import Marching
from gmnm_pde.strategies.noisy_data import NoisyData, is_noisy
from gmnm_pde.strategies.strategy import Strategy, StrategyMethod
from gmnm_pde.strategies.training import Plan, Training


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


def choose(arguments: Arguments) -> Choice:
    """The strategy for these arguments.

    Raises:
        GmnmError: arguments contradict one another, or the strategy does not take one; the message says which.
    """
    arguments = with_strategy(arguments)
    stated, hard = arguments.problem, arguments.hard
    check_parts(arguments)
    if hard is None:
        hard = _leaves_open(arguments) and is_constant_on_a_sphere(stated)
    problem = meet_exactly(stated, hard) if hard is not False else stated
    problem = referenced(problem, arguments.seed)
    read = read_model_and_methods(arguments, problem)
    setup = setup_for(arguments, problem, read.mixture, read.module, read.readout_method)
    note, division = "", divided(problem, setup.features) if _may_be_divided(arguments, read) else None
    if division is not None:
        problem, note = division
        setup = setup_for(arguments, problem, read.mixture, None, read.readout_method)
    refuse_beyond_memory("solve(...)", setup, read.module, read.methods, read.mixture.components or _least(setup))
    check_methods(arguments, read)
    check_pieces(arguments, setup, read.module)
    if stated.domain.parts and (read.module is not None or _is_other_strategy(arguments)):
        what = f"the model {type(plain(read.module)).__name__}" if read.module is not None else "another strategy"
        raise on_parts(what)
    strategy = _strategy(arguments, setup, read)
    check_integrals(setup, strategy)
    check_conditions(setup, strategy)
    for name in ("checkpoint", "engine", "compiled", "blocks", "continuation", "smoothing", "initial_guess"):
        taken = name in strategy.takes and not (name == "checkpoint" and _is_quick(strategy))
        if name in arguments.given and not taken:
            raise not_taken(name, arguments, strategy, read.module)
    if arguments.initial_guess is None:  # from one that is not zero an orbit may be found, and its period
        check_parameters(setup)
    check_events(stated, strategy)
    strategy = with_tolerances(arguments, strategy)
    return Choice(stated, setup, strategy, _checkpoint(arguments, setup, strategy), note)


def _leaves_open(arguments: Arguments) -> bool:
    """Whether least squares for a mixture are what solves it."""
    return arguments.method is None and (arguments.model in (None, "gmnm") or isinstance(arguments.model, Mixture))


def _may_be_divided(arguments: Arguments, read: ModelAndMethods) -> bool:
    """Whether mixtures are left to be chosen, on a problem as it was stated."""
    mixture, problem = read.mixture, arguments.problem
    by_hand = (mixture.components, mixture.widths, mixture.patches, arguments.points, arguments.weights)
    whole = read.module is None and not _is_other_strategy(arguments) and not arguments.hard
    exact = not problem.parameters and all(isinstance(term.region, Region) for term in problem.terms)
    return whole and exact and arguments.engine == "auto" and all(choice is None for choice in by_hand)


def _is_quick(strategy: Strategy) -> bool:
    """Whether it marches in time alone, which takes no time worth keeping in a file."""
    return isinstance(strategy, Marching) and not strategy.statements.space


def _is_other_strategy(arguments: Arguments) -> bool:
    """Whether a strategy was chosen that knows nothing of parts."""
    return isinstance(arguments.method, StrategyMethod) and not isinstance(arguments.method, Boxes | Evolution)


def setup_for(
    arguments: Arguments, problem: Problem, mixture: Mixture, module: nn.Module | None, method: LeastSquares
) -> Setup:
    """The problem and its discretization, as far as all fits share them."""
    device, seed, engine = parse_device(arguments.device), arguments.seed, arguments.engine
    points, weights = arguments.points, arguments.weights
    counts = Counts(points.interior, points.boundary) if isinstance(points, MOVINGS) else parse_points(points)
    factors = {} if isinstance(weights, WEIGHTINGS) else parse_weights(problem, weights)
    model = module or drawn(problem, Mixture(components=1), seed)
    choose_engine(model, engine, call=f"solve(engine={engine!r})")
    scales = reference_scales(problem, factors, seed)
    partition = None if module is not None else mixture.partition(problem.domain.bounds, smoothness_for(problem))
    kind = (arguments.dtype, device, engine, partition)
    seen = {"features": look(problem, seed), "posed": posedness(arguments.problem)}
    return Setup(problem, mixture, method, counts, scales, factors, seed, *kind, **seen)


def _least(setup: Setup) -> int | None:
    """The components of a patch in a first solve, where they are left open."""
    return None if setup.partition is None else Refining().components.of(setup.dimension)


def _strategy(arguments: Arguments, setup: Setup, read: ModelAndMethods) -> Strategy:
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
        if read.module is not None:
            name = type(arguments.method).__name__
            raise refuse(
                f"solve(model=..., method={name}())",
                expected="no model: this method has one of its own",
                got=f"a {type(read.module).__name__}",
                remedy="Leave model or method out.",
            )
        return arguments.method.strategy(setup)
    if read.module is not None:
        return GivenModel(setup, read.module, f"{description}; {read.why}" if read.why else description)
    if is_noisy(problem):
        return NoisyData(setup, description, arguments.smoothing)
    whole = Automatic(
        setup,
        description,
        blocks=parse_blocks(problem, arguments.blocks),
        slabs_allowed=arguments.blocks is None,
        homotopy=parse_continuation(problem, arguments.continuation),
        continuation_allowed=arguments.continuation is None,
        initial_guess=read_guess(problem, arguments.initial_guess, setup.dtype, setup.device),
    )
    statements = suited(setup) if _may_march(arguments) else ""
    if isinstance(statements, str) or ("checkpoint" in arguments.given and not statements.space):
        return whole
    over_space = any(term.trace.over_space for term in setup.problem.terms)
    return Marching(setup, statements, otherwise=None if over_space else whole)


def with_tolerances(arguments: Arguments, strategy: Strategy) -> Strategy:
    """A strategy that keeps to the tolerances by field, if such were given."""
    tolerances = arguments.tolerances
    if tolerances is None:
        return strategy
    if not isinstance(strategy, Marching) or strategy.statements.space:
        raise refuse(
            "solve(tol=...)",
            expected="one number, but for problems in time alone that are marched",
            got=f"tolerances by field, and {strategy.description}",
            remedy="Give the smallest of them for all fields.",
        )
    return replace(strategy, tolerances=tolerances, otherwise=None)


def _may_march(arguments: Arguments) -> bool:
    """Whether nothing was chosen that marching in time has no use for."""
    chosen = {"points", "weights", "engine", "compiled", "smoothing", "initial_guess"}
    if arguments.blocks is not None or arguments.continuation is not None:
        return False
    usual = arguments.model in (None, "gmnm") or arguments.model == Mixture()
    return usual and arguments.method is None and not arguments.hard and not chosen & set(arguments.given)


def _checkpoint(arguments: Arguments, setup: Setup, strategy: Strategy) -> Checkpoint | None:
    if arguments.checkpoint is None:
        return None
    continuation = True if arguments.continuation == "diffusion" else arguments.continuation
    who = {**identity(setup, arguments.least_tol), "continuation": continuation, **strategy.identity}
    return Checkpoint(arguments.checkpoint, arguments.problem, who, setup.device)
