"""Wrapped layers: the kernel is put in for the call alone, and nothing else is lost."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, NotInitializedError, PathError

X = jax.random.normal(jax.random.key(0), (6, 4))
Wrap = Callable[..., Any]
each = pytest.mark.parametrize("wrap", [nn.WeightNorm, nn.SpectralNorm])


def with_state() -> nn.Sequential:
    return nn.Sequential(nn.Linear(5), nn.BatchNorm(momentum=0.5), nn.Dropout(0.5), nn.Linear(3))


@each
def test_the_layer_keeps_its_kernel_and_can_be_used_by_itself(wrap: Wrap) -> None:
    model = wrap(nn.Linear(3, kernel_init="normal")).init(0, X)
    kernel = model.layer.kernel
    scaled = model.kernels()["kernel"]
    np.testing.assert_allclose(model.eval()(X), X @ scaled + model.layer.bias, rtol=1e-5, atol=1e-6)
    model(X)
    assert model.layer.kernel is kernel
    np.testing.assert_allclose(model.layer(X), X @ kernel + model.layer.bias, rtol=1e-5)


@each
@pytest.mark.parametrize("compiled", [False, True])
def test_state_inside_moves_as_in_the_layer_itself(wrap: Wrap, compiled: bool) -> None:
    model = wrap(with_state()).init(0, X)
    plain = model.layer.copy()
    plain.load_state_dict(model.kernels(), strict=False)
    before = model.layer[1].mean
    call = tx.jit(model) if compiled else model
    for _ in range(2):
        call(X)
        plain(X)
    assert (model.layer[1].mean != before).all()
    np.testing.assert_array_equal(model.layer[2].key, plain[2].key)
    if wrap is nn.WeightNorm:  # the other one's kernels move between the calls
        np.testing.assert_allclose(model.layer[1].mean, plain[1].mean, rtol=1e-5, atol=1e-6)


@each
def test_a_counter_that_is_structure_is_written_back_too(wrap: Wrap) -> None:
    class Counting(tx.Module):
        def __init__(self) -> None:
            self.linear = nn.Linear(3)
            self.calls = 0

        def __call__(self, x: jax.Array, *, shift: float = 0.0) -> jax.Array:
            self.calls += 1
            return self.linear(x) + shift

    model = wrap(Counting()).init(0, X).eval()
    calls = model.layer.calls
    np.testing.assert_allclose(model(X, shift=2.0), model(X) + 2.0, rtol=1e-5)
    assert model.layer.calls == calls + 2


@each
def test_an_error_inside_leaves_everything_as_it_was(wrap: Wrap) -> None:
    model = wrap(with_state()).init(0, X)
    before = model.layer.state_dict()
    with pytest.raises(ValueError, match="expected the last axis of `x` to be 4"):
        model(jnp.ones((2, 7)))
    assert all(model.layer.state_dict()[path] is value for path, value in before.items())


@each
def test_evaluation_works_inside_transformations_that_capture_the_model(wrap: Wrap) -> None:
    model = wrap(nn.Linear(3)).init(0, X).eval()
    expected = model(X)
    np.testing.assert_allclose(jax.jit(lambda x: model(x))(X), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(jax.vmap(lambda x: model(x))(X), expected, rtol=1e-5, atol=1e-6)
    gradient = jax.grad(lambda x: model(x).sum())(X)
    np.testing.assert_allclose(gradient[0], model.kernels()["kernel"].sum(1), rtol=1e-5)


@each
def test_a_training_step_moves_the_stored_kernel(wrap: Wrap) -> None:
    model = wrap(nn.Linear(3)).init(0, X)
    optimizer = tx.Optimizer(optax.sgd(0.5)).init(model)

    @tx.jit
    def step(model: Any, optimizer: Any) -> jax.Array:
        def loss(model: Any) -> jax.Array:
            return ((model(X) - 1) ** 2).mean()

        value, gradients = tx.value_and_grad(loss)(model)
        optimizer.update(gradients, model)
        return value

    kernel = model.layer.kernel
    losses = [float(step(model, optimizer)) for _ in range(20)]
    assert losses[-1] < 0.9 * losses[0]
    assert (model.layer.kernel != kernel).any()


@each
def test_init_keeps_a_layer_that_has_its_parameters(wrap: Wrap) -> None:
    inner = nn.Linear(3).init(5, X)
    model = wrap(inner)
    with pytest.raises(NotInitializedError, match=r"without its own state\. Call `init`"):
        model(X)
    with pytest.raises(NotInitializedError, match="without its own state"):
        model.kernels()
    model = model.init(0, X)
    assert model.layer.kernel is inner.kernel


@each
def test_copies_pickles_and_state_dicts(wrap: Wrap) -> None:
    model = wrap(nn.Linear(3)).init(0, X)
    loaded = wrap(nn.Linear(3)).init(1, X)
    loaded.load_state_dict(model.state_dict())
    expected = model.copy()(X)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model)), loaded):
        np.testing.assert_array_equal(twin(X), expected)


@each
def test_repeated_blocks_have_parts_of_their_own(wrap: Wrap) -> None:
    model = nn.Repeated(wrap(nn.Linear(4)), 2).init(0, X)
    y = X
    blocks = model.copy().unstacked()
    for block in blocks:
        y = block(y)
    np.testing.assert_allclose(model(X), y, rtol=1e-5, atol=1e-6)
    parts = [block.state_dict("parts/**") for block in blocks]
    assert any((parts[0][path] != parts[1][path]).any() for path in parts[0])


@each
def test_which_parameters_can_be_chosen(wrap: Wrap) -> None:
    model = wrap(with_state(), which="layers/3/kernel").init(0, X)
    assert list(model.parts) == ["layers/3/kernel"]
    assert list(model.kernels()) == ["layers/3/kernel"]
    with pytest.raises(PathError, match="a path pattern that matches at least one field"):
        wrap(nn.LayerNorm()).init(0, X)
    with pytest.raises(ArgumentError, match="expected a kind, a path pattern"):
        wrap(nn.Linear(3), which=3)


@each
def test_only_modules_are_wrapped(wrap: Wrap) -> None:
    with pytest.raises(ArgumentError, match="Norm: expected `layer` to be a module, received"):
        wrap(nn.Linear)
    with pytest.raises(ArgumentError, match="Norm: expected `epsilon` to be above 0"):
        wrap(nn.Linear(3), epsilon=0)


@each
def test_half_precision_parameters_stay_so(wrap: Wrap) -> None:
    x = X.astype(jnp.bfloat16)
    model = wrap(nn.Linear(3, param_dtype=jnp.bfloat16)).init(0, x)
    assert model(x).dtype == jnp.bfloat16
    assert model.kernels()["kernel"].dtype == jnp.bfloat16
