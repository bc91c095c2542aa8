"""Regularizers: penalties on parameters, as pure functions of one array and as their objects.

Read `_regularizer` for which parameters count, and `_penalty` for layers that carry their own; each
other file holds the formulas of one family.
"""

from treexlite.regularizers._elementwise import L1, L1L2, L2, l1, l1_l2, l2
from treexlite.regularizers._entropy import Entropy, entropy
from treexlite.regularizers._group_lasso import GroupLasso, group_lasso
from treexlite.regularizers._orthogonal import Orthogonal, Orthonormal, orthogonal, orthonormal
from treexlite.regularizers._penalty import penalty
from treexlite.regularizers._registry import get, register
from treexlite.regularizers._regularizer import Regularizer
from treexlite.regularizers._spectral import Spectral, spectral

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "Entropy",
    "GroupLasso",
    "Orthogonal",
    "Orthonormal",
    "Regularizer",
    "Spectral",
    "entropy",
    "get",
    "group_lasso",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal",
    "orthonormal",
    "penalty",
    "register",
    "spectral",
]
