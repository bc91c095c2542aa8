"""What callbacks and people ask a trainer while it trains."""

from typing import Any

import jax
import numpy as np
import pytest

import treexlite as tx
from tests.training.models import Everything, arrays, assert_same, classes
from treexlite._errors import ArgumentError
from treexlite.training import Batch, Trainer


class Looking(tx.callbacks.Callback):
    """Remembers the batches of each dispatch."""

    def __init__(self, every: int) -> None:
        super().__init__()
        self.every_n_steps = every
        self.seen: list[list[Batch]] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.seen.append(self.trainer.recent_batches())


@pytest.mark.parametrize("every", [1, 2])
@pytest.mark.parametrize("streamed", [False, True])
def test_the_batches_of_the_last_dispatch(every: int, streamed: bool) -> None:
    x, y = classes(20)
    trainer = Trainer(tx.nn.MLP([8, 3]), "crossentropy", "adam", steps_per_execution=100)
    looking = Looking(every)
    data: Any = (((x[n : n + 5], y[n : n + 5]) for n in range(0, 20, 5)),) if streamed else (x, y)
    trainer.fit(*data, batch_size=5, shuffle=False, verbose=0, callbacks=looking)
    assert trainer.recent_batches() == []
    last = np.concatenate([batches[-1].x for batches in looking.seen])
    ends = range(every - 1, 4, every)
    np.testing.assert_array_equal(last, np.concatenate([x[5 * n : 5 * n + 5] for n in ends]))


def test_the_first_batch_of_the_data() -> None:
    x, y = classes(20)
    trainer = Trainer(tx.nn.MLP([8, 3]), "crossentropy", "adam")
    seen: list[Batch] = []
    looking = tx.callbacks.LambdaCallback(
        on_train_begin=lambda logs: seen.append(trainer.example_batch())
    )
    trainer.fit(x, y, 5, verbose=0, callbacks=looking)
    np.testing.assert_array_equal(seen[0].x, x[:5])
    with pytest.raises(ArgumentError, match="a call of `fit` that is running, received none"):
        trainer.example_batch()


def test_gradients_are_those_of_the_objective_and_change_nothing() -> None:
    x, y = classes(20)
    trainer = Trainer(Everything(), "crossentropy", "sgd", regularizers=tx.regularizers.L2(0.1))
    trainer.fit(x, y, epochs=0, verbose=0)
    before = arrays(trainer.state)
    gradients = trainer.gradients(Batch(x, y))
    assert_same(arrays(trainer.state), before)
    rate = 0.01  # of "sgd"
    trainer.train_on_batch(x, y)
    for path, gradient in gradients.state_dict(tx.Parameter).items():
        after = before[f"model/{path}"] - rate * np.asarray(gradient)
        np.testing.assert_allclose(trainer.model.state_dict()[path], after, rtol=1e-4, atol=1e-6)


def test_a_replay_changes_the_copy_alone() -> None:
    x, y = classes(20)
    trainer = Trainer(Everything(), "crossentropy", "adam", ["accuracy"])
    trainer.fit(x, y, verbose=0)
    before, copy = arrays(trainer.state), trainer.state.copy()
    logs = trainer.replay(copy, Batch(x, y))
    assert set(logs) == {"loss", "accuracy"}
    assert_same(arrays(trainer.state), before)
    trainer.train_on_batch(x, y)
    assert_same(arrays(trainer.state.model), arrays(copy.model))


def test_the_report_says_how_steps_were_dispatched() -> None:
    x, y = classes(20)
    trainer = Trainer(tx.nn.MLP([8, 3]), "crossentropy", "adam")
    assert "nothing trained" in trainer.profile_report()
    trainer.fit(x, y, 5, epochs=2, verbose=0, validation_data=(x, y))
    report = trainer.profile_report()
    assert "s for 8 steps, several steps in one dispatch" in report
    assert trainer.profile.seconds["validation"] > 0
    assert jax.tree.leaves(trainer.state)
