"""LoRALinear: it starts as the layer it is made of, trains alone, and is folded in again."""

import copy
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, NotInitializedError, ShapeError

X = jax.random.normal(jax.random.key(0), (6, 3))
Y = jax.random.normal(jax.random.key(1), (6, 2))


def loss_fn(model: Any) -> jax.Array:
    return ((model(X) - Y) ** 2).mean()


def trained(layer: Any) -> Any:
    """Give the small matrices values as after training."""
    return nn.LoRALinear(layer, 2, alpha=3.0, b_init="normal").init(5, X)


@pytest.mark.parametrize("use_bias", [True, False])
def test_at_first_it_computes_what_the_layer_does(use_bias: bool) -> None:
    base = nn.Linear(4, use_bias=use_bias, bias_init="normal").init(0, X)
    layer = nn.LoRALinear(base, 2).init(1)
    np.testing.assert_array_equal(layer(X), base(X))
    assert layer.kernel is base.kernel
    assert layer.bias is base.bias


def test_it_adds_the_product() -> None:
    base = nn.Linear(4, bias_init="normal").init(0, X)
    layer = trained(base)
    product = np.asarray(X @ layer.lora.a @ layer.lora.b) * 1.5
    assert np.abs(product).max() > 1e-3
    np.testing.assert_allclose(layer(X), np.asarray(base(X)) + product, rtol=1e-5, atol=1e-6)


def test_a_layer_that_is_not_initialised_and_a_number() -> None:
    for base in (nn.Linear(4), 4):
        layer = nn.LoRALinear(base, 2).init(0, X)
        assert {path: value.shape for path, value in layer.state_dict().items()} == {
            "kernel": (3, 4),
            "bias": (4,),
            "lora/a": (3, 2),
            "lora/b": (2, 4),
        }
    kernel = nn.Linear(4).init(0, X).kernel
    np.testing.assert_array_equal(nn.LoRALinear(4, 2).init(0, X).kernel, kernel)


def test_settings_are_taken_over() -> None:
    base = nn.Linear(4, kernel_init="ones", dtype="bfloat16", param_dtype="float16")
    layer = nn.LoRALinear(base, 2).init(0, X)
    assert layer(X).dtype == jnp.bfloat16
    assert {value.dtype for value in layer.state_dict().values()} == {jnp.dtype("float16")}
    wide = nn.LoRALinear(base, 2, param_dtype="float32").init(0, X)
    assert (wide.kernel.dtype, wide.lora.a.dtype) == (jnp.float16, jnp.float32)


def test_a_given_kernel_decides_the_sizes() -> None:
    base = nn.Linear(2)
    base.kernel = jnp.ones((3, 5))
    layer = nn.LoRALinear(base, 2).init(0, X)
    assert layer(X).shape == (6, 5)
    assert layer.merged()(X).shape == (6, 5)


@pytest.mark.parametrize("use_bias", [True, False])
def test_merged_it_is_a_linear_layer_that_computes_the_same(use_bias: bool) -> None:
    layer = trained(nn.Linear(4, use_bias=use_bias, bias_init="normal").init(0, X)).freeze().eval()
    merged = layer.merged()
    assert type(merged) is nn.Linear
    assert (merged.training, merged.frozen) == (False, True)
    np.testing.assert_allclose(merged(X), layer(X), rtol=1e-5, atol=1e-6)


def test_merging_keeps_the_dtype_of_the_kernel() -> None:
    merged = trained(nn.Linear(4, param_dtype="bfloat16").init(0, X)).merged()
    assert merged.kernel.dtype == jnp.bfloat16


def test_without_small_matrices_merging_gives_the_kernel() -> None:
    base = nn.Linear(4).init(0, X)
    assert nn.LoRALinear(base, 2).merged().kernel is base.kernel
    assert not nn.LoRALinear(4, 2).merged().initialized


def test_only_the_small_matrices_train() -> None:
    model = nn.MLP([8, 2]).init(0, X)
    base = model.state_dict()
    model = nn.add_lora(model, 2, alpha=4.0).init(1)
    before = loss_fn(model)
    optimizer = tx.Optimizer(optax.adamw(0.05)).init(model.filter(nn.LoRAParameter))
    assert len(jax.tree.leaves(optimizer.opt_state)) == 2 * 4 + 1  # two moments of each, a count

    @tx.jit
    def step(model: Any, optimizer: tx.Optimizer) -> None:
        grads = tx.grad(loss_fn, wrt=nn.LoRAParameter)(model)
        optimizer.update(grads, model)

    start = model.state_dict()
    for _ in range(30):
        step(model, optimizer)
    after = model.state_dict()
    for path, value in base.items():
        assert (np.asarray(after[path]) == np.asarray(value)).all(), path
    assert all((after[path] != start[path]).any() for path in set(after) - set(base))
    assert loss_fn(model) < 0.8 * before
    np.testing.assert_allclose(loss_fn(nn.merge_lora(model)), loss_fn(model), rtol=1e-5)


