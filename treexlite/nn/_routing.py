"""Routing: which experts a token goes to, where its place there is, and what keeps them all busy.

In: the logits of a router, one for each token and expert. Out: arrays; nothing is mutated. All of
it is computed in the dtype of the logits, float32 at least.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp


class Routes(NamedTuple):
    """The choices of all tokens.

    Attributes:
        probs: `(tokens, experts)`, how the router divides each token among the experts.
        experts: `(tokens, top_k)`, the experts chosen, the most probable one first.
        gates: `(tokens, top_k)`, the weights of their outputs.
    """

    probs: jax.Array
    experts: jax.Array
    gates: jax.Array


def routes(logits: jax.Array, top_k: int, normalize: bool) -> Routes:
    """Choose the `top_k` most probable experts of each token.

    Args:
        logits: `(tokens, experts)`.
        top_k: how many experts a token goes to.
        normalize: whether the gates of a token are scaled to a sum of 1.
    """
    probs = jax.nn.softmax(logits)
    gates, experts = jax.lax.top_k(probs, top_k)
    if normalize:
        gates = gates / gates.sum(-1, keepdims=True)
    return Routes(probs, experts, gates)


def capacity(num_tokens: int, num_experts: int, top_k: int, factor: float) -> int:
    """Return how many tokens an expert takes: `factor` times its part of all choices.

    At least one, and no more than there are tokens.
    """
    part = math.ceil(factor * top_k * num_tokens / num_experts)
    return max(1, min(part, num_tokens))


def places(experts: jax.Array, num_experts: int, size: int) -> jax.Array:
    """Return the place of each choice in a buffer of `num_experts * size` rows, `size` for each.

    First choices of all tokens come before second ones, earlier tokens before later ones. Choices
    for which there is no room get the place after the last one.

    Args:
        experts: `(tokens, top_k)`.
        num_experts: how many experts there are.
        size: how many tokens an expert takes.

    Returns:
        `(tokens, top_k)`.
    """
    order = experts.T.reshape(-1)  # (top_k * tokens,)
    chosen = jax.nn.one_hot(order, num_experts, dtype=jnp.int32)
    rank = (chosen * jnp.cumsum(chosen, 0)).sum(-1) - 1  # among the choices of the same expert
    place = jnp.where(rank < size, order * size + rank, num_experts * size)
    return place.reshape(experts.T.shape).T


def imbalance(found: Routes) -> jax.Array:
    """Return `num_experts * sum(share * prob)` over the experts: `top_k` when all are equally busy.

    `share` is the part of the tokens that chose an expert, `prob` the mean of its probability,
    through which alone gradients flow.
    """
    num_tokens, num_experts = found.probs.shape
    chosen = jax.nn.one_hot(found.experts, num_experts, dtype=found.probs.dtype)
    share = chosen.sum((0, 1)) / max(num_tokens, 1)  # (experts,)
    prob = found.probs.sum(0) / max(num_tokens, 1)  # (experts,)
    return num_experts * (share * prob).sum()


def squared_size(logits: jax.Array) -> jax.Array:
    """Return the mean of `logsumexp(logits)²` over tokens, small when all logits are."""
    return jnp.square(jax.nn.logsumexp(logits, -1)).sum() / max(logits.shape[0], 1)
