"""Files belong to their problem and to their solve, are refused where they are not whole, and are written whole."""

import json
import math
import os
import random
import resource
import stat
import struct
import tempfile
import threading
import time
from functools import cache
from pathlib import Path
from unittest import mock

import pytest
import torch
from safetensors.torch import load, save

import gmnm_pde as g
from gmnm_pde.io.tensors import checksum
from gmnm_pde.options.arguments import Arguments
from gmnm_pde.options.choice import choose
from gmnm_pde.statement.fingerprint import difference, fingerprint

PI = math.pi
SMALL = g.Mixture(components=12, widths=2.0)


def line(source=1.0, edge=0.0, power=1.0, **options):
    """Poisson's equation on an interval, perhaps with a cubic term."""
    return g.Problem(
        g.Interval(x=(0, 1)),
        lambda u, x: g.laplacian(u) + source * PI**2 * torch.sin(PI * x) - 0.1 * (power - 1) * u**3,
        [g.Dirichlet(u=edge)],
        name="line",
        **options,
    )


def cubic(factor):
    return g.Problem(g.Interval(x=(0, 1)), lambda u, x: g.laplacian(u) - factor * u**3 + 5, [g.Dirichlet(u=0)])


def with_constant(c):
    return g.Problem(g.Interval(x=(0, 1)), lambda u, x, c: g.laplacian(u) + c, [g.Dirichlet(u=0)], constants={"c": c})


def observed(factor=1.0, noise=None, guess=1.0, at=0.5):
    """An unknown strength of the source, and values of the field."""
    points = torch.tensor([[0.2], [at], [0.9]], dtype=torch.float64)
    values = factor * torch.sin(PI * points[:, 0])
    return g.Problem(
        g.Interval(x=(0, 1)),
        lambda u, x, k: g.laplacian(u) + k * PI**2 * torch.sin(PI * x),
        [g.Dirichlet(u=0), g.Observations(points, u=values, noise=noise)],
        parameters={"k": guess},
    )


def heat(factor=1.0, diffusivity=0.1):
    return g.Problem(
        g.Interval(x=(0, 1)) * g.Time(t=(0, 0.5)),
        lambda u, x, t: g.diff(u, t) - diffusivity * g.diff(u, x, x),
        [g.Dirichlet(u=0), g.Initial(u=lambda x: factor * torch.sin(PI * x))],
    )


def network(seed=0, width=6):
    torch.manual_seed(seed)
    return g.MLP([1, width, 1])


# The problem that a file belongs to

OTHERS = {
    "a source": (lambda: line(), lambda: line(2.0), "the residual 'equation' differs"),
    "a small change": (lambda: line(), lambda: line(1.0001), "the residual 'equation' differs"),
    "a value at the edge": (lambda: line(), lambda: line(edge=1.0), "the residual 'dirichlet_u' differs"),
    "a constant": (lambda: with_constant(1), lambda: with_constant(2), "the constant c was 1 and is 2"),
    "a nonlinear factor": (lambda: cubic(1.0), lambda: cubic(1.5), "the residual 'equation' differs"),
    "a small coefficient": (lambda: heat(1, 1e-9), lambda: heat(1, 2e-9), "the residual 'equation' differs"),
    "observed values": (lambda: observed(), lambda: observed(3.0), "the residual 'observed_u' differs"),
    "where they are": (lambda: observed(), lambda: observed(at=0.6), "'observed_u' holds at other points"),
    "their noise": (lambda: observed(noise=0.1), lambda: observed(noise=0.2), "noise of 'observed_u' was 0.1"),
    "a guess": (lambda: observed(), lambda: observed(guess=2.0), "the parameter k began at 1 and begins at 2"),
    "an initial value": (lambda: heat(), lambda: heat(2.0), "the residual 'initial_u' differs"),
    "coordinates": (lambda: line(), lambda: heat(), "the coordinates were x and are x, t"),
    "the domain": (
        lambda: line(),
        lambda: g.Problem(g.Interval(x=(0, 2)), lambda u: g.laplacian(u), [g.Dirichlet(u=0)]),
        r"the domain was Interval\(x=\(0, 1\)\) and is Interval\(x=\(0, 2\)\)",
    ),
    "the fields": (
        lambda: line(),
        lambda: g.Problem(g.Interval(x=(0, 1)), lambda w: g.laplacian(w), [g.Dirichlet(w=0)]),
        "the fields were u and are w",
    ),
    "a condition more": (
        lambda: line(),
        lambda: g.Problem(
            g.Interval(x=(0, 1)), lambda u: g.laplacian(u), [g.Dirichlet(u=0), g.Neumann(u=0)], fields=["u"]
        ),
        "the terms were equation, dirichlet_u and are equation, dirichlet_u, neumann_u",
    ),
}


