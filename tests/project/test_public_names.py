"""The names that the library offers: what ``from gmnm_pde import *`` brings, and nothing beside."""

import types

import pytest

import gmnm_pde
from gmnm_pde._elsewhere import NAMES

PUBLIC = {
    "Interval", "Rectangle", "Box", "Triangle", "Polygon", "Disk", "Ellipse", "Annulus",
    "Ball", "SphericalShell", "SignedDistance", "PointCloud", "Mesh", "PlanarMesh", "read_mesh", "Time",
    "WholeSpace", "DiffusionCone",
    "diff", "grad", "div", "curl", "laplacian", "biharmonic", "normal_derivative", "integral", "mean",
    "Problem", "Dirichlet", "Neumann", "Robin", "Initial", "Interface", "Periodic", "Observations", "Condition",
    "Positive", "Bounded", "table", "image", "Event",
    "registry",
    "solve", "eigenmodes", "compare",
    "Solution", "load_solution", "Report", "History", "Posterior", "Progress", "Spectrum", "Comparison",
    "CSVLogger", "TensorBoardLogger",
    "Mixture", "GMNM", "RBF", "MLP", "KAN", "FourierFeatures", "Embedded", "Partition", "Patchwork",
    "SIREN", "ModifiedMLP", "PirateNet", "Separable", "Gabor", "PeriodicEmbedding",
    "LeastSquares", "GaussNewton", "ProximalGaussNewton", "SelfScaled", "LBFGS", "Adam", "SOAP",
    "Resampling", "ResidualAdaptive", "Causal", "GradientNorm", "ReLoBRaLo", "SelfAdaptive",
    "jet", "Tolerance", "Evolution", "Boxes", "solve_many", "Ensemble",
    "GmnmError", "NumericalWarning",
}  # fmt: skip


def test_a_star_import_brings_the_public_names_alone():
    names: dict[str, object] = {}
    exec("from gmnm_pde import *", names)
    del names["__builtins__"]
    assert set(names) == PUBLIC
    modules = {name for name, value in names.items() if isinstance(value, types.ModuleType)}
    assert modules == {"registry"}


def test_every_public_name_is_listed_once():
    assert len(gmnm_pde.__all__) == len(set(gmnm_pde.__all__)) == len(PUBLIC)


def test_results_and_news_have_public_types(poisson):
    news = []
    solution = gmnm_pde.solve(poisson, gmnm_pde.Mixture(components=60, widths=0.6), callback=news.append)
    assert isinstance(solution.report, gmnm_pde.Report) and isinstance(solution.history, gmnm_pde.History)
    assert news and all(isinstance(message, gmnm_pde.Progress) for message in news)


@pytest.mark.parametrize("name, meant", [("Circle", "Disk"), ("DirichletBC", "Dirichlet"), ("TimePDE", "Problem")])
def test_names_of_other_libraries_are_told(name, meant):
    with pytest.raises(AttributeError, match=f"here it is {meant}"):
        getattr(gmnm_pde, name)


def test_what_other_names_mean_is_there():
    for meant in NAMES.values():
        if meant.isidentifier():
            assert meant in gmnm_pde.__all__
