"""Orbax: the same trees in checkpoints that all processes of a job write and read together.

What flows in: a module or another tree, and a path. What flows out: an Orbax checkpoint, which any
program reads with Orbax alone, and the same tree again. What may mutate: the path; the tree that is
restored into, all of it or nothing.

`_pytree` says how a tree lies in such a checkpoint, `_save` and `_restore` do the work, `_package`
imports Orbax when it is needed.
"""

from treexlite.interop.orbax._restore import restore
from treexlite.interop.orbax._save import save, save_args

__all__ = ["restore", "save", "save_args"]
