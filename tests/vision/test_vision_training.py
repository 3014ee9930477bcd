"""The training of examples/vision_and_sequence: the same digits by seed, after a stop and in two processes; scripts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import classify
import forecast
import generate
import step_times
from data.images import load
from gmnm_pde import GmnmError
from models import cnn
from training.loop import Settings, fit
from training.processes import Processes
from training.tasks import Task

SUITE = Path(__file__).resolve().parents[2] / "examples" / "vision_and_sequence"
ALONE = Processes(0, 1, torch.device("cpu"))
SCRIPTS = {"classify": classify, "generate": generate, "forecast": forecast}


@pytest.fixture(scope="module")
def digits():
    return load("digits").subset(train=100, test=50)


def train(digits, epochs, **options):
    torch.manual_seed(0)
    network = cnn.named("cnn_gmnm", digits.shape, digits.classes)
    changed = {name: options.pop(name) for name in ("lr", "schedule", "seed") if name in options}
    return fit(network, classify.task(digits, 25), Settings(epochs, **changed), ALONE, **options), network


def without_times(curves):
    return {name: values for name, values in curves.items() if name not in ("seconds", "ms_per_step")}


def test_same_seed_same_digits(digits):
    curves, _ = train(digits, 2)
    again, _ = train(digits, 2)
    other, _ = train(digits, 2, seed=1)
    assert without_times(curves) == without_times(again)
    assert without_times(curves)["train_loss"] != other["train_loss"]
    assert len(curves["test_accuracy"]) == 2 and 0 <= curves["test_accuracy"][-1] <= 1


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_a_stopped_training_goes_on_to_the_same_digits(digits, tmp_path, schedule):
    class Stopped(Exception):
        pass

    def stop(epoch, curves):
        if epoch == 1:
            raise Stopped

    whole, network = train(digits, 4, schedule=schedule)
    path = tmp_path / "deep" / "stopped.pt"
    with pytest.raises(Stopped):
        train(digits, 4, schedule=schedule, checkpoint=path, progress=stop)
    resumed, again = train(digits, 4, schedule=schedule, checkpoint=path)
    assert without_times(resumed) == without_times(whole)
    assert all(
        torch.equal(a, b) for a, b in zip(network.state_dict().values(), again.state_dict().values(), strict=True)
    )
    seen = []
    train(digits, 4, schedule=schedule, checkpoint=path, progress=lambda epoch, _: seen.append(epoch))
    assert not seen  # nothing is left to do


def test_a_checkpoint_of_something_else_is_refused(digits, tmp_path):
    path = tmp_path / "stopped.pt"
    train(digits, 1, checkpoint=path)
    with pytest.raises(GmnmError, match=r"expected a checkpoint of these settings, got lr 0.001 in place of 0.1"):
        train(digits, 1, lr=0.1, checkpoint=path)
    task = Task(
        (torch.rand(8, 3),) * 2, (torch.rand(8, 3),) * 2, lambda y, z: {"loss": (y - z).mean()}, lambda x: x, batch=25
    )
    with pytest.raises(GmnmError, match="expected a checkpoint of this network"):
        fit(nn.Linear(3, 3), task, Settings(1), ALONE, checkpoint=path)
    path.write_bytes(b"broken")
    with pytest.raises(GmnmError, match=r"stopped.pt: expected a checkpoint, got"):
        train(digits, 1, checkpoint=path)


def test_a_checkpoint_of_other_data_is_refused(tmp_path, capsys):
    assert forecast.run([*SHORT["forecast"], "--variants", "lstm3", "--out", str(tmp_path)]) == 0
    assert forecast.run([*SHORT["forecast"], "--variants", "lstm3", "--out", str(tmp_path), "--series", "1"]) == 2
    assert "lstm3.pt: expected a checkpoint of these settings, got series 0 in place of 1" in capsys.readouterr().err


def test_a_loss_that_is_no_number_is_an_error(digits):
    with pytest.raises(GmnmError, match=r"epoch \d: expected a finite loss, got .*smaller --lr"):
        train(digits, 3, lr=1e30)


def test_orders_take_each_example_at_most_once_and_differ_between_epochs():
    numbers = torch.arange(3 * 17.0).view(3, 17)
    task = Task((numbers, numbers), (numbers, numbers), lambda y, z: {}, lambda x: x, copies=3, batch=4)
    first, second = (torch.cat(list(task.orders(0, epoch)), dim=1) for epoch in (0, 1))
    assert first.shape == (3, 16) and not torch.equal(first, second)
    assert all(len(set(row)) == 16 for row in first.tolist()) and not torch.equal(first[0], first[1])
    parts = [Processes(rank, 2, torch.device("cpu")).share(next(task.orders(0, 0))) for rank in (0, 1)]
    assert torch.equal(torch.cat(parts, dim=1), first[:, :4])


def test_measures_are_means_over_all_classes_and_examples():
    logits, labels = torch.randn(6, 4, dtype=torch.float64).float(), torch.tensor([0, 3, 2, 2, 1, 0])
    measured = classify.measure(logits, labels)
    true = nn.functional.one_hot(labels, 4).float()
    assert measured["binary"] == pytest.approx(
        float(nn.functional.binary_cross_entropy(logits.softmax(1), true)), rel=1e-5
    )
    assert measured["loss"] == pytest.approx(float(nn.functional.cross_entropy(logits, labels)), rel=1e-6)
    sure = classify.measure(torch.tensor([[1e4, 0.0]]), torch.tensor([1]))
    assert all(value.isfinite() for value in sure.values())


SHORT = {
    "classify": ["--epochs", "2", "--train-images", "200", "--test-images", "100", "--repeats", "2"],
    "generate": ["--epochs", "2", "--train-images", "60", "--test-images", "40"],
    "forecast": ["--epochs", "2", "--samples", "400", "--repeats", "2"],
}
FILES = {"classify": {"curves.png"}, "generate": {"curves.png", "pictures.png"}, "forecast": {"curves.png"}}


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_run_and_write_what_they_found(name, tmp_path, capsys):
    arguments = [*SHORT[name], "--out", str(tmp_path), "--json"]
    assert SCRIPTS[name].run(arguments) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert rows == json.loads((tmp_path / "rows.json").read_text())["rows"]
    assert {path.name for path in tmp_path.iterdir()} == {"rows.json", "curves.csv", "checkpoints", *FILES[name]}
    assert all(row["parameters"] > 100 for row in rows)
    assert len((tmp_path / "curves.csv").read_text().splitlines()) > len(rows)
    assert SCRIPTS[name].run(arguments[:-1]) == 0  # from the checkpoints, and as a table
    printed = capsys.readouterr()
    assert "epoch" not in printed.err and printed.out.startswith("| variant")


def test_the_rows_of_forecasting(tmp_path, capsys):
    assert forecast.run([*SHORT["forecast"], "--json", "--split", "time", "--variants", "lstm3,lstm3_gmnm,lstm32"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["variant"] for row in rows] == ["lstm3", "lstm3_gmnm", "lstm32"]
    assert [row["parameters"] for row in rows] == [112, 508, 4897]
    assert all(row["test_mse"] > 0 and row["train_mse"] > 0 and len(row["test_mse_values"]) == 2 for row in rows)
    assert all(row["test_mse_solved"] < row["test_mse"] for row in rows)
    assert rows[1]["test_mse_solved"] < 1e-9 < rows[0]["test_mse_solved"]  # a linear layer cannot, a mixture can


def test_step_times_are_taken_of_every_pair(capsys):
    assert step_times.run(["--steps", "1", "--batch", "2", "--device", "cpu"]) == 0
    printed = capsys.readouterr().out
    assert all(f"| {name} " in printed for name in step_times.PAIRS)


def test_the_ablation_trains_every_head(capsys):
    assert classify.run(["--ablation", "--epochs", "1", "--train-images", "100", "--test-images", "50"]) == 0
    printed = capsys.readouterr().out
    assert all(f"| {name} " in printed for name in classify.ABLATION)


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("classify", ["--dataset", "mnist"], "expected --data DIR"),
        ("classify", ["--variants", "cnn,vit"], "expected some of cnn,cnn_att"),
        ("generate", ["--train-images", "7"], "a multiple of the 10 classes"),
        ("forecast", ["--variants", "gru"], "got 'gru'"),
    ],
)
def test_bad_input_is_one_line(name, arguments, said, capsys):
    assert SCRIPTS[name].run(arguments) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "expected" in line]
    assert said in line


def test_a_device_that_is_not_there_is_refused():
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(GmnmError, match="there is no CUDA device here"):
        Processes.start("cuda")
    for arguments in (["--epochs", "0"], ["--precision", "int8"], ["--nothing"]):
        with pytest.raises(SystemExit) as stopped:
            forecast.run(arguments)
        assert stopped.value.code == 2


@pytest.mark.slow
def test_two_processes_give_the_losses_of_one(tmp_path):
    arguments = ["--epochs", "2", "--samples", "400", "--repeats", "2", "--variants", "lstm3_gmnm", "--device", "cpu"]
    assert forecast.run([*arguments, "--out", str(tmp_path / "alone")]) == 0
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [*launch, SUITE / "forecast.py", *arguments, "--out", tmp_path / "together"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    rows = [json.loads((tmp_path / kind / "rows.json").read_text())["rows"][0] for kind in ("alone", "together")]
    assert rows[1]["test_mse_values"] == pytest.approx(rows[0]["test_mse_values"], rel=1e-4)
    assert rows[1]["train_mse"] == pytest.approx(rows[0]["train_mse"], rel=1e-4)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 0.02), ("bfloat16", 0.1)])
def test_a_gpu_gives_the_losses_of_the_cpu(digits, precision, tolerance):
    losses = []
    for device, how in (("cpu", "float32"), ("cuda", precision)):
        torch.manual_seed(0)
        network = cnn.named("cnn_gmnm_att", digits.shape, digits.classes)
        processes = Processes.start(device)
        losses.append(fit(network, classify.task(digits, 25), Settings(3, precision=how), processes)["train_loss"])
    assert losses[1] == pytest.approx(losses[0], rel=tolerance)


def test_mixed_precision_on_a_cpu_leaves_the_mixture_whole(digits):
    torch.manual_seed(0)
    network = cnn.named("cnn_gmnm", digits.shape, digits.classes)
    seen = []
    network.head.layer.register_forward_hook(lambda _, given, out: seen.append((given[0].dtype, out.dtype)))
    curves = fit(network, classify.task(digits, 25), Settings(2, precision="bfloat16"), ALONE)
    plain, _ = train(digits, 2)
    assert set(seen) == {(torch.float32, torch.float32)}
    assert curves["train_loss"] == pytest.approx(plain["train_loss"], rel=0.05)
    assert curves["train_loss"] != plain["train_loss"]
