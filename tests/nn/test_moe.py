"""MoE: what the formula says of each token, with and without a capacity; logs; what it refuses."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError
from treexlite.nn._routing import capacity, routes

X = jax.random.normal(jax.random.key(0), (2, 6, 3))


def moe(**options: Any) -> Any:
    return nn.MoE(nn.FeedForward(5, activation="tanh"), 4, **options).init(0, X)


def by_loop(model: Any, x: np.ndarray, size: int) -> tuple[np.ndarray, int]:
    """The layer, token by token; each expert takes `size` of them. Also how many are dropped."""
    experts = tx.unstack(model.experts)
    tokens = x.reshape(-1, x.shape[-1])
    logits = tokens @ model.router.kernel
    found = routes(logits, model.top_k, model.normalize_gates)
    y, taken, dropped = np.zeros(tokens.shape, np.float32), [0] * len(experts), 0
    for choice in range(model.top_k):
        for token in range(len(tokens)):
            expert = int(found.experts[token, choice])
            taken[expert] += 1
            if taken[expert] > size:
                dropped += 1
                continue
            output = experts[expert](tokens[token])
            y[token] += np.asarray(found.gates[token, choice] * output)
    return y.reshape(x.shape), dropped


@pytest.mark.parametrize("top_k", [1, 2, 4])
def test_without_a_capacity_every_choice_counts(top_k: int) -> None:
    model = moe(top_k=top_k)
    expected, _ = by_loop(model, np.asarray(X), 12)
    np.testing.assert_allclose(model(X), expected, rtol=1e-5, atol=1e-6)
    assert model.dropped is None


@pytest.mark.parametrize(("top_k", "factor"), [(2, 0.5), (1, 1.0), (2, 2.0)])
def test_with_a_capacity_late_choices_are_dropped(top_k: int, factor: float) -> None:
    model = moe(top_k=top_k, capacity_factor=factor)
    y = model(X)
    expected, dropped = by_loop(model, np.asarray(X), capacity(12, 4, top_k, factor))
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.dropped, dropped / (12 * top_k), rtol=1e-6)
    assert (dropped > 0) == (factor < 2)


def test_gradients_with_a_capacity_are_those_of_what_is_kept() -> None:
    """Where there is room for all, both ways have one gradient; the router's is not 0."""

    def gradients(model: Any) -> Any:
        return tx.jit(tx.grad(lambda model: (model(X) ** 2).sum()))(model).state_dict()

    dense, sparse = gradients(moe()), gradients(moe(capacity_factor=2.0))
    for path, gradient in dense.items():
        np.testing.assert_allclose(sparse[path], gradient, rtol=1e-4, atol=1e-5)
        assert (gradient != 0).any()


def test_a_single_gate_teaches_the_router_unless_it_is_normalised() -> None:
    def of_router(**options: Any) -> Any:
        model = moe(top_k=1, **options)
        return tx.jit(tx.grad(lambda model: (model(X) ** 2).sum()))(model).router.kernel

    assert (of_router() != 0).any()
    np.testing.assert_allclose(of_router(normalize_gates=True), 0, atol=1e-6)


def test_losses_are_written_while_it_trains_only() -> None:
    model = moe(balance_weight=0.5, z_weight=0.25)
    logits = X.reshape(-1, 3) @ model.router.kernel
    model(X)
    sizes = np.log(np.exp(logits).sum(-1)) ** 2
    np.testing.assert_allclose(model.z_loss, 0.25 * sizes.mean(), rtol=1e-5)
    assert 0.5 < float(model.balance_loss) < 4
    for resting in (model.eval(), model.freeze()):
        resting(2 * X)
        assert resting.z_loss is model.z_loss
        assert resting.balance_loss is model.balance_loss


def test_the_balance_teaches_the_router_alone() -> None:
    model = moe(balance_weight=1.0)

    def balance(model: Any) -> jax.Array:
        model(X)
        return model.balance_loss

    gradients = tx.jit(tx.grad(balance))(model).state_dict()
    assert {path for path, gradient in gradients.items() if (gradient != 0).any()} == {
        "router/kernel"
    }


def test_without_weights_there_are_no_logs() -> None:
    model = moe(balance_weight=0.0)
    model(X)
    assert not any(issubclass(info.kind, tx.Log) for info in model.fields())


def test_every_expert_has_values_of_its_own() -> None:
    kernels = np.asarray(moe().experts.up.kernel)
    assert kernels.shape == (4, 3, 5)
    assert len({kernel.tobytes() for kernel in kernels}) == 4


@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 3, 2, 3), (0, 3), (2, 0, 3)])
@pytest.mark.parametrize("factor", [None, 1.0])
def test_any_number_of_leading_axes(shape: tuple[int, ...], factor: float | None) -> None:
    model = moe(capacity_factor=factor)
    assert tx.jit(model)(np.ones(shape, np.float32)).shape == shape
    assert np.isfinite(model.balance_loss)


def test_the_router_computes_in_float32() -> None:
    model = nn.MoE(nn.SwiGLU(4, dtype="bfloat16"), 4, dtype="bfloat16").init(0, X)
    half = X.astype("bfloat16")
    assert model(half).dtype == jnp.bfloat16
    assert model.router(half).dtype == jnp.float32


def test_inside_repeated() -> None:
    model = nn.Repeated(nn.MoE(nn.SwiGLU(4), 4, capacity_factor=1.0), 3).init(0, X)
    assert model(X).shape == X.shape
    assert model.block.balance_loss.shape == (3,)
    assert model.block.experts.up.kernel.shape == (3, 4, 3, 4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_experts": 0}, "`num_experts` to be an integer of at least 1"),
        ({"top_k": 5}, "`top_k` of at most num_experts=4, received top_k=5"),
        ({"capacity_factor": 0}, "`capacity_factor` above 0, or None"),
        ({"capacity_factor": -1.0}, "`capacity_factor` to be a finite number of at least 0"),
        ({"balance_weight": -1}, "`balance_weight` to be a finite number"),
        ({"expert": jnp.tanh}, "`expert` to be a module that is not initialised"),
        ({"param_dtype": "int8"}, "`param_dtype` to be a floating dtype"),
    ],
)
def test_arguments_are_checked(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        nn.MoE(**{"expert": nn.SwiGLU(4), "num_experts": 4, **options})


def test_with_a_capacity_the_number_of_tokens_is_known() -> None:
    spec = jax.export.symbolic_args_specs(X, "batch, ...")
    assert str(jax.eval_shape(moe().eval(), spec).shape) == "(batch, 6, 3)"
    with pytest.raises(ShapeError, match=r"received a symbolic one, 6\*batch.*`shapes=None`"):
        jax.eval_shape(moe(capacity_factor=1.0).eval(), spec)


def test_a_scalar_is_refused() -> None:
    with pytest.raises(ShapeError, match="MoE: expected `x` to have at least one axis"):
        moe()(jnp.float32(1))


@pytest.mark.parametrize("factor", [None, 1.0])
def test_an_expert_that_mixes_tokens_is_refused(factor: float | None) -> None:
    expert = nn.Lambda(lambda x: x.sum(0, keepdims=True))
    with pytest.raises(ShapeError, match=r"an array \(\d+, features\) .* one of shape \(1, 3\)"):
        nn.MoE(expert, 2, capacity_factor=factor).init(0, X)
