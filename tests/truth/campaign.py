"""Section F of the reports: a second campaign, the part of it that is about numbers."""

import tempfile
import time
from functools import partial
from pathlib import Path

import torch

import gmnm_pde as g
from truth.case import add
from truth.silent import LINE, PI, SINE, SQUARE

# The checkpoint of another problem


def poisson(size=1.0, end=0.0, cube=0.0):
    """u'' = cube u^3 - f with u = size sin(pi x) + end x."""

    def equation(u, x):
        right = size * SINE(x) + end * x
        return g.diff(u, x, x) + size * PI**2 * SINE(x) - cube * (u**3 - right**3)

    return g.Problem(LINE, equation, [g.Dirichlet(u=lambda x: end * x)])


def poisson_exact(size=1.0, end=0.0):
    return lambda x: size * SINE(x) + end * x


def heat(start=1.0):
    """u = start sin(pi x) exp(-t)."""
    domain = LINE * g.Time(t=(0, 1))
    return g.Problem(
        domain,
        lambda u, x, t: g.diff(u, t) - g.diff(u, x, x) / PI**2,
        [g.Dirichlet(u=0), g.Initial(u=lambda x: start * SINE(x))],
    )


def heat_exact(start=1.0):
    return lambda x, t: start * SINE(x) * torch.exp(-t)


def observed(size):
    """The size of a source from values."""
    places = torch.linspace(0.1, 0.9, 9, dtype=torch.float64)
    return g.Problem(
        LINE,
        lambda u, x, a: g.diff(u, x, x) + a * PI**2 * SINE(x),
        [g.Dirichlet(u=0), g.Observations(places[:, None], u=size * SINE(places))],
        parameters={"a": 0.5},
    )


def one_after_another(first, second, **options):
    """Solve ``first`` and then ``second`` with one checkpoint."""

    def solve():
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "c.safetensors"
            g.solve(first(), checkpoint=file, **options)
            return g.solve(second(), checkpoint=file, **options)

    return solve


for _name, _make, _first, _second, _exact, _options in (
    ("source", poisson, (1.0,), (2.0,), poisson_exact(2.0), {"tol": 1e-6}),
    ("source_plain", poisson, (1.0,), (2.0,), poisson_exact(2.0), {}),
    ("boundary", poisson, (1.0, 0.0), (1.0, 1.0), poisson_exact(1.0, 1.0), {"tol": 1e-6}),
    ("cube", poisson, (1.0, 0.0, 1.0), (1.0, 0.0, 1.5), poisson_exact(), {"tol": 1e-6}),
    ("data", observed, (1.0,), (3.0,), poisson_exact(3.0), {"tol": 1e-6}),
    ("initial", heat, (1.0,), (2.0,), heat_exact(2.0), {"tol": 1e-6}),
    ("initial_blocks", heat, (1.0,), (2.0,), heat_exact(2.0), {"tol": 1e-6, "blocks": 2}),
):
    add(
        f"checkpoint_other_{_name}",
        "F",
        partial(_make, *_second),
        _exact,
        solve=one_after_another(partial(_make, *_first), partial(_make, *_second), **_options),
    )

# Sums of functions of one coordinate


def slow_heat():
    """u_t = 0.1 u_xx on (0, 1) x (0, 0.5)."""
    domain = LINE * g.Time(t=(0, 0.5))
    return g.Problem(
        domain,
        lambda u, x, t: g.diff(u, t) - 0.1 * g.diff(u, x, x),
        [g.Dirichlet(u=0), g.Initial(u=SINE)],
    )


def slow_heat_exact(x, t):
    return SINE(x) * torch.exp(-0.1 * PI**2 * t)


for _name, _mixture, _options in (
    ("one", {}, {}),
    ("patches", {"patches": 2}, {}),
    ("blocks", {}, {"blocks": 2}),
    ("blocks_tol", {}, {"blocks": 2, "tol": 1e-2}),
):
    _model = g.Mixture(components=60, active=1, **_mixture)
    add(f"separate_{_name}", "F", slow_heat, slow_heat_exact, model=_model, **_options)

# Noise


