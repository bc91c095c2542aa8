"""Serving: models as programs in a file, which run without the code that made them.

`tx.export` writes StableHLO with the arrays that it reads, `tx.load_exported` gives it back as a
callable. In: an initialised model and example inputs. Out: a checkpoint (a directory, or one
`.safetensors` file) that plain JAX can call too. What mutates: the path, whole or not at all.
"""

from treexlite.serving._export import export
from treexlite.serving._exported import Exported, load_exported
from treexlite.serving._specs import ArraySpec

__all__ = ["ArraySpec", "Exported", "export", "load_exported"]
