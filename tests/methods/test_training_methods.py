"""Methods on systems that are no differential equations: quadratics, valleys and rank-deficient residuals."""

import math

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.methods import gauss_newton
from gmnm_pde.methods.loop import Hooks, run
from gmnm_pde.methods.quasi_newton import _member
from gmnm_pde.methods.soap import SOAPOptimizer


class Residuals:
    """Residuals of one tensor of unknowns, with all that methods see of a system."""

    def __init__(self, function, start):
        self.function, self.version = function, 0
        self.x = torch.nn.Parameter(torch.tensor(start, dtype=torch.float64))

    def unknowns(self):
        return [self.x]

    def loss(self, blocks=None):
        square = self.function(self.x).square().sum()
        return square, {"residual": square}

    def gradient(self, blocks=None):
        self.x.grad = None
        with torch.enable_grad():
            loss, squares = self.loss()
        loss.backward()
        return loss.detach(), squares

    def mean_squares(self):
        return self.loss()[1]

    def batch(self, size, generator):
        return None

    def any(self, flag):
        return flag

    def broken(self):
        return ""

    @torch.no_grad()
    def residual_vector(self):
        return self.function(self.x)

    def jacobian(self):
        return torch.autograd.functional.jacobian(self.function, self.x.detach())

    def jacobian_blocks(self):
        yield from self.jacobian().split(1)

    def readout_columns(self):
        return torch.zeros(len(self.x), dtype=torch.bool)

    def fit_readout(self):
        pass


def rosenbrock(x):
    return torch.stack([10 * (x[1] - x[0] ** 2), 1 - x[0]])


def bowl(x):
    return x * torch.tensor([1.0, 10.0, 100.0], dtype=torch.float64)


METHODS = {
    "gauss-newton": g.GaussNewton(steps=60),
    "plain gauss-newton": g.GaussNewton(steps=60, accelerate=False),
    "lbfgs": g.LBFGS(steps=100),
    "broyden": g.SelfScaled(steps=150),
    "bfgs": g.SelfScaled(steps=150, update="bfgs"),
}


