"""GPT: it does not look ahead, learns, writes what its logits say, and refuses bad requests."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import treexlite as tx
from treexlite import models
from treexlite._errors import ArgumentError, RangeError, ShapeError

IDS = jnp.array([[1, 2, 3, 4], [5, 6, 7, 8]])


def gpt(**options: Any) -> models.GPT:
    model = models.GPT(11, 8, num_layers=2, num_heads=2, max_length=12, **options).init(0, IDS)
    return model.map(lambda value: 5 * value, "embed/embedding")  # opinions that differ


@pytest.fixture(scope="module")
def writer() -> models.GPT:
    """A model that only writes: its programs are compiled once for all tests."""
    return gpt(dropout_rate=0.5)  # which generating does without


def test_it_does_not_look_ahead() -> None:
    model = gpt()
    run = tx.jit(model)
    plain, changed = np.asarray(run(IDS)), np.asarray(run(IDS.at[:, 2].set(0)))
    np.testing.assert_allclose(plain[:, :2], changed[:, :2], rtol=1e-5, atol=1e-5)
    assert (plain[:, 2:] != changed[:, 2:]).any()


@pytest.mark.parametrize("shape", [(4,), (2, 4), (2, 1, 4), (2, 0)])
def test_any_number_of_batch_axes(shape: tuple[int, ...]) -> None:
    assert jax.eval_shape(gpt(), jnp.ones(shape, int)).shape == (*shape, 11)


def test_the_head_is_tied_to_the_embedding() -> None:
    model = gpt()
    assert [path for path in model.state_dict() if "embed" in path] == [
        "embed/embedding",
        "positions/embedding",
    ]
    hidden = np.asarray(tx.jit(lambda model: model.encode(IDS))(model))
    expected = hidden @ np.asarray(model.embed.embedding).T
    np.testing.assert_allclose(tx.jit(model)(IDS), expected, rtol=1e-5, atol=1e-6)


def test_it_learns_to_repeat_a_text() -> None:
    model = gpt()
    optimizer = tx.Optimizer(optax.adam(0.02)).init(model)

    @tx.jit
    def step(model: Any, optimizer: Any) -> jax.Array:
        def loss_fn(model: Any) -> jax.Array:
            logits = model(IDS[:, :-1])
            labels = IDS[:, 1:]
            return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

        loss, gradients = tx.value_and_grad(loss_fn)(model)
        optimizer.update(gradients, model)
        return loss

    losses = [float(step(model, optimizer)) for _ in range(40)]
    assert losses[-1] < 0.1 < losses[0]
    np.testing.assert_array_equal(model.generate(IDS[:, :1], 3), IDS)


@pytest.mark.parametrize("ids", [IDS, IDS[0], IDS[:, :1], IDS[:, None]])
def test_without_a_key_it_takes_the_most_probable_tokens(
    ids: jax.Array, writer: models.GPT
) -> None:
    model = writer
    before = model.state_dict()
    written = np.asarray(model.generate(ids, 4))
    # As no output depends on later tokens, one call says what follows each of them.
    next_ones = np.asarray(tx.jit(model.eval())(written)).argmax(-1)
    length = ids.shape[-1]
    np.testing.assert_array_equal(written[..., :length], ids)
    np.testing.assert_array_equal(written[..., length:], next_ones[..., length - 1 : -1])
    after = model.state_dict()
    assert all(after[path] is value for path, value in before.items())
    assert model.training


def test_drawing_follows_key_temperature_and_top_k(writer: models.GPT) -> None:
    model = writer
    first, again, other = (model.generate(IDS, 8, key=key) for key in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    calm = model.generate(IDS, 8, key=0, temperature=1e-4)
    np.testing.assert_array_equal(calm, model.generate(IDS, 8))
    np.testing.assert_array_equal(model.generate(IDS, 8, key=0, top_k=1), calm)
    np.testing.assert_array_equal(model.generate(IDS, 8, key=0, top_k=99), first)


def test_drawn_tokens_have_the_frequencies_of_the_logits() -> None:
    model = gpt()
    logits = np.asarray(tx.jit(model)(IDS[:1, :2]))[0, -1]
    ids = np.tile(IDS[:1, :2], (4000, 1))
    written = np.asarray(model.generate(ids, 1, key=0, top_k=3))
    drawn = np.bincount(written[:, -1], minlength=11) / 4000
    best = np.argsort(-logits)[:3]
    expected = np.zeros(11)
    expected[best] = jax.nn.softmax(logits[best])
    np.testing.assert_allclose(drawn, expected, atol=0.04)


def test_nothing_more_is_the_prompt(writer: models.GPT) -> None:
    np.testing.assert_array_equal(writer.generate(IDS, 0), IDS)
    np.testing.assert_array_equal(writer.generate(IDS, 0, key=0), IDS)


@pytest.mark.parametrize(
    ("ids", "options", "error", "message"),
    [
        (IDS, {"num_tokens": -1}, ArgumentError, "`num_tokens` to be an integer of at least 0"),
        (IDS, {"num_tokens": 2.0}, ArgumentError, "`num_tokens` to be an integer"),
        (IDS, {"num_tokens": 9}, ShapeError, "of 1 to 12 - num_tokens=9 ids"),
        (IDS[:, :0], {"num_tokens": 1}, ShapeError, "a prompt"),
        (IDS, {"num_tokens": 1, "top_k": 0}, ArgumentError, "`top_k` to be an integer"),
        (IDS, {"num_tokens": 1, "temperature": 0}, ArgumentError, "`temperature` to be a number"),
        (IDS + 9, {"num_tokens": 1}, RangeError, "`ids` from 0 to 10"),
        (IDS + 0.5, {"num_tokens": 1}, ArgumentError, "integer `ids`"),
    ],
)
def test_requests_are_checked(
    ids: jax.Array, options: dict[str, Any], error: type[Exception], message: str, writer: Any
) -> None:
    with pytest.raises(error, match=message):
        writer.generate(ids, **options)


def test_a_scalar_is_refused() -> None:
    with pytest.raises(ShapeError, match="GPT: expected `ids` to have at least one axis"):
        gpt()(jnp.array(1))


def test_half_precision_and_remat() -> None:
    model = gpt(dtype="bfloat16", remat=True)
    assert jax.eval_shape(model, IDS).dtype == jnp.bfloat16
    assert model.embed.embedding.dtype == jnp.float32
    gradients = tx.jit(tx.grad(lambda model: model(IDS).astype(jnp.float32).sum()))(model)
    assert all(np.isfinite(value).all() for value in gradients.state_dict().values())
