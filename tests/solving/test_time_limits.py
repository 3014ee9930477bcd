"""Time limits on clocks that are made up: whenever one strikes, there is an answer, and it says so."""

import itertools

import pytest
import torch
from conftest import PI, make_poisson

import gmnm_pde as g
from gmnm_pde.adaptivity.loop import Stop, adapt
from gmnm_pde.fitting.inspection import NOTHING_LEFT
from gmnm_pde.interruption import Allowance, OutOfTime, finishing, limited, pause, unbroken
from gmnm_pde.methods import LeastSquares
from gmnm_pde.options.arguments import Arguments
from gmnm_pde.options.choice import choose, setup_for
from gmnm_pde.run.result import Status
from gmnm_pde.run.run import Run
from gmnm_pde.strategies.modes import modes

END, LAST = 1.0, 1.5


class Striking:
    """A clock that stands at 0 for so many looks, and then at ``after``."""

    work = 0.0

    def __init__(self, looks, after):
        self.looks, self.after, self.seen = looks, after, 0

    def now(self):
        self.seen += 1
        return 0.0 if self.seen <= self.looks else self.after

    def count(self, seconds):
        pass


def run_on(clock, choice, tol):
    run = Run.begin(choice.setup, 0.0, tol, None, None)
    allowance = Allowance(END, LAST, clock.now)
    return run.part(clock=clock, deadline=END, allowance=allowance)


def solved(problem, clock, **options):
    tol = options.get("tol")
    choice = choose(Arguments(problem=problem, **options))
    return choice.strategy.run(run_on(clock, choice, tol)), choice.setup.dimension


def cubic():
    def equation(u, x):
        return g.diff(u, x, x) - u**3 + PI**2 * torch.sin(PI * x)

    return g.Problem(g.Interval(x=(0, 1)), equation, [g.Dirichlet(u=0)], name="cubic")


def decay():
    line = g.Interval(x=(0, 1)) * g.Time(t=(0, 1))
    start = g.Initial(u=lambda x: torch.sin(PI * x))
    return g.Problem(line, lambda u: g.diff(u, "t") - 0.1 * g.diff(u, "x", "x"), [start, g.Dirichlet(u=0)], name="heat")


def noisy():
    x = torch.linspace(0.1, 0.9, 9, dtype=torch.float64)
    seen = g.Observations(x[:, None], u=torch.sin(PI * x), noise=0.01)
    fields = ("u", "f")
    return g.Problem(
        g.Interval(x=(0, 1)),
        lambda u, f: g.diff(u, "x", "x") + f,
        [g.Dirichlet(u=0), seen],
        fields=fields,
        name="noisy",
    )


def network():
    torch.manual_seed(0)
    return g.MLP([2, 6, 1]).to(torch.float64)


def drawn():
    return g.Mixture(components=120).draw(2, 1, 120, (2.0, 2.0), seed=0)


POINTS = {"interior": 40, "boundary": 16}
KINDS = {
    "one mixture": lambda clock: solved(make_poisson(), clock, tol=1e-12),
    "a mixture of given size": lambda clock: solved(make_poisson(), clock, model=g.Mixture(components=80, widths=2.0)),
    "a given model": lambda clock: solved(
        make_poisson(), clock, model=g.Mixture(components=120).draw(2, 1, 120, (2, 2), seed=0)
    ),
    "Newton's method": lambda clock: solved(cubic(), clock, tol=1e-12),
    "patches": lambda clock: solved(cubic(), clock, model=g.Mixture(patches=2), tol=1e-12),
    "blocks": lambda clock: solved(decay(), clock, model=g.Mixture(components=40, widths=0.7), blocks=3),
    "continuation": lambda clock: solved(cubic(), clock, continuation="diffusion"),
    "noisy data": lambda clock: solved(noisy(), clock),
    **{
        repr(method): lambda clock, method=method: solved(
            make_poisson(), clock, model=network(), method=method, points=POINTS
        )
        for method in (g.Adam(steps=5), g.SOAP(steps=5), g.LBFGS(steps=12), g.SelfScaled(steps=3), g.GaussNewton(3))
    },
    "methods in order": lambda clock: solved(
        make_poisson(), clock, model=network(), method=[g.Adam(steps=3), g.LeastSquares()], points=POINTS
    ),
}
LOOKS = (0, 1, 5, 30, 150)


