"""Embed: rows of the table, scores against it, and ids that it does not have."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import (
    ArgumentError,
    NotInitializedError,
    RangeError,
    ShapeError,
    UnknownNameError,
)


def build(**arguments: object) -> nn.Embed:
    return nn.Embed(10, 4, **arguments).init(0)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,)])
def test_it_returns_rows_of_the_table(shape: tuple[int, ...]) -> None:
    layer = build()
    ids = np.arange(int(np.prod(shape))).reshape(shape)
    y = layer(ids)
    assert y.shape == (*shape, 4)
    np.testing.assert_array_equal(y, np.asarray(layer.embedding)[ids])


def test_attend_multiplies_with_the_table() -> None:
    layer = build()
    x = jax.random.normal(jax.random.key(1), (2, 3, 4))
    np.testing.assert_allclose(layer.attend(x), x @ layer.embedding.T, rtol=1e-5)


def test_it_needs_no_inputs_at_init_and_rows_have_length_1() -> None:
    table = nn.Embed(1000, 64).init(0).embedding
    assert table.shape == (1000, 64)
    np.testing.assert_allclose((table**2).sum(1).mean(), 1, rtol=0.02)


@pytest.mark.parametrize("method", ["__call__", "attend"])
def test_both_ways_of_use_create_the_same_table(method: str) -> None:
    inputs = jnp.array([1]) if method == "__call__" else jnp.ones((1, 4))
    initialized = nn.Embed(10, 4).init(0, inputs, method=method)
    np.testing.assert_array_equal(initialized.embedding, build().embedding)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint32"])
def test_ids_may_be_of_any_integer_type(dtype: str) -> None:
    layer = nn.Embed(300, 4).init(0)  # more entries than an 8-bit id can name
    y = jax.jit(lambda m, ids: m(ids))(layer, jnp.array([0, 100], dtype))
    np.testing.assert_array_equal(y, layer.embedding[jnp.array([0, 100])])


def test_python_lists_are_ids_too() -> None:
    assert build()([[1, 2]]).shape == (1, 2, 4)


@pytest.mark.parametrize("bad", [-1, 10, 2**31 - 1])
def test_an_id_outside_the_table_is_refused(bad: int) -> None:
    message = (
        rf"^Embed: expected `ids` from 0 to 9, received ids=array of shape \(2,\) and dtype int\d+"
        rf" with values from {min(bad, 3)} to {max(bad, 3)}. Map unknown ids"
    )
    with pytest.raises(RangeError, match=message):
        build()(np.array([3, bad]))


@pytest.mark.parametrize("bad", [-1, 10, 2**31 - 1])
def test_under_tracing_such_an_id_gives_nan(bad: int) -> None:
    y = tx.jit(build())(jnp.array([3, bad]))
    assert jnp.isfinite(y[0]).all()
    assert jnp.isnan(y[1]).all()


def test_a_short_negative_id_gives_nan_in_a_long_table() -> None:
    table = nn.Embed(300, 4).init(0)
    assert jnp.isnan(tx.jit(table)(jnp.array([-1], jnp.int8))).all()


def test_only_the_rows_that_were_read_get_a_gradient() -> None:
    layer = build()
    gradient = jax.grad(lambda m: m(jnp.array([2, 2, 5])).sum())(layer).embedding
    np.testing.assert_array_equal(gradient[:, 0], [0, 0, 2, 0, 0, 1, 0, 0, 0, 0])


def test_the_table_and_the_output_have_their_dtypes() -> None:
    layer = build(dtype=jnp.bfloat16)
    assert layer.embedding.dtype == jnp.float32
    assert layer(jnp.array([1])).dtype == jnp.bfloat16
    assert layer.attend(jnp.ones((1, 4))).dtype == jnp.bfloat16
    assert build(param_dtype=jnp.float16)(jnp.array([1])).dtype == jnp.float16


def test_one_table_can_serve_both_ends_of_a_model() -> None:
    class Tied(tx.Module):
        def __init__(self) -> None:
            self.embed = nn.Embed(10, 4)

        def __call__(self, ids: jax.Array) -> jax.Array:
            return self.embed.attend(self.embed(ids))

    model = Tied().init(0, jnp.array([[1, 2]]))
    assert model(jnp.array([[1, 2]])).shape == (1, 2, 10)
    assert list(model.state_dict()) == ["embed/embedding"]


def test_attend_alone_creates_the_table_inside_a_compact_method() -> None:
    class Inline(tx.Module):
        @tx.compact
        def __call__(self, x: jax.Array) -> jax.Array:
            return nn.Embed(10, 4).attend(x)

    model = Inline().init(0, jnp.ones((1, 4)))
    assert model.embed.embedding.shape == (10, 4)


def test_ids_have_to_be_integers() -> None:
    with pytest.raises(
        ArgumentError, match=r"Embed: expected integer `ids`, received ids=array of"
    ):
        build()(jnp.ones(3))


def test_attend_checks_the_features() -> None:
    for x in (jnp.ones((2, 3)), jnp.ones(())):
        with pytest.raises(
            ShapeError, match=r"Embed.attend: expected .* to be features=4, received"
        ):
            build().attend(x)


def test_use_before_init_is_refused() -> None:
    for use in (nn.Embed(10, 4), nn.Embed(10, 4).attend):
        with pytest.raises(NotInitializedError, match="`embedding` is not created yet"):
            use(jnp.array([1]))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"num_embeddings": 0}, ArgumentError, "`num_embeddings` to be an integer of at least 1"),
        ({"features": -4}, ArgumentError, "`features` to be an integer of at least 1"),
        ({"embedding_init": "nomal"}, UnknownNameError, "Did you mean 'normal'"),
        ({"dtype": "int8"}, ArgumentError, "`dtype` to be a floating dtype"),
        ({"param_dtype": "int8"}, ArgumentError, "`param_dtype` to be a floating dtype"),
    ],
)
def test_arguments_are_checked(
    arguments: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        nn.Embed(**{"num_embeddings": 10, "features": 4, **arguments})


def test_the_padding_is_zeros_and_is_not_trained() -> None:
    layer = build(padding_id=2)
    ids = jnp.array([[1, 2], [2, 2]])
    np.testing.assert_array_equal(layer(ids)[1], np.zeros((2, 4)))
    np.testing.assert_array_equal(layer(ids)[0, 0], layer.embedding[1])
    gradient = tx.grad(lambda m: m(ids).sum())(layer).embedding
    np.testing.assert_array_equal(gradient.sum(1), [0, 4, *[0] * 8])
    with pytest.raises(ArgumentError, match="`padding_id` to be an id from 0 to 9, or None"):
        nn.Embed(10, 4, padding_id=10)
