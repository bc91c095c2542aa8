"""What all cells share: the split of a step, carries, dtypes, and what they refuse."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, NotInitializedError, ShapeError, UnknownNameError

X = jax.random.normal(jax.random.key(0), (2, 3))
CELLS = [nn.SimpleCell, nn.LSTMCell, nn.GRUCell, nn.MGUCell]


@pytest.mark.parametrize("cell_class", CELLS)
def test_a_step_is_its_two_halves(cell_class: Any) -> None:
    cell = cell_class(4).init(0, (None, X))
    carry, y = cell(None, X)
    for found in (cell(carry, X), cell.step(carry, cell.project(X))):
        jax.tree.map(np.testing.assert_array_equal, found, cell(carry, X))
    assert y.shape == (2, 4)
    zeros = cell.initial_carry((2,))
    jax.tree.map(np.testing.assert_array_equal, cell(zeros, X), (carry, y))


@pytest.mark.parametrize("shape", [(3,), (5, 2, 3), (0, 3)])
@pytest.mark.parametrize("cell_class", CELLS)
def test_any_number_of_batch_axes(cell_class: Any, shape: tuple[int, ...]) -> None:
    cell = cell_class(4).init(0, (None, X))
    carry, y = cell(None, jnp.ones(shape))
    assert y.shape == (*shape[:-1], 4)
    assert {leaf.shape for leaf in jax.tree.leaves(carry)} == {y.shape}


@pytest.mark.parametrize("cell_class", CELLS)
def test_a_carry_in_half_precision_is_kept_in_single(cell_class: Any) -> None:
    cell = cell_class(4, dtype="bfloat16").init(0, (None, X))
    carry, y = cell(None, X)
    assert y.dtype == jnp.bfloat16
    assert {leaf.dtype for leaf in jax.tree.leaves(carry)} == {jnp.dtype("float32")}
    low = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), carry)
    assert {leaf.dtype for leaf in jax.tree.leaves(cell(low, X)[0])} == {jnp.dtype("float32")}


@pytest.mark.parametrize("cell_class", CELLS)
def test_first_values_depend_on_the_path_of_the_parts(cell_class: Any) -> None:
    alone = cell_class(4).init(0, (None, X))
    kernel = np.asarray(alone.recurrent.kernel)
    for part in np.split(kernel, kernel.shape[-1] // 4, -1):
        np.testing.assert_allclose(part.T @ part, np.eye(4), atol=1e-5)


@pytest.mark.parametrize("cell_class", CELLS)
def test_without_bias_there_is_none(cell_class: Any) -> None:
    cell = cell_class(4, use_bias=False).init(0, (None, X))
    assert list(cell.state_dict()) == ["input/kernel", "recurrent/kernel"]
    _, y = cell(None, jnp.zeros((2, 3)))
    np.testing.assert_array_equal(y, np.zeros((2, 4)))


def test_activations_are_chosen() -> None:
    cell = nn.LSTMCell(4, activation="relu", gate_activation=jnp.ones_like).init(0, (None, X))
    (_, c), y = cell(None, X)
    np.testing.assert_allclose(c, jax.nn.relu(np.split(cell.project(X), 4, -1)[2]), rtol=1e-6)
    np.testing.assert_allclose(y, c, rtol=1e-6)


@pytest.mark.parametrize("cell_class", CELLS)
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"features": 0}, ArgumentError, "`features` to be an integer of at least 1"),
        ({"activation": "thanh"}, UnknownNameError, "Did you mean 'tanh'"),
        ({"kernel_init": 3}, ArgumentError, "`kernel_init` to be a name or a function"),
        ({"recurrent_init": 3}, ArgumentError, "`recurrent_init` to be a name or a function"),
        ({"bias_init": None}, ArgumentError, "`bias_init` to be a name or a function"),
        ({"dtype": "int32"}, ArgumentError, "`dtype` to be a floating dtype"),
        ({"param_dtype": None}, ArgumentError, "`param_dtype` to be a floating dtype"),
    ],
)
def test_arguments_are_checked(
    cell_class: Any, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"{cell_class.__name__}: expected .*{message}|{message}"):
        cell_class(**{"features": 2, **arguments})


def test_other_inputs_are_refused() -> None:
    cell = nn.GRUCell(4).init(0, (None, X))
    with pytest.raises(ShapeError, match=r"Linear.*the last axis of `x` to be 3"):
        cell(None, jnp.ones((2, 5)))
    with pytest.raises(ArgumentError, match="`batch_shape` to be a tuple of integers"):
        cell.initial_carry("ab")
    with pytest.raises(NotInitializedError):
        nn.GRUCell(4)(None, X)


def test_a_given_kernel_is_kept() -> None:
    cell = nn.SimpleCell(4)
    cell.recurrent.kernel = jnp.zeros((4, 4))
    cell = cell.init(0, (None, X))
    carry, _ = cell(None, X)
    np.testing.assert_array_equal(cell(carry, X)[1], carry)
    assert {info.kind for info in cell.fields()} == {tx.Parameter}
