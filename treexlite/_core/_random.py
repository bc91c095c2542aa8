"""Keys: where random numbers come from.

Inside `init`, and inside `with rng_key(seed):`, `next_key()` gives one key after the other. During
`init` a key depends on the seed, on the path of the module that asks, and on how often that module
has asked before; never on the order in which modules were built.

An integer seed becomes a raw `uint32` key (`jax.random.PRNGKey`), which every array tool can store
and compare; typed keys (`jax.random.key`) are taken and given back as they are.
"""

from __future__ import annotations

import contextlib
import hashlib
import operator
from collections.abc import Iterator
from typing import Any, TypeAlias, cast

import jax
import jax.numpy as jnp
import numpy as np

from treexlite._context import FRAME, entered
from treexlite._core._record import trace_state
from treexlite._errors import ArgumentError, ContextError, describe

KeyLike: TypeAlias = "int | jax.Array"


def as_key(where: str, key: Any) -> jax.Array:
    """Turn an integer seed, or a JAX key of either style, into a key.

    Raises:
        ArgumentError: `key` is neither.
    """
    if isinstance(key, (int, np.integer)) and not isinstance(key, bool):
        return jax.random.PRNGKey(operator.index(key))
    if isinstance(key, (jax.Array, np.ndarray)):
        if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) and key.shape == ():
            return cast("jax.Array", key)
        if key.dtype == np.uint32 and key.ndim == 1:
            return jnp.asarray(key)
        if jnp.issubdtype(key.dtype, np.integer) and key.shape == ():
            return jax.random.PRNGKey(key)
    raise ArgumentError(
        where,
        expected="`key` to be an integer seed or one JAX key",
        received=f"key={describe(key)}",
        fix="Pass an integer such as 0, or `jax.random.key(0)`.",
    )


def fold(key: jax.Array, name: str) -> jax.Array:
    """Derive from `key` the key that belongs to `name`."""
    digest = hashlib.blake2b(name.encode(), digest_size=4).digest()
    return jax.random.fold_in(key, int.from_bytes(digest, "little"))


class _Sequence:
    """Keys one after the other, split from the last."""

    def __init__(self, key: jax.Array) -> None:
        self.key = key
        self.trace = trace_state()

    def next(self, module: Any) -> jax.Array:
        if self.trace != trace_state():
            raise ContextError(
                "next_key",
                expected="`with tx.rng_key(key):` to be opened in the function that JAX traces",
                received="a block around the transformed function",
                fix="Pass a key as an argument, and open `tx.rng_key(key)` inside the function.",
            )
        key: jax.Array
        self.key, key = jax.random.split(self.key)
        return key

    def skip(self, module: Any) -> None:
        self.next(module)


def next_key(*, axis_name: str | None = None) -> jax.Array:
    """Return a new key, inside `init` or inside `with rng_key(...)`.

    Args:
        axis_name: of a mapped axis; each position along it gets its own key.

    Raises:
        ContextError: neither `init` nor `rng_key` is active.
    """
    frame = FRAME.get()
    if frame is None or frame.keys is None:
        raise _no_keys()
    key: jax.Array = frame.keys.next(frame.module)
    return key if axis_name is None else jax.random.fold_in(key, jax.lax.axis_index(axis_name))


def skip_key() -> None:
    """Count a key of `next_key` that nobody needs, without the cost of making it."""
    frame = FRAME.get()
    if frame is None or frame.keys is None:
        raise _no_keys()
    frame.keys.skip(frame.module)


def _no_keys() -> ContextError:
    return ContextError(
        "next_key",
        expected="a call while a module is initialised, or inside `with tx.rng_key(key):`",
        received="a call outside both",
        fix="Call `model.init(key, inputs)`, or wrap the code in `with tx.rng_key(0):`.",
    )


@contextlib.contextmanager
def rng_key(key: KeyLike) -> Iterator[None]:
    """Let `next_key` work inside the `with` block, starting from `key`.

    Example:
        >>> import treexlite as tx
        >>> with tx.rng_key(42):
        ...     a, b = tx.next_key(), tx.next_key()
        >>> bool((a == b).all())
        False
    """
    frame = FRAME.get()
    module = None if frame is None else frame.module
    with entered(module, keys=_Sequence(as_key("rng_key", key))):
        yield
