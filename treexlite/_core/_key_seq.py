"""`KeySeq`: a key that hands out keys, as a module."""

from __future__ import annotations

import jax

from treexlite._core._kinds import Rng
from treexlite._core._module import Module
from treexlite._core._random import KeyLike, as_key


class KeySeq(Module):
    """A sequence of PRNG keys that survives transformations like any other state.

    Args:
        key: an integer seed or a JAX key.

    State:
        key: split by every `next()`.

    Example:
        >>> import treexlite as tx
        >>> seq = tx.KeySeq(42)
        >>> a, b = seq.next(), seq.next()
        >>> bool((a == b).all())
        False
    """

    key: jax.Array = Rng.node()

    def __init__(self, key: KeyLike) -> None:
        self.key = as_key("KeySeq", key)

    def next(self) -> jax.Array:
        """Return a new key, and advance."""
        keys: jax.Array = jax.random.split(self.key)
        self.key = keys[0]
        return keys[1]

    __next__ = next

    def __iter__(self) -> KeySeq:
        return self
