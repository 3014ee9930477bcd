"""The model and the methods that the arguments of a solve ask for."""

from dataclasses import dataclass

import torch
from torch import nn

from gmnm_pde._errors import refuse
from gmnm_pde.methods import GaussNewton, LeastSquares, Method, ProximalGaussNewton, TrainingMethod
from gmnm_pde.models import GMNM, RBF, Embedded, Mixture, Patchwork, adopted, along_each, has_readout, plain
from gmnm_pde.multiindex import Alpha
from gmnm_pde.options.arguments import Arguments, parse_methods, parse_model
from gmnm_pde.statement.problem import Problem
from gmnm_pde.strategies.strategy import StrategyMethod

_TRAINED_COMPONENTS = 200
"""Components of a mixture that is trained, where their number is not given."""

_TRAINED_WIDTH = 2.0
"""Their slope, where it is not given."""

_FEW_PARAMETERS = 10_000
"""Up to so many parameters the whole Jacobian is factorised."""

_MIXTURES = (GMNM, RBF, Patchwork)
"""Modules whose components are drawn for least squares, and need not be trained."""


@dataclass(frozen=True)
class ModelAndMethods:
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


def read_model_and_methods(arguments: Arguments, problem: Problem) -> ModelAndMethods:
    """Model and methods; a mixture that is to be trained is drawn here."""
    mixture, module = parse_model(problem, arguments.model, arguments.seed)
    whole = isinstance(arguments.method, StrategyMethod)
    methods, why = (LeastSquares(),) if whole else parse_methods(arguments.method), ""
    if module is not None and not has_readout(module):
        module = adopted(module, problem.domain.dimension, len(problem.branches), _asked(problem))
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
        module = drawn(problem, mixture, arguments.seed)
    if module is not None and any(isinstance(method, TrainingMethod) for method in methods):
        module = adopted(module, problem.domain.dimension, len(problem.branches), _asked(problem))
    if module is not None and not has_readout(module) and any(isinstance(method, LeastSquares) for method in methods):
        raise refuse(
            "solve(model=..., method=LeastSquares())",
            expected="a model that ends in linear layers, or has features(x) and a linear readout as GMNM has",
            got=f"a {type(plain(module)).__name__} without",
            remedy="Train it: method=[Adam(), LBFGS()] or GaussNewton().",
        )
    return ModelAndMethods(mixture, module, methods, why)


def _asked(problem: Problem) -> set[Alpha]:
    """The derivatives that the terms of a problem need."""
    return {alpha for term in problem.terms for alpha in term.trace.alphas}


def _usual_methods(module: nn.Module | None) -> tuple[tuple[Method, ...], str]:
    """The methods where they are left open, and why these."""
    if module is None:
        return (LeastSquares(),), ""
    inner = module.inner if isinstance(module, Embedded) else module
    if isinstance(inner, _MIXTURES):
        return (LeastSquares(),), "since the model is a mixture, whose components serve as they were drawn"
    few = sum(p.numel() for p in module.parameters()) <= _FEW_PARAMETERS
    training = ProximalGaussNewton() if few else GaussNewton()
    trained: tuple[Method, ...] = (training, LeastSquares()) if has_readout(module) else (training,)
    return trained, "since the model is a network and no method was given"


def drawn(problem: Problem, mixture: Mixture, seed: int) -> nn.Module:
    """A mixture to train: its components drawn, and a small random readout to start from."""
    d = problem.domain.dimension
    each = along_each(mixture.widths or _TRAINED_WIDTH, d)
    size = mixture.components or _TRAINED_COMPONENTS
    made = mixture.draw(d, len(problem.fields), size, each, seed=seed, periodic=problem.periodic)
    generator = torch.Generator().manual_seed(seed)
    made.set_readout(torch.randn(made.readout.shape, generator=generator, dtype=torch.float32) / made.components)
    return made
