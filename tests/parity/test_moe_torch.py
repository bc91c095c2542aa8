"""MoE against the sparse block of Mixtral in `transformers`: values and gradients, to 1e-5."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import treexlite as tx
from tests.budget import examples
from tests.conformance.catalogue import sum_of
from tests.parity.compare import assert_close, set_parameter
from treexlite import nn

torch = pytest.importorskip("torch", reason="torch is not installed (extra `torch`)")
mixtral = pytest.importorskip(
    "transformers.models.mixtral.modeling_mixtral", reason="transformers is not installed"
)


def block(features: int, hidden: int, num_experts: int, top_k: int) -> Any:
    """Their block, with an implementation that loops over the experts."""
    config = mixtral.MixtralConfig(
        hidden_size=features,
        intermediate_size=hidden,
        num_local_experts=num_experts,
        num_experts_per_tok=top_k,
    )
    config._experts_implementation = "eager"
    return mixtral.MixtralSparseMoeBlock(config)


@settings(max_examples=examples(5))
@given(
    hidden=st.integers(1, 7),
    num_experts=st.integers(2, 5),
    top_k=st.integers(1, 3),
    capacity=st.booleans(),
    shape=st.tuples(st.integers(1, 2), st.integers(1, 5), st.integers(1, 6)),
)
def test_sparse_block(
    hidden: int, num_experts: int, top_k: int, capacity: bool, shape: tuple[int, int, int]
) -> None:
    top_k = min(top_k, num_experts)
    x = jax.random.normal(jax.random.key(0), shape)
    ours = nn.MoE(
        nn.SwiGLU(hidden),
        num_experts,
        top_k=top_k,
        normalize_gates=True,
        capacity_factor=num_experts / top_k if capacity else None,  # room for every token
        balance_weight=1.0,
    ).init(0, x)
    theirs = block(shape[-1], hidden, num_experts, top_k)
    experts = ours.experts
    gate_up = jnp.concatenate([experts.gate.kernel, experts.up.kernel], -1).swapaxes(1, 2)
    set_parameter(theirs.gate, "weight", ours.router.kernel.T)
    set_parameter(theirs.experts, "gate_up_proj", gate_up)
    set_parameter(theirs.experts, "down_proj", experts.down.kernel.swapaxes(1, 2))
    given = torch.tensor(np.array(x), requires_grad=True)
    expected = theirs(given)
    (expected * torch.linspace(-1, 1, expected.numel()).reshape(expected.shape)).sum().backward()

    @tx.jit
    def run(model: Any, x: jax.Array) -> Any:
        def loss(model: Any, x: jax.Array) -> Any:
            y = model(x)
            return sum_of(y), (y, model.balance_loss)

        return tx.grad(loss, argnums=(0, 1), has_aux=True)(model, x)

    (gradients, of_x), (y, balance) = run(ours, x)
    assert_close(y, expected)
    assert_close(of_x, given.grad)
    assert_close(gradients.router.kernel, theirs.gate.weight.grad.T)
    gate, up = theirs.experts.gate_up_proj.grad.chunk(2, 1)
    assert_close(gradients.experts.gate.kernel, gate.swapaxes(1, 2))
    assert_close(gradients.experts.up.kernel, up.swapaxes(1, 2))
    assert_close(gradients.experts.down.kernel, theirs.experts.down_proj.grad.swapaxes(1, 2))
    logits = theirs.gate(given.reshape(-1, shape[-1]))[0]
    assert_close(balance, mixtral.load_balancing_loss_func((logits,), num_experts, top_k))
