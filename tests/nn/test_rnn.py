"""RNN: the loop, masks, directions, streaming; values are compared in `tests/parity` too."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.budget import ALL_LAWS
from tests.conformance.rows.recurrent import NoisyCell
from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError

X = jax.random.normal(jax.random.key(0), (2, 6, 3))


def by_hand(cell: Any, x: jax.Array, carry: Any = None) -> tuple[Any, jax.Array]:
    """Call the cell at every step."""
    carry = cell.initial_carry(x.shape[:1], x.dtype) if carry is None else carry
    ys = []
    for t in range(x.shape[1]):
        carry, y = cell(carry, x[:, t])
        ys.append(y)
    return carry, jnp.stack(ys, 1)


def assert_same(actual: Any, expected: Any) -> None:
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, 1e-5, 1e-6), actual, expected)


@pytest.mark.parametrize("options", [{}, {"remat": True}, {"unroll": 4}, {"unroll": True}])
def test_it_is_its_cell_step_after_step(options: Any) -> None:
    model = nn.RNN(nn.LSTMCell(4), return_state=True, **options).init(0, X)
    assert_same(tx.jit(model)(X), tx.jit(by_hand)(model.cell, X))
    grads = tx.jit(tx.grad(lambda m: (m(X)[1] ** 2).sum()))(model)
    expected = tx.jit(tx.grad(lambda c: (by_hand(c, X)[1] ** 2).sum()))(model.cell)
    assert_same(grads.cell.state_dict(), expected.state_dict())


def test_a_cell_with_state_advances_as_step_after_step() -> None:
    model = nn.RNN(NoisyCell(4), return_state=True).init(0, X)
    cell = model.cell.copy()
    assert_same(tx.jit(model)(X), tx.jit(by_hand)(cell, X))
    np.testing.assert_array_equal(model.cell.drop.key, cell.drop.key)


# Every axis and every shape, of which two have no such axis; all pairs where all laws are run.
PLACES: list[tuple[int | None, tuple[int, ...]]] = [
    (None, (6, 3)),
    (1, (6, 3)),
    (-3, (6, 3)),
    (0, (2, 6, 3)),
    (1, (4, 2, 6, 3)),
    (-3, (4, 2, 6, 3)),
]
if ALL_LAWS:
    PLACES = list(itertools.product((None, 0, 1, -3), ((6, 3), (2, 6, 3), (4, 2, 6, 3))))


@pytest.mark.parametrize(("axis", "shape"), PLACES)
def test_batch_axes_and_where_the_time_is(axis: int | None, shape: tuple[int, ...]) -> None:
    model = nn.RNN(nn.GRUCell(4), time_axis=axis).init(0, jnp.ones((5, 5, 5, 3)))
    x = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    position = -2 if axis is None else axis
    if not -x.ndim <= position < x.ndim - 1:
        with pytest.raises(ShapeError, match=r"the time axis .* of `x` to be in front of its"):
            model(x)
        return
    plain = nn.RNN(model.cell)
    expected = np.moveaxis(tx.jit(plain)(np.moveaxis(x, position, -2)), -2, position)
    assert_same(tx.jit(model)(x), expected)


@pytest.mark.parametrize("reverse", [False, True])
def test_steps_that_do_not_count(reverse: bool) -> None:
    """As if they were not there, with zeros in their place."""
    model = nn.RNN(nn.LSTMCell(4), reverse=reverse, return_state=True).init(0, X)
    last = nn.RNN(model.cell, reverse=reverse, return_sequences=False)
    mask = jnp.array([[1, 0, 1, 1, 0, 0], [0] * 6], bool)
    carry, y = model(X, mask=mask)
    short = X[:1, jnp.array([0, 2, 3])]
    expected_carry, expected = model(short)
    assert_same(jax.tree.map(lambda leaf: leaf[:1], carry), expected_carry)
    assert_same(y[:1, jnp.array([0, 2, 3])], expected)
    assert not y[:1, jnp.array([1, 4, 5])].any()
    assert not y[1].any()
    assert not any(leaf[1].any() for leaf in carry)
    assert_same(last(X, mask=mask), carry[0])
    assert_same(
        model(X, lengths=jnp.array([3, 6])), model(X, mask=jnp.arange(6) < jnp.array([[3], [6]]))
    )


def test_what_is_masked_has_no_gradient_even_when_it_is_not_a_number() -> None:
    model = nn.RNN(nn.GRUCell(4)).init(0, X)
    x = X.at[:, 4:].set(jnp.nan)
    mask = jnp.broadcast_to(jnp.arange(6) < 4, (2, 6))
    assert jnp.isfinite(model(x, mask=mask)).all()
    gradient = np.asarray(jax.jit(jax.grad(lambda x: model(x, mask=mask).sum()))(X))
    assert not gradient[:, 4:].any()
    assert gradient[:, :4].all()


def test_no_steps_and_no_examples() -> None:
    model = nn.RNN(nn.LSTMCell(4), return_state=True).init(0, jnp.ones((2, 0, 3)))
    carry, y = model(X[:, :0])
    assert y.shape == (2, 0, 4)
    assert not any(leaf.any() for leaf in carry)
    assert nn.RNN(model.cell, return_sequences=False)(X[:, :0]).tolist() == [[0.0] * 4] * 2
    assert model(X[:0])[1].shape == (0, 6, 4)


CELLS = [nn.LSTMCell(4), nn.LSTMCell(4, dtype="bfloat16"), NoisyCell(4)]
STREAMED = [(CELLS[0], False), (CELLS[1], True), (CELLS[2], True)]
STREAMED = list(itertools.product(CELLS, (False, True))) if ALL_LAWS else STREAMED


@pytest.mark.parametrize(("cell", "compiled"), STREAMED)
def test_streaming_equals_the_whole_sequence(cell: Any, compiled: bool) -> None:
    whole = nn.RNN(cell).init(0, X)
    model = whole.copy()
    model.start_cache(2)
    call = tx.jit(model) if compiled else model
    found = np.concatenate([call(X[:, :1]), call(X[:, 1:4]), call(X[:, 4:4]), call(X[:, 4:])], 1)
    expected = np.asarray((tx.jit(whole) if compiled else whole)(X))
    assert found.dtype == expected.dtype
    assert_same(found.astype(np.float32), expected.astype(np.float32))
    model.clear_cache()
    assert model.caches().state_dict() == {}
    assert jax.tree.structure(model) == jax.tree.structure(whole)
    again = nn.RNN(nn.LSTMCell(4)).init(0, X)
    assert_same(again(X[:, :2]), again(X[:, :2]))


def test_streaming_compiles_once() -> None:
    """`start_cache` makes the carry, so that the first step is like all others."""
    model = nn.Sequential(nn.RNN(nn.GRUCell(4)), nn.Linear(2)).init(0, X)
    model[0].start_cache(2)
    step = tx.jit(model)
    outputs = {step(X[:, :1]).tobytes() for _ in range(20)}
    assert step.cache_size() == 1
    assert len(outputs) > 10
    assert list(model.caches().state_dict()) == ["layers/0/carry"]


@pytest.mark.parametrize("batch_shape", [(), (4, 2)])
def test_streaming_with_other_batch_axes(batch_shape: tuple[int, ...]) -> None:
    x = jax.random.normal(jax.random.key(1), (*batch_shape, 6, 3))
    model = nn.RNN(nn.GRUCell(4)).init(0, X)
    expected = model(x)
    model.start_cache(batch_shape)
    assert_same(jnp.concatenate([model(x[..., :4, :]), model(x[..., 4:, :])], -2), expected)


def test_a_given_carry_starts_a_stream_anew() -> None:
    model = nn.RNN(nn.GRUCell(4), return_state=True).init(0, X)
    carry, _ = model(X)
    expected = model(X, initial_carry=carry)
    model.start_cache(2)
    model(X[:, :3])
    assert_same(model(X, initial_carry=carry), expected)
    assert_same(model.carry, expected[0])


def test_eager_calls_trace_once_and_programs_do_not_grow_with_time() -> None:
    traces = []

    class Traced(NoisyCell):
        def __call__(self, carry: Any, x: Any) -> Any:
            traces.append(1)
            return super().__call__(carry, x)

    model = nn.RNN(Traced(4)).init(0, X)
    model(X)
    known = len(traces)
    for _ in range(3):
        model(X)
    assert len(traces) == known

    def size(time: int) -> int:
        rnn = nn.RNN(nn.LSTMCell(4)).init(0, X)
        x = jnp.ones((2, time, 3))
        return str(tx.make_jaxpr(tx.grad(lambda m: m(x).sum()))(rnn)).count(" = ")

    assert size(3) == size(30)


def test_the_input_is_multiplied_outside_of_the_loop() -> None:
    rnn = nn.RNN(nn.LSTMCell(4)).init(0, X)
    program = tx.make_jaxpr(rnn)(X)
    (loop,) = [eqn for eqn in program.eqns if eqn.primitive.name == "scan"]
    assert str(loop).count(" = dot_general") == 1
    assert str(program).count(" = dot_general") == 2


def test_in_a_stack_of_blocks() -> None:
    model = nn.Repeated(nn.RNN(nn.GRUCell(3)), 2).init(0, X)
    expected = X
    for block in model.unstacked():
        expected = tx.jit(block)(expected)
    assert_same(tx.jit(model)(X), expected)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.RNN(nn.Linear(4)), ArgumentError, "`cell` to be a module with `initial_carry"),
        (lambda: nn.RNN(nn.LSTMCell), ArgumentError, "`cell` to be a module with `initial_carry"),
        (lambda: nn.RNN(nn.GRUCell(4), time_axis="0"), ArgumentError, "`time_axis` to be an int"),
        (lambda: nn.RNN(nn.GRUCell(4), unroll=0), ArgumentError, "`unroll` to be an integer of"),
        (
            lambda: nn.RNN(nn.GRUCell(4), reverse=True).start_cache(2),
            ArgumentError,
            "an RNN that begins with the first step, received reverse=True",
        ),
        (lambda: nn.RNN(nn.GRUCell(4)).start_cache(0), ArgumentError, "`batch_size` to be an int"),
        (lambda: nn.RNN(nn.GRUCell(4)).start_cache("2"), ArgumentError, "`batch_size` to be a tup"),
        (lambda: nn.RNN(nn.GRUCell(4)).init(0, jnp.ones(3)), ShapeError, "the time axis -2 of `x`"),
    ],
)
def test_others_are_refused(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_another_batch_is_refused_while_streaming() -> None:
    model = nn.RNN(nn.GRUCell(4)).init(0, X)
    model.start_cache(3)
    before = model.carry
    with pytest.raises(ShapeError, match=r"the shapes \[\(2, 4\)\], received array of shape \(3, "):
        model(X)
    assert model.carry is before
