"""An Orbax checkpoint that is open: its manifest at once, its arrays when they are asked for.

In: a path. Out: an `Opened`, from which `load_into` loads. Nothing is mutated. What Orbax does not
check is checked here: that it is a checkpoint of ours, that its arrays are those of the manifest,
and their checksums where there are any.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from treexlite._core import _filters
from treexlite._core._filters import Filter
from treexlite._core._nothing import Nothing
from treexlite._core._registry import is_jax_array
from treexlite.checkpoints import _arrays, _nodes, _structure
from treexlite.checkpoints._checkpoint import TREE
from treexlite.checkpoints._checks import checksums
from treexlite.checkpoints._manifest import Entry, Manifest, unseal
from treexlite.checkpoints._reader import AS_SAVED, suspicion
from treexlite.checkpoints._refusals import damaged
from treexlite.checkpoints._structure import ROOT
from treexlite.interop.orbax._package import failures, package
from treexlite.interop.orbax._pytree import (
    EMPTY,
    KEY,
    flat,
    is_written,
    nested,
    written_dtype,
)

_SIGN = "_METADATA"
_DEFAULT = "default"
"""What a manager calls the item of a step that has only one."""

_SKIPPED: Any = ...
"""What Orbax does not read."""


class Opened:
    """An Orbax checkpoint that `save` wrote, or a manager with `save_args`.

    Args:
        shown: the path as the user gave it, for errors.
        place: the path in full.

    Attributes:
        path: as the user gave it.
        node: what the tree looks like.
        infos: of each array.

    Raises:
        CheckpointError: there is none, or it is not ours, or its parts do not agree.
    """

    def __init__(self, shown: str, place: str) -> None:
        self.path, self._place = shown, _item(shown, place)
        self._orbax = package("restore")
        with failures(self.path, "to be read"), self._checkpointer() as checkpointer:
            found = checkpointer.metadata(self._place)
            found = getattr(found, "item_metadata", found)  # Orbax 0.11 gives it at once
            self._entries, self.node = self._checked(found.custom_metadata or {}, flat(found.tree))
        # Without checksums nothing is known to be equal: `load_into` asks.
        told = {n: dataclasses.replace(e, checksums=_known(e)) for n, e in self._entries.items()}
        with self.suspicion():
            self.infos = _nodes.infos(self.node, told)

    def suspicion(self) -> Any:
        """Turn the errors of a malformed manifest in a `with` block into a `CheckpointError`."""
        return suspicion(self.path, "the manifest of a tree")

    def _checkpointer(self) -> Any:
        return self._orbax.Checkpointer(self._orbax.PyTreeCheckpointHandler())

    def _checked(self, custom: Any, written: dict[str, Any]) -> tuple[dict[str, Entry], Any]:
        text = custom.get(KEY)
        if type(text) is not str:
            raise damaged(
                self.path,
                expected="a checkpoint that `tx.interop.orbax.save` wrote",
                received="one of another program",
                fix="Read it with `orbax.checkpoint.StandardCheckpointer().restore(path)`.",
            )
        with suspicion(self.path, "the manifest of a checkpoint"):
            manifest: Manifest = unseal(text)
            if set(manifest.plain) != {TREE}:
                raise ValueError("one without a tree")
            _require_agreement(manifest.entries, written)
        return manifest.entries, manifest.plain[TREE]

    def arrays(self, wanted: Mapping[str, tuple[str, Any]]) -> dict[str, Any]:
        """Read and check arrays, each in the form of the leaf that it replaces.

        Args:
            wanted: `{path: (name of an array, leaf)}`.

        Raises:
            CheckpointError: the bytes of one are not those that were saved.
        """
        leaves: dict[str, Any] = {}
        for name, old in wanted.values():
            leaves.setdefault(name, old)
        data = self._read(leaves)
        found = {}
        for path, (name, old) in wanted.items():
            with suspicion(self.path, "an array that JAX knows", name):
                found[path] = _in_form(self._entries[name], data[name], old)
        return found

    def _read(self, leaves: Mapping[str, Any]) -> dict[str, Any]:
        """Return the data of arrays, those of leaves that are spread already where they belong."""
        entries = {name: self._entries[name] for name in leaves}
        found = {n: np.zeros(e.shape, written_dtype(e)) for n, e in entries.items()}
        wanted = {n: self._how(e, leaves[n]) for n, e in entries.items() if is_written(e)}
        if wanted:
            skipped = {name: _SKIPPED for name, e in self._entries.items() if is_written(e)}
            item = nested({**skipped, **dict.fromkeys(wanted, 0)})
            how = {name: wanted.get(name, self._orbax.RestoreArgs()) for name in skipped}
            arguments = self._orbax.args.PyTreeRestore(item=item, restore_args=nested(how))
            with failures(self.path, "to be read"), self._checkpointer() as checkpointer:
                read = flat(checkpointer.restore(self._place, args=arguments))
            found.update((name, read[name]) for name in wanted)
        for name, data in found.items():
            self._verify(entries[name], data)
        return {n: _of_dtype(entries[n], data) for n, data in found.items()}

    def _how(self, entry: Entry, old: Any) -> Any:
        if _is_placed_by_orbax(entry, old):
            return self._orbax.ArrayRestoreArgs(sharding=old.sharding, global_shape=entry.shape)
        return self._orbax.RestoreArgs(restore_type=np.ndarray)

    def _verify(self, entry: Entry, data: Any) -> None:
        if data.shape != entry.shape or data.dtype != written_dtype(entry):
            found: tuple[str, ...] = (f"shape {data.shape} and dtype {data.dtype}",)
        elif not entry.checksums or (is_jax_array(data) and not _arrays.is_whole(data)):
            return
        else:
            found = checksums(_arrays.as_bytes(data))
        if found != entry.checksums:
            raise damaged(
                self.path,
                expected=f"bytes with the checksum {' '.join(entry.checksums)}",
                received=f"bytes with {' '.join(found)}",
                entry=entry.name,
            )

    def tree(self, filters: tuple[Filter, ...] = ()) -> Any:
        """Return the tree as nested containers, with a dict of its fields in place of each module.

        Args:
            filters: which arrays to read; `tx.Nothing` stands for the others.

        Raises:
            CheckpointError: the checkpoint is damaged.
            PathError: a path pattern matches nothing.
        """
        _filters.check_patterns("interop.orbax.restore", filters, self.infos)
        holds = _filters.All(*filters)
        chosen = [info.path or ROOT for info in self.infos if not filters or holds(info)]
        values = self.arrays({name: (name, AS_SAVED) for name in chosen})
        with self.suspicion():
            return _structure.decode(self.node, lambda name: values.get(name, Nothing))


def _item(shown: str, place: str) -> str:
    """Return the directory of the one item that a path means."""
    for folder in (place, os.path.join(place, _DEFAULT)):
        if os.path.isfile(os.path.join(folder, _SIGN)):
            return folder
    with failures(shown, "to be read"):
        some = ", ".join(sorted(os.listdir(place))[:5])
    raise damaged(
        shown,
        expected="the directory of an Orbax checkpoint, or of one item in it",
        received=f"a directory with {some} in it" if some else "an empty directory",
        fix="Check the path; of a manager, name the step, and the item if there are several.",
    )


def _require_agreement(entries: Mapping[str, Entry], written: Mapping[str, Any]) -> None:
    """Require that Orbax has the arrays of the manifest.

    Raises:
        ValueError: saying which it has not.
    """
    expected = {n: (e.shape, written_dtype(e)) for n, e in entries.items() if is_written(e)}
    expected = expected or {EMPTY: ((1,), np.dtype(np.uint8))}
    found = {n: (tuple(data.shape), np.dtype(data.dtype)) for n, data in written.items()}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise ValueError(
                f"{found.get(name, 'nothing')} of {name!r}, where the manifest says"
                f" {expected.get(name, 'nothing')}"
            )


def _known(entry: Entry) -> tuple[str, ...]:
    return entry.checksums or ((entry.name,) if is_written(entry) else ())


def _is_placed_by_orbax(entry: Entry, old: Any) -> bool:
    """Whether a process need not see all of an array on its way to a leaf."""
    sharding = getattr(old, "sharding", None)
    if sharding is None or entry.form == "key" or entry.weak:
        return False
    is_same = written_dtype(entry).name == entry.dtype == jax.dtypes.canonicalize_dtype(entry.dtype)
    return is_same and len(sharding.device_set) > 1


def _of_dtype(entry: Entry, data: Any) -> Any:
    """Return data in the dtype that they had; those that Orbax spread have it already."""
    return data if is_jax_array(data) else _arrays.from_bytes(entry, _arrays.as_bytes(data))


def _in_form(entry: Entry, data: Any, old: Any) -> Any:
    if old is AS_SAVED:
        return _arrays.restored(entry, data)
    if is_jax_array(data):
        return jax.device_put(data.astype(old.dtype), old.sharding)
    return _arrays.restored_like(entry, data, old)
