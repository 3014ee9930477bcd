"""Function fitting for scikit-learn: ``GMNMRegressor``; it comes with ``pip install "gmnm_pde[sklearn]"``."""

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde._modes import in_ordinary_mode
from gmnm_pde.fitting.regression import regress

try:
    from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    message = 'gmnm_pde.sklearn needs scikit-learn 1.6 or later: pip install "gmnm_pde[sklearn]"'
    raise ImportError(message) from error


class GMNMRegressor(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """A function fitted to samples by a Gaussian mixture network and least squares, with an error bar.

    Components are drawn, and their coefficients solved for with a penalty of their squares. The number of components,
    their widths and the penalty are those of least error at samples that are left out, each of them once.

    Args:
        components: How many components; by default as many as lower that error.
        widths: Slopes of the components, one number or one for each feature, of features scaled to [-1, 1]; by default
            those of least error.
        random_state: The seed of the components.

    Attributes:
        components_: The number of components.
        widths_: Their slopes, by feature.
        loo_error_: The root mean squared error at samples that are left out, one number or one for each target.
        n_features_in_: The number of features.
    """

    def __init__(self, components: int | None = None, widths: Any = None, random_state: Any = 0):
        self.components = components
        self.widths = widths
        self.random_state = random_state

    @in_ordinary_mode
    def fit(self, X: Any, y: Any) -> Self:
        """Fit targets ``y`` [n] or [n, targets] at samples ``X`` [n, features]."""
        X, y = validate_data(self, X, y, multi_output=True, y_numeric=True, dtype=np.float64, ensure_min_samples=2)
        components, widths = self._checked(X.shape[1])
        self._middle, extent = (X.min(axis=0) + X.max(axis=0)) / 2, np.ptp(X, axis=0)
        self._half = np.where(extent > 0, extent / 2, 1.0)
        targets = np.asarray(y, dtype=np.float64).reshape(len(X), -1)
        largest = np.abs(targets).max(axis=0)
        largest = np.where(largest > 0, largest, 1.0)
        targets = targets / largest  # squares of large ones would be infinite
        mean, spread = targets.mean(axis=0), targets.std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        self._single, self._mean, self._scale = np.ndim(y) == 1, largest * mean, largest * spread
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        scaled = torch.as_tensor((targets - mean) / spread)
        self._fit = regress(self._unit(X), scaled, components=components, widths=widths, seed=seed)
        self.components_, self.widths_ = self._fit.model.components, self._fit.widths
        error = self._fit.ridge.left_out.numpy() * self._scale
        self.loo_error_ = float(error[0]) if self._single else error
        return self

    @in_ordinary_mode
    def predict(self, X: Any, return_std: bool = False) -> Any:
        """The targets at samples [n, features]; with ``return_std`` also the standard deviations of their errors.

        Beyond the range of the samples that were fitted these grow with the distance, for nothing is known there.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        values, variances = self._fit.predict(self._unit(X))
        shaped = [values.numpy() * self._scale + self._mean, variances.sqrt().numpy() * self._scale]
        shaped = [part[:, 0] for part in shaped] if self._single else shaped
        return tuple(shaped) if return_std else shaped[0]

    def _unit(self, X: np.ndarray) -> Tensor:
        return torch.as_tensor((X - self._middle) / self._half)

    def _checked(self, features: int) -> tuple[int | None, tuple[float, ...] | None]:
        """The parameters, if they are ones."""
        components, widths = self.components, self.widths
        if components is not None and (not isinstance(components, Integral) or components < 1):
            call = f"GMNMRegressor(components={components!r})"
            raise refuse(call, expected="a positive whole number", got=repr(components))
        if widths is None:
            return components, None
        given = (widths,) * features if isinstance(widths, Real) else tuple(np.ravel(widths))
        if len(given) != features or not all(isinstance(w, Real) and 0 < float(w) < np.inf for w in given):
            call = f"GMNMRegressor(widths={widths!r})"
            raise refuse(call, expected=f"a positive number, or {features} of them", got=repr(widths))
        return components, tuple(float(width) for width in given)
