"""Two processes that share the points of one training give the solution of one process, to rounding."""

import json
import os
import subprocess
import sys

import pytest
import torch

import gmnm_pde as g

SCRIPT = """
import json, sys
import torch
import torch.distributed as dist
import gmnm_pde as g

dist.init_process_group("gloo")
method, path, options = eval(sys.argv[1]), sys.argv[2], eval(sys.argv[3])
torch.manual_seed(0)
options = {"points": {"interior": 121, "boundary": 37}, **options}
solution = g.solve(g.registry.load("poisson"), g.MLP([2, 9, 1]), method, checkpoint=path + ".checkpoint", **options)
if dist.get_rank() == 0:
    with open(path, "w") as file:
        json.dump({"values": solution([0.1, 0.5], [0.2, -0.3]).tolist(), "loss": solution.history["loss"][-1]}, file)
dist.destroy_process_group()
"""

METHODS = {
    "adam": ("g.Adam(40, lr=1e-2)", "{}"),
    "lbfgs": ("g.LBFGS(20)", "{}"),
    "self-scaled": ("g.SelfScaled(20)", "{}"),
    "gauss-newton": ("[g.GaussNewton(6), g.LeastSquares()]", "{}"),
    "balanced": ("g.Adam(30)", "{'weights': g.GradientNorm(every=10)}"),
    "moving": ("g.Adam(30)", "{'points': g.Resampling(121, 37, every=10)}"),
}


def torchrun(processes, *arguments):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize("name", [n if n == "adam" else pytest.param(n, marks=pytest.mark.slow) for n in METHODS])
def test_two_processes_give_the_digits_of_one(tmp_path, name):
    script, out = tmp_path / "train.py", tmp_path / "out.json"
    script.write_text(SCRIPT)
    method, options = METHODS[name]
    torchrun(2, script, method, str(out), options)
    found = json.loads(out.read_text())
    torch.manual_seed(0)
    keywords = {"points": {"interior": 121, "boundary": 37}, **eval(options, {"g": g})}
    alone = g.solve(g.registry.load("poisson"), g.MLP([2, 9, 1]), eval(method, {"g": g}), **keywords)
    assert found["values"] == pytest.approx(alone([0.1, 0.5], [0.2, -0.3]).tolist(), rel=1e-7, abs=1e-9)
    assert found["loss"] == pytest.approx(alone.history["loss"][-1], rel=1e-7)
    assert (tmp_path / "out.json.checkpoint").exists()


@pytest.mark.slow
def test_the_command_line_under_torchrun():
    arguments = "solve poisson --model mlp --method gauss-newton --points 100 --time-limit 1 --json".split()
    printed = torchrun(2, "-m", "gmnm_pde.cli", *arguments)
    assert json.loads(printed)["method"].startswith("GaussNewton")
