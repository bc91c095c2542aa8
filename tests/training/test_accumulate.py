"""A step that adds up its gradient over parts of the batch equals one on the whole batch."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import treexlite as tx
from tests.budget import examples
from tests.training.models import Everything, Logging, Scale, arrays, classes
from tests.training.test_heads import TwoHeads, data
from treexlite._errors import ArgumentError, DataError
from treexlite.losses import CrossEntropy, InfoNCE, Loss, MeanSquaredError
from treexlite.training import Batch, Trainer, TrainState
from treexlite.training._accumulate import num_examples


def stepped(make: Any, loss: Any, batch: Any, steps: int, **options: Any) -> tuple[Any, Any, Any]:
    """Make one step; return its logs, the parameters after it, and what the metrics compute."""
    cls = options.pop("cls", Trainer)
    trainer = cls(make(), loss, optax.sgd(0.5), accumulate_steps=steps, **options)
    logs = trainer.train_on_batch(*batch)
    computed = {name: metric.compute() for name, metric in trainer.state.metrics.items()}
    params = {info.path: np.array(info.value) for info in trainer.model.fields(tx.Parameter)}
    return logs, params, computed


def assert_whole(make: Any, loss: Any, batch: Any, steps: int, **options: Any) -> None:
    """Compare a step in parts with one on the whole batch."""
    wanted, found = (stepped(make, loss, batch, k, **options) for k in (1, steps))
    assert list(wanted[0]) == list(found[0])
    for name in wanted[0]:
        np.testing.assert_allclose(found[0][name], wanted[0][name], 2e-5, 1e-6, err_msg=name)
    for ours, theirs in ((found[1], wanted[1]), (found[2], wanted[2])):
        assert ours.keys() == theirs.keys()
        for name in theirs:
            np.testing.assert_allclose(ours[name], theirs[name], 2e-5, 1e-6, err_msg=name)


WEIGHTS = np.array([0.0, 2.0, 1.0, 0.5, 3.0, 0.0, 1.0], np.float32)


@pytest.mark.parametrize(
    ("reduction", "steps", "weights"),
    [
        ("sum_over_batch_size", 3, None),  # parts of 3, 3 and 1
        ("sum_over_batch_size", 4, WEIGHTS),  # of 2, 2, 2 and 1
        ("weighted_mean", 4, WEIGHTS),
        ("weighted_mean", 50, None),  # of 1 each
        ("sum", 3, WEIGHTS),
    ],
)
def test_every_reduction_adds_up(reduction: Any, steps: int, weights: Any) -> None:
    x, y = classes(7)
    labels = np.where(np.arange(7) == 3, -1, y)
    loss = CrossEntropy(reduction=reduction, ignore_index=-1, class_weight=[1, 2, 3], weight=0.5)
    assert_whole(lambda: tx.nn.Linear(3), loss, (x, labels, weights), steps)


@settings(max_examples=examples(12), deadline=None)
@given(count=st.integers(1, 9), steps=st.integers(2, 5))
def test_any_size_in_any_number_of_parts_adds_up(count: int, steps: int) -> None:
    x = np.random.default_rng(count).normal(size=count).astype(np.float32)
    trainers = [Trainer(Scale(), "mse", optax.sgd(0.5), accumulate_steps=k) for k in (1, steps)]
    for trainer in trainers:
        trainer.train_on_batch(x, x + 1, abs(x))
    np.testing.assert_allclose(*(trainer.model.w for trainer in trainers), rtol=1e-5)


def test_each_head_divides_by_its_own() -> None:
    x, y = data(7)
    losses = {"a": MeanSquaredError(), "b": CrossEntropy(reduction="weighted_mean")}
    assert_whole(
        TwoHeads,
        losses,
        (x, y, {"b": WEIGHTS}),
        3,
        loss_weights={"a": 0.25},
        metrics={"a": ["mae"], "b": ["accuracy"]},
    )


def test_when_all_examples_are_absent_nothing_moves() -> None:
    x, y = classes(4)
    loss = CrossEntropy(reduction="weighted_mean")
    logs, after, _ = stepped(lambda: tx.nn.Linear(3), loss, (x, y, np.zeros(4)), 2)
    assert logs == {"loss": 0.0}
    before = arrays(tx.nn.Linear(3).init(0, x))
    np.testing.assert_array_equal(after["kernel"], before["kernel"])


@pytest.mark.parametrize(
    "loss",
    [
        lambda target, preds: jnp.abs(target - preds).mean(),
        lambda target, preds: jnp.abs(target - preds).mean(axis=-1),
    ],
)
def test_functions_add_up(loss: Any) -> None:
    x, _ = classes(7)
    assert_whole(lambda: tx.nn.Linear(4), loss, (x, 2 * x), 3)


def test_penalties_and_what_the_model_logs_add_up() -> None:
    x = np.arange(7, dtype=np.float32)
    options = {"regularizers": tx.regularizers.L2(0.1, which=tx.Parameter)}
    assert_whole(Logging, "mse", (x, x + 1), 3, **options)
    assert_whole(Logging, None, (x,), 3, **options)


def test_a_loss_fn_of_ones_own_counts_as_a_mean_of_examples() -> None:
    class Own(Trainer):
        def loss_fn(self, model: Any, batch: Batch) -> Any:
            return jnp.abs(model(batch.x) - batch.y).mean()

    x = np.arange(7, dtype=np.float32)
    assert_whole(Logging, None, (x, x + 1), 3, cls=Own)


class Narrow(tx.Module):
    """Logs in another dtype than it was built with, and with nothing to begin with."""

    penalty: Any = tx.LossLog.node()
    mean: Any = tx.MetricLog.node()

    def __init__(self) -> None:
        self.penalty, self.mean = jnp.zeros(()), None
        self.linear = tx.nn.Linear(1)

    def __call__(self, x: jax.Array) -> jax.Array:
        self.penalty = x.mean().astype(jnp.bfloat16)
        self.mean = x.mean()
        return self.linear(x)


@pytest.mark.parametrize("count", [6, 7])  # parts of 3 in one loop; of 4 and 3
def test_logs_may_change_their_dtype(count: int) -> None:
    x = np.arange(count, dtype=np.float32)[:, None]
    trainer = Trainer(Narrow(), "mse", "sgd", accumulate_steps=2)
    for _ in range(2):
        logs = trainer.train_on_batch(x, x)
        np.testing.assert_allclose(logs["mean"], x.mean(), rtol=1e-6)
        assert trainer.model.mean == x[-3:].mean()  # of the last part
        assert trainer.model.penalty.dtype == jnp.bfloat16


def test_layers_move_once_for_each_part() -> None:
    x, y = classes(8)
    model = Everything().init(0, x)
    wanted = model.copy()
    keys = [wanted.dropout.key]
    for part in (x[:4], x[4:]):
        wanted(part)
        keys.append(wanted.dropout.key)
    Trainer(model, "crossentropy", optax.sgd(0.0), accumulate_steps=2).train_on_batch(x, y)
    np.testing.assert_allclose(model.norm.mean, wanted.norm.mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.norm.var, wanted.norm.var, rtol=1e-5)
    assert (model.dropout.key == wanted.dropout.key).all()
    assert (keys[0] != keys[1]).any()


def test_the_step_in_an_epoch_is_that_on_whole_batches() -> None:
    x, y = classes(22)  # batches of 8, 8 and 6
    trainers = [
        Trainer(tx.nn.Linear(3), "ce", optax.adam(0.1), ["acc", "ce"], accumulate_steps=k)
        for k in (1, 3)
    ]
    whole, parts = (trainer.fit(x, y, 8, epochs=2, verbose=0).history for trainer in trainers)
    assert list(whole) == list(parts) == ["loss", "acc", "ce"]
    for name in whole:
        np.testing.assert_allclose(parts[name], whole[name], rtol=1e-4, err_msg=name)
    assert trainers[1].state.step == 6
    assert trainers[1].optimizer is not None
    assert trainers[1].optimizer.step == 6


def test_parts_of_one_size_are_one_loop() -> None:
    calls = []

    class Counting(Scale):
        def __call__(self, x: jax.Array) -> jax.Array:
            calls.append(x.shape)
            return super().__call__(x)

    def traces(count: int, steps: int) -> int:
        calls.clear()
        trainer = Trainer(Counting(), "mse", "sgd", accumulate_steps=steps)
        trainer.train_on_batch(np.ones(count), np.ones(count))
        return len(calls)

    assert traces(32, 4) == traces(32, 16)
    assert traces(31, 4) == traces(31, 16) == traces(32, 4) + 1  # and what is left


def test_a_line_search_sees_the_whole_batch() -> None:
    x = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    trainer = Trainer(tx.nn.Linear(1), "mse", optax.lbfgs(), accumulate_steps=3)
    history = trainer.fit(x, x[:, :1] * 2, epochs=10, verbose=0).history
    assert history["loss"][-1] < 1e-6 < history["loss"][0]


@pytest.mark.parametrize("loss", [InfoNCE(), {"a": "mse", "b": tx.losses.TripletHard()}])
def test_losses_that_compare_examples_do_not_add_up(loss: Any) -> None:
    message = "Trainer: expected a loss that is a mean over examples, which parts of a batch add"
    with pytest.raises(ArgumentError, match=message):
        Trainer(Scale(), loss, "sgd", accumulate_steps=2)
    assert Trainer(Scale(), loss, "sgd").accumulate_steps == 1


def test_targets_are_needed_as_ever() -> None:
    trainer = Trainer(Scale(), "mse", "sgd", accumulate_steps=2)
    with pytest.raises(DataError, match=r"Trainer.loss_fn: expected targets for the loss"):
        trainer.fit(np.ones(4), verbose=0)
    with pytest.raises(ArgumentError, match="a loss, or a model that writes to `LossLog` fields"):
        Trainer(Scale(), None, "sgd", accumulate_steps=2).fit(np.ones(4), verbose=0)
    with pytest.raises(ArgumentError, match="`accumulate_steps` to be an integer of at least 1"):
        Trainer(Scale(), "mse", "sgd", accumulate_steps=0)
    with pytest.raises(AttributeError):
        trainer.accumulate_steps = 3  # type: ignore[misc]


def test_narrow_gradients_are_added_up_in_float32() -> None:
    """256 gradients of 1 and then of 2**-4: in bfloat16 the small ones would be lost."""

    class Sum(Loss):
        def per_example(self, target: Any, preds: Any) -> jax.Array:
            return preds.astype(jnp.float32)

    x = np.where(np.arange(512) < 256, 1.0, 2.0**-4).astype(np.float32)
    model = Scale(0.0)
    model.w = jnp.zeros((), jnp.bfloat16)
    trainer = Trainer(model, Sum(reduction="sum"), optax.sgd(2.0**-8), accumulate_steps=512)
    trainer.train_on_batch(x, x)
    assert trainer.model.w == -(1 + 2.0**-4)
    assert trainer.model.w.dtype == jnp.bfloat16


def test_the_number_of_examples_is_that_of_the_first_axes() -> None:
    assert num_examples(Batch({"a": jnp.ones((3, 2))}, None)) == 3
    assert isinstance(Trainer(Scale()).state, TrainState)