@pytest.mark.parametrize("case", OTHERS)
@pytest.mark.filterwarnings("ignore::gmnm_pde.NumericalWarning")
def test_a_problem_is_told_from_others(case):
    one, other, words = OTHERS[case]
    known = json.loads(json.dumps(fingerprint(one())))
    assert difference(known, fingerprint(one())) == ""
    with pytest.raises(AssertionError, match=words):
        assert not difference(known, fingerprint(other())), difference(known, fingerprint(other()))


def test_rounding_is_no_difference_and_every_observation_counts():
    near = g.Problem(
        g.Interval(x=(0, 1)),
        lambda u, x: g.diff(u, x, x) + torch.sin(PI * x) * (PI * PI) * (1 + 1e-12),
        [g.Dirichlet(u=1e-15)],
    )
    assert difference(fingerprint(line()), fingerprint(near)) == ""
    points, values = torch.rand(5000, 1, dtype=torch.float64), torch.rand(5000, dtype=torch.float64)

    def many(values):
        seen = [g.Dirichlet(u=0), g.Observations(points, u=values)]
        return g.Problem(g.Interval(x=(0, 1)), lambda u: g.laplacian(u), seen)

    known, changed = fingerprint(many(values)), values.clone()
    changed[3210] += 0.01
    assert difference(known, fingerprint(many(values))) == ""
    assert "observed_u" in difference(known, fingerprint(many(changed)))


def test_a_fingerprint_is_cheap_and_made_for_files_alone(monkeypatch, tmp_path):
    from gmnm_pde.results import solution as solutions
    from gmnm_pde.run import checkpoint

    made = []
    for module in (solutions, checkpoint):
        monkeypatch.setattr(module, "fingerprint", lambda problem: made.append(1) or fingerprint(problem))
    solution = g.solve(line(), SMALL)
    assert not made
    solution.save(tmp_path / "solution")
    assert len(made) == 1
    g.solve(line(), SMALL, checkpoint=tmp_path / "run")
    assert len(made) == 2


@pytest.mark.parametrize("case", ["a source", "a constant", "an initial value", "the fields", "coordinates"])
@pytest.mark.parametrize("hard", [False, True])
def test_a_solution_is_loaded_with_its_own_problem_alone(case, hard, tmp_path):
    one, other, words = OTHERS[case]
    solution = g.solve(one(), SMALL, hard=hard)
    solution.save(tmp_path / "file")
    inputs = [torch.full((3,), 0.3, dtype=torch.float64)] * len(solution.coordinates)
    again = g.load_solution(tmp_path / "file", problem=one())
    assert torch.equal(again(*inputs), solution(*inputs)) and again.residuals(torch.stack(inputs, 1))
    again.save(tmp_path / "again")
    assert torch.equal(g.load_solution(tmp_path / "again", problem=one())(*inputs), solution(*inputs))
    with pytest.raises(g.GmnmError, match=f"the problem that was solved, got another: {words}"):
        g.load_solution(tmp_path / "file", problem=other())


def test_the_offset_belongs_to_the_problem(tmp_path):
    g.solve(line(edge=1.0), SMALL, hard=True).save(tmp_path / "file")
    with pytest.raises(g.GmnmError, match="the residual 'dirichlet_u' differs"):
        g.load_solution(tmp_path / "file", problem=line(edge=7.0))


