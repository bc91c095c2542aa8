"""The fence around treeo: the only file that imports it.

In: nothing. Out: treeo's metaclass, its `Tree` class, its field functions and `KindMixin`.

What we take from treeo 0.2 works on current JAX and NumPy. What we do not take (its tree verbs, its
registration without key paths, its annotation walk, its contexts) lives in our own files; nothing
of treeo or JAX is patched.
"""

from treeo import FieldMetadata, KindMixin, Tree, TreeMeta, field, node, static

__all__ = ["FieldMetadata", "KindMixin", "Tree", "TreeMeta", "field", "node", "static"]
