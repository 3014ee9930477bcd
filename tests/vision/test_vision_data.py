"""The data of examples/vision_and_sequence: files read safely, checked, cut evenly; the series by its formula."""

import gzip
import math
import os
import pickle
import struct
import sys

import numpy as np
import pytest
import torch

from data import files
from data.images import Images, load
from data.signals import draw
from gmnm_pde import GmnmError


def zipped(content):
    return gzip.compress(content, compresslevel=1, mtime=0)


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(struct.pack(">I", n) for n in array.shape)
    return zipped(header + array.tobytes())


def python2(images, labels):
    """A batch as Python 2 and its numpy pickled it, which is what the originals are."""
    raw = images.tobytes()
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR(K\x01K"
        + bytes([len(images)])
        + b"M\x00\x0c\x86cnumpy\ndtype\n(U\x02u1K\x00K\x01tR(K\x03U\x01|NNN"
        + b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T"
        + struct.pack("<i", len(raw))
        + raw
        + b"tb"
    )
    numbers = b"](" + b"".join(b"K" + bytes([n]) for n in labels) + b"e"
    return b"\x80\x02}(U\x04data" + array + b"U\x06labels" + numbers + b"u."


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (20, 3072), dtype=np.uint8)


def test_an_idx_file_is_read_back(tmp_path, pixels):
    path = tmp_path / "a.gz"
    array = pixels.reshape(20, 48, 64)
    path.write_bytes(idx(array))
    assert np.array_equal(files.read_idx(path), array)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"not gzip", "no whole gzip file"),
        (idx(np.zeros((3, 4), np.uint8))[:-9], "no whole gzip file"),
        (zipped(b"\x00\x00\x0d\x01\x00\x00\x00\x01" + bytes(4)), "no IDX file of unsigned bytes"),
        (zipped(b"\x00\x00\x08\x01\x00\x00\x00\x05" + bytes(4)), r"shape \[5\] and 4 bytes"),
        (zipped(b"\x00"), "no IDX file"),
    ],
    ids=["not zipped", "cut short", "numbers of another type", "fewer bytes than the header says", "no header"],
)
def test_a_damaged_idx_file_is_an_error_with_its_name(tmp_path, content, said):
    path = tmp_path / "a.gz"
    path.write_bytes(content)
    with pytest.raises(GmnmError, match=f"a.gz: expected a whole file.*{said}.*Download it again"):
        files.read_idx(path)


def test_batches_of_both_pythons_are_read(tmp_path, pixels):
    labels = [k % 10 for k in range(20)]
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(python2(pixels, labels))
    new.write_bytes(pickle.dumps({"data": pixels, "labels": labels}, protocol=2))
    for path in (old, new):
        images, numbers = files.read_batch(path, "labels")
        assert images.shape == (20, 3, 32, 32) and numbers.tolist() == labels
        assert np.array_equal(images.reshape(20, -1), pixels)


class Attack:
    def __reduce__(self):
        return os.mkdir, ("attacked",)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"data": Attack(), "labels": []}, "which no data set needs"),
        ({"data": np.zeros((2, 3072)), "labels": [0, 1]}, "an array of f8"),
        ({"data": np.zeros((2, 3072), object), "labels": [0, 1]}, "an array of O8"),
        ({"data": np.zeros((2, 10), np.uint8), "labels": [0, 1]}, "no array of bytes"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": [0]}, "without as many whole numbers"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": [0, "one"]}, "without as many whole numbers"),
        ({"data": np.zeros((2, 3072), np.uint8)}, "without 'data' and 'labels'"),
        ([1, 2], "without 'data' and 'labels'"),
    ],
)
def test_what_is_no_batch_is_an_error_and_runs_nothing(tmp_path, monkeypatch, content, said):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "batch"
    path.write_bytes(pickle.dumps(content, protocol=2))
    with pytest.raises(GmnmError, match=f"batch: expected a whole file.*{said}"):
        files.read_batch(path, "labels")
    assert [entry.name for entry in tmp_path.iterdir()] == ["batch"]


def test_a_cut_off_batch_is_an_error(tmp_path, pixels):
    path = tmp_path / "batch"
    path.write_bytes(pickle.dumps({"data": pixels, "labels": [0] * 20}, protocol=2)[:-100])
    with pytest.raises(GmnmError, match="no pickle of arrays"):
        files.read_batch(path, "labels")