SOLVES = {
    "a mixture": {"model": SMALL},
    "patches": {"model": g.Mixture(components=10, patches=2)},
    "adam": {"model": network, "method": g.Adam(8), "points": 20},
    "gauss-newton": {"model": network, "method": g.GaussNewton(2), "points": 20},
}
"""Of the problem on a line; blocks in time are of the heat equation."""


def solved(problem, path, **options):
    if callable(options.get("model")) and not isinstance(options["model"], torch.nn.Module):
        options["model"] = options["model"]()
    return g.solve(problem, checkpoint=path, **options)


@pytest.mark.parametrize("name", SOLVES)
def test_a_checkpoint_of_another_problem_is_refused(name, tmp_path):
    path, options = tmp_path / "run", SOLVES[name]
    before = solved(line(), path, **options)
    assert solved(line(), path, **options)(0.3) == before(0.3)
    whole = path.read_bytes()
    for other, words in ((line(2.0), "equation"), (line(edge=1.0), "dirichlet_u")):
        with pytest.raises(g.GmnmError, match=f"this problem, got that of another: the residual '{words}' differs"):
            solved(other, path, **options)
    assert path.read_bytes() == whole


@pytest.mark.parametrize("case", ["a constant", "a nonlinear factor", "observed values", "an initial value"])
def test_a_checkpoint_of_other_numbers_is_refused(case, tmp_path):
    one, other, words = OTHERS[case]
    g.solve(one(), SMALL, checkpoint=tmp_path / "run")
    with pytest.raises(g.GmnmError, match=words):
        g.solve(other(), SMALL, checkpoint=tmp_path / "run")


def test_a_checkpoint_of_other_initial_values_in_blocks_is_refused(tmp_path):
    path, options = tmp_path / "run", {"model": g.Mixture(components=20, patches=1), "blocks": 2}
    g.solve(heat(), checkpoint=path, **options)
    with pytest.raises(g.GmnmError, match="the residual 'initial_u' differs"):
        g.solve(heat(2.0), checkpoint=path, **options)
    for blocks in (4, [0, 0.1, 0.5], True, False):
        with pytest.raises(g.GmnmError, match="with blocks"):
            g.solve(heat(), checkpoint=path, **{**options, "blocks": blocks})
    g.solve(heat(), checkpoint=path, **{**options, "blocks": [0, 0.25, 0.5]})


OPTIONS = [
    ({"seed": 1}, "seed"),
    ({"tol": 1e-3}, "tol"),
    ({"dtype": torch.float32}, "dtype"),
    ({"points": 50}, "points"),
    ({"weights": {"boundary": 3.0}}, "weights"),
    ({"hard": True}, "hard"),
    ({"engine": "reverse"}, "engine"),
    ({"blocks": False}, "slabs_allowed"),
    ({"model": g.Mixture(components=13, widths=2.0)}, "model"),
    ({"model": g.Mixture(components=12, widths=2.0, patches=2)}, "model"),
    ({"method": g.LeastSquares(oversampling=3.0)}, "method"),
]


@pytest.mark.parametrize(("changes", "word"), OPTIONS, ids=lambda part: str(part))
def test_a_checkpoint_of_other_options_is_refused(changes, word, tmp_path):
    g.solve(line(), SMALL, checkpoint=tmp_path / "run")
    with pytest.raises(g.GmnmError, match=f"this solve, with {word} "):
        g.solve(line(), **{"model": SMALL, "checkpoint": tmp_path / "run", **changes})


def test_a_checkpoint_of_other_continuations_is_refused(tmp_path):
    path = tmp_path / "run"
    g.solve(cubic(1.0), SMALL, checkpoint=path, continuation=True)
    for other in (False, None):
        with pytest.raises(g.GmnmError, match="with continuation"):
            g.solve(cubic(1.0), SMALL, checkpoint=path, continuation=other)
    g.solve(cubic(1.0), SMALL, checkpoint=path, continuation="diffusion")


