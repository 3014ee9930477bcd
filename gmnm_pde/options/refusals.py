"""Combinations of arguments that make no sense, refused before any work is done."""

import torch
from torch import nn

from gmnm_pde._errors import refuse
from gmnm_pde.fitting.discretization import Setup, zero_solves
from gmnm_pde.methods import LeastSquares, TrainingMethod
from gmnm_pde.models import Mixture, plain
from gmnm_pde.options.arguments import (
    Arguments,
    parse_blocks,
)
from gmnm_pde.options.model_and_methods import ModelAndMethods
from gmnm_pde.statement.problem import Problem
from gmnm_pde.strategies.evolution import suited
from gmnm_pde.strategies.marching import Marching
from gmnm_pde.strategies.noisy_data import NoisyData, is_noisy, unobserved
from gmnm_pde.strategies.strategy import Strategy

_SAME = 1e-5
"""A given model is periodic if its values at both ends differ by no more than this, which allows for float32."""


def not_taken(name: str, arguments: Arguments, strategy: Strategy, module: nn.Module | None) -> Exception:
    """The error for an argument that a strategy does not take."""
    call = f"solve({name}={getattr(arguments, name)!r})"
    noisy = isinstance(strategy, NoisyData)
    given = "one mixture for data whose noise is stated" if noisy else f"the model {_kind(module)}"
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
    if name == "initial_guess":
        remedy = (
            "A model goes on from what it is: solve(problem, solution.model)."
            if module is not None
            else "Leave it out."
        )
        got = strategy.description if module is None or noisy else given
        return refuse("solve(initial_guess=...)", expected="a mixture, for Newton's method", got=got, remedy=remedy)
    expected = "one mixture" if noisy else "a mixture, which is solved for anew on the way"
    return refuse(call, expected=expected, got=given, remedy=f"Leave {'' if noisy else 'model or '}{name} out.")


def _kind(module: nn.Module | None) -> str:
    return "None" if module is None else type(plain(module)).__name__


def check_events(problem: Problem, strategy: Strategy) -> None:
    """Refuse events where a strategy solves for all times at once."""
    if problem.events and "events" not in strategy.takes:
        raise refuse(
            f"solve({problem.name})",
            expected="the strategy evolution, which follows a problem in time, for its events",
            got=f"{len(problem.events)} of them, and {strategy.description}",
            remedy="Leave events out.",
        )


def check_methods(arguments: Arguments, read: ModelAndMethods) -> None:
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
    if not isinstance(arguments.compiled, bool):
        raise refuse(f"solve(compiled={arguments.compiled!r})", expected="True or False", got=repr(arguments.compiled))
    if arguments.compiled and trained and not any(method.compilable for method in trained):
        raise refuse(
            "solve(compiled=True)",
            expected="a method that takes gradients of the loss: Adam, SOAP, LBFGS or SelfScaled",
            got=", ".join(repr(method) for method in read.methods),
            remedy="Leave compiled out: Gauss-Newton takes Jacobians, which are made in closed form.",
        )


def check_pieces(arguments: Arguments, setup: Setup, module: nn.Module | None) -> None:
    """Refuse arguments that patches, time slabs or noisy data exclude."""
    problem, blocks = setup.problem, arguments.blocks is not None and arguments.blocks is not False
    pieces = "patches" if setup.partition is not None else "blocks in time" if blocks else ""
    if blocks and module is None:
        parse_blocks(problem, arguments.blocks)
    _check_exact_conditions(problem, module, pieces)
    if is_noisy(problem):
        _check_noise(arguments, problem, module, pieces)
    if arguments.initial_guess is not None:
        for name, other in (("hard", arguments.hard), ("blocks", blocks), ("checkpoint", arguments.checkpoint)):
            if other:
                got, remedy = f"{name}= too", f"Leave {name} or initial_guess out."
                raise refuse("solve(initial_guess=...)", expected="it alone", got=got, remedy=remedy)
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
    if arguments.hard:
        raise on_parts("conditions to be met by construction", "Leave hard out.")
    if arguments.engine not in ("auto", "closed"):
        raise on_parts(f"engine={arguments.engine!r}", "Leave engine out.")
    if is_noisy(arguments.problem):
        raise on_parts("data whose noise is stated", "Leave noise out of Observations(...).")
    if isinstance(mixture, Mixture) and mixture.active not in (None, arguments.problem.domain.dimension):
        raise on_parts(f"ridges along {mixture.active} coordinate(s)", "Leave active out.")


def on_parts(got: str, remedy: str = "Leave model and method out.") -> Exception:
    """The error for what is not solved where the domain has parts."""
    expected = "least squares by a mixture in each part, where the domain has parts"
    return refuse("solve(problem, ...)", expected=expected, got=got, remedy=remedy)


def _check_noise(arguments: Arguments, problem: Problem, module: nn.Module | None, pieces: str) -> None:
    """Refuse arguments that noisy data exclude."""
    if pieces or module is not None:
        raise refuse(
            f"solve({problem.name})",
            expected="one mixture, where the noise of data is stated",
            got=pieces or f"the model {_kind(module)}, whose fit has no regard to noise",
            remedy="Leave patches and blocks out." if pieces else "Leave model and method out, or noise.",
        )
    if arguments.smoothing is not None and not unobserved(problem):
        raise refuse(
            f"solve(smoothing={arguments.smoothing!r})",
            expected="a field that the noisy data do not show, which is kept smooth",
            got="data that show every field",
            remedy="Leave smoothing out.",
        )


def check_parameters(setup: Setup) -> None:
    """Refuse an eigenvalue problem."""
    problem = setup.problem
    if problem.parameters and zero_solves(setup):
        name = next(iter(problem.parameters))
        raise refuse(
            f"solve({problem.name})",
            expected=f"a problem that determines '{name}'",
            got="one that zero fields solve whatever it is: an eigenvalue problem",
            remedy="Ask for eigenmodes(problem, count=6), or on the command line for gmnm-pde modes; "
            "where it is nonlinear, give an initial_guess that is not zero.",
        )


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
            f"solve(model={_kind(module)}, hard=...)",
            expected=f"a model of period 2 along axis {axis}, the length of [-1, 1]",
            got=f"one whose values at both ends differ by {gap:.1e}",
            remedy=f"Put FourierFeatures(..., periods={{{axis}: 2.0}}) before it by Embedded, or name other "
            "conditions: hard=('initial',).",
        )


def check_conditions(setup: Setup, strategy: Strategy) -> None:
    """Refuse problems without conditions, but for those that marches find to be determined by their equations."""
    problem = setup.problem
    bare = all(term.group == "interior" for term in problem.terms)
    if bare and not problem.domain.space and not isinstance(strategy, Marching):
        if any(sum(alpha) for term in problem.terms for _, alpha in term.trace.asked):
            raise problem.unconditioned()


def check_integrals(setup: Setup, strategy: Strategy) -> None:
    """Refuse integrals over space where equations hold point by point."""
    term = next((term for term in setup.problem.terms if term.trace.over_space), None)
    if term is not None and not isinstance(strategy, Marching):
        why = suited(setup)
        raise refuse(
            f"solve({setup.problem.name}): integrals over space in '{term.name}'",
            expected="a problem that is marched in time, whose modes see all of space at once",
            got=f"one that cannot be: {why}" if isinstance(why, str) else "a choice of another way to solve",
            remedy="Elsewhere equations hold point by point. Where a mean is to fix a constant that is free, fix one "
            "value, Observations([[x, y]], u=[0.0]), and take solution.integral() from the answer; an integral inside "
            "an equation is a field of its own.",
        )
