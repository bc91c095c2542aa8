"""What a row of the catalogue of losses is, and the data that rows share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from treexlite.losses import Loss

BATCH = 6
_RNG = np.random.default_rng(0)
NUMBERS = _RNG.normal(size=(BATCH, 4)).astype(np.float32)
OTHERS = _RNG.normal(size=(BATCH, 4)).astype(np.float32)
LABELS = np.array([0, 2, 1, 2, 0, 1])
LOGITS = (2 * _RNG.normal(size=(BATCH, 3))).astype(np.float32)
ONE_HOT = np.eye(3, dtype=np.float32)[LABELS]
YES_NO = (_RNG.uniform(size=(BATCH, 4)) < 0.5).astype(np.float32)
PROBABILITIES = _RNG.uniform(0.1, 0.9, (BATCH, 4)).astype(np.float32)


@dataclass(frozen=True)
class LossRow:
    """A loss, a batch for it, and what is true of it.

    Attributes:
        name: of the row, unique.
        make: builds the loss; takes the options that all losses have.
        target: a batch of `BATCH` examples, an array or a tree.
        preds: likewise.
        function: the pure function per example that the loss is, with its options.
        awkward: more pairs of target and preds, where formulas divide by 0 or take the log of it;
            the value and its gradient have to be finite there.
        by_example: whether the value of an example depends on no other example.
        trained: whether the gradient by `preds` is not 0 everywhere.
        weighs: whether examples count differently in "weighted_mean" by what they hold.
    """

    name: str
    make: Callable[..., Loss]
    target: Any
    preds: Any
    function: Callable[..., jax.Array] | None = None
    awkward: tuple[tuple[Any, Any], ...] = ()
    by_example: bool = True
    trained: bool = True
    weighs: bool = False


def ids(row: LossRow) -> str:
    """The name of a test's row, for `pytest.mark.parametrize(..., ids=ids)`."""
    return row.name


def part(tree: Any, rows: Any) -> Any:
    """Return some examples of a batch."""
    return jax.tree.map(lambda x: x[rows], tree)


def junk(tree: Any, mask: np.ndarray) -> Any:
    """Put what no loss can bear where the mask is False: NaN, or labels without a class."""

    def spoil(x: np.ndarray) -> np.ndarray:
        there = mask.reshape(-1, *[1] * (x.ndim - 1))
        return np.where(there, x, np.asarray(np.nan if x.dtype.kind == "f" else -7, x.dtype))

    return jax.tree.map(spoil, tree)


def cast(tree: Any, dtype: Any) -> Any:
    """Return the floating arrays of a tree in another dtype."""
    return jax.tree.map(lambda x: x.astype(dtype) if x.dtype.kind == "f" else x, tree)
