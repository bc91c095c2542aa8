"""Laws of every layer that draws random numbers: when it does, and what its key decides."""

import copy
import pickle
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, NotInitializedError

X = jnp.linspace(-1.0, 2.0, 6 * 4 * 5).reshape(6, 4, 5)

LAYERS = {
    "Dropout": nn.Dropout,
    "SpatialDropout": nn.SpatialDropout,
    "AlphaDropout": nn.AlphaDropout,
    "GaussianDropout": nn.GaussianDropout,
    "GaussianNoise": nn.GaussianNoise,
    "StochasticDepth": nn.StochasticDepth,
}

each = pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
Make = Callable[..., tx.Module]


@each
def test_the_same_key_gives_the_same_draws_eagerly_and_compiled(make: Make) -> None:
    eager, compiled, other = (make(0.5).init(seed) for seed in (3, 3, 4))
    fast = tx.jit(compiled)
    first, second = eager(X), eager(X)
    assert (first != second).any()
    assert (other(X) != first).any()
    np.testing.assert_allclose(fast(X), first, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(fast(X), second, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(compiled.key, eager.key)


@each
@pytest.mark.parametrize(("amount", "training"), [(0.5, False), (0, True)])
def test_in_evaluation_and_at_0_nothing_happens(make: Make, amount: float, training: bool) -> None:
    layer = make(amount).init(0).train(training)
    key = layer.key
    assert layer(X) is X
    assert layer.key is key


@each
def test_freezing_does_not_switch_it_off(make: Make) -> None:
    assert (make(0.5).init(0).freeze()(X) != X).any()


@each
def test_the_key_is_the_one_given(make: Make) -> None:
    layer = make(0.5, key=7)
    assert layer.initialized
    np.testing.assert_allclose(layer(X), make(0.5, key=jax.random.key(7))(X), rtol=1e-6)
    with pytest.raises(ArgumentError, match="expected `key` to be an integer seed or one"):
        make(0.5, key="seed")


@each
def test_calling_before_init_is_refused(make: Make) -> None:
    with pytest.raises(NotInitializedError, match="`key` is not created yet"):
        make(0.5)(X)


@each
@pytest.mark.parametrize("training", [True, False])
def test_integers_become_floats_in_both_modes(make: Make, training: bool) -> None:
    layer = make(0.5).init(0).train(training)
    assert layer(jnp.ones((2, 3, 4), jnp.int32)).dtype == jnp.float32


@each
@pytest.mark.parametrize("shape", [(0, 3, 4), (2, 0, 4), (2, 3, 0)])
def test_axes_of_size_0(make: Make, shape: tuple[int, ...]) -> None:
    assert tx.jit(make(0.5).init(0))(np.ones(shape, np.float32)).shape == shape


@each
def test_gradients_follow_the_draws(make: Make) -> None:
    layer = make(0.5).init(0)
    gradient = jax.jit(jax.grad(lambda x: layer.copy()(x).sum()))(X)
    change = layer.copy()(2 * X) - layer.copy()(X)  # all are affine in x
    np.testing.assert_allclose(gradient * X, change, rtol=1e-4, atol=1e-5)


@each
def test_copies_and_pickles_draw_the_same(make: Make) -> None:
    layer = make(0.5).init(0)
    layer(X)
    twins = [copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))]
    loaded = make(0.5).init(1)
    loaded.load_state_dict(layer.state_dict())
    expected = layer(X)
    for twin in (*twins, loaded):
        np.testing.assert_array_equal(twin(X), expected)


@each
def test_lanes_draw_for_themselves(make: Make) -> None:
    layer = make(0.5).init(0)
    xs = jnp.stack([X, X])
    y = tx.vmap(lambda model, x: model(x), in_axes=(None, 0))(layer, xs)
    assert (y[0] != y[1]).any()


@each
def test_repeated_blocks_draw_for_themselves(make: Make) -> None:
    model = nn.Repeated(make(0.3), 2).init(0, X)
    assert tx.jit(model)(X).shape == X.shape
    assert (model.block.key[0] != model.block.key[1]).any()


@pytest.mark.parametrize("name", [name for name in LAYERS if name != "GaussianNoise"])
@pytest.mark.parametrize("rate", [-0.1, 1.5, float("nan"), "half", None])
def test_the_rate_is_checked(name: str, rate: object) -> None:
    with pytest.raises(ArgumentError, match=f"{name}: expected `rate` to be a number from 0 to 1"):
        LAYERS[name](rate)


@pytest.mark.parametrize("name", ["Dropout", "SpatialDropout", "AlphaDropout", "StochasticDepth"])
def test_at_rate_1_nothing_is_left_and_no_gradient_is_nan(name: str) -> None:
    layer = LAYERS[name](1).init(0)
    key = layer.key
    gradient = jax.grad(lambda x: layer.copy()(x).sum())(X)
    assert (layer(X) == 0).all()
    assert (gradient == 0).all()
    assert (layer.key != key).any()
