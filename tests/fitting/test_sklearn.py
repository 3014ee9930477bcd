"""The regressor for scikit-learn: its own checks, known functions, honest error bars."""

import pickle

import numpy as np
import pytest

import gmnm_pde as g

pytest.importorskip("sklearn", "1.6")

from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from gmnm_pde.sklearn import GMNMRegressor


@pytest.mark.filterwarnings("default")
@parametrize_with_checks([GMNMRegressor()])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def samples(count, noise, seed=0):
    rng = np.random.default_rng(seed)
    places = rng.uniform(-2, 2, (count, 2))
    return places, np.sin(2 * places[:, 0]) * np.exp(-(places[:, 1] ** 2)) + 5 + noise * rng.standard_normal(count)


def test_a_smooth_function_is_found_to_many_digits():
    x = np.linspace(0, 10, 80)[:, None]
    fitted = GMNMRegressor().fit(x, np.sin(x[:, 0]))
    between = x[:-1] + 0.05
    assert np.abs(fitted.predict(between) - np.sin(between[:, 0])).max() < 1e-10


@pytest.mark.parametrize("size", [1e200, 1e300, 1e-300])
def test_targets_may_be_of_any_size(size):
    x = np.linspace(0, 10, 80)[:, None]
    fitted = GMNMRegressor().fit(x, size * np.sin(x[:, 0]))
    assert np.abs(fitted.predict(x) / size - np.sin(x[:, 0])).max() < 1e-10


@pytest.mark.parametrize("count, noise", [(200, 0.1), (50, 0.3)])
def test_error_bars_hold_what_they_say(count, noise):
    fitted = GMNMRegressor().fit(*samples(count, noise))
    places, values = samples(2000, noise, seed=1)
    found, deviation = fitted.predict(places, return_std=True)
    within = np.abs(values - found) < 2 * deviation
    assert 0.85 < within.mean() < 0.999
    assert fitted.loo_error_ == pytest.approx(np.sqrt(np.mean((values - found) ** 2)), rel=0.5)


def test_error_bars_grow_beyond_the_samples():
    x = np.linspace(0, 1, 40)[:, None]
    _, deviation = GMNMRegressor().fit(x, np.sin(3 * x[:, 0])).predict([[0.5], [3.0]], return_std=True)
    assert deviation[0] < 1e-6 and deviation[1] > 0.5


def test_it_goes_where_estimators_go():
    places, values = samples(120, 0.1)
    both = np.stack([values, -values], axis=1)
    fitted = GMNMRegressor(components=30, widths=1.5).fit(places, both)
    assert fitted.predict(places).shape == (120, 2) and fitted.components_ == 30 and fitted.widths_ == (1.5, 1.5)
    assert np.array_equal(pickle.loads(pickle.dumps(fitted)).predict(places), fitted.predict(places))
    assert cross_val_score(make_pipeline(StandardScaler(), clone(GMNMRegressor())), places, values).mean() > 0.8


@pytest.mark.parametrize(
    "options, words",
    [
        ({"components": 0}, "a positive whole number"),
        ({"components": 2.5}, "a positive whole number"),
        ({"widths": -1}, "a positive number"),
        ({"widths": (1, 2, 3)}, "or 2 of them"),
    ],
)
def test_parameters_that_cannot_be(options, words):
    with pytest.raises(g.GmnmError, match=words):
        GMNMRegressor(**options).fit(*samples(20, 0.1))


@pytest.mark.parametrize("waves", [60.0, 100.0])
def test_what_oscillates_is_not_taken_for_noise(waves):
    x, between = np.linspace(0, 1, 200)[:, None], np.linspace(0.01, 0.99, 777)[:, None]
    values, deviations = GMNMRegressor().fit(x, np.sin(waves * x[:, 0])).predict(between, return_std=True)
    assert np.abs(values - np.sin(waves * between[:, 0])).max() < 1e-9 and deviations.max() < 1e-9