def write_cifar10(folder, pixels, labels):
    batches = folder / "cifar-10-batches-py"
    batches.mkdir()
    for name in (*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"):
        (batches / name).write_bytes(pickle.dumps({"data": pixels, "labels": labels}, protocol=2))


def test_data_sets_are_read_from_the_folders_of_torchvision(tmp_path, pixels):
    write_cifar10(tmp_path, pixels, [k % 10 for k in range(20)])
    images = load("cifar10", tmp_path)
    assert images.train.shape == (100, 3, 32, 32) and images.test.shape == (20, 3, 32, 32)
    assert str(images) == "cifar10: 100 images to train on, 20 to test on" and images.shape == (3, 32, 32)
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, count in (("train", 60_000), ("t10k", 10_000)):
        (raw / f"{part}-images-idx3-ubyte.gz").write_bytes(idx(np.zeros((count, 28, 28), np.uint8)))
        (raw / f"{part}-labels-idx1-ubyte.gz").write_bytes(idx((np.arange(count) % 10).astype(np.uint8)))
    assert load("mnist", tmp_path).train.shape == (60_000, 1, 28, 28)
    (raw / "t10k-labels-idx1-ubyte.gz").write_bytes(idx((np.arange(20) % 10).astype(np.uint8)))
    with pytest.raises(GmnmError, match=r"t10k-labels.*shape \[20\] in place of \[10000\]"):
        load("mnist", tmp_path)


def test_what_is_missing_is_told_with_what_to_do(tmp_path, pixels):
    with pytest.raises(GmnmError, match=r"data_batch_1: .*No such file.*torchvision.datasets"):
        load("cifar10", tmp_path)
    with pytest.raises(GmnmError, match="expected --data DIR"):
        load("mnist")
    with pytest.raises(GmnmError, match="expected one of digits, mnist, cifar10, cifar100, got 'cifar'"):
        load("cifar")
    write_cifar10(tmp_path, pixels, [k % 9 for k in range(20)])
    with pytest.raises(GmnmError, match="labels that are not all of 0 to 9"):
        load("cifar10", tmp_path)


def test_a_subset_holds_as_many_of_every_class_in_the_order_of_the_files():
    labels = torch.randint(0, 4, (200,), generator=torch.Generator().manual_seed(0))
    numbers = torch.arange(200)
    images = Images("made", 4, numbers, labels, numbers, labels)
    part = images.subset(train=40)
    assert part.train_labels.bincount().tolist() == [10] * 4
    assert part.train.tolist() == sorted(part.train.tolist()) and len(part.test) == 200
    for k in range(4):
        assert part.train[part.train_labels == k].tolist() == numbers[labels == k][:10].tolist()
    for count in (0, 41, 240):
        with pytest.raises(GmnmError, match=f"--test-images {count}: expected a multiple of the 4 classes"):
            images.subset(test=count)


def test_the_digits_need_no_folder():
    images = load("digits")
    assert images.train.shape == (1437, 1, 8, 8) and images.test.shape == (360, 1, 8, 8)
    assert images.train.dtype == torch.uint8 and int(images.train.max()) == 255
    again = load("digits")
    assert torch.equal(images.train, again.train) and torch.equal(images.test_labels, again.test_labels)


def test_digits_without_scikit_learn_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(GmnmError, match=r"expected scikit-learn.*\[examples\]"):
        load("digits")


def test_the_series_is_that_of_the_formula():
    signals = draw(samples=1000, seed=3)
    a, b = signals.amplitudes.tolist(), signals.offsets.tolist()
    step = 99.5 / 999
    t = 0.5 + 700 * step

    def x(k, t):
        return a[k - 1] * math.sin(t) + b[k - 1]

    y = x(3, t) * x(4, t - 0.1) - x(3, t - 0.5) * x(1, t - 0.1) + x(4, t) * x(3, t) - x(2, t - 0.5) * x(1, t - 0.2)
    assert float(signals.values[700, 0]) == pytest.approx(y, rel=1e-12)
    assert signals.windows.shape == (1000, 10, 4)
    seen = [[x(k, t - delay * step) for k in range(1, 5)] for delay in range(9, -1, -1)]
    assert signals.windows[700].tolist() == [pytest.approx(row, abs=1e-12) for row in seen]
    assert torch.equal(draw(seed=3).amplitudes, signals.amplitudes)
    assert torch.allclose(draw(samples=9, scale=2.0, seed=3).amplitudes, 2 * signals.amplitudes)
    t = torch.linspace(0.5, 100, 1000, dtype=torch.float64)
    basis = torch.stack([torch.ones_like(t), t.sin(), t.sin() ** 2, t.cos(), t.sin() * t.cos()], dim=1)
    weights = torch.linalg.lstsq(basis, signals.values).solution
    assert torch.allclose(basis @ weights, signals.values, atol=1e-12)
    rest = basis[:, 3:] @ weights[3:]
    assert signals.hidden() == pytest.approx(float(rest.square().mean()), rel=0.05)  # odd in cos t: nearly orthogonal
    assert "x1 = " in str(signals) and "variance of y" in str(signals)
