"""`nn.policy`: which precision layers and models compute in, are stored in, and return."""

import copy
import pickle
import threading
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from treexlite import nn
from treexlite.errors import ArgumentError, ContextError, UnknownNameError

X = jax.random.normal(jax.random.key(0), (4, 3))
IMAGES = jax.random.normal(jax.random.key(1), (2, 5, 5, 3))
HALF = jnp.bfloat16


def network() -> tx.Module:
    return nn.Sequential(
        nn.Conv(4, (3, 3)), nn.BatchNorm(), jax.nn.relu, nn.Dropout(0.5), nn.Flatten(), nn.Linear(2)
    )


class Inline(tx.Module):
    @tx.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        self.seen = nn.Linear(4)(x).dtype.name
        return nn.Linear(2)(x)


def dtypes(model: tx.Module) -> dict[str, str]:
    return {path: value.dtype.name for path, value in model.state_dict().items()}


def test_a_context_decides_for_the_layers_built_inside() -> None:
    with nn.policy("mixed_bfloat16"):
        model = network()
    outside = network()
    model = model.init(0, IMAGES)
    assert set(dtypes(model).values()) == {"float32", "uint32"}
    assert model(IMAGES).dtype == HALF
    assert outside.init(0, IMAGES)(IMAGES).dtype == jnp.float32


def test_what_a_layer_is_told_outranks_the_context() -> None:
    with nn.policy("bfloat16"):
        layer = nn.Linear(2, dtype=jnp.float16, param_dtype=jnp.float16)
    assert (layer.dtype, layer.param_dtype) == (jnp.float16, jnp.float16)


def test_contexts_nest() -> None:
    with nn.policy("bfloat16"):
        with nn.policy("float16"):
            inner = nn.Linear(2)
        outer = nn.Linear(2)
    assert (inner.dtype, outer.dtype, nn.Linear(2).dtype) == (jnp.float16, HALF, None)


def test_a_context_ends_with_an_error() -> None:
    with pytest.raises(RuntimeError, match="mine"), nn.policy("bfloat16"):
        raise RuntimeError("mine")
    assert nn.Linear(2).dtype is None


def test_a_context_belongs_to_its_thread() -> None:
    found: list[Any] = []
    with nn.policy("bfloat16"):
        thread = threading.Thread(target=lambda: found.append(nn.Linear(2).dtype))
        thread.start()
        thread.join()
    assert found == [None]


def test_calls_do_not_depend_on_the_context_they_are_made_in() -> None:
    model = nn.Linear(2).init(0, X)
    call = tx.jit(model)
    with nn.policy("bfloat16"):
        assert call(X).dtype == model(X).dtype == jnp.float32


def test_norms_keep_their_data_in_float32_and_return_the_dtype_of_the_computation() -> None:
    with nn.policy("bfloat16"):
        model = nn.Sequential(nn.Linear(4), nn.BatchNorm(), nn.LayerNorm()).init(0, X)
    found = dtypes(model)
    assert {path: name for path, name in found.items() if name != "float32"} == {
        "layers/0/kernel": "bfloat16",
        "layers/0/bias": "bfloat16",
    }
    assert model(X).dtype == HALF


def test_routers_stay_in_float32() -> None:
    model = nn.policy("bfloat16").apply(nn.MoE(nn.Linear(3), 4).init(0, X))
    assert model.router(X).dtype == model.router.kernel.dtype == jnp.float32
    assert model(X).dtype == model.experts.kernel.dtype == HALF


def test_attention_and_recurrent_layers_follow() -> None:
    x = jnp.ones((2, 5, 8))
    attention = nn.policy("bfloat16").apply(nn.MultiHeadAttention(2, qk_norm=True).init(0, x))
    recurrent = nn.policy("mixed_bfloat16").apply(nn.RNN(nn.LSTMCell(4)).init(0, x))
    assert dtypes(attention.filter("*_norm/**")) == dict.fromkeys(
        ["query_norm/scale", "key_norm/scale"], "float32"
    )
    assert attention.query.kernel.dtype == attention(x).dtype == recurrent(x).dtype == HALF


def test_statistics_are_summed_in_float32() -> None:
    """In bfloat16 the mean would be a multiple of a half."""
    layer = nn.policy("bfloat16").apply(nn.BatchNorm(momentum=0.0).init(0, jnp.ones((1, 1))))
    x = jnp.linspace(100.0, 100.5, 1001).astype(HALF)[:, None]
    layer(x)
    assert float(layer.mean[0]) == pytest.approx(float(x.astype(jnp.float32).mean()), rel=1e-6)


@pytest.mark.parametrize("initialized", [True, False])
@pytest.mark.parametrize("inplace", [True, False])
def test_apply(initialized: bool, inplace: bool) -> None:
    original = network()
    original = original.init(0, IMAGES) if initialized else original
    before = None if not initialized else original.state_dict()
    model = nn.policy("bfloat16").apply(original, inplace=inplace)
    assert (model is original) == inplace
    if not inplace:
        assert original.layers[0].dtype is None
        if before is not None:
            after = original.state_dict()
            assert all(after[path] is value for path, value in before.items())
    model = model if initialized else model.init(0, IMAGES)
    halves = {path for path, name in dtypes(model).items() if name == "bfloat16"}
    assert halves == {"layers/0/kernel", "layers/0/bias", "layers/5/kernel", "layers/5/bias"}
    assert model(IMAGES).dtype == HALF


