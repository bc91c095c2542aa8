"""What both estimators have in common: building, training on, keeping what was given, pickling."""

import copy
import pickle
from typing import Any

import jax
import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import treexlite as tx

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(30, 4))
Y = X @ RANDOM.normal(size=4)
LABELS = np.array(["low", "high"])[(Y > 0).astype(int)]


def linear(num_outputs: int) -> tx.Module:
    return tx.nn.Linear(num_outputs)


def hidden(num_outputs: int, features: int = 4) -> tx.Module:
    return tx.nn.MLP([features, num_outputs])


def regressor(**params: Any) -> Any:
    own = {"model": linear, "optimizer": "sgd", "epochs": 2, "random_state": 0, **params}
    return tx.TrainerRegressor(**own)


def classifier(**params: Any) -> Any:
    own = {"model": linear, "optimizer": "sgd", "epochs": 2, "random_state": 0, **params}
    return tx.TrainerClassifier(**own)


def same_parameters(left: tx.Module, right: tx.Module) -> bool:
    pairs = zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True)
    return all((a == b).all() for a, b in pairs)


# What the trainer is built from.


def test_the_default_model_is_that_of_scikit_learn() -> None:
    fitted = regressor(model=None, epochs=1).fit(X, Y)
    assert [layer.features for layer in fitted.model_.layers] == [100, 1]
    fitted.set_params(model__hidden_layer_sizes=7, model__activation="tanh").fit(X, Y)
    assert [layer.features for layer in fitted.model_.layers] == [7, 1]
    assert fitted.model_.activation == "tanh"


def test_a_function_gets_its_options_and_the_number_of_outputs() -> None:
    fitted = regressor(model=hidden, model__features=3).fit(X, np.stack([Y, Y], axis=1))
    assert [layer.features for layer in fitted.model_.layers] == [3, 2]


def test_a_class_is_a_function_that_builds_a_model() -> None:
    fitted = regressor(model=tx.nn.MLP, model__features=[3, 1]).fit(X, Y)
    assert [layer.features for layer in fitted.model_.layers] == [3, 1]


def test_what_was_given_is_copied_and_never_changed() -> None:
    model, optimizer = tx.nn.Linear(1).init(0, X[:1]), tx.Optimizer("sgd", 0.1)
    metric = tx.metrics.MeanSquaredError()
    before = model.state_dict()
    fitted = regressor(model=model, optimizer=optimizer, metrics=metric).fit(X, Y)
    assert not same_parameters(fitted.model_, model)
    np.testing.assert_array_equal(model.kernel, before["kernel"])
    assert not optimizer.initialized
    assert fitted.get_params()["model"] is model
    assert float(fitted.trainer_.optimizer.learning_rate) == pytest.approx(0.1)


def test_an_initialised_model_is_where_training_begins() -> None:
    model = tx.nn.Linear(1).init(3, X[:1])
    fitted = regressor(model=model, optimizer__learning_rate=0.0).fit(X, Y)
    np.testing.assert_array_equal(fitted.model_.kernel, model.kernel)


def test_options_reach_the_loss_the_optimizer_and_the_fit() -> None:
    fitted = regressor(
        loss="huber",
        loss__delta=0.25,
        optimizer__learning_rate=0.5,
        fit__validation_split=0.2,
        metrics="mae",
    ).fit(X, Y)
    assert fitted.trainer_.loss.delta == 0.25
    assert float(fitted.trainer_.optimizer.learning_rate) == 0.5
    assert {"loss", "val_loss"} < set(fitted.history_.history)
    assert len(fitted.history_.history["loss"]) == fitted.n_iter_ == 2


def test_parts_may_be_classes() -> None:
    fitted = regressor(loss=tx.losses.Huber, loss__delta=0.25).fit(X, Y)
    assert fitted.trainer_.loss.delta == 0.25


def test_options_of_a_call_win() -> None:
    fitted = regressor(fit__validation_split=0.2).fit(X, Y, epochs=3, validation_split=0.0)
    assert fitted.n_iter_ == 3
    assert set(fitted.history_.history) == {"loss"}


def test_validation_data_are_given_as_the_others_are() -> None:
    fitted = classifier().fit(X, LABELS, validation_data=(X.tolist(), LABELS))
    train, val = (fitted.history_.history[name] for name in ("loss", "val_loss"))
    assert val[0] < train[0]
    with pytest.raises(tx.errors.RangeError, match=r"classes \['high', 'low'\], received"):
        classifier().fit(X, LABELS, validation_data=(X[:1], ["middle"]))
    with pytest.raises(tx.errors.ArgumentError, match=r"`validation_data` to be \(x, y\)"):
        classifier().fit(X, LABELS, validation_data=X)


