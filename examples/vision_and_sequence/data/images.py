"""Data sets of images with labels: scikit-learn's digits, MNIST, CIFAR-10 and CIFAR-100."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gmnm_pde import GmnmError

from .files import damaged, read_batch, read_idx


@dataclass(frozen=True)
class Images:
    """Images to train on and to test on.

    Attributes:
        name: Of the data set.
        classes: How many there are.
        train, test: uint8 [n, channels, height, width].
        train_labels, test_labels: int64 [n], from 0 to classes - 1.
    """

    name: str
    classes: int
    train: Tensor
    train_labels: Tensor
    test: Tensor
    test_labels: Tensor

    def __str__(self) -> str:
        return f"{self.name}: {len(self.train):,} images to train on, {len(self.test):,} to test on"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        return tuple(self.train.shape[1:])  # type: ignore[return-value]

    def subset(self, train: int | None = None, test: int | None = None) -> "Images":
        """As many images of every class, the first of each in the order of the files.

        Raises:
            GmnmError: a number that the classes do not divide, or more than there are.
        """
        parts = {}
        for part, count in (("train", train), ("test", test)):
            if count is not None:
                kept = self._first(getattr(self, f"{part}_labels"), count, f"--{part}-images {count}")
                parts |= {part: getattr(self, part)[kept], f"{part}_labels": getattr(self, f"{part}_labels")[kept]}
        return replace(self, **parts)

    def _first(self, labels: Tensor, count: int, call: str) -> Tensor:
        each, rest = divmod(count, self.classes)
        counts = labels.bincount(minlength=self.classes)
        fewest = int(counts.min())
        if rest or not 0 < each <= fewest:
            expected = f"a multiple of the {self.classes} classes of {self.name}, at most {fewest * self.classes:,}"
            raise GmnmError(f"{call}: expected {expected}, got {count}.")
        by_class = labels.argsort(stable=True)
        starts = counts.cumsum(0) - counts
        place = torch.arange(len(labels)) - starts[labels[by_class]]  # the number of an image within its class
        return by_class[place < each].sort().values


def load(name: str, folder: Path | None = None) -> Images:
    """A data set by its name in ``SOURCES``, from the folder that torchvision.datasets downloads to.

    Args:
        name: ``digits`` needs no folder: the 1,797 handwritten digits of 8 x 8 pixels that come with scikit-learn.
        folder: With ``MNIST/raw``, ``cifar-10-batches-py`` and ``cifar-100-python`` in it, or the one asked for.

    Raises:
        GmnmError: an unknown name; a file that is missing or damaged; images and labels that do not fit together.
    """
    if name not in SOURCES:
        raise GmnmError(f"--dataset {name}: expected one of {', '.join(SOURCES)}, got {name!r}.")
    if name == "digits":
        return _digits()
    if folder is None:
        raise GmnmError(f"--dataset {name}: expected --data DIR with its files, got none. --dataset digits needs none.")
    return SOURCES[name](folder)


def _digits() -> Images:
    try:
        from sklearn.datasets import load_digits  # an extra, which the other data sets do without
    except ImportError:
        remedy = 'pip install -e ".[examples]"'
        raise GmnmError(f"--dataset digits: expected scikit-learn, got none installed. Install it: {remedy}") from None
    values, digits = load_digits(return_X_y=True)
    pixels = torch.tensor(values * 255 / 16).to(torch.uint8).view(-1, 1, 8, 8)
    labels = torch.tensor(digits, dtype=torch.int64)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    train, test = order[360:], order[:360]
    return Images("digits", 10, pixels[train], labels[train], pixels[test], labels[test])


def _mnist(folder: Path) -> Images:
    raw = folder / "MNIST" / "raw"
    parts = []
    for part, count in (("train", 60_000), ("t10k", 10_000)):
        paths = raw / f"{part}-images-idx3-ubyte.gz", raw / f"{part}-labels-idx1-ubyte.gz"
        images, labels = (read_idx(path) for path in paths)
        for path, found, shape in zip(paths, (images, labels), ((count, 28, 28), (count,)), strict=True):
            if found.shape != shape:
                raise damaged(path, f"shape {list(found.shape)} in place of {list(shape)}")
        parts += [_checked(paths[1], images[:, None], labels.astype(np.int64), 10)]
    return _whole("mnist", 10, *parts)


def _cifar10(folder: Path) -> Images:
    batches = folder / "cifar-10-batches-py"
    parts = [read_batch(batches / f"data_batch_{number}", "labels") for number in range(1, 6)]
    images, labels = (np.concatenate(both) for both in zip(*parts, strict=True))
    train = _checked(batches, images, labels, 10)
    return _whole("cifar10", 10, train, _batch(batches / "test_batch", "labels", 10))


def _cifar100(folder: Path) -> Images:
    files = folder / "cifar-100-python"
    return _whole("cifar100", 100, *(_batch(files / part, "fine_labels", 100) for part in ("train", "test")))


def _batch(path: Path, key: str, classes: int) -> tuple[np.ndarray, np.ndarray]:
    return _checked(path, *read_batch(path, key), classes)


def _checked(path: Path, images: np.ndarray, labels: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    if set(np.unique(labels)) != set(range(classes)):
        raise damaged(path, f"labels that are not all of 0 to {classes - 1}")
    return images, labels


def _whole(name: str, classes: int, *parts: tuple[np.ndarray, np.ndarray]) -> Images:
    return Images(name, classes, *(torch.tensor(array) for part in parts for array in part))


SOURCES: dict[str, Callable[..., Images]] = {
    "digits": _digits,
    "mnist": _mnist,
    "cifar10": _cifar10,
    "cifar100": _cifar100,
}