def test_apply_shares_what_needs_no_cast() -> None:
    model = network().init(0, IMAGES)
    mixed = nn.policy("mixed_bfloat16").apply(model)
    assert all(
        a is b
        for a, b in zip(model.state_dict().values(), mixed.state_dict().values(), strict=True)
    )


def test_apply_reaches_what_init_has_still_to_create_without_inputs() -> None:
    model = nn.policy("bfloat16").apply(nn.Embed(5, 4)).init(0)
    assert model.embedding.dtype == HALF


def test_apply_keeps_sharing() -> None:
    class Tied(tx.Module):
        def __init__(self) -> None:
            self.first = nn.Linear(3)
            self.second = self.first

        def __call__(self, x: jax.Array) -> jax.Array:
            return self.second(self.first(x))

    model = nn.policy("bfloat16").apply(Tied().init(0, X))
    assert model.first is model.second


def test_the_last_policy_counts() -> None:
    model = nn.policy("float32").apply(nn.policy("bfloat16").apply(nn.Linear(2).init(0, X)))
    assert (model.dtype, model.kernel.dtype, model(X).dtype) == (jnp.float32,) * 3


def test_the_output_dtype_is_that_of_the_model_and_not_of_its_layers() -> None:
    model = nn.MLP([8, 2]).init(0, X)
    model = nn.policy("mixed_bfloat16", output_dtype="float32").apply(model)
    assert model.layers[-1](X[:, [0] * 8]).dtype == HALF
    assert model(X).dtype == tx.jit(model)(X).dtype == jax.jit(lambda m: m(X))(model).dtype
    assert model(X).dtype == jnp.float32


def test_outputs_that_are_no_floats_stay() -> None:
    class Heads(tx.Module):
        def __call__(self, x: jax.Array) -> dict[str, jax.Array]:
            return {"logits": x, "label": x.argmax(-1)}

    model = nn.policy("mixed_float16", output_dtype="float32").apply(Heads())
    found = model(X.astype(jnp.float16))
    assert (found["logits"].dtype, found["label"].dtype) == (jnp.float32, jnp.int32)


def test_inline_layers_follow_the_policy_of_their_model() -> None:
    model = nn.policy("bfloat16").apply(Inline()).init(0, X)
    assert (model.linear.kernel.dtype, model(X).dtype, model.seen) == (HALF, HALF, "bfloat16")


def test_gradients_have_the_dtype_of_the_parameters() -> None:
    model = nn.policy("mixed_bfloat16").apply(nn.MLP([8, 2]).init(0, X))
    gradients = tx.grad(lambda m: tx.losses.MeanSquaredError()(jnp.ones((4, 2)), m(X)))(model)
    assert set(dtypes(gradients).values()) == {"float32"}


def test_losses_are_computed_in_float32() -> None:
    preds = jnp.full((1000, 1), 1.01, HALF)
    loss = tx.losses.MeanSquaredError()(jnp.zeros((1000, 1)), preds)
    assert loss.dtype == jnp.float32


def test_mixed_precision_is_close_to_full_precision() -> None:
    model = network().init(0, IMAGES).eval()
    mixed = nn.policy("mixed_bfloat16", output_dtype="float32").apply(model)
    # bfloat16 has 8 bits: three layers in a row lose less than 3 % of the largest output.
    assert abs(mixed(IMAGES) - model(IMAGES)).max() < 0.03 * abs(model(IMAGES)).max()


def test_a_model_with_a_policy_is_copied_and_pickled() -> None:
    model = nn.policy("mixed_bfloat16").apply(nn.Linear(2).init(0, X))
    for other in (model.copy(), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert other.dtype_policy == model.dtype_policy
        assert other(X).dtype == HALF
    assert jax.tree.structure(model) == jax.tree.structure(model.copy())


def test_two_models_built_alike_are_compiled_once() -> None:
    traces = []

    @tx.jit
    def call(model: Any, x: jax.Array) -> jax.Array:
        traces.append(None)
        return model(x)

    for _ in range(2):
        call(nn.policy("mixed_bfloat16").apply(nn.Linear(2).init(0, X)), X)
    assert len(traces) == 1


def test_casts_of_trees() -> None:
    policy = nn.policy("mixed_bfloat16", output_dtype="float16")
    tree = {"x": X, "n": jnp.arange(3), "key": jax.random.key(0), "text": "a"}
    assert policy.cast_to_compute(tree)["x"].dtype == HALF
    assert policy.cast_to_param(tree)["x"].dtype == jnp.float32
    assert policy.cast_to_output(tree)["x"].dtype == jnp.float16
    assert policy.cast_to_compute(tree)["n"] is tree["n"]
    assert nn.policy("bfloat16").cast_to_output(tree) is tree


def test_names_are_checked() -> None:
    with pytest.raises(UnknownNameError, match="mixed_bfloat16"):
        nn.policy("mixed_bfloat")


@pytest.mark.parametrize("name", ["param_dtype", "compute_dtype", "output_dtype"])
def test_dtypes_are_checked(name: str) -> None:
    with pytest.raises(ArgumentError, match=f"`{name}` to be a floating dtype"):
        nn.policy(**{name: int})  # type: ignore[arg-type]


def test_a_context_has_no_output_dtype() -> None:
    policy = nn.policy("bfloat16", output_dtype="float32")
    with pytest.raises(ContextError, match="does not know which layer is the last"), policy:
        pass


def test_apply_takes_modules_only() -> None:
    with pytest.raises(ArgumentError, match="expected a module"):
        nn.policy("bfloat16").apply({"a": X})  # type: ignore[type-var]
