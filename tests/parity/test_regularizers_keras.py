"""Regularizers and constraints against Keras: values and gradients, to 1e-5 in float32.

At exact zeros we differ: there our gradients are 0, and Keras divides by lengths plus 1e-7.
"""

import os
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
from tests.parity.compare import assert_close
from treexlite import constraints, regularizers

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras", reason="Keras is not installed")
on_jax = pytest.mark.skipif(keras.backend.backend() != "jax", reason="Keras runs without JAX")

shapes = st.sampled_from([(2, 3), (5, 2), (4, 4)])
strengths = st.floats(0, 10, width=32)


def array(shape: tuple[int, ...], seed: int) -> jax.Array:
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def assert_same_penalty(ours: Any, theirs: Any, x: jax.Array) -> None:
    value, gradient = jax.value_and_grad(ours)(x)
    expected, expected_gradient = jax.value_and_grad(theirs)(x)
    assert_close(value, expected)
    assert_close(gradient, expected_gradient)


@on_jax
@settings(max_examples=examples(15))
@given(shape=shapes, seed=st.integers(0, 99), l1=strengths, l2=strengths)
def test_l1_and_l2(shape: tuple[int, ...], seed: int, l1: float, l2: float) -> None:
    x, theirs = array(shape, seed), keras.regularizers
    assert_same_penalty(regularizers.L1(l1), theirs.L1(l1), x)
    assert_same_penalty(regularizers.L2(l2), theirs.L2(l2), x)
    assert_same_penalty(regularizers.L1L2(l1, l2), theirs.L1L2(l1, l2), x)


@on_jax
@settings(max_examples=examples(15))
@given(
    shape=shapes,
    seed=st.integers(0, 99),
    strength=strengths,
    mode=st.sampled_from(["rows", "columns"]),
)
def test_orthogonal(shape: tuple[int, ...], seed: int, strength: float, mode: Any) -> None:
    theirs = keras.regularizers.OrthogonalRegularizer(strength, mode)
    ours = regularizers.Orthogonal(strength, mode=mode)
    assert_same_penalty(ours, theirs, array(shape, seed))


@on_jax
def test_default_strengths() -> None:
    x = array((3, 4), 0)
    for name in ("l1", "l2", "orthogonal_regularizer"):
        assert_same_penalty(regularizers.get(name), keras.regularizers.get(name), x)
    for name in ("max_norm", "non_neg", "unit_norm", "min_max_norm"):
        assert_close(constraints.get(name)(3 * x), keras.constraints.get(name)(3 * x))


@on_jax
def test_layers_of_both_add_up_to_the_same() -> None:
    model = tx.nn.Sequential(tx.nn.Linear(3), tx.nn.Linear(2)).init(0, jnp.ones((1, 4)))
    model.layers[0].regularizer = regularizers.L2(0.5)
    model.layers[1].regularizer = regularizers.L1(0.25)
    theirs = keras.Sequential(
        [
            keras.layers.Dense(3, kernel_regularizer=keras.regularizers.L2(0.5)),
            keras.layers.Dense(2, kernel_regularizer=keras.regularizers.L1(0.25)),
        ]
    )
    theirs.build((None, 4))
    for layer, their in zip(model.layers, theirs.layers, strict=True):
        their.set_weights([np.asarray(layer.kernel), np.asarray(layer.bias)])
    assert_close(regularizers.penalty(model), sum(theirs.losses))
    model.layers[0].freeze(inplace=True)
    theirs.layers[0].trainable = False
    assert_close(regularizers.penalty(model), sum(theirs.losses))


kernels = st.sampled_from([((4, 3), 0), ((3, 2, 2, 5), (0, 1, 2)), ((4, 3), -1)])


def assert_same_array(ours: Any, theirs: Any, x: jax.Array) -> None:
    weights = jnp.linspace(-1, 1, x.size).reshape(x.shape)
    assert_close(ours(x), theirs(x))
    gradient = jax.grad(lambda x: (ours(x) * weights).sum())(x)
    assert_close(gradient, jax.grad(lambda x: (theirs(x) * weights).sum())(x))


@on_jax
@settings(max_examples=examples(12))
@given(
    kernel=kernels,
    seed=st.integers(0, 99),
    limits=st.tuples(st.floats(0.125, 2, width=32), st.floats(2, 8, width=32)),
    rate=st.floats(0, 1, width=32),
)
def test_norms(kernel: Any, seed: int, limits: tuple[float, float], rate: float) -> None:
    (shape, axis), theirs = kernel, keras.constraints
    x = 3 * array(shape, seed)
    ours = constraints.MaxNorm(limits[1], axis=axis)
    assert_same_array(ours, theirs.MaxNorm(limits[1], axis), x)
    assert_same_array(constraints.UnitNorm(axis=axis), theirs.UnitNorm(axis), x)
    ours = constraints.MinMaxNorm(*limits, rate=rate, axis=axis)
    assert_same_array(ours, theirs.MinMaxNorm(*limits, rate, axis), x)


@on_jax
def test_non_negative() -> None:
    assert_same_array(constraints.NonNegative(), keras.constraints.NonNeg(), array((5, 7), 0))


@on_jax
def test_the_default_axes_are_those_that_keras_recommends() -> None:
    kernel = 3 * array((3, 3, 2, 4), 0)
    theirs = keras.constraints.MaxNorm(2, axis=[0, 1, 2])
    assert_close(constraints.MaxNorm(2)(kernel), theirs(kernel))


@on_jax
def test_where_we_are_exact() -> None:
    short = jnp.array([[0.3], [0.4]])
    np.testing.assert_array_equal(constraints.MaxNorm(2)(short), short)
    assert (keras.constraints.MaxNorm(2)(short) != short).any()
    huge = jnp.full((2, 1), 1e30)
    np.testing.assert_allclose(constraints.UnitNorm()(huge), 0.5**0.5, rtol=1e-6)
    assert (keras.constraints.UnitNorm()(huge) == 0).all()


@on_jax
def test_training_logs_and_constrains_as_keras_does() -> None:
    x, y = np.array(array((12, 4), 0)), np.array(array((12, 1), 1))
    model = tx.nn.Linear(1).init(0, x)
    theirs = keras.Sequential(
        [
            keras.layers.Dense(
                1,
                kernel_regularizer=keras.regularizers.L1L2(0.1, 0.2),
                kernel_constraint=keras.constraints.MaxNorm(0.5),
            )
        ]
    )
    theirs.build((None, 4))
    theirs.set_weights([np.asarray(model.kernel), np.asarray(model.bias)])
    theirs.compile(keras.optimizers.SGD(0.1), "mse")
    expected = theirs.fit(x, y, 4, 3, 0, shuffle=False, validation_data=(x, y)).history

    model.constraint = constraints.MaxNorm(0.5)
    trainer = tx.Trainer(model, "mse", optax.sgd(0.1), regularizers=regularizers.L1L2(0.1, 0.2))
    history = trainer.fit(x, y, 4, 3, 0, shuffle=False, validation_data=(x, y)).history
    for name in ("loss", "val_loss"):
        assert_close(history[name], np.array(expected[name]))
    kernel, bias = theirs.get_weights()
    assert_close(model.kernel, kernel)
    assert_close(model.bias, bias)
    assert_close(trainer.evaluate(x, y, verbose=0)["loss"], theirs.evaluate(x, y, verbose=0))