def noisy_source(seed, dtype=torch.float64):
    """A source that 15 noisy values hardly show: within 4 deviations of its posterior nearly everywhere?"""
    places = torch.linspace(1 / 16, 15 / 16, 15, dtype=torch.float64)
    noise = 0.05 * torch.randn(15, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    problem = g.Problem(
        LINE,
        lambda u, f, x: g.diff(u, x, x) + f,
        [g.Dirichlet(u=0), g.Observations(places[:, None], u=SINE(places) + noise, noise=0.05)],
    )
    solution = g.solve(problem, dtype=dtype)
    if not solution.report.converged or solution.posterior is None:
        return ""
    x = torch.linspace(0, 1, 201, dtype=dtype)
    f, deviation = solution(x)["f"], solution.posterior(x)["f"]
    off = ((torch.as_tensor(f) - PI**2 * SINE(x)).abs() / torch.as_tensor(deviation)).to(torch.float64)
    outside = (off > 4).double().mean().item()
    return "" if outside < 0.1 else f"SILENT: {outside:.0%} of f beyond 4 deviations, at most {off.max():.1f}"


for _seed in range(4):
    add(f"noisy_source_{_seed}", "F", None, solve=partial(noisy_source, _seed))
add("noisy_source_single", "F", None, solve=partial(noisy_source, 0, torch.float32))


def trained_on_noise():
    """Noise that is stated for a network is used or refused: other noise, other digits."""
    places = torch.linspace(1 / 16, 15 / 16, 15, dtype=torch.float64)
    found = []
    for noise in (0.05, 50.0):
        data = g.Observations(places[:, None], u=1.1 * SINE(places), noise=noise)
        problem = g.Problem(
            LINE, lambda u, x, a: g.diff(u, x, x) + a * PI**2 * SINE(x), [g.Dirichlet(u=0), data], parameters={"a": 1.0}
        )
        torch.manual_seed(0)
        solution = g.solve(problem, g.MLP([1, 8, 1]), g.GaussNewton(steps=10), points=40)
        if solution.posterior is None and solution.report.converged:
            found.append(solution.parameters["a"])
    return "SILENT: the same digits for noise 0.05 and 50" if len(found) == 2 and found[0] == found[1] else ""


add("noise_trained", "F", None, solve=trained_on_noise)


def loaded_with_another():
    """A solution that met one boundary value exactly, loaded with a problem that has another."""

    def raised(edge):
        return g.Problem(SQUARE, lambda u: g.laplacian(u) + 1, [g.Dirichlet(u=edge)])

    solution = g.solve(raised(1.0), hard=True, model=g.Mixture(components=80))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "s.safetensors"
        solution.save(file)
        again = g.load_solution(file, problem=raised(7.0))
    return f"SILENT: {float(again(0.5, 0.5)):.3g} for {float(solution(0.5, 0.5)):.3g}"


add("loaded_other_hard", "F", None, solve=loaded_with_another)

# Where torch is set to something else


def inside(context, solve):
    """What comes of a solve within a context of torch."""

    def run():
        with context():
            return solve()

    return run


def meta():
    return torch.device("meta")


for _name, _context in (("inference", torch.inference_mode), ("no_grad", torch.no_grad), ("meta", meta)):
    for _kind, _solve in (
        ("mixture", lambda: g.solve(poisson(), tol=1e-6)),
        ("patches", lambda: g.solve(poisson(), g.Mixture(components=30, patches=3))),
        ("newton", lambda: g.solve(poisson(1.0, 0.0, 1.0), tol=1e-6)),
        ("adam", lambda: g.solve(poisson(), g.MLP([1, 8, 1]), [g.Adam(steps=20), g.LeastSquares()], points=60)),
    ):
        _allowed = 1e-2 if _kind == "adam" else None  # twenty steps and a readout
        add(f"{_name}_{_kind}", "F", poisson, poisson_exact(), solve=inside(_context, _solve), allowed=_allowed)

# Memory and time


def too_large(make, **options):
    """More memory than there is: refused in a second."""

    def solve():
        started = time.process_time()
        try:
            solution = g.solve(make(), **options)
        except g.GmnmError:
            spent = time.process_time() - started
            return "" if spent < 5 else f"LATE: refused after {spent:.0f} s"
        return "" if not solution.report.converged else "COARSE: solved"

    return solve


CUBE = g.Box(x=(0, 1), y=(0, 1), z=(0, 1))


def on(domain):
    return g.Problem(domain, lambda u: g.laplacian(u) + 1, [g.Dirichlet(u=0)])


add("memory_patches", "F", None, solve=too_large(lambda: on(SQUARE), model=g.Mixture(patches=300)))
add("memory_space", "F", None, solve=too_large(lambda: on(CUBE), model=g.Mixture(components=200, patches=40)))
add("memory_points", "F", None, solve=too_large(lambda: on(SQUARE), points=10**9))


def within(limit, solve):
    """A time limit that holds within a tenth and a second."""

    def run():
        started = time.process_time()
        solve()
        spent = time.process_time() - started
        return "" if spent < 1.1 * limit + 1 else f"LATE: {spent:.1f} s of {limit:g}"

    return run


def modes_of_l():
    corners = [(0, 0), (1, 0), (1, 1), (-1, 1), (-1, -1), (0, -1)]
    drum = g.Problem(g.Polygon(corners), lambda u, k: g.laplacian(u) + k * u, [g.Dirichlet(u=0)], parameters={"k": 0.0})
    return g.eigenmodes(drum, count=6, tol=1e-8, time_limit=1)


add("limit_modes", "F", None, solve=within(1.0, modes_of_l))
add(
    "limit_readout", "F", None, solve=within(1.0, lambda: g.solve(on(SQUARE), g.Mixture(components=2500), time_limit=1))
)
add(
    "limit_newton_patches",
    "F",
    None,
    solve=within(
        1.0,
        lambda: g.solve(
            g.Problem(SQUARE, lambda u: g.laplacian(u) + 1 - u**3, [g.Dirichlet(u=0)]),
            g.Mixture(components=60, patches=4),
            time_limit=1,
        ),
    ),
)