@pytest.mark.parametrize("after", [(END + LAST) / 2, 1e9], ids=["just late", "far too late"])
@pytest.mark.parametrize("kind", KINDS)
def test_whenever_the_clock_strikes_there_is_an_answer(kind, after):
    for looks in LOOKS:
        clock = Striking(looks, after)
        result, d = KINDS[kind](clock)
        outputs = result.best.fit.outputs(torch.full((1, d), 0.3, dtype=torch.float64))
        struck = clock.seen > looks
        assert outputs.shape[0] == 1 and (result.partial or torch.isfinite(outputs).all())
        assert isinstance(result.status, Status)
        if result.status is Status.TIME:
            assert struck and "time limit" in result.details
        assert result.details.count("(") <= 1 and len(result.details) < 300


@pytest.mark.parametrize("looks", [0, 5, 40, 200])
def test_modes_whenever_the_clock_strikes(looks):
    square = g.Rectangle(x=(0, 1), y=(0, 1))
    membrane = g.Problem(square, lambda u, k: g.laplacian(u) + k * u, [g.Dirichlet(u=0)], parameters={"k": 0.0})
    for mixture in (g.Mixture(components=60, widths=2.0), g.Mixture(components=20, widths=1.0, patches=2)):
        choice = choose(Arguments(problem=make_poisson(), model=mixture))
        setup = setup_for(Arguments(problem=membrane), membrane, mixture, None, LeastSquares())
        found = modes(setup, 2, run_on(Striking(looks, 1e9), choice, None))
        assert len(found.best.values) == 2 and torch.isfinite(found.best.values).all()


def test_work_is_asked_and_ended():
    clock = Striking(10**9, 0.0)
    allowance = Allowance(END, LAST, clock.now)
    pause()
    with limited(allowance):
        pause()
        clock.looks, clock.after = 0, (END + LAST) / 2
        with pytest.raises(OutOfTime):
            pause()
        with finishing():
            pause()
            clock.after = 2 * LAST
            with pytest.raises(OutOfTime):
                pause()
        with limited(None):
            pause()
    pause()


def test_a_piece_that_does_not_fit_is_not_begun():
    times = itertools.count()
    allowance = Allowance(10.0, 12.0, lambda: 0.5 * next(times))
    allowance.learn(1e9, 1.0)
    with limited(allowance):
        with unbroken(2e9):
            pass
        begun = False
        with pytest.raises(OutOfTime), unbroken(1e11):
            begun = True
        assert not begun
        with pytest.raises(OutOfTime), finishing(), unbroken(1e11):
            begun = True
        assert not begun


def test_large_pieces_tell_how_fast_the_machine_is():
    allowance = Allowance(10.0, 12.0, lambda: 0.0)
    allowance.learn(1e6, 1.0)
    with pytest.raises(OutOfTime):
        allowance.check(1e8)
    allowance.learn(1e9, 1.0)
    allowance.check(1e8)
    allowance.learn(1e6, 1.0)
    allowance.check(1e9)


def test_a_limit_does_not_change_what_converged_means():
    """Without a tolerance an answer that is good is converged, though the limit ended the search for more digits."""
    sought, tols = g.Mixture(components=900), (None, 1e-15)
    for tol, status in zip(tols, (Status.RELIABLE, Status.TIME), strict=True):
        clock = Striking(600, 1e9)
        result, _ = solved(make_poisson(), clock, model=sought, tol=tol)
        assert clock.seen > 600 and result.best.error < 1e-2
        assert result.status is status and result.converged == (tol is None) and "time limit" in result.details


