"""How a tree lies in an Orbax checkpoint.

In: a tree. Out: nested dicts of arrays that Orbax can write, and a text with everything else. Or
in: such a text. Out: a manifest. Nothing is mutated.

The path `layers/0/kernel` is `{"layers": {"0": {"kernel": array}}}`, so that whoever reads the
checkpoint with Orbax alone finds arrays by the names that `state_dict` has. The manifest of
`tx.save`, with its checksum, stands in the metadata that Orbax keeps for its users.

Orbax cannot write everything. Typed PRNG keys are their raw data. Some small dtypes are bytes. An
array without elements stands in the manifest alone. When there is nothing else, one byte is.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from treexlite._core._registry import is_jax_array
from treexlite._errors import ArgumentError, describe
from treexlite.checkpoints import _structure
from treexlite.checkpoints._arrays import as_bytes, is_whole
from treexlite.checkpoints._checkpoint import TREE
from treexlite.checkpoints._checks import checksums
from treexlite.checkpoints._dtypes import dtype_of
from treexlite.checkpoints._format import snapshot
from treexlite.checkpoints._manifest import Entry, Manifest, seal

KEY = "treexlite"
"""Under which the manifest stands in the metadata."""

EMPTY = "@empty"
_AS_BYTES = frozenset(
    ("int1", "uint1", "uint2", "uint4", "float6_e2m3fn", "float6_e3m2fn", "float8_e4m3")
)


class Taken(NamedTuple):
    """A tree, ready for Orbax.

    Attributes:
        pytree: nested dicts of arrays.
        metadata: a dict of texts.
    """

    pytree: dict[str, Any]
    metadata: dict[str, str]


def taken(where: str, tree: Any, with_checksums: bool) -> Taken:
    """Take a tree apart.

    Args:
        where: the function that asks, for errors.
        tree: the tree.
        with_checksums: of the arrays that this process holds as a whole.

    Raises:
        ArgumentError: something in the tree can only be pickled, or Orbax would take two arrays for
            one.
        NotInitializedError: a module waits for `init`.
        CheckpointError: an array was donated.
    """
    with _structure.walkable(where):
        encoded = _structure.encode(where, tree)
        found = snapshot(where, encoded.arrays, {TREE: encoded.node}, encoded.kinds, spread=True)
    entries, arrays = {}, {}
    for entry in found.entries:
        data = _writable(where, entry, found.data[entry.name])
        if with_checksums and _is_read_here(data):
            entry = dataclasses.replace(entry, checksums=checksums(as_bytes(data)))
        entries[entry.name] = entry
        if is_written(entry):
            arrays[entry.name] = data
    text = seal(Manifest(entries, found.plain))
    _require_distinct(where, arrays)
    return Taken(nested(arrays or {EMPTY: np.zeros(1, np.uint8)}), {KEY: text})


def is_written(entry: Entry) -> bool:
    """Whether an array has data."""
    return math.prod(entry.shape) > 0


def written_dtype(entry: Entry) -> np.dtype[Any]:
    """Return the dtype that Orbax sees.

    Raises:
        ValueError: there is no such dtype.
    """
    return np.dtype(np.uint8) if entry.dtype in _AS_BYTES else dtype_of(entry.dtype)


def _writable(where: str, entry: Entry, data: Any) -> Any:
    """Return an array that Orbax can write, and that is not changed meanwhile."""
    if not is_jax_array(data):  # in the byte order of the file, and a copy
        data = np.array(data, dtype=dtype_of(entry.dtype))
    if entry.dtype not in _AS_BYTES:
        return data
    if is_jax_array(data) and not is_whole(data):
        error = ArgumentError(
            where,
            expected=f"no dtype of {', '.join(sorted(_AS_BYTES))} over several processes",
            received=describe(data),
            fix="Orbax cannot write it; convert the array to int8 or another float first.",
        )
        error.path = entry.name
        raise error
    return np.array(data).view(np.uint8)


def _is_read_here(data: Any) -> bool:
    return jax.process_index() == 0 and (not is_jax_array(data) or is_whole(data))


def _require_distinct(where: str, names: Iterable[str]) -> None:
    """Orbax joins the keys of nested dicts with a dot, and writes what is alike to one place."""
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(name.replace("/", "."), name)
        if other != name:
            raise ArgumentError(
                where,
                expected="names that Orbax tells apart, where it joins keys with a dot",
                received=f"{other!r} and {name!r}",
                fix="Rename the key of the dict that has a dot or a slash in it.",
            )


def nested(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested dicts, one for each part of a path."""
    found: dict[str, Any] = {}
    for name, value in arrays.items():
        *parts, last = name.split("/")
        place = found
        for part in parts:
            place = place.setdefault(part, {})
        place[last] = value
    return found


def flat(tree: Any) -> dict[str, Any]:
    """Return `{path: leaf}` of nested dicts."""
    leaves = jax.tree_util.tree_flatten_with_path(tree)[0]
    return {"/".join(str(getattr(key, "key", key)) for key in keys): leaf for keys, leaf in leaves}
