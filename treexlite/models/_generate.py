"""Writing tokens one by one with a causal model, all in one compiled program.

What flows in: a model with `encode(ids) -> (..., time, features)` and `embed`, the table that
scores the answers, and a prompt. What flows out: the prompt with new tokens behind it. Nothing is
mutated: the program works on a copy of the model, in evaluation mode and with caches.
"""

from __future__ import annotations

import numbers
import operator
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core._random import KeyLike, as_key
from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite.nn import clear_cache, start_cache
from treexlite.nn._arguments import is_int, positive_int
from treexlite.nn._lookup import check_ids
from treexlite.transforms import jit, scan


def generate(
    where: str,
    model: Any,
    ids: Any,
    num_tokens: int,
    key: KeyLike | None,
    temperature: float,
    top_k: int | None,
    longest: int | None = None,
) -> jax.Array:
    """Return `ids` with `num_tokens` more tokens behind them.

    Args:
        where: the method that asks.
        model: the model.
        ids: `(..., time)`, the prompt.
        num_tokens: how many to write.
        key: seed or key to draw tokens with. None: always take the most probable one.
        temperature: what the logits are divided by before drawing; above 0.
        top_k: draw among the `top_k` most probable tokens only. None: among all.
        longest: how many positions the model has. None: any number.

    Raises:
        ArgumentError: a number is outside its range, or `ids` are no integers.
        RangeError: an id is too large.
        ShapeError: there is no room for so many positions, or no prompt.
    """
    fix = "Map unknown ids to an entry of their own."
    ids = check_ids(where, "ids", ids, model.embed.num_embeddings, fix)
    _check_numbers(where, num_tokens, temperature, top_k)
    _check_prompt(where, ids, num_tokens, longest)
    keys = None if key is None else jax.random.split(as_key(where, key), num_tokens)
    new = _written(model.eval(), ids, keys, temperature, operator.index(num_tokens), top_k)
    return jnp.concatenate([ids, new.astype(ids.dtype)], -1)


def _check_numbers(where: str, num_tokens: Any, temperature: Any, top_k: Any) -> None:
    if not is_int(num_tokens) or num_tokens < 0:
        raise ArgumentError(
            where,
            expected="`num_tokens` to be an integer of at least 0",
            received=f"num_tokens={describe(num_tokens)}",
            fix="Pass how many tokens to write, for example `num_tokens=10`.",
        )
    if top_k is not None:
        positive_int(where, "top_k", top_k)
    real = isinstance(temperature, numbers.Real)
    if not real or not temperature > 0:
        raise ArgumentError(
            where,
            expected="`temperature` to be a number above 0",
            received=f"temperature={describe(temperature)}",
            fix="Leave `key` out to take the most probable token always.",
        )


def _check_prompt(where: str, ids: jax.Array, num_tokens: int, longest: int | None) -> None:
    if ids.ndim == 0 or ids.shape[-1] == 0:
        raise ShapeError(
            where,
            expected="a prompt `(..., time)` of at least 1 id",
            received=f"ids={describe(ids)}",
            fix="Begin with a token that stands for the start of a text.",
        )
    if longest is not None and ids.shape[-1] + num_tokens > longest:
        raise ShapeError(
            where,
            expected=f"a prompt `(..., time)` of 1 to {longest} - num_tokens={num_tokens} ids",
            received=f"ids={describe(ids)}",
            fix="Cut the prompt at its front, or build the model with a larger `max_length`.",
        )


@jit(static_argnames=("num_tokens", "top_k"))
def _written(
    model: Any,
    ids: jax.Array,
    keys: jax.Array | None,
    temperature: float,
    num_tokens: int,
    top_k: int | None,
) -> jax.Array:
    """Return `num_tokens` new tokens, `(..., num_tokens)`; `keys` has one for each, or is None."""

    def choose(x: jax.Array, key: jax.Array | None) -> jax.Array:
        logits: jax.Array = model.embed.attend(x[..., -1, :]).astype(jnp.float32)
        if top_k is not None:
            least = jax.lax.top_k(logits, min(top_k, logits.shape[-1]))[0][..., -1:]
            logits = jnp.where(logits < least, -jnp.inf, logits)
        if key is None:
            return logits.argmax(-1)
        return jax.random.categorical(key, logits / temperature)

    def step(carry: tuple[Any, jax.Array], key: jax.Array | None) -> Any:
        model, x = carry
        token = choose(x, key)
        return (model, model.encode(token[..., None])), token

    start_cache(model, ids.shape[:-1], ids.shape[-1] + num_tokens)
    x = model.encode(ids)[..., -1:, :]
    _, tokens = scan(step, (model, x), keys, length=num_tokens)
    clear_cache(model)
    return jnp.moveaxis(tokens, 0, -1)
