"""One row for each regularizer; every law of this folder runs over all rows.

A new regularizer adds a row and has all laws tested. What a law does not hold for is said in the
row.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from treexlite import regularizers
from treexlite.regularizers import Regularizer

KERNEL = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)


@dataclass(frozen=True)
class RegularizerRow:
    """A regularizer, and what is true of it.

    Attributes:
        name: of the row, unique.
        cls: the class; its first argument is the strength.
        function: the pure function of one array that it is.
        options: what both are given, beside the strength.
        at_zero: the penalty of zeros is 0.
        signed: whether a negative strength has a meaning.
    """

    name: str
    cls: type[Regularizer]
    function: Callable[..., jax.Array]
    options: dict[str, Any] = field(default_factory=dict)
    at_zero: bool = True
    signed: bool = False

    def make(self, strength: float = 0.5, **options: Any) -> Regularizer:
        """Build the regularizer."""
        return self.cls(strength, **self.options, **options)

    def compute(self, x: Any, strength: float = 0.5) -> jax.Array:
        """Call the function."""
        return self.function(x, strength, **self.options)


def ids(row: RegularizerRow) -> str:
    """The name of a test's row, for `pytest.mark.parametrize(..., ids=ids)`."""
    return row.name


_R = regularizers
REGULARIZERS = [
    RegularizerRow("L1", _R.L1, _R.l1),
    RegularizerRow("L2", _R.L2, _R.l2),
    RegularizerRow("L1L2", _R.L1L2, _R.l1_l2, {"l2": 0.0}),
    RegularizerRow("Orthogonal", _R.Orthogonal, _R.orthogonal),
    RegularizerRow("Orthogonal columns", _R.Orthogonal, _R.orthogonal, {"mode": "columns"}),
    RegularizerRow("Orthonormal", _R.Orthonormal, _R.orthonormal, at_zero=False),
    RegularizerRow(
        "Orthonormal rows", _R.Orthonormal, _R.orthonormal, {"mode": "rows"}, at_zero=False
    ),
    RegularizerRow("Spectral", _R.Spectral, _R.spectral),
    RegularizerRow("Spectral by steps", _R.Spectral, _R.spectral, {"num_steps": 5}),
    RegularizerRow("GroupLasso", _R.GroupLasso, _R.group_lasso),
    RegularizerRow(
        "GroupLasso of rows", _R.GroupLasso, _R.group_lasso, {"axis": -1, "use_sizes": False}
    ),
    RegularizerRow("Entropy", _R.Entropy, _R.entropy, at_zero=False, signed=True),
    RegularizerRow(
        "Entropy of probabilities",
        _R.Entropy,
        _R.entropy,
        {"from_logits": False, "axis": 0},
        signed=True,
    ),
]
