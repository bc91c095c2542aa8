"""What goes into a program and what comes out of it: trees of shapes and dtypes, and their JSON.

In: a tree of dicts, tuples, lists and None around arrays. Out: the same tree around `ArraySpec`s;
and from that JSON values, from which the same tree is made. Nothing is mutated. Other containers
are refused, because a process without their class could not make them:

    {"array": [dtype, [sizes]]}           a size is a number, or text when it can be any
    {"dict": {name: node}}, {"list": [nodes]}, {"tuple": [nodes]}, null
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from treexlite._errors import ArgumentError, describe
from treexlite.checkpoints._dtypes import dtype_of, stored

Size = int | str


@dataclass(frozen=True)
class ArraySpec:
    """The shape and dtype of an input or output.

    Args:
        shape: for each axis its size, or the name or formula of a size that can be any: `"batch"`.
        dtype: of the values.

    Example:
        >>> import numpy as np
        >>> from treexlite.serving import ArraySpec
        >>> ArraySpec(("batch", 3), np.dtype("float32"))
        ArraySpec(batch, 3; float32)
    """

    shape: tuple[Size, ...]
    dtype: np.dtype[Any]

    def __repr__(self) -> str:
        return f"ArraySpec({', '.join(map(str, self.shape))}; {self.dtype.name})"


def spec_of(array: Any) -> ArraySpec:
    """Return the spec of an array, a shape or what JAX knows of one; sizes may be symbolic."""
    sizes = tuple(size if type(size) is int else str(size) for size in array.shape)
    return ArraySpec(sizes, np.dtype(array.dtype))


def convert(where: str, tree: Any, leaf: Callable[[Any, str], Any], path: str) -> Any:
    """Return `tree` with `leaf(value, path)` in place of what is no container.

    Args:
        where: the function that asks, for errors.
        tree: dicts with names as keys, tuples, lists and None.
        leaf: what to do with the rest; it may refuse.
        path: of the tree.

    Raises:
        ArgumentError: a container of another class, or a key that is no string.
    """
    if tree is None:
        return None
    if type(tree) in (list, tuple):
        parts = [convert(where, item, leaf, f"{path}[{n}]") for n, item in enumerate(tree)]
        return parts if type(tree) is list else tuple(parts)
    if type(tree) is dict:
        _require_names(where, tree, path)
        return {key: convert(where, tree[key], leaf, f"{path}[{key!r}]") for key in sorted(tree)}
    if not is_leaf(tree):
        raise _refused(
            where, f"dicts, tuples, lists and None around arrays at `{path}`", describe(tree)
        )
    return leaf(tree, path)


def _require_names(where: str, tree: Mapping[Any, Any], path: str) -> None:
    others = [key for key in tree if not _is_text(key)]
    if others:
        raise _refused(where, f"strings as keys of the dict at `{path}`", describe(others[0]))


def _is_text(key: Any) -> bool:
    """Whether a key is a string that can be written; half of a surrogate pair cannot."""
    return type(key) is str and not any("\ud800" <= letter <= "\udfff" for letter in key)


def is_leaf(tree: Any) -> bool:
    """Whether JAX sees no container in `tree`."""
    return jax.tree_util.treedef_is_leaf(jax.tree_util.tree_structure(tree))


def _refused(where: str, expected: str, received: str) -> ArgumentError:
    return ArgumentError(
        where,
        expected=expected,
        received=received,
        fix="Convert it in a function, and pass that as `call`; its class will not be there.",
    )


def argument_spec(value: Any, path: str) -> jax.ShapeDtypeStruct:
    """Return the shape and dtype of an example input.

    Raises:
        ArgumentError: it is no array of numbers.
    """
    if isinstance(value, (bool, int, float, complex)):
        value = np.asarray(value)
    try:
        dtype = jax.dtypes.canonicalize_dtype(value.dtype)
        if stored(np.dtype(dtype).name) is not None:
            return jax.ShapeDtypeStruct(value.shape, dtype)
    except (AttributeError, TypeError, ValueError):
        pass
    raise ArgumentError(
        "export",
        expected=f"an array of numbers, or its `jax.ShapeDtypeStruct`, at `{path}`",
        received=describe(value),
        fix="Pass example inputs; of typed PRNG keys, pass the data and wrap them in `call`.",
    )


def encode(tree: Any) -> Any:
    """Return a tree of `ArraySpec`s as JSON values."""
    if tree is None:
        return None
    if isinstance(tree, ArraySpec):
        return {"array": [tree.dtype.name, list(tree.shape)]}
    if type(tree) is dict:
        return {"dict": {key: encode(item) for key, item in tree.items()}}
    return {type(tree).__name__: [encode(item) for item in tree]}


def decode(node: Any) -> Any:
    """Return the tree that `encode` made `node` from.

    Raises:
        ValueError: `encode` never makes such values.
    """
    if node is None:
        return None
    if type(node) is not dict or len(node) != 1:
        raise ValueError(f"{describe(node)} instead of a tree of arrays")
    ((tag, content),) = node.items()
    if tag == "array":
        return _decoded_array(content)
    if tag == "dict" and type(content) is dict:
        return {key: decode(item) for key, item in content.items()}
    if tag in ("list", "tuple") and type(content) is list:
        items = [decode(item) for item in content]
        return items if tag == "list" else tuple(items)
    raise ValueError(f"a {tag!r} with {describe(content)}")


def _decoded_array(content: Any) -> ArraySpec:
    if type(content) is not list or len(content) != 2 or type(content[0]) is not str:
        raise ValueError(f"an array of {describe(content)}")
    name, shape = content
    if type(shape) is not list or not all(_is_size(size) for size in shape):
        raise ValueError(f"an array of shape {describe(shape)}")
    return ArraySpec(tuple(shape), dtype_of(name))


def _is_size(size: Any) -> bool:
    return (type(size) is int and size >= 0) or (type(size) is str and bool(size))