def test_partitions_are_told_apart(tmp_path):
    path = tmp_path / "run"
    cut = [g.Mixture(components=10, patches=g.Partition.grid([[0, at, 1]])) for at in (0.5, 0.4)]
    g.solve(line(), cut[0], checkpoint=path)
    with pytest.raises(g.GmnmError, match="with patches"):
        g.solve(line(), cut[1], checkpoint=path)


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    path, options = tmp_path / "run", {"method": g.Adam(6), "points": 20, "checkpoint": tmp_path / "run"}
    g.solve(line(), network(), **options)
    with pytest.raises(g.GmnmError, match=r"this model, got one .* other numbers in it\. Draw it from the same seed"):
        g.solve(line(), network(seed=1), **options)
    with pytest.raises(g.GmnmError, match="with model 'MLP of 22 parameters', got one with 'MLP of 19 parameters'"):
        g.solve(line(), network(width=7), **options)
    g.solve(line(), network(), **options)
    path.unlink()
    layers = [torch.nn.Linear(1, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)]
    g.solve(line(), torch.nn.Sequential(*layers), **options)
    layers[1] = torch.nn.Sigmoid()
    with pytest.raises(g.GmnmError, match="with layers"):
        g.solve(line(), torch.nn.Sequential(*layers), **options)


# Files that were changed


class Stop(Exception):
    pass


