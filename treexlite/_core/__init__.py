"""The module system: objects that are mutated in place and are PyTrees.

What flows in: classes and instances that users write. What flows out: `Spec`s, slots and arrays for
`treexlite.transforms`, and new modules for everyone. Read `_module` for the object, `_layout` for
what is data, `_graph` for how modules are taken apart and put together.
"""

from treexlite._core._class import ModuleMeta
from treexlite._core._compact import compact
from treexlite._core._compact_module import compact_module
from treexlite._core._filters import All, Any, Not
from treexlite._core._key_seq import KeySeq
from treexlite._core._kinds import (
    BatchStat,
    Cache,
    Kind,
    Log,
    LossLog,
    MetricLog,
    MetricState,
    ModelState,
    OptState,
    Parameter,
    Rng,
    State,
)
from treexlite._core._lazy import Initializer
from treexlite._core._module import Module
from treexlite._core._nothing import NOTHING, Nothing
from treexlite._core._paths import FieldInfo
from treexlite._core._random import next_key, rng_key
from treexlite._core._stack import stack, unstack
from treexlite._core._tree import apply, combine, copy, filter, map, merge, partition
from treexlite._core._treeo import field, node, static

__all__ = [
    "NOTHING",
    "All",
    "Any",
    "BatchStat",
    "Cache",
    "FieldInfo",
    "Initializer",
    "KeySeq",
    "Kind",
    "Log",
    "LossLog",
    "MetricLog",
    "MetricState",
    "ModelState",
    "Module",
    "ModuleMeta",
    "Not",
    "Nothing",
    "OptState",
    "Parameter",
    "Rng",
    "State",
    "apply",
    "combine",
    "compact",
    "compact_module",
    "copy",
    "field",
    "filter",
    "map",
    "merge",
    "next_key",
    "node",
    "partition",
    "rng_key",
    "stack",
    "static",
    "unstack",
]
