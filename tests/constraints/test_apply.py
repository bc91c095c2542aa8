"""Constraints that layers carry: what `apply` changes, and what it leaves alone."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import treexlite as tx
from treexlite._errors import ArgumentError, CapturedModuleError, NotInitializedError, PathError
from treexlite.constraints import ClipWeights, MaxNorm, UnitNorm, apply

X = jnp.ones((1, 4))


def mlp() -> Any:
    """Kernels of ones, 4 x 2 and 2 x 1; biases of ones."""
    return tx.nn.MLP([2, 1], kernel_init="ones", bias_init="ones").init(0, X)


def test_without_constraints_nothing_is_computed() -> None:
    model = mlp()
    kernels = [layer.kernel for layer in model.layers]
    assert apply(model) is model
    assert all(a.kernel is b for a, b in zip(model.layers, kernels, strict=True))
    assert not jax.make_jaxpr(lambda model: apply(model).layers[0].kernel)(model).eqns


def test_kernels_change_in_place_and_nothing_else() -> None:
    model = mlp()
    first, second = model.layers
    first.constraint = MaxNorm(1.0)
    kept = first.bias, second.kernel, second.bias
    assert apply(model) is model
    assert model.layers[0] is first
    np.testing.assert_allclose(first.kernel, 0.5, rtol=1e-6)
    assert all(a is b for a, b in zip(kept, (first.bias, second.kernel, second.bias), strict=True))


def test_a_module_covers_what_is_below_it_and_has_the_last_word() -> None:
    model = mlp()
    model.layers[0].constraint = MaxNorm(1.0)
    model.constraint = ["non_neg", ClipWeights(0.25)]
    apply(model)
    for layer in model.layers:
        np.testing.assert_array_equal(layer.kernel, 0.25)
    model = mlp()
    model.layers[0].constraint = ClipWeights(0.25)
    model.constraint = UnitNorm()
    np.testing.assert_allclose(apply(model).layers[0].kernel, 0.5, rtol=1e-6)


def test_a_filter_chooses_others() -> None:
    model = mlp()
    model.constraint = ClipWeights(0.5, which=tx.Parameter)
    apply(model)
    assert all((array == 0.5).all() for array in model.state_dict().values())
    model.layers[0].constraint = lambda kernel: 2 * kernel
    apply(model)
    np.testing.assert_array_equal(model.layers[0].kernel, 0.5)


def test_frozen_parameters_stay() -> None:
    model = mlp()
    model.constraint = ClipWeights(0.5)
    model.layers[0].freeze(inplace=True)
    apply(model)
    np.testing.assert_array_equal(model.layers[0].kernel, 1)
    np.testing.assert_array_equal(model.layers[1].kernel, 0.5)


def test_a_shared_layer_is_constrained_once() -> None:
    layer = tx.nn.Linear(4, kernel_init="ones")
    model = tx.nn.Sequential(layer, layer).init(0, X)
    model.layers[0].constraint = lambda kernel: kernel / 2
    apply(model)
    assert model.layers[0] is model.layers[1]
    np.testing.assert_array_equal(model.layers[0].kernel, 0.5)


def test_containers_and_tuples_of_modules() -> None:
    trees: Any = ({"a": mlp()}, [mlp()])
    for model in (trees[0]["a"], trees[1][0]):
        model.constraint = ClipWeights(0.5)
    apply(trees)
    for model in (trees[0]["a"], trees[1][0]):
        np.testing.assert_array_equal(model.layers[0].kernel, 0.5)


def step(model: Any, optimizer: tx.Optimizer) -> None:
    grads = tx.grad(lambda model: -model(X).sum())(model)
    optimizer.update(grads, model)
    apply(model)


@pytest.mark.parametrize("donate", [False, True])
def test_a_compiled_step_restores_them(donate: bool) -> None:
    model = mlp()
    model.layers[0].constraint = MaxNorm(1.0)
    optimizer = tx.Optimizer(optax.sgd(0.1)).init(model)
    expected, by_hand = model.map(jnp.copy), optimizer.copy()
    compiled = tx.jit(step, donate=donate)
    for _ in range(3):
        step(expected, by_hand)
        compiled(model, optimizer)
    assert optimizer.step == 3
    lengths = jnp.linalg.norm(model.layers[0].kernel, axis=0)
    np.testing.assert_allclose(lengths, 1, rtol=1e-6)
    for path, array in model.state_dict().items():
        np.testing.assert_allclose(array, expected.state_dict()[path], rtol=1e-5)


def test_under_plain_jax_the_model_is_returned() -> None:
    model = mlp()
    model.constraint = ClipWeights(0.5)
    new = jax.jit(apply)(model)
    np.testing.assert_array_equal(new.layers[0].kernel, 0.5)
    np.testing.assert_array_equal(model.layers[0].kernel, 1)


def test_lanes_are_constrained_one_by_one() -> None:
    model = mlp()
    model.constraint = MaxNorm(1.0)
    stacked = tx.stack([model, model.copy()])
    tx.vmap(lambda model: apply(model) and None)(stacked)
    np.testing.assert_allclose(stacked.layers[0].kernel, 0.5, rtol=1e-6)


def test_a_captured_model_is_refused() -> None:
    model = mlp()
    model.constraint = ClipWeights(0.5)
    with pytest.raises(CapturedModuleError, match="Linear: expected field `kernel` to be written"):
        jax.jit(lambda: apply(model) and None)()
    np.testing.assert_array_equal(model.layers[0].kernel, 1)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (0.1, ArgumentError, r"Linear\.constraint: expected `constraint` to be a `tx\.constr"),
        (MaxNorm(which="**/scale"), PathError, r"MaxNorm: expected a path pattern .* 'kernel'"),
        (lambda kernel: kernel.sum(), ValueError, r"FunctionConstraint: expected `per_par"),
    ],
)
def test_errors_leave_the_model_as_it_was(value: Any, error: Any, message: str) -> None:
    model = mlp()
    model.layers[1].constraint = ClipWeights(0.5)  # comes first
    model.layers[0].constraint = value
    before = model.state_dict()
    with pytest.raises(error, match=message) as caught:
        apply(model)
    note = "in the attribute `constraint` of the module at `layers/0`"
    assert caught.value.__notes__ == [note]
    assert all(model.state_dict()[path] is array for path, array in before.items())


def test_a_model_that_is_not_initialised_is_refused() -> None:
    model = tx.nn.MLP([2, 1])
    model.constraint = MaxNorm()
    with pytest.raises(NotInitializedError, match="MaxNorm: expected initialised modules"):
        apply(model)
