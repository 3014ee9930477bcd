"""Imports run one way only, rooms stay small, and the wheel holds every folder."""

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "gmnm_pde"

FLOORS = [
    ("_errors", "_elsewhere"),
    ("_calls", "processes"),
    ("_doors", "_modes", "multiindex", "interruption", "memory"),
    ("_extras", "_html"),
    ("binding",),
    ("geometry",),
    ("sampling", "jets"),
    ("operators",),
    ("statement",),
    ("linalg",),
    ("registry", "models", "methods"),
    ("residuals", "io"),
    ("exports",),
    ("plots",),
    ("pages",),
    ("results", "scrutiny"),
    ("collocation",),
    ("fitting",),
    ("boxes", "evolution"),
    ("run",),
    ("adaptivity",),
    ("strategies",),
    ("options",),
    ("solve", "eigenmodes", "ensembles", "callbacks"),
    ("compare", "bench", "sklearn"),
    ("cli",),
]
"""From the ground up: a room imports from floors below its own, and from itself."""

LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}


def modules():
    return sorted(path for path in LIBRARY.rglob("*.py") if path != LIBRARY / "__init__.py")


def room_of(path):
    return path.relative_to(LIBRARY).parts[0].removesuffix(".py")


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("gmnm_pde"):
            names = node.module.split(".")[1:]
            yield names[0] if names else node.names[0].name
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("gmnm_pde."):
                    yield alias.name.split(".")[1]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(LIBRARY)))
def test_imports_run_downwards(path):
    room = room_of(path)
    assert room in LEVEL, f"{room} stands on no floor: add it to FLOORS"
    for imported in imports_of(path):
        allowed = imported == room or LEVEL[imported] < LEVEL[room]
        assert allowed, f"{path.name} on the floor of '{room}' imports '{imported}', which is not below it"


@pytest.mark.parametrize("path", sorted((ROOT / "problems").glob("*.py")), ids=lambda path: path.name)
def test_problems_use_the_public_names_only(path):
    assert set(imports_of(path)) <= {
        "Annulus", "Ball", "Box", "Condition", "DiffusionCone", "Dirichlet", "Disk", "Ellipse", "GmnmError",
        "Initial", "Interval",
        "Mesh", "Neumann", "Observations", "Periodic", "PointCloud", "Polygon", "Problem", "Rectangle", "Robin",
        "SignedDistance", "SphericalShell", "Time", "Triangle", "WholeSpace", "biharmonic", "curl", "diff", "div",
        "grad",
        "laplacian", "normal_derivative", "sampling",
    }  # fmt: skip


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(LIBRARY)))
def test_files_stay_short(path):
    assert len(path.read_text().splitlines()) <= 400


def test_the_wheel_lists_every_folder():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {"gmnm_pde." + ".".join(p.parent.relative_to(LIBRARY).parts) for p in LIBRARY.rglob("*/__init__.py")}
    assert set(settings["packages"]) == folders | {"gmnm_pde", "gmnm_pde.problems"}
    assert settings["package-dir"] == {"gmnm_pde.problems": "problems"}
