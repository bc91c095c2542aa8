"""What differs between two checkpoints.

In: two open checkpoints. Out: one `Difference` for each entry that is not the same to the bit.
Nothing is mutated; arrays are read only where their checksums differ.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from treexlite._core._paths import join
from treexlite.checkpoints import _nodes, _plain
from treexlite.checkpoints._checkpoint import EXTRA, EXTRA_PREFIX, Checkpoint
from treexlite.checkpoints._manifest import Entry, to_json


class Difference(NamedTuple):
    """One entry that is not the same.

    Attributes:
        path: of the entry.
        left: what the first checkpoint has; empty when it has nothing.
        right: the same of the second one.
        change: how far apart the values are, in words.
    """

    path: str
    left: str
    right: str
    change: str


def summary(entry: Entry) -> str:
    """Describe an array in few letters: `float32[2, 3]`."""
    if entry.form == "key":
        return f"key<{entry.impl}>{list(entry.shape[:-1])}"
    mark = "" if entry.form == "jax" else " numpy"
    return f"{'weak ' if entry.weak else ''}{entry.dtype}{list(entry.shape)}{mark}"


def differences(left: Checkpoint, right: Checkpoint) -> list[Difference]:
    """Return what differs, in the order of the first checkpoint and then of the second.

    Raises:
        CheckpointError: one of them is damaged.
    """
    found = []
    first, second = left.reader.entries, right.reader.entries  # those of `extra` too
    for name in [*first, *(name for name in second if name not in first)]:
        one, two = first.get(name), second.get(name)
        if one is None or two is None or summary(one) != summary(two):
            found.append(Difference(name, _told(one), _told(two), _presence(one, two)))
        elif one.checksums != two.checksums:
            found.append(Difference(name, summary(one), summary(two), _distance(left, right, name)))
    return found + _of_values(_values(left), _values(right))


def _told(entry: Entry | None) -> str:
    return "" if entry is None else summary(entry)


def _presence(one: Any, two: Any) -> str:
    if one is None:
        return "only in the second"
    return "only in the first" if two is None else "of another type"


def _distance(left: Checkpoint, right: Checkpoint, name: str) -> str:
    one, two = left[name], right[name]
    changed = int(np.sum(_bits(one) != _bits(two)))
    text = f"{changed:,} of {one.size:,} values"
    if left.reader.entries[name].form != "key" and jnp.issubdtype(one.dtype, jnp.number):
        wide = np.complex128 if np.iscomplexobj(one) else np.float64
        with np.errstate(all="ignore"):
            text += f", by at most {np.nanmax(np.abs(one.astype(wide) - two.astype(wide))):.3g}"
    return text


def _bits(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the values as opaque bytes, so that NaN is NaN and -0.0 is not 0.0."""
    return np.ascontiguousarray(array).reshape(-1).view(f"V{array.dtype.itemsize}")


def _values(checkpoint: Checkpoint) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with checkpoint.suspicion():
        for prefix, node in (("", checkpoint.node), (EXTRA_PREFIX, checkpoint.reader.plain[EXTRA])):
            outside, inside = _nodes.values(node)
            values = {**outside, **inside, **_nodes.statics(node)}
            found.update((join(prefix, path), value) for path, value in values.items())
    return found


def _of_values(left: dict[str, Any], right: dict[str, Any]) -> list[Difference]:
    found = []
    for path in [*left, *(path for path in right if path not in left)]:
        one, two = (_text(values, path) for values in (left, right))
        if one != two:
            told = [repr(values[path]) if path in values else "" for values in (left, right)]
            change = _presence(one, two) if one is None or two is None else "another value"
            found.append(Difference(path, told[0], told[1], change))
    return found


def _text(values: dict[str, Any], path: str) -> str | None:
    """Return what is the same for values that are the same to the bit."""
    return to_json(_plain.encode(values[path])) if path in values else None