@pytest.mark.parametrize("name", METHODS)
def test_a_curved_valley(name):
    system = Residuals(rosenbrock, [-1.2, 1.0])
    ended = run(METHODS[name], system)
    assert ended.loss < 1e-16, ended
    torch.testing.assert_close(system.x.detach(), torch.ones(2, dtype=torch.float64), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("method", [g.Adam(2000, lr=1e-2), g.SOAP(2000, lr=1e-2), g.Adam(2000, 0.05, "exponential")])
def test_a_narrow_bowl(method):
    assert run(method, Residuals(bowl, [1.0, 1.0, 1.0])).loss < 1e-3


def test_acceleration_follows_the_bend():
    steps = {}
    for accelerate in (True, False):
        system = Residuals(rosenbrock, [-1.2, 1.0])
        seen = []
        hooks = Hooks()
        hooks.watch = lambda step, loss, seen=seen: seen.append(loss)
        run(g.GaussNewton(steps=60, accelerate=accelerate), system, hooks=hooks)
        steps[accelerate] = next(k for k, loss in enumerate(seen) if loss < 1e-12)
    assert steps[True] < steps[False], steps


def test_without_memory_for_the_jacobian_the_step_is_the_same():
    def bent(x):
        return torch.cat([x + 0.1 * x**2, torch.sin(x)]) - 1

    found = {}
    for memory in (g.GaussNewton().memory, 1):
        system = Residuals(bent, [0.3, -0.2, 0.7])
        run(g.GaussNewton(steps=8, damping=1e-3, memory=memory), system)
        found[memory] = system.x.detach().clone()
    first, second = found.values()
    torch.testing.assert_close(first, second, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("shape", [(3, 8), (8, 3)])
def test_both_spaces_give_the_damped_step(shape):
    torch.manual_seed(0)
    J, r = torch.randn(shape, dtype=torch.float64), torch.randn(shape[0], dtype=torch.float64)
    system = Residuals(lambda x: J @ x + r, [0.0] * shape[1])
    steps = gauss_newton._linearize(system, r, None, g.GaussNewton())
    mu = 0.1
    assert steps.factor(mu)
    direction, image = steps.solve(r)
    scale = J.norm(dim=0).square().mean()
    expected = -torch.linalg.solve(J.mT @ J + mu * scale * torch.eye(shape[1], dtype=torch.float64), J.mT @ r)
    torch.testing.assert_close(direction, expected)
    torch.testing.assert_close(image, J @ expected)


def test_members_of_broydens_family():
    assert _member(1.0, 1.0, 10, broyden=False) == (1.0, 1.0)
    tau, phi = _member(2.0, 1.5, 10, broyden=True)
    assert 0 < tau <= 1 and math.isfinite(phi)
    for b in (0.1, 1.0, 10.0):
        for h in (0.2, 1.0, 8.0):
            if b * h > 1:  # as the Cauchy-Schwarz inequality demands
                tau, phi = _member(b, h, 5, broyden=True)
                assert tau > 0 and math.isfinite(phi)


def test_self_scaled_updates_keep_the_secant_equation_and_definiteness():
    system = Residuals(rosenbrock, [-1.2, 1.0])
    work = g.SelfScaled().begin(system, 0)
    work.look(0)
    for step in range(6):
        before, gradient = system.x.detach().clone(), work._gradient.clone()
        assert work.advance() == 1
        work.look(step + 1)
        s, y = system.x.detach() - before, work._gradient - gradient
        torch.testing.assert_close(work._inverse @ y, s, rtol=1e-9, atol=1e-12)
        assert (torch.linalg.eigvalsh(work._inverse) > 0).all()


def test_soap_turns_with_the_problem():
    torch.manual_seed(0)
    A, B = torch.randn(6, 6, dtype=torch.float64), torch.randn(4, 4, dtype=torch.float64)
    target = torch.randn(6, 4, dtype=torch.float64)
    losses = {}
    for name, make in {"soap": SOAPOptimizer, "adam": torch.optim.Adam}.items():
        W = torch.nn.Parameter(torch.zeros(6, 4, dtype=torch.float64))
        optimizer = make([W], lr=3e-2)
        for _ in range(300):
            optimizer.zero_grad()
            loss = (A @ (W - target) @ B).square().mean()
            loss.backward()
            optimizer.step()
        losses[name] = loss.item()
    assert losses["soap"] < losses["adam"]


def test_patience_goes_back_to_where_the_held_out_residual_was_least():
    system = Residuals(bowl, [1.0, 1.0, 1.0])
    scores = iter([3.0, 2.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    hooks, kept = Hooks(), []

    def held_out():
        kept.append(system.x.detach().clone())
        return next(scores)

    hooks.held_out = held_out
    ended = run(g.Adam(10**6, lr=1e-3, patience=100), system, hooks=hooks)
    assert "fell no more" in ended.reason and ended.steps == 200
    torch.testing.assert_close(system.x.detach(), kept[2])


def test_a_loss_that_breaks_names_the_residual_and_goes_back():
    def breaking(x):
        return torch.log(x)

    system = Residuals(breaking, [0.5])
    ended = run(g.Adam(100, lr=1.0), system)
    assert not ended.converged or math.isfinite(ended.loss)
    system = Residuals(lambda x: torch.sqrt(x - 1), [0.5])
    ended = run(g.Adam(100), system)
    assert not ended.converged and "stopped at step 0: residual is nan" in ended.reason


def test_a_method_prints_what_decides_its_steps():
    assert repr(g.GaussNewton(steps=5)) == (
        "GaussNewton(steps=5, damping=0.01, eliminate=False, accelerate=True, patience=None)"
    )
    assert repr(g.SelfScaled(update="bfgs")) == "SelfScaled(steps=1000, update='bfgs', patience=None)"
    assert repr(g.SelfScaled(trials=3)) == "SelfScaled(steps=1000, update='broyden', patience=None, trials=3)"
    assert repr(g.GaussNewton(look_ahead=0.2)) != repr(g.GaussNewton())


def test_thresholds_are_heard():
    system = Residuals(rosenbrock, [-1.2, 1.0])
    ended = run(g.GaussNewton(steps=60, most_damping=1e-3), system)
    assert ended.steps == 0 and "no decrease" in ended.reason
    system = Residuals(rosenbrock, [-1.2, 1.0])
    assert run(g.SelfScaled(steps=60, trials=1, decrease=1e9), system).steps == 0


BAD = {
    "damping": lambda: g.GaussNewton(most_damping=-1.0),
    "line search": lambda: g.SelfScaled(trials=0),
    "soap rate": lambda: g.SOAP(lr=0.0),
    "soap pace": lambda: g.SOAP(every=0),
    "batch": lambda: g.Adam(batch=0),
    "patience": lambda: g.LBFGS(patience=-1),
    "update": lambda: g.SelfScaled(update="bfsg"),
    "memory": lambda: g.GradientNorm(memory=1.0),
    "temperature": lambda: g.ReLoBRaLo(temperature=-1),
    "slabs": lambda: g.Causal(slabs=0),
    "lr": lambda: g.SelfAdaptive(lr="fast"),
    "every": lambda: g.Resampling(every=0),
    "pool": lambda: g.ResidualAdaptive(pool=0),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments(case):
    with pytest.raises(g.GmnmError, match="expected"):
        BAD[case]()
