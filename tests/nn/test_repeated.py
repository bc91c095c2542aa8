from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite._errors import ArgumentError, ShapeError

X = jnp.linspace(-1.0, 1.0, 12).reshape(3, 4)


class Block(tx.Module):
    def __init__(self) -> None:
        self.linear, self.norm, self.drop = tx.nn.Linear(4), tx.nn.BatchNorm(), tx.nn.Dropout(0.5)

    def __call__(self, x: Any, scale: Any = 1.0) -> Any:
        return x + scale * self.drop(jnp.tanh(self.norm(self.linear(x))))


@pytest.mark.parametrize("remat", [False, True])
def test_it_equals_its_blocks_one_after_the_other(remat: bool) -> None:
    """Outputs, gradients, and all state: statistics and keys of each block."""
    model = tx.nn.Repeated(Block(), 3, remat=remat).init(0, X)
    blocks = model.unstacked()

    def by_hand(blocks: list[Block], x: Any) -> Any:
        for block in blocks:
            x = block(x, 0.5)
        return (x**2).sum()

    run = tx.jit(tx.value_and_grad(lambda m, x: (m(x, 0.5) ** 2).sum()))
    value, grads = run(model, X)
    expected, expected_grads = tx.jit(tx.value_and_grad(by_hand))(blocks, X)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    stacked = tx.stack(expected_grads)
    np.testing.assert_allclose(
        grads.block.linear.kernel, stacked.linear.kernel, rtol=1e-4, atol=1e-5
    )
    after = tx.stack(blocks).state_dict()
    for path, array in model.block.state_dict().items():
        np.testing.assert_allclose(array, after[path], rtol=1e-5, atol=1e-6)


def test_every_block_has_values_of_its_own() -> None:
    model = tx.nn.Repeated(Block(), 3).init(0, X)
    kernels = np.asarray(model.block.linear.kernel)
    assert kernels.shape == (3, 4, 4)
    assert len({kernel.tobytes() for kernel in kernels}) == 3
    assert len({np.asarray(key).tobytes() for key in model.block.drop.key}) == 3


def test_the_program_does_not_grow_with_the_number_of_blocks() -> None:
    def size(num: int) -> int:
        model = tx.nn.Repeated(Block(), num).init(0, X)
        return str(tx.make_jaxpr(tx.grad(lambda m: m(X).sum()))(model)).count(" = ")

    assert size(4) == size(16) == size(64)


def test_a_block_is_traced_as_often_for_many_as_for_few() -> None:
    traces: list[int] = []

    class Traced(tx.Module):
        def __call__(self, x: Any) -> Any:
            traces.append(1)
            return x + 1

    for num in (2, 20):
        assert float(tx.nn.Repeated(Traced(), num)(jnp.float32(0))) == num
    assert len(traces) == 2


def test_calls_outside_of_compiled_code_trace_once() -> None:
    traces: list[int] = []

    class Traced(tx.Module):
        def __init__(self) -> None:
            self.linear = tx.nn.Linear(4)

        def __call__(self, x: Any) -> Any:
            traces.append(1)
            return self.linear(x)

    model = tx.nn.Repeated(Traced(), 3).init(0, X)
    model(X)
    known = len(traces)
    for _ in range(3):
        model(X)
    assert len(traces) == known


def test_modes_and_freezing_reach_the_blocks() -> None:
    model = tx.nn.Repeated(Block(), 2).init(0, X).eval()
    before = model.state_dict()
    model(X)
    after = model.state_dict()
    assert all((before[path] == after[path]).all() for path in before)


def test_inside_another_model_and_under_jit() -> None:
    model = tx.nn.Sequential(tx.nn.Linear(4), tx.nn.Repeated(Block(), 2), tx.nn.Linear(1))
    model = model.init(0, jnp.ones((3, 7)))
    out = tx.jit(model)(jnp.ones((3, 7)))
    assert out.shape == (3, 1)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((tx.nn.Linear(2).init(0, X), 2), "data in `kernel`"),
        ((jnp.tanh, 2), "not initialised"),
        ((Block(), 0), "num"),
    ],
)
def test_what_cannot_be_repeated(args: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        tx.nn.Repeated(*args)


def test_a_block_must_keep_the_shape() -> None:
    with pytest.raises(ShapeError, match=r"float32\[3, 4\], received .* float32\[3, 5\]"):
        tx.nn.Repeated(tx.nn.Linear(5), 2).init(0, X)


def test_a_second_init_changes_nothing() -> None:
    model = tx.nn.Repeated(Block(), 2).init(0, X)
    again = model.init(1, X).state_dict()
    assert all((value == again[path]).all() for path, value in model.state_dict().items())


def test_inside_init_of_init() -> None:
    """Repeated inside Repeated: each inner block of each outer block has its own values."""
    model = tx.nn.Repeated(tx.nn.Repeated(tx.nn.Linear(4), 2), 3).init(0, X)
    kernel = model.block.block.kernel
    assert kernel.shape == (3, 2, 4, 4)
    assert len({k.tobytes() for k in np.asarray(kernel).reshape(6, 16)}) == 6
    x = X
    for block in model.unstacked():
        for inner in block.unstacked():
            x = inner(x)
    np.testing.assert_allclose(model(X), x, rtol=1e-5)


def test_seeds_decide() -> None:
    one, two = (tx.nn.Repeated(tx.nn.Linear(4), 2).init(seed, X) for seed in (0, 1))
    assert not np.allclose(one.block.kernel, two.block.kernel)
    assert isinstance(one.block.kernel, jax.Array)


def test_a_part_that_is_never_called_does_not_make_init_begin_again() -> None:
    class Partly(tx.Module):
        def __init__(self) -> None:
            self.norm, self.unused = tx.nn.LayerNorm(), tx.nn.Linear(4)

        def __call__(self, x: Any) -> Any:
            return self.norm(x)

    model = tx.nn.Repeated(tx.nn.Repeated(Partly(), 2), 3).init(0, X)
    assert model.block.block.norm.scale.shape == (3, 2, 4)
    assert model(X).shape == X.shape


def test_a_block_that_changes_the_size_is_refused_by_name() -> None:
    message = (
        r"Repeated at layers/1: expected a block that returns what it takes, here float32\[1, 5\], "
        r"received a block that returned float32\[1, 3\]\. Give its output"
    )
    model = tx.nn.Sequential(tx.nn.Identity(), tx.nn.Repeated(tx.nn.Linear(3), 2))
    with pytest.raises(tx.errors.ShapeError, match=message):
        model.init(0, jnp.ones((1, 5)))