@cache
def contents(kind):
    """A file of a kind: a solution, or the checkpoint of a solve that was stopped, or that is over."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        if kind == "solution":
            g.solve(line(), SMALL, seed=3).save(path)
            return path.read_bytes()
        steps, options = [], dict(FILES[kind])
        problem, rows = options.pop("problem"), options.pop("rows")

        def stop(news):
            steps.append(news)
            if rows and "residual" in news.figures and len(steps) > rows and path.exists():
                raise Stop

        with mock.patch("gmnm_pde.run.checkpoint._PAUSE", 0.0), mock.patch("gmnm_pde.run.checkpoint._SHARE", 0.0):
            try:
                solved(problem(), path, callback=stop, **options)
            except Stop:
                pass
            else:
                assert not rows, "it was over before it was stopped"
        return path.read_bytes()


FILES = {
    "a mixture": {"problem": line, "model": g.Mixture(components=60), "tol": 1e-9, "rows": 1},
    "patches": {"problem": line, "model": g.Mixture(components=12, patches=2), "rows": 0},
    "blocks": {"problem": heat, "model": g.Mixture(components=20, widths=1.5, patches=1), "blocks": 2, "rows": 1},
    "adam": {"problem": line, "model": network, "method": g.Adam(60), "points": 10, "rows": 1},
    "done": {"problem": line, "model": network, "method": [g.Adam(4), g.LeastSquares()], "points": 10, "rows": 0},
}


def opened(content):
    """The plain values of a file: its kind, its header, and its tensors."""
    length = struct.unpack("<Q", content[:8])[0]
    metadata = json.loads(content[8 : 8 + length])["__metadata__"]
    return metadata["format"], json.loads(metadata["header"]), load(content)


def closed(kind, header, tensors, sign=None):
    """A file of them, with the checksum that it should have or another."""
    text = header if isinstance(header, str) else json.dumps(header)
    return save(tensors, {"format": kind, "header": text, "sha256": sign or checksum(kind, text, tensors)})


STRANGE = [
    None,
    True,
    -1,
    0,
    3,
    10**9,
    10**18,
    10**400,
    math.nan,
    math.inf,
    -0.5,
    "",
    "9",
    "zz",
    [],
    {},
    [-1.0],
    [[1, 0]],
    {"a": 1},
]


def places(value, path=()):
    """Everything in nested dicts and lists, by its path."""
    yield path
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*path, key))


def edited(header, draw, allowed=lambda path: True):
    """The header with one thing dropped, or put in place of another."""
    header = json.loads(json.dumps(header))
    path = draw.choice([path for path in places(header) if path and allowed(path)])
    inner = header
    for key in path[:-1]:
        inner = inner[key]
    if draw.random() < 0.3:
        del inner[path[-1]]
    else:
        inner[path[-1]] = draw.choice(STRANGE)
    return header


def mutated(content, draw):
    """A file that somebody, or a disk, has changed."""
    way = draw.choice(["bits", "bits", "cut", "piece", "header", "shape", "longer"])
    at = draw.randrange(len(content))
    if way == "bits":
        changed = bytearray(content)
        for _ in range(draw.choice([1, 1, 4])):
            changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
        return bytes(changed)
    if way == "cut":
        return content[:at]
    if way == "piece":
        return content[:at] + content[at + draw.randrange(1, 50) :]
    if way == "longer":
        return content[:at] + bytes(draw.randrange(256) for _ in range(8)) + content[at:]
    kind, header, tensors = opened(content)
    sign = checksum(kind, json.dumps(header), tensors)
    if way == "header":
        return closed(kind, edited(header, draw), tensors, sign)
    name = draw.choice(sorted(tensors))
    tensor = tensors[name]
    change = draw.choice([tensor.half(), tensor * math.nan, tensor.flatten()[:-1], tensor[None], tensor + 1])
    return closed(kind, header, {**tensors, name: change.contiguous()}, sign)


def numbers_of(solution):
    inputs = [torch.linspace(0.1, 0.4, 5, dtype=torch.float64)] * len(solution.coordinates)
    return solution(*inputs)


def opens(kind, path):
    """The numbers that a file gives."""
    if kind == "solution":
        return numbers_of(g.load_solution(path))
    reader(kind, path).load()  # refuses in a hundredth of the time
    return numbers_of(solved(FILES[kind]["problem"](), path, **options_of(kind)))


def options_of(kind):
    return {key: value for key, value in FILES[kind].items() if key not in ("problem", "rows")}


@cache
def reader(kind, path):
    """What a solve reads its checkpoint by."""
    options = options_of(kind)
    options["model"] = options["model"]() if options["model"] is network else options["model"]
    return choose(Arguments(problem=FILES[kind]["problem"](), checkpoint=path, **options)).checkpoint


def fuzz(kind, count, path, change):
    """How many of so many changed files are refused; the others are to give the same numbers."""
    content, draw, refused = contents(kind), random.Random(f"{kind} {count}"), 0
    path.write_bytes(content)
    right = opens(kind, path)
    for number in range(count):
        path.write_bytes(change(content, draw))
        try:
            found = opens(kind, path)
        except g.GmnmError:
            refused += 1
        else:
            assert torch.equal(found, right), f"{kind}, change {number}"
    return refused


@pytest.mark.parametrize("kind", ["solution", *FILES])
def test_a_changed_file_is_refused_or_gives_the_same_numbers(kind, tmp_path):
    count = 200
    began, memory = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert fuzz(kind, count, tmp_path / "file", mutated) > 0.95 * count
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 300_000  # kB
    assert time.process_time() - began < 30


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["solution", *FILES])
def test_many_changed_files(kind, tmp_path):
    assert fuzz(kind, 5000, tmp_path / "file", mutated) > 4500


def forged(kind, count, path):
    """Edit headers and sign them anew: no other error may come, and not much memory may go."""
    content, draw, refused = contents(kind), random.Random(f"{kind} {count}"), 0
    name, header, tensors = opened(content)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def allowed(path):
        """What a method keeps for its own steps is not looked into; problem and identity are compared."""
        inner = header
        for key in path[:-1]:
            if isinstance(inner, list) and inner[0] == "under_way":
                return False
            inner = inner[key]
        return path[0] not in ("problem", "identity")

    for _ in range(count):
        path.write_bytes(closed(name, edited(header, draw, allowed), tensors))
        try:
            opens(kind, path)
        except g.GmnmError:
            refused += 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 300_000
    return refused


@pytest.mark.parametrize("kind", ["solution", *FILES])
@pytest.mark.filterwarnings("ignore")
def test_a_header_that_was_signed_anew_is_checked(kind, tmp_path):
    assert forged(kind, 25, tmp_path / "file") > 12


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["solution", *FILES])
@pytest.mark.filterwarnings("ignore")
def test_many_headers_that_were_signed_anew(kind, tmp_path):
    assert forged(kind, 1000, tmp_path / "file") > 600


@pytest.mark.parametrize("kind", ["solution", *FILES])
def test_an_edited_fingerprint_or_identity_is_refused(kind, tmp_path):
    name, header, tensors = opened(contents(kind))
    draw, path, problem = random.Random(kind), tmp_path / "file", (FILES[kind]["problem"] if kind in FILES else line)()
    parts, refused = ("problem", "identity"), 0
    for _ in range(60):
        header_now = edited(header, draw, lambda path: path[0] in parts and (len(path) > 1 or draw.random() < 0.1))
        path.write_bytes(closed(name, header_now, tensors))
        try:
            if kind == "solution":
                g.load_solution(path, problem=problem)
            else:
                reader(kind, path).load()
        except g.GmnmError as error:
            assert len(str(error)) < 2000
            refused += 1
    assert refused > 55


def put(header, *path, value):
    header = json.loads(json.dumps(header))
    inner = header
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return header


EDITS = [
    (("dtype",), "float16"),
    (("dtype",), "float32"),
    (("fields",), ["u", "v", "w"]),
    (("fields",), []),
    (("fields",), ["u", "u"]),
    (("fields",), [3]),
    (("fields",), [None]),
    (("report", "error_estimate"), "small"),
    (("report", "error_estimate"), -1.0),
    (("report", "seconds"), None),
    (("report", "converged"), 1),
    (("bounds",), [[math.nan, 1.0]]),
    (("bounds",), [[1.0, 0.0]]),
    (("bounds",), [[0.5, 0.5]]),
    (("history",), [1.0, 2.0]),
    (("history",), [{"loss": 1.0}]),
    (("coordinates",), ["x", "y"]),
    (("model", "config", "components"), 10**9),
    (("model", "config", "components"), 10**30),
    (("model", "config", "components"), "9"),
    (("model", "config", "in_features"), 10**9),
    (("model", "bounds"), [[0.0, 2.0]]),
    (("model", "kind"), "Nothing"),
]


@pytest.mark.parametrize(("path", "value"), EDITS, ids=str)
def test_an_edited_header_of_a_solution_is_refused(path, value, tmp_path):
    kind, header, tensors = opened(contents("solution"))
    (tmp_path / "file").write_bytes(closed(kind, put(header, *path, value=value), tensors))
    with pytest.raises(g.GmnmError, match=r"load_solution|loading a Nothing"):
        g.load_solution(tmp_path / "file")


@pytest.mark.parametrize(
    ("model", "path", "value"),
    [
        (lambda: g.MLP([1, 4, 1]), "widths", [1, 30_000_000, 1]),
        (lambda: g.KAN([1, 4, 1]), "grid", 10**9),
        (lambda: g.KAN([1, 4, 1]), "order", 10**5),
        (lambda: g.RBF(1, 1, 9), "components", 10**9),
        (lambda: g.GMNM(1, 1, 9, form="full"), "in_features", 9),
    ],
)
def test_a_header_that_asks_for_memory_is_refused_first(model, path, value, tmp_path):
    g.solve(line(), model(), g.Adam(1), points=10).save(tmp_path / "file")
    kind, header, tensors = opened((tmp_path / "file").read_bytes())
    (tmp_path / "file").write_bytes(closed(kind, put(header, "model", "config", path, value=value), tensors))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(g.GmnmError, match="load_solution"):
        g.load_solution(tmp_path / "file")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 100_000


def test_deep_and_strange_headers_are_refused(tmp_path):
    kind, header, tensors = opened(contents("solution"))
    for text in ("[" * 100_000, "[" * 100_000 + "]" * 100_000, "[" * 900 + "]" * 900, "3", "null", "{", "9" * 5000):
        (tmp_path / "file").write_bytes(closed(kind, text, tensors))
        with pytest.raises(g.GmnmError, match="whole file"):
            g.load_solution(tmp_path / "file")
    (tmp_path / "file").write_bytes(closed("gmnm_pde solution 1", header, tensors))
    with pytest.raises(g.GmnmError, match="expected a file of the format 'gmnm_pde solution 2', got 'gmnm_pde solut"):
        g.load_solution(tmp_path / "file")
    for name in ("inner.weights", "inner.centers", "middle"):
        for change in (torch.full_like(tensors[name], math.nan), tensors[name].float(), tensors[name][:-1]):
            (tmp_path / "file").write_bytes(closed(kind, header, {**tensors, name: change.contiguous()}))
            with pytest.raises(g.GmnmError, match="whole file"):
                g.load_solution(tmp_path / "file")


def set_in(structure, path, value):
    """A flattened state with something else at a path of its keys."""
    structure = json.loads(json.dumps(structure))
    inner = structure
    for key in path[:-1]:
        inner = dict(inner["keyed"])[key] if isinstance(key, str) else inner[key]
    pairs = inner["keyed"]
    pairs[:] = [[key, value if key == path[-1] else item] for key, item in pairs]
    return structure


STATES = [
    ("a mixture", ("state", "widths"), [-1.0]),
    ("a mixture", ("state", "widths"), []),
    ("a mixture", ("state", "level"), "9"),
    ("a mixture", ("state", "best", "components"), 3),
    ("a mixture", ("state", "best", "components"), 10**9),
    (
        "a mixture",
        ("state", "estimate"),
        {"keyed": [["by_field", {"keyed": [["zz", 0.0]]}], ["by_parameter", {"keyed": []}]]},
    ),
    ("a mixture", ("state",), {"keyed": []}),
    ("a mixture", ("state", "best", "outcome", "theta"), {"tensor": "nothing"}),
    ("patches", ("state", "best", "partition"), "zz"),
    ("blocks", ("state", "slabs"), []),
    ("adam", ("state",), None),
    ("adam", ("state", "under_way"), None),
    ("done", ("state", "done"), [[1e-3, 4, True, "4 steps of Adam"]] * 3),
    ("done", ("state", "scalars"), [1.0]),
]


@pytest.mark.parametrize(("kind", "path", "value"), STATES, ids=str)
def test_an_edited_checkpoint_is_refused(kind, path, value, tmp_path):
    name, header, tensors = opened(contents(kind))
    changed = {**header, "state": set_in(header["state"], path, value)}
    (tmp_path / "file").write_bytes(closed(name, changed, tensors))
    with pytest.raises(g.GmnmError, match="checkpoint"):
        opens(kind, tmp_path / "file")


@pytest.mark.parametrize("history", [[1.0], [{"loss": 1.0}], None, [{"step": 1, "seconds": "2"}]])
def test_a_history_of_something_else_is_refused(history, tmp_path):
    name, header, tensors = opened(contents("a mixture"))
    (tmp_path / "file").write_bytes(closed(name, {**header, "history": history}, tensors))
    with pytest.raises(g.GmnmError, match=r"header\.history"):
        opens("a mixture", tmp_path / "file")


# Where files are


def strange_places(folder):
    """What is no place for a file, by name."""
    os.mkfifo(folder / "pipe")
    (folder / "round").symlink_to(folder / "round")
    return {
        "a folder": folder,
        "nothing": "",
        "NUL": f"{folder}/a\0b",
        "too long": folder / ("x" * 300),
        "bytes": os.fsencode(folder / "bytes"),
        "a number": 3,
        "none at all": object(),
        "a pipe": folder / "pipe",
        "a device": "/dev/full",
        "no such folder": folder / "nowhere" / "file",
        "a link to itself": folder / "round",
        "a file as a folder": f"{__file__}/file",
    }


def test_a_place_is_tried_before_the_work(tmp_path, monkeypatch):
    solution = g.load_solution(_written(tmp_path / "solution"))
    folder = tmp_path / "places"
    folder.mkdir()
    places = strange_places(folder)
    with (tmp_path / "open").open("w") as file:
        for name, at in {**places, "a file that is open": file}.items():
            began = time.monotonic()
            for use in (
                lambda at=at: g.solve(line(), SMALL, checkpoint=at, callback=lambda news: pytest.fail("it solved")),
                lambda at=at: solution.save(at),
                lambda at=at: g.load_solution(at),
            ):
                with pytest.raises(g.GmnmError, match=r"expected (the path of a|an ordinary|a) file"):
                    use()
            assert time.monotonic() - began < 5, name
    assert Path("/dev/full").is_char_device() and (folder / "pipe").is_fifo()
    assert {path.name for path in folder.iterdir()} == {"pipe", "round"}


def _written(path):
    path.write_bytes(contents("solution"))
    return path


def test_links_are_followed_and_kept(tmp_path):
    solution = g.load_solution(_written(tmp_path / "solution"))
    for name, there in (("old", True), ("new", False)):
        target, link = tmp_path / f"{name} target", tmp_path / f"{name} link"
        if there:
            target.write_bytes(b"before")
        link.symlink_to(target)
        solution.save(link)
        assert link.is_symlink() and not target.is_symlink()
        assert torch.equal(numbers_of(g.load_solution(target)), numbers_of(g.load_solution(link)))
        target.unlink()
        g.solve(line(), SMALL, checkpoint=link)
        assert link.is_symlink() and target.is_file()


def test_permissions_are_those_of_other_files(tmp_path):
    solution, before = g.load_solution(_written(tmp_path / "solution")), os.umask(0o027)
    try:
        solution.save(tmp_path / "saved")
        g.solve(line(), SMALL, checkpoint=tmp_path / "run")
    finally:
        os.umask(before)
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("saved", "run")} == {0o640}


class Full:
    """A disk that is full after some files."""

    def __init__(self, monkeypatch, spared):
        from gmnm_pde.io import places

        self.spared, self._write = spared, places.Path.replace
        monkeypatch.setattr(places.Path, "replace", lambda path, target: self.replace(path, target))

    def replace(self, path, target):
        self.spared -= 1
        if self.spared < 0:
            raise OSError(28, "No space left on device")
        return self._write(path, target)


def test_what_fails_at_the_end_keeps_the_old_file_and_the_answer(tmp_path, monkeypatch):
    solution, path = g.load_solution(_written(tmp_path / "solution")), tmp_path / "file"
    solution.save(path)
    whole = path.read_bytes()
    Full(monkeypatch, 0)
    with pytest.raises(g.GmnmError, match="a file that can be written, got no space left on device"):
        solution.save(path)
    assert path.read_bytes() == whole
    with pytest.warns(g.NumericalWarning, match="no space left on device. The solve goes on without writing"):
        found = g.solve(line(), SMALL, checkpoint=tmp_path / "run")
    assert found.report.converged and not (tmp_path / "run").exists()
    assert not list(tmp_path.glob("*.partial"))


def test_a_name_as_long_as_may_be(tmp_path):
    path = tmp_path / ("x" * 250)
    g.solve(line(), SMALL, checkpoint=path).save(path.with_name("y" * 255))
    assert path.exists() and g.load_solution(path.with_name("y" * 255)).report.converged
    assert len(list(tmp_path.iterdir())) == 2


def test_many_at_once_write_one_file(tmp_path):
    path = tmp_path / "run"

    def go_on():
        for _ in range(5):
            solutions.append(g.solve(line(), SMALL, checkpoint=path)(0.3))

    solutions = []
    threads = [threading.Thread(target=go_on) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(solutions) == 15 and len(set(map(float, solutions))) == 1
