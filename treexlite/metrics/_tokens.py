"""Texts as rows of token ids, padded to one length.

Pure functions. Padding may stand anywhere in a row; it is moved to the end, so that a text that is
padded on the left is the same as one padded on the right.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from treexlite._errors import DataError, ShapeError


def texts(where: str, name: str, tokens: jax.Array, ranks: tuple[int, ...]) -> jax.Array:
    """Return tokens as int32.

    Raises:
        ShapeError: their rank is none of `ranks`.
        DataError: they are not integers.
    """
    if tokens.ndim not in ranks:
        axes = {2: "(batch, length)", 3: "(batch, references, length)"}
        raise ShapeError(
            where,
            expected=f"`{name}` of shape {' or '.join(axes[rank] for rank in ranks)}",
            received=f"{name}.shape={tokens.shape}",
            fix="Pad the texts to one length, and give each a row.",
        )
    if not jnp.issubdtype(tokens.dtype, jnp.integer):
        raise DataError(
            where,
            expected=f"`{name}` to hold token ids, which are integers",
            received=f"{name}.dtype={tokens.dtype}",
            fix="Pass the ids of the tokens; take `argmax` of scores first.",
        )
    return tokens.astype(jnp.int32)


def check_rows(where: str, target: jax.Array, preds: jax.Array) -> None:
    """Refuse another number of references than of texts.

    Raises:
        ShapeError: the first axes differ.
    """
    if target.shape[0] != preds.shape[0]:
        raise ShapeError(
            where,
            expected="as many texts in `target` as in `preds`",
            received=f"target.shape={target.shape}, preds.shape={preds.shape}",
            fix="Give each text its reference; several are (batch, references, length) in BLEU.",
        )


def without_padding(tokens: jax.Array, pad_id: int) -> tuple[jax.Array, jax.Array]:
    """Move padding to the end of each row, and return how many tokens stand before it.

    Shapes:
        tokens: (..., length).
        returns: (..., length) and (...), int32.
    """
    is_padding = tokens == pad_id
    order = jnp.argsort(is_padding, axis=-1, stable=True)
    lengths = jnp.sum(~is_padding, axis=-1, dtype=jnp.int32)
    return jnp.take_along_axis(tokens, order, axis=-1), lengths
