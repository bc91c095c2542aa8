"""Parameters of parts are kept, copied, changed and passed on like any others."""

import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone

import treexlite as tx
from treexlite.interop.sklearn._routed import part_of


def test_a_parameter_of_a_part_is_one_of_the_estimator() -> None:
    estimator = tx.TrainerClassifier(epochs=3, model__features=64, optimizer__learning_rate=0.5)
    params = estimator.get_params()
    assert (params["epochs"], params["model__features"]) == (3, 64)
    assert "model__features=64" in repr(estimator)
    assert clone(estimator).get_params() == params


def test_set_params_takes_both_kinds_and_returns_the_estimator() -> None:
    estimator = tx.TrainerRegressor()
    assert estimator.set_params(epochs=2, fit__shuffle=False, loss__delta=0.5) is estimator
    assert (estimator.epochs, estimator.options("fit")) == (2, {"shuffle": False})
    assert estimator.options("loss") == {"delta": 0.5}
    assert estimator.options("model") == {}


def test_a_parameter_that_means_nothing_is_refused() -> None:
    message = r"TrainerClassifier: expected the name of a parameter \(one of 'batch_size'.*'epoch'"
    with pytest.raises(ValueError, match=message) as caught:
        tx.TrainerClassifier(epoch=3)
    assert isinstance(caught.value, tx.errors.UnknownNameError)
    assert "Did you mean 'epochs'" in str(caught.value)
    with pytest.raises(ValueError, match="'epoch'"):
        tx.TrainerClassifier().set_params(epoch=3)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("model__a", "model"),
        ("fit__a__b", "fit"),
        ("model", None),
        ("model__", None),
        ("a__b", None),
    ],
)
def test_the_part_of_a_parameter_is_in_its_name(name: str, part: str | None) -> None:
    assert part_of(name) == part


@pytest.mark.parametrize(
    ("part", "value"), [("model", tx.nn.Linear(2)), ("loss", tx.losses.CrossEntropy())]
)
def test_options_for_a_part_that_is_already_built_are_refused(part: str, value: object) -> None:
    estimator = tx.TrainerClassifier(**{part: value, f"{part}__size": 1})
    message = f"(?s)fit: expected `{part}` to be a name or what builds.*{part}__size=1. Leave `"
    with pytest.raises(tx.errors.ArgumentError, match=message):
        estimator.fit([[0.0], [1.0]], [0, 1])
    assert not hasattr(estimator, "trainer_")
