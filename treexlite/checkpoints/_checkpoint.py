"""`Checkpoint`: an open checkpoint, to look into and to load from.

In: a path. Out: arrays by name, whole trees, or the data of the user's own tree. What mutates: the
tree given to `load_into`, all of it or nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from treexlite._core import _filters
from treexlite._core._filters import Filter
from treexlite._core._nothing import Nothing
from treexlite._errors import unknown_name
from treexlite.checkpoints import _nodes, _structure
from treexlite.checkpoints._manifest import Entry
from treexlite.checkpoints._reader import Reader, suspicion
from treexlite.checkpoints._structure import ROOT

TREE, EXTRA = "tree", "extra"
EXTRA_PREFIX = "@extra"


class Checkpoint:
    """An open checkpoint, whose arrays are read when they are asked for.

    It keeps reading the one checkpoint that it opened, even while another one is saved to the same
    path. Close it, or use it in a `with` statement.

    Args:
        path: a directory or a file that `tx.save` wrote.

    Returns:
        Its `checkpoint[name]` is an array of the file, as a read-only NumPy array that is mapped
        into memory: only what is touched is read. It is checked the first time; of a typed PRNG
        key, it is the raw data.

    Raises:
        CheckpointError: there is no checkpoint at `path`, or its manifest is damaged; of an array,
            when its bytes are.
        UnknownNameError: of an array that is not in it.

    Example:
        >>> import os, tempfile, jax.numpy as jnp, treexlite as tx
        >>> path = os.path.join(tempfile.mkdtemp(), "checkpoint")
        >>> tx.save(path, {"w": jnp.ones((2, 3))}, extra={"epoch": 4})
        >>> with tx.checkpoints.Checkpoint(path) as checkpoint:
        ...     print(list(checkpoint), checkpoint["w"].shape, checkpoint.extra)
        ['w'] (2, 3) {'epoch': 4}
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.reader = Reader(path)
        self.path = self.reader.path
        self._checked: set[str] = set()
        plain = self.reader.plain
        try:
            with self.suspicion():
                if set(plain) != {TREE, EXTRA}:
                    raise ValueError(f"plain data with {', '.join(plain) or 'nothing'} in it")
                self.infos = _nodes.infos(plain[TREE], self.reader.entries)
        except BaseException:
            self.close()
            raise
        self.node = plain[TREE]

    def suspicion(self) -> Any:
        """Turn the errors of a malformed manifest in a `with` block into a `CheckpointError`."""
        return suspicion(self.path, "the manifest of a tree")

    @property
    def entries(self) -> dict[str, Entry]:
        """What the manifest says of each array: dtype, shape, kind, checksums."""
        return {name: e for name, e in self.reader.entries.items() if not _is_extra(name)}

    @property
    def extra(self) -> Any:
        """What was saved as `extra`."""
        with self.suspicion():
            return _structure.decode(self.reader.plain[EXTRA], self.reader.array)

    @property
    def written_by(self) -> dict[str, str]:
        """Versions of what wrote the checkpoint."""
        return self.reader.manifest.written_by

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, name: object) -> bool:
        return name in self.entries

    def __getitem__(self, name: str) -> np.ndarray[Any, Any]:
        if name not in self.reader.entries:
            raise unknown_name(f"checkpoint {self.path}", "an array", name, self.entries)
        array = self.reader.mapped(name, verify=name not in self._checked)
        self._checked.add(name)
        return array

    def arrays(self, wanted: Mapping[str, tuple[str, Any]]) -> dict[str, Any]:
        """Read and check arrays, each in the form of the leaf that it replaces.

        Args:
            wanted: `{path: (name of an array, leaf)}`.

        Raises:
            CheckpointError: the bytes of one are not those that were saved.
        """
        found = {path: self.reader.begin(name, old) for path, (name, old) in wanted.items()}
        self.reader.finish()
        return found

    def tree(self, filters: tuple[Filter, ...] = (), mmap: bool = False) -> Any:
        """Return the tree as nested containers, with a dict of its fields in place of each module.

        Args:
            filters: which arrays to read; `tx.Nothing` stands for the others.
            mmap: return NumPy arrays that are mapped into memory, and not checked.

        Raises:
            CheckpointError: the checkpoint is damaged.
            PathError: a path pattern matches nothing.
        """
        _filters.check_patterns("load", filters, self.infos)
        holds = _filters.All(*filters)
        chosen = {info.path or ROOT for info in self.infos if not filters or holds(info)}
        read: Callable[[str], Any] = self._mapped if mmap else self.reader.begin
        with self.suspicion():
            tree = _structure.decode(self.node, lambda n: read(n) if n in chosen else Nothing)
        self.reader.finish()
        return tree

    def _mapped(self, name: str) -> Any:
        if self.reader.entries[name].form == "key":  # no memory of a file is a key
            return self.reader.array(name)
        return self.reader.mapped(name, verify=False)

    def verify(self) -> None:
        """Read every byte, and compare it with its checksum.

        Raises:
            CheckpointError: naming the first array that is damaged.
        """
        for name in self.reader.entries:
            self.reader.array(name)

    def close(self) -> None:
        """Close the file. Arrays that are mapped into memory stay valid."""
        self.reader.close()

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Checkpoint({self.path!r}, {len(self)} arrays)"


def _is_extra(name: str) -> bool:
    return name == EXTRA_PREFIX or name.startswith(f"{EXTRA_PREFIX}/")