def test_a_model_of_many_layers_gets_them_where_the_filters_hold() -> None:
    model = nn.Sequential(nn.MLP([4, 4]), jax.nn.relu, nn.Linear(2)).init(0, X)
    adapted = nn.add_lora(model, 2, "layers/0/**").init(3)
    kinds = [type(module).__name__ for _, module in adapted.modules()]
    assert kinds == ["Sequential", "MLP", "LoRALinear", "LoRA", "LoRALinear", "LoRA", "Linear"]
    np.testing.assert_array_equal(adapted(X), model(X))
    for path, value in model.state_dict().items():
        assert adapted.state_dict()[path] is value
    merged = nn.merge_lora(adapted)
    assert jax.tree.structure(merged) == jax.tree.structure(model)
    np.testing.assert_array_equal(merged(X), model(X))
    first = nn.merge_lora(adapted, "layers/0/layers/0/*")
    assert sum(type(module) is nn.LoRALinear for _, module in first.modules()) == 1


def test_a_description_can_be_adapted_before_init() -> None:
    model = nn.add_lora(nn.MLP([4, 2]), 2).init(0, X)
    np.testing.assert_array_equal(model(X), nn.MLP([4, 2]).init(0, X)(X))


def test_in_repeated_blocks() -> None:
    model = nn.Repeated(nn.LoRALinear(3, 2, b_init="normal"), 3).init(0, X)
    expected = X
    for block in model.unstacked():
        expected = block(expected)
    np.testing.assert_allclose(model(X), expected, rtol=1e-5, atol=1e-6)


def test_blocks_that_exist_get_matrices_of_their_own() -> None:
    model = nn.Repeated(nn.Sequential(nn.Linear(3), nn.Linear(3)), 4).init(0, X)
    adapted = nn.add_lora(model, 2).init(1)
    np.testing.assert_array_equal(adapted(X), model(X))
    lora = adapted.block.layers[1].lora
    assert (lora.a.shape, lora.b.shape) == ((4, 3, 2), (4, 2, 3))
    assert len(np.unique(np.asarray(lora.a))) == lora.a.size
    lora.b = jax.random.normal(jax.random.key(2), lora.b.shape)
    assert not np.allclose(adapted(X), model(X))
    np.testing.assert_allclose(nn.merge_lora(adapted)(X), adapted(X), rtol=1e-4, atol=1e-5)


def test_copies_and_checkpoints() -> None:
    layer = trained(nn.Linear(4).init(0, X))
    again = nn.LoRALinear(4, 2, alpha=3.0).init(9, X)
    again.load_state_dict(layer.state_dict())
    np.testing.assert_array_equal(again(X), layer(X))
    np.testing.assert_array_equal(copy.deepcopy(layer)(X), layer(X))


def test_the_small_matrices_are_needed() -> None:
    with pytest.raises(NotInitializedError, match="`a`, `b` are not created yet"):
        nn.LoRALinear(nn.Linear(4).init(0, X), 2)(X)


def test_what_is_no_linear_layer_is_refused() -> None:
    class Own(nn.Linear):
        def __call__(self, x: jax.Array) -> jax.Array:
            return jax.nn.relu(super().__call__(x))

    for layer in (nn.LayerNorm(), Own(2), nn.LoRALinear(2, 1)):
        with pytest.raises(ArgumentError, match="LoRALinear: expected `layer` to be a plain"):
            nn.LoRALinear(layer, 2)
    with pytest.raises(ArgumentError, match="`features` to be an integer of at least 1"):
        nn.LoRALinear("8", 2)
    with pytest.raises(ArgumentError, match="merge_lora: expected a model with LoRALinear layers"):
        nn.merge_lora(nn.Linear(2))


def test_inputs_that_do_not_fit_are_refused_by_the_layer() -> None:
    with pytest.raises(ShapeError, match=r"LoRALinear: expected the last axis of `x` to be 3"):
        trained(nn.Linear(4))(jnp.ones((2, 2)))


def test_projections_of_attention_are_adapted() -> None:
    x = jax.random.normal(jax.random.key(0), (2, 5, 8))
    model = nn.TransformerEncoderLayer(2, 16, causal=True).init(0, x)
    adapted = nn.add_lora(model, 2, "attention/query/*", b_init="normal").init(1, x)
    assert list(adapted.filter(nn.LoRAParameter).state_dict()) == [
        "attention/query/lora/a",
        "attention/query/lora/b",
    ]
    found = np.asarray(tx.jit(adapted)(x))
    assert not np.allclose(found, tx.jit(model)(x))
    np.testing.assert_allclose(tx.jit(nn.merge_lora(adapted))(x), found, rtol=1e-5, atol=1e-5)


def test_a_projection_of_unknown_size_has_to_be_initialised_first() -> None:
    with pytest.raises(ArgumentError, match="whose number of outputs is known"):
        nn.add_lora(nn.MultiHeadAttention(2), 2)
