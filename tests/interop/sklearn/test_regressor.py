"""Numbers are predicted in the shape and the precision that scikit-learn's users expect."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

import treexlite as tx

RANDOM = np.random.default_rng(1)
X = RANDOM.normal(size=(20, 3))
W = RANDOM.normal(size=(3, 2))


class Flat(tx.Module):
    """A model whose output for an example is a number, not a row of one."""

    def __init__(self) -> None:
        self.linear = tx.nn.Linear(1)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return self.linear(x)[:, 0]


def regressor(model: object) -> tx.TrainerRegressor:
    return tx.TrainerRegressor(model, optimizer=tx.Optimizer("sgd", 0.2), epochs=40, random_state=0)


@pytest.mark.parametrize(
    ("model", "columns"),
    [
        (tx.nn.Linear(1), 0),
        (Flat(), 0),
        (tx.nn.Linear(1), [0]),
        (Flat(), [0]),
        (tx.nn.Linear(2), [0, 1]),
    ],
)
def test_predictions_have_the_shape_of_the_targets(model: tx.Module, columns: object) -> None:
    y = (X @ W)[:, columns]
    fitted = regressor(model).fit(X, y)
    predicted = fitted.predict(X)
    assert (predicted.shape, predicted.dtype) == (y.shape, np.float64)
    assert fitted.n_outputs_ == (2 if y.shape[1:] == (2,) else 1)
    assert fitted.score(X, y) > 0.9


def test_another_number_of_targets_is_refused() -> None:
    fitted = regressor(tx.nn.Linear(1)).partial_fit(X, X[:, 0])
    message = r"TrainerRegressor.partial_fit: expected as many targets .*\('examples',\).*\(20, 3\)"
    with pytest.raises(tx.errors.ShapeError, match=message):
        fitted.partial_fit(X, X)