def test_blocks_are_returned_up_to_where_they_came():
    small = {"model": g.Mixture(components=24, widths=0.7, patches=1), "blocks": 4}
    whole, _ = solved(decay(), counting := Striking(10**9, 0.0), **small)
    result, _ = solved(decay(), Striking(counting.seen * 2 // 3, 1e9), **small)
    assert not whole.partial and result.partial and not result.converged and result.status is Status.TIME
    assert "solved up to t = 0." in result.details
    early, late = (torch.tensor([[0.4, t]], dtype=torch.float64) for t in (0.1, 0.99))
    assert result.best.fit.outputs(early) == whole.best.fit.outputs(early)
    assert result.best.fit.outputs(late).isnan().all() and whole.best.fit.outputs(late).isfinite().all()


class Sizes:
    """A refinement whose fits take as long as their size; sizes double."""

    def __init__(self, clock, factor=1.0):
        self.clock, self.factor, self.tried = clock, factor, []

    def next(self, trials):
        return 1 if trials.level is None else 2 * trials.level

    def seconds(self, trials, level):
        return trials.seconds * level / trials.level

    def smaller(self, trials, level):
        return level - 1 if trials.level is not None and level - 1 > trials.level else None

    def attempt(self, level, trials, run):
        self.tried.append(level)
        self.clock.time += self.factor * level if level > 1 else level
        return Attempt(1 / level)

    def better(self, candidate, trials):
        return True

    def result(self, trials, stop, run):
        return trials.best, stop


class Attempt:
    drift, tried, validation_residual, left = None, 1, 0.0, NOTHING_LEFT

    def __init__(self, error):
        self.error = error


class Told:
    """A run on a clock that a refinement moves."""

    timed, writes, late, time, clock = True, False, False, 0.0, None

    def __init__(self, end):
        self.clock, self.end = self, end

    def now(self):
        return self.time

    def affords(self, seconds):
        return self.clock.time + seconds <= self.end

    def record(self, candidate, state):
        pass


def test_where_the_next_step_does_not_fit_a_smaller_one_is_tried():
    run = Told(end=12.5)  # 1 + 2 + 4 are 7, and 8 do not fit any more
    sizes = Sizes(run)
    best, stop = adapt(sizes, run)
    assert sizes.tried == [1, 2, 4, 5] and stop is Stop.TIME and best.error == 1 / 5


def test_a_forecast_is_held_beside_what_a_fit_took():
    run = Told(end=40.0)
    sizes = Sizes(run, factor=3.0)
    adapt(sizes, run)
    assert run.time <= run.end, "fits take three times as long as foretold, which the first of them shows"
    assert sizes.tried[:3] == [1, 2, 3], "not 4, which would take 36 if it took three times as long again"


def test_what_shows_the_solution_may_take_all_of_the_time():
    for end, last in ((150.0, 64), (260.0, 256)):  # 1 + 2 + ... + 64 are 127, and 128 show it: errors of less than 1e-2
        run, whole = Told(end), Told(end=600.0)
        whole.clock = run
        sizes = Sizes(run)
        adapt(sizes, run, whole=whole)
        assert sizes.tried == [2**k for k in range(last.bit_length())]


def test_work_that_is_bounded_takes_no_smaller_steps():
    run = Told(end=12.5)
    run.timed = False
    sizes = Sizes(run)
    adapt(sizes, run)
    assert sizes.tried == [1, 2, 4]


def test_offsets_have_estimates_of_the_deviation():
    line = g.Interval(x=(0, 1))
    kelvin = g.Dirichlet(u=293.0)

    def warmed(u, x):
        return g.diff(u, x, x) + PI**2 * torch.sin(PI * x)

    report = g.solve(g.Problem(line, warmed, [kelvin], fields=("u",)), g.Mixture(components=12, widths=1.5)).report
    deviation = (torch.sin(PI * torch.linspace(0, 1, 999)).var() ** 0.5).item()
    assert report.deviation_estimates["u"] == pytest.approx(report.error_estimate * 293.6 / deviation, rel=0.05)
    assert "of deviation" in str(report)
    plain = g.solve(g.Problem(line, warmed, [g.Dirichlet(u=0)]), g.Mixture(components=12, widths=1.5)).report
    assert plain.deviation_estimates == {} and "of deviation" not in str(plain)