def test_the_batch_size_is_that_of_scikit_learn() -> None:
    fitted = regressor(epochs=1).fit(np.tile(X, (7, 1)), np.tile(Y, 7))  # 210 examples
    assert int(fitted.trainer_.state.step) == 2
    assert int(regressor(epochs=1, batch_size=10).fit(X, Y).trainer_.state.step) == 3


@pytest.mark.parametrize("model", [lambda: 3, 3, "mlp"])
def test_what_is_no_model_is_refused(model: Any) -> None:
    message = r"TrainerRegressor.fit: expected `model` to be a `tx.Module`, or a function"
    with pytest.raises(tx.errors.ArgumentError, match=message):
        regressor(model=model).fit(X, Y)


@pytest.mark.parametrize(
    ("model", "received"),
    [
        (tx.nn.Linear(2), r"outputs of shape \('examples', 2\)"),
        (tx.nn.Lambda(lambda x: x.sum()), "no array with one row per example"),
    ],
)
def test_a_model_with_other_outputs_is_refused(model: Any, received: str) -> None:
    message = rf"\('examples', 1\) or \('examples',\), as the targets need, received .*{received}"
    with pytest.raises(tx.errors.ShapeError, match=message):
        regressor(model=model).fit(X, Y)


# Seeds, and going on.


def test_the_random_state_decides() -> None:
    first, second = regressor().fit(X, Y), regressor().fit(X, Y)
    assert same_parameters(first.model_, second.model_)
    other = regressor(random_state=np.random.RandomState(7)).fit(X, Y)
    assert not same_parameters(first.model_, other.model_)


def test_a_second_fit_begins_anew() -> None:
    once = regressor().fit(X, Y)
    twice = regressor().fit(X, -Y).fit(X, Y)
    assert same_parameters(once.model_, twice.model_)


def test_with_a_warm_start_a_second_fit_goes_on() -> None:
    long = regressor(epochs=4, batch_size=8).fit(X, Y)
    short = regressor(epochs=2, batch_size=8, warm_start=True).fit(X, Y)
    model = short.model_
    short.fit(X, Y)
    assert short.model_ is model
    assert short.n_iter_ == 4
    assert same_parameters(short.model_, long.model_)
    assert short.history_.epoch == [2, 3]


def test_epochs_of_parts_are_epochs_of_a_fit() -> None:
    whole = regressor(epochs=3, batch_size=8).fit(X, Y)
    parts = regressor(batch_size=8)
    for _ in range(3):
        parts.partial_fit(X, Y)
    assert same_parameters(whole.model_, parts.model_)
    assert parts.history_.history == whole.history_.history
    assert parts.history_.epoch == [0, 1, 2]
    assert parts.n_iter_ == 3


def test_a_part_that_fails_leaves_the_history_of_those_before() -> None:
    parts = regressor().partial_fit(X, Y).partial_fit(X, Y)
    with pytest.raises(tx.errors.ArgumentError, match="steps_per_epoch"):
        parts.set_params(fit__steps_per_epoch=-1).partial_fit(X, Y)
    assert parts.history_.epoch == [0, 1]


@pytest.mark.parametrize("broken", [{"batch_size": -1}, {"model": tx.nn.Linear(5)}, {"loss": "no"}])
def test_a_fit_that_fails_leaves_the_estimator_as_it_was(broken: dict[str, Any]) -> None:
    fitted = classifier().fit(X, LABELS)
    before, predicted = dict(vars(fitted)), fitted.predict_proba(X)
    with pytest.raises(tx.errors.TreexliteError):
        fitted.set_params(**broken).fit(X[:, :2], np.arange(30) % 3)
    assert dict(vars(fitted)) == {**before, **broken}
    np.testing.assert_array_equal(fitted.predict_proba(X), predicted)


def test_what_an_interrupt_leaves_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    fit = tx.Trainer.fit

    def interrupted(trainer: Any, *args: Any, **options: Any) -> None:
        fit(trainer, *args, **{**options, "epochs": 1})
        raise KeyboardInterrupt

    monkeypatch.setattr(tx.Trainer, "fit", interrupted)
    estimator = regressor(epochs=5)
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(X, Y)
    assert estimator.n_iter_ == 1
    assert estimator.predict(X).shape == (30,)


