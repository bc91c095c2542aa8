"""Compiled methods, and the end of their objects."""

import copy
import gc
import weakref

import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.training.models import Scale
from treexlite.training._weakly import Weakly

X = np.ones((4, 1), np.float32)


class Doubling:
    def double(self, value: int) -> int:
        return 2 * value


def test_it_calls_the_method_and_has_its_name() -> None:
    doubling = Doubling()
    weakly = Weakly(doubling.double)
    assert (weakly(3), weakly.__name__) == (6, "double")


def test_it_does_not_keep_the_object() -> None:
    doubling = Doubling()
    weakly, alive = Weakly(doubling.double), weakref.ref(doubling)
    del doubling
    assert alive() is None
    with pytest.raises(TypeError):
        weakly(3)


def test_a_copy_belongs_to_a_copy() -> None:
    doubling = Doubling()
    doubling.own = Weakly(doubling.double)  # type: ignore[attr-defined]
    other = copy.deepcopy(doubling)
    del doubling
    assert other.own(3) == 6  # type: ignore[attr-defined]


@pytest.mark.parametrize("eagerly", [False, True])
def test_a_trainer_that_nobody_needs_is_freed(eagerly: bool) -> None:
    trainer = tx.Trainer(Scale(), "mse", "sgd", run_eagerly=eagerly)
    trainer.fit(X, X, verbose=0, validation_data=(X, X), callbacks=tx.callbacks.GradientMonitor())
    trainer.predict(X, verbose=0)
    trainer.train_on_batch(X, X)
    trainer.test_on_batch(X, X)
    trainer.predict_on_batch(X)
    trainer.gradients(tx.training.Batch(jnp.array(X), jnp.array(X)))
    alive = weakref.ref(trainer), weakref.ref(trainer.model)
    del trainer
    gc.collect()
    assert [found() for found in alive] == [None, None]
