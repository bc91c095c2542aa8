"""MoE: many experts, of which each token uses a few.

What flows in: an array whose last axis holds features; everything before it counts as tokens. What
flows out: the same leading axes with what the experts make. What may mutate: the logs, when the
layer trains, and the experts' own state. Which token goes where is decided in `_routing`.

The experts are one stacked module and run side by side, each over tokens of a fixed number: either
over all tokens, where those that did not choose it get weight 0, or over a buffer of limited size,
into which tokens are moved and out of which results are collected. Moving costs no multiplications,
unlike the one-hot products of GShard.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax.export import is_symbolic_dim

from treexlite._core import LossLog, MetricLog, Module, static
from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite.nn._arguments import non_negative, positive_int
from treexlite.nn._copies import create_copies, description
from treexlite.nn._creation import create
from treexlite.nn._initializers import InitFunction
from treexlite.nn._inputs import as_array
from treexlite.nn._linear import Linear
from treexlite.nn._policy import choose_dtypes
from treexlite.nn._promotion import compute_dtype
from treexlite.nn._routing import Routes, capacity, imbalance, places, routes, squared_size
from treexlite.transforms import vmap


class Router(Linear):
    """The `Linear` that scores experts: a dtype policy leaves it in float32."""

    keeps_float32 = True
    computes_float32 = True


class MoE(Module):
    """A mixture of experts: each token goes to the `top_k` experts that a router prefers.

    `y = sum over the chosen experts of gate * expert(x)`, with gates from the softmax of
    `router(x)`.

    Args:
        expert: a module that is not initialised, from `(tokens, features)` to `(tokens, ...)`, for
            example `SwiGLU(64)`. Each expert has parameters of its own.
        num_experts: how many experts there are.
        top_k: how many of them a token goes to.
        capacity_factor: how many tokens an expert takes, as a multiple of its part when all are
            equally busy, `top_k * tokens / num_experts`. Later ones are dropped: they get nothing
            from that expert, which suits a residual connection. None: nothing is dropped, and every
            expert computes every token, which costs `num_experts / top_k` times as much.
        normalize_gates: whether the gates of a token have the sum 1. None: when `top_k` is above 1;
            a single gate is left as it is, because the router would learn nothing from a 1.
        balance_weight: factor of the loss that keeps experts equally busy; 0 for none.
        z_weight: factor of the loss that keeps the router's logits small; 0 for none.
        router_init: name or function, for the router's kernel.
        dtype: type of the output. None: that of the experts. The router computes in float32.
        param_dtype: what the router's kernel is stored in.

    Shapes:
        x: `(..., in_features)`; y: `(..., features)`; router/kernel: `(in_features, num_experts)`;
            arrays of `experts`: with `num_experts` as a new first axis.

    State:
        balance_loss, z_loss: `LossLog`, added to the loss by `Trainer`; written by each call while
            the layer trains. None with weight 0.
        dropped: `MetricLog`, the fraction of choices that were dropped; None without a capacity.
        experts: that of each expert.

    Raises:
        ArgumentError: a hyper-parameter is outside its range, or `expert` is no description.
        UnknownNameError: no initialiser has that name.
        ShapeError: `x` is a scalar or has another number of features than at `init`, an expert
            does not return one vector for each token, or, with a capacity, the number of tokens is
            symbolic.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.MoE(tx.nn.SwiGLU(16), 4, top_k=2).init(0, jnp.ones((2, 5, 8)))
        >>> layer(jnp.ones((2, 5, 8))).shape, layer.experts.up.kernel.shape
        ((2, 5, 8), (4, 8, 16))
        >>> float(layer.balance_loss) > 0
        True

    Reference:
        Shazeer et al., Outrageously Large Neural Networks (2017); Fedus et al., Switch Transformers
        (2021), equations 4 to 6 for the balance; Zoph et al., ST-MoE (2022), equation 5 for the
        size of the logits; GShard for the order in which tokens take their places. As the sparse
        block of Mixtral in `transformers` when nothing is dropped; its balance is summed over the
        choices of a token, as here.
    """

    router: Router
    experts: Module
    balance_loss: jax.Array | None = LossLog.node()
    z_loss: jax.Array | None = LossLog.node()
    dropped: jax.Array | None = MetricLog.node()
    num_experts: int = static()
    top_k: int = static()
    capacity_factor: float | None = static()
    normalize_gates: bool = static()
    balance_weight: float = static()
    z_weight: float = static()
    dtype: Any = static()
    param_dtype: Any = static()

    def __init__(
        self,
        expert: Module,
        num_experts: int,
        *,
        top_k: int = 2,
        capacity_factor: float | None = None,
        normalize_gates: bool | None = None,
        balance_weight: float = 0.01,
        z_weight: float = 0.0,
        router_init: str | InitFunction = "lecun_normal",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        where = type(self).__name__
        self.num_experts = positive_int(where, "num_experts", num_experts)
        self.top_k = _top_k(where, top_k, self.num_experts)
        self.capacity_factor = _factor(where, capacity_factor)
        self.normalize_gates = self.top_k > 1 if normalize_gates is None else bool(normalize_gates)
        self.balance_weight = non_negative(where, "balance_weight", balance_weight)
        self.z_weight = non_negative(where, "z_weight", z_weight)
        choose_dtypes(self, dtype, param_dtype)
        self.router = Router(
            self.num_experts,
            use_bias=False,
            kernel_init=router_init,
            dtype=jnp.promote_types(self.param_dtype, jnp.float32),
            param_dtype=self.param_dtype,
        )
        self.experts = description(where, "expert", expert, "replace those of an initialised layer")
        if not self.balance_weight:
            self.balance_loss = None
        if not self.z_weight:
            self.z_loss = None
        if self.capacity_factor is None:
            self.dropped = None

    def __call__(self, x: jax.Array) -> jax.Array:
        x = as_array(self, x)
        self._check_rank(x)
        tokens = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
        logits = self.router(tokens)  # (tokens, experts)
        if self.initializing():
            self._create(tokens)
        found = routes(logits, self.top_k, self.normalize_gates)
        y, kept = self._mixed(tokens, found)
        if self.training and not self.frozen and not self.initializing():
            self._write_logs(logits, found, kept)
        return y.reshape(*x.shape[:-1], y.shape[-1])  # (..., features)

    def _create(self, tokens: jax.Array) -> None:
        create_copies(self, "experts", self.num_experts, (tokens,))
        for name in ("balance_loss", "z_loss", "dropped"):
            create(self, name, "zeros", (), jnp.float32)

    def _write_logs(self, logits: jax.Array, found: Routes, kept: jax.Array | float) -> None:
        if self.balance_loss is not None:
            self.balance_loss = jnp.float32(self.balance_weight * imbalance(found))
        if self.z_loss is not None:
            self.z_loss = jnp.float32(self.z_weight * squared_size(logits))
        if self.dropped is not None:
            self.dropped = jnp.float32(1 - kept)

    def _mixed(self, tokens: jax.Array, found: Routes) -> tuple[jax.Array, jax.Array | float]:
        """Return what the experts make, and which fraction of the choices found a place."""
        if self.capacity_factor is None:
            return self._by_all(tokens, found), 1.0
        self._check_count(tokens.shape[0])
        size = capacity(tokens.shape[0], self.num_experts, self.top_k, self.capacity_factor)
        place = places(found.experts, self.num_experts, size)  # (tokens, top_k)
        kept = (place < self.num_experts * size).sum() / max(place.size, 1)
        return self._by_chosen(tokens, found.gates, place, size), kept

    def _by_all(self, tokens: jax.Array, found: Routes) -> jax.Array:
        """Let every expert compute every token, and weigh what they give."""
        run = vmap(_call, in_axes=(0, None), axis_size=self.num_experts)
        outputs = run(self.experts, tokens)
        self._check_outputs(outputs, tokens.shape[0])
        chosen = jax.nn.one_hot(found.experts, self.num_experts, dtype=found.gates.dtype)
        weights = (chosen * found.gates[..., None]).sum(1)  # (tokens, experts)
        wide = jnp.promote_types(outputs.dtype, weights.dtype)
        y = jnp.einsum("te,etf->tf", weights.astype(wide), outputs.astype(wide))
        return y.astype(compute_dtype(self.dtype, outputs))

    def _by_chosen(
        self, tokens: jax.Array, gates: jax.Array, place: jax.Array, size: int
    ) -> jax.Array:
        """Move tokens to their places at the experts, and collect the results from there."""
        buffer = jnp.zeros((self.num_experts * size, tokens.shape[1]), tokens.dtype)
        buffer = buffer.at[place].add(tokens[:, None], mode="drop")
        outputs = vmap(_call)(self.experts, buffer.reshape(self.num_experts, size, tokens.shape[1]))
        self._check_outputs(outputs, size)
        rows = outputs.reshape(self.num_experts * size, outputs.shape[-1])
        collected = rows.at[place].get(mode="fill", fill_value=0)  # (tokens, top_k, features)
        y: jax.Array = (gates[..., None] * collected).sum(1)
        return y.astype(compute_dtype(self.dtype, outputs))

    def _check_rank(self, x: jax.Array) -> None:
        if x.ndim == 0:
            raise ShapeError(
                type(self).__name__,
                expected="`x` to have at least one axis, the last one for the features",
                received=f"x={describe(x)}",
                fix="Give it an axis: `x[None]`.",
            )

    def _check_count(self, tokens: Any) -> None:
        """The room of an expert is a size of arrays, by a formula that symbolic sizes have not."""
        if is_symbolic_dim(tokens):
            raise ShapeError(
                type(self).__name__,
                expected="a number of tokens that is known, because of `capacity_factor`",
                received=f"a symbolic one, {tokens}",
                fix="Export it for a fixed batch size, `shapes=None`, or with"
                " `capacity_factor=None`, by which nothing is dropped.",
            )

    def _check_outputs(self, outputs: Any, size: int) -> None:
        shape = getattr(outputs, "shape", None)
        if shape is None or len(shape) != 3 or shape[1] != size:
            raise ShapeError(
                type(self).__name__,
                expected=f"an expert to make an array ({size}, features) of {size} tokens",
                received=describe(outputs) if shape is None else f"one of shape {shape[1:]}",
                fix="Pass an expert that treats each token by itself, such as `FeedForward`.",
            )


def _call(expert: Any, tokens: jax.Array) -> Any:
    return expert(tokens)


def _top_k(where: str, value: Any, num_experts: int) -> int:
    top_k = positive_int(where, "top_k", value)
    if top_k > num_experts:
        raise ArgumentError(
            where,
            expected=f"`top_k` of at most num_experts={num_experts}",
            received=f"top_k={top_k}",
            fix="Choose fewer experts for each token, or have more of them.",
        )
    return top_k


def _factor(where: str, value: Any) -> float | None:
    factor = None if value is None else non_negative(where, "capacity_factor", value)
    if factor == 0:
        raise ArgumentError(
            where,
            expected="`capacity_factor` above 0, or None",
            received=f"capacity_factor={value!r}",
            fix="Pass for example `capacity_factor=1.25`; with None nothing is dropped.",
        )
    return factor