def test_callbacks_reach_the_trainer(monkeypatch: pytest.MonkeyPatch) -> None:
    given = []
    fit = tx.Trainer.fit

    def watched(trainer: Any, *args: Any, callbacks: Any = None, **options: Any) -> Any:
        given.append(callbacks)
        return fit(trainer, *args, **options)

    monkeypatch.setattr(tx.Trainer, "fit", watched)
    mine, others = [object()], [object()]
    regressor(callbacks=mine).fit(X, Y)
    regressor(callbacks=mine).fit(X, Y, callbacks=others)
    regressor().fit(X, Y)
    assert given == [mine, others, None]


# Weights.


@pytest.mark.parametrize("build", [regressor, classifier])
def test_a_weight_of_two_is_an_example_twice(build: Any) -> None:
    counts = np.arange(30) % 3
    y = Y if build is regressor else LABELS
    params = {"epochs": 10, "optimizer__learning_rate": 0.1}
    repeated = build(**params).fit(np.repeat(X, counts, axis=0), np.repeat(y, counts))
    weighted = build(**params).fit(X, y, sample_weight=counts)
    scaled = build(**params).fit(X, y, sample_weight=7.0 * counts)
    np.testing.assert_allclose(weighted.model_.kernel, repeated.model_.kernel, rtol=1e-5)
    np.testing.assert_allclose(weighted.model_.kernel, scaled.model_.kernel, rtol=1e-5)


def test_weights_of_a_part_are_taken_as_they_are() -> None:
    def moved(weight: float) -> np.ndarray:
        start = tx.nn.Linear(1).init(0, X[:1])
        fitted = regressor(model=start).partial_fit(X, Y, sample_weight=np.full(30, weight))
        return np.asarray(fitted.model_.kernel - start.kernel)

    np.testing.assert_allclose(moved(2.0), 2 * moved(1.0), rtol=1e-3)


# What scikit-learn does with an estimator.


def test_an_estimator_that_is_not_fitted_says_so() -> None:
    with pytest.raises(NotFittedError):
        regressor().predict(X)
    with pytest.raises(NotFittedError):
        _ = classifier().model_


def test_a_clone_is_equal_and_not_fitted() -> None:
    prototype = tx.nn.MLP([3, 1])
    fitted = regressor(model=prototype).fit(X, Y)
    again = clone(fitted)
    assert not hasattr(again, "trainer_")
    assert same_parameters(again.fit(X, Y).model_, fitted.model_)


@pytest.mark.parametrize("way", [copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
def test_a_fitted_estimator_can_be_copied_and_trains_on(way: Any) -> None:
    fitted = regressor(warm_start=True, optimizer="adam", batch_size=8).fit(X, Y)
    copied = way(fitted)
    np.testing.assert_array_equal(copied.predict(X), fitted.predict(X))
    assert same_parameters(copied.fit(X, Y).model_, fitted.fit(X, Y).model_)


def test_parameters_of_parts_are_searched() -> None:
    grid = {"trainerregressor__model__features": [1, 3]}
    pipeline = make_pipeline(StandardScaler(), regressor(model=hidden, optimizer="adam"))
    pipeline.set_params(trainerregressor__optimizer__learning_rate=0.1)
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, Y)
    assert search.best_score_ > search.cv_results_["mean_test_score"].min()
    best = search.best_params_["trainerregressor__model__features"]
    assert search.best_estimator_[-1].model_.layers[0].features == best


def test_scores_are_cross_validated() -> None:
    estimator = classifier(optimizer="adam", optimizer__learning_rate=0.2, epochs=20)
    assert cross_val_score(estimator, X, LABELS, cv=2).mean() > 0.75


def test_data_frames_name_the_features() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    fitted = regressor().fit(frame, pandas.Series(Y))
    assert fitted.feature_names_in_.tolist() == list("abcd")
    np.testing.assert_array_equal(fitted.predict(frame), fitted.predict(frame.to_numpy()))
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(frame[list("dcba")])


def test_images_reach_the_model_as_they_are() -> None:
    images = RANDOM.normal(size=(12, 5, 5, 1))
    model = tx.nn.Sequential(tx.nn.Conv(2, (3, 3)), tx.nn.Flatten(), tx.nn.Linear(2))
    fitted = classifier(model=model, epochs=1).fit(images, np.arange(12) % 2)
    assert fitted.predict_proba(images).shape == (12, 2)


def test_integers_stay_integers() -> None:
    tokens = np.arange(24).reshape(12, 2) % 7
    model = tx.nn.Sequential(tx.nn.Embed(7, 3), tx.nn.Flatten(), tx.nn.Linear(2))
    fitted = classifier(model=model, epochs=1).fit(tokens, np.arange(12) % 2)
    assert fitted.predict(tokens).shape == (12,)
