"""Regularizers that layers carry: when they are put there, and what a model does with them."""

import pickle
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite._errors import ArgumentError, PathError, UnknownNameError
from treexlite.regularizers import L1, L2, penalty
from treexlite.regularizers._penalty import terms

X = jnp.ones((1, 3))


def mlp() -> Any:
    return tx.nn.MLP([2, 1], kernel_init="ones", bias_init="ones").init(0, X)


class Block(tx.Module):
    """Brings its own regularizer."""

    regularizer = L1(0.25)  # one for all objects of the class

    def __init__(self) -> None:
        self.linear = tx.nn.Linear(2, kernel_init="ones")

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.linear(x)


class Inner(Block):
    def __init__(self) -> None:
        super().__init__()
        self.regularizer = L2(0.5)


def test_without_regularizers_it_is_nothing() -> None:
    assert penalty(mlp()) == 0
    assert penalty(mlp()).dtype == jnp.float32
    assert list(terms(mlp())) == []


def test_it_is_the_sum_of_each_on_its_module() -> None:
    model = mlp()
    model.layers[0].regularizer = L2(0.5)
    model.regularizer = [L1(0.25), "l2"]
    assert penalty(model) == pytest.approx(0.5 * 6 + 0.25 * 8 + 0.01 * 8)


def test_classes_may_have_one_and_objects_another() -> None:
    assert penalty(Block().init(0, X)) == 0.25 * 6
    assert penalty(Inner().init(0, X)) == 0.5 * 6
    quiet = Block().init(0, X)
    quiet.regularizer = None
    assert penalty(quiet) == 0


def test_paths_are_those_below_the_module() -> None:
    model = mlp()
    model.layers[0].regularizer = L2(1.0, which="bias")
    assert penalty(model) == 2


def test_methods_of_that_name_are_methods() -> None:
    class Other(tx.Module):
        def regularizer(self) -> None:
            raise AssertionError

    assert penalty(Other()) == 0


def test_a_shared_layer_counts_once_and_a_shared_regularizer_for_each() -> None:
    layer = tx.nn.Linear(3, kernel_init="ones")
    model = tx.nn.Sequential(layer, layer).init(0, X)
    model.layers[0].regularizer = L2(1.0)
    assert penalty(model) == 9
    both = mlp()
    both.layers[0].regularizer = both.layers[1].regularizer = L2(1.0)
    assert penalty(both) == 8


def test_what_is_frozen_is_left_out() -> None:
    model = mlp()
    model.regularizer = L2(1.0)
    model.layers[0].freeze(inplace=True)
    assert penalty(model) == 2
    assert penalty(model.freeze()) == 0


def test_it_may_be_put_there_before_init_and_after() -> None:
    early = tx.nn.Linear(2, kernel_init="ones")
    early.regularizer = L2(1.0)
    assert penalty(early.init(0, X)) == 6
    assert early.init(0, X).initialized


def test_models_stay_what_they_were() -> None:
    model = mlp()
    names, output = list(model.state_dict()), model(X)
    model.layers[0].regularizer = L2(1.0)
    assert list(model.state_dict()) == names
    np.testing.assert_array_equal(model(X), output)
    for copied in (model.copy(), pickle.loads(pickle.dumps(model)), model.train().eval()):
        assert penalty(copied) == 6
        assert copied.layers[0].regularizer is not model.layers[0].regularizer
    copied = model.copy()
    copied.layers[0].regularizer = None
    assert penalty(model) == 6
    report = mlp().load_state_dict(model.state_dict())
    assert not any((report.missing, report.unexpected))
    stacked = tx.stack([model, model.copy()])
    np.testing.assert_array_equal(tx.vmap(penalty)(stacked), [6, 6])


def test_the_same_one_again_does_not_compile_again() -> None:
    model = mlp()
    model.layers[0].regularizer = L2(1.0)
    structure = jax.tree.structure(model)
    traces = []

    @tx.jit
    def value(model: Any) -> jax.Array:
        traces.append(None)
        return penalty(model)

    for _ in range(2):
        assert value(model) == 6
        model.layers[0].regularizer = L2(1.0)
    assert jax.tree.structure(model) == structure
    assert len(traces) == 1
    model.layers[0].regularizer = L2(2.0)  # another strength is another program
    assert value(model) == 12
    assert jax.jit(penalty)(model) == 12


def test_it_is_differentiated() -> None:
    model = mlp()
    model.layers[0].regularizer = L2(0.5)
    for gradients in (tx.grad(penalty)(model), jax.grad(penalty)(model)):
        np.testing.assert_array_equal(gradients.layers[0].kernel, 1)
        np.testing.assert_array_equal(gradients.layers[1].kernel, 0)
        np.testing.assert_array_equal(gradients.layers[0].bias, 0)


def test_one_may_have_data_of_its_own() -> None:
    class Anchor(tx.regularizers.Regularizer):
        """Keeps a kernel close to where it was."""

        start: jax.Array = tx.State.node()

        def __init__(self, start: jax.Array) -> None:
            super().__init__()
            self.start = start

        def per_parameter(self, parameter: jax.Array) -> jax.Array:
            return jnp.sum((parameter - self.start) ** 2)

    model = mlp()
    model.layers[0].regularizer = Anchor(model.layers[0].kernel)
    assert tx.jit(penalty)(model) == 0
    model.layers[0].kernel = model.layers[0].kernel + 1
    assert tx.jit(penalty)(model) == 6
    assert "layers/0/regularizer/start" in model.state_dict()


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (0.1, ArgumentError, r"Linear\.regularizer: expected `regularizer` to be a `tx\.reg"),
        ("l3", UnknownNameError, r"Linear\.regularizer: .* Did you mean 'l2'"),
        (L2(which="**/scale"), PathError, r"L2: expected a path pattern .* 'kernel', 'bias'"),
    ],
)
def test_errors_name_the_module(value: Any, error: type[Exception], message: str) -> None:
    model = mlp()
    model.layers[1].regularizer = value
    with pytest.raises(error, match=message) as caught:
        penalty(model)
    assert caught.value.__notes__ == ["in the attribute `regularizer` of the module at `layers/1`"]
