"""Random trees come back to the bit, without a tree and into one, in both forms."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings

import treexlite as tx
from tests.budget import examples
from tests.properties.strategies import SHAPES, Tree, build, trees

DTYPES = (
    *("float32", "bfloat16", "float16", "float8_e4m3fn", "float8_e5m2"),
    *("int8", "int4", "uint32", "bool", "complex64"),
)


def array(dtype: str, shape: tuple[int, ...], seed: int, form: str) -> Any:
    """An array with any bits that its dtype can have."""
    kind = np.dtype(jnp.dtype(dtype))
    size = int(np.prod(shape)) * kind.itemsize
    raw = np.random.default_rng(seed).integers(0, 256, size, np.uint8)
    raw = raw % 2 if dtype == "bool" else raw % 8 if dtype == "int4" else raw
    value = raw.view(kind).reshape(shape)
    return value if form == "numpy" else jnp.array(value)


arrays = st.builds(
    array,
    st.sampled_from(DTYPES),
    st.sampled_from([(), (3,), (2, 2), (0, 1)]),
    st.integers(0, 99),
    st.sampled_from(["numpy", "jax"]),
)
keys = st.builds(
    lambda seed, impl: jax.random.key(seed, impl=impl),
    st.integers(0, 9),
    st.sampled_from(["threefry2x32", "rbg"]),
)
atoms = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
plain_trees = st.recursive(
    arrays | keys | atoms,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.sampled_from(["a", "b", "c"]) | st.integers(0, 3), inner, max_size=3)
    ),
    max_leaves=6,
)


def exactly(value: Any) -> Any:
    """A form in which only what is the same to the bit is equal."""
    if isinstance(value, dict):
        return {key: exactly(item) for key, item in value.items()}, list(value)
    if isinstance(value, (list, tuple)):
        return type(value), [exactly(item) for item in value]
    if isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
        return str(value.dtype), exactly(jax.random.key_data(value))
    if isinstance(value, (jax.Array, np.ndarray)):
        data = np.asarray(value)
        return isinstance(value, jax.Array), data.dtype, data.shape, data.tobytes()
    return type(value), repr(value)


@settings(max_examples=examples(60))
@given(plain_trees, st.sampled_from(["x", "x.safetensors"]))
def test_a_tree_comes_back_to_the_bit(tree: Any, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        tx.save(path, tree, extra=tree)
        assert exactly(tx.load(path)) == exactly(tree)
        with tx.checkpoints.Checkpoint(path) as checkpoint:
            assert exactly(checkpoint.extra) == exactly(tree)
            checkpoint.verify()


def zeroed(leaf: Any) -> Any:
    return leaf * 0


@settings(max_examples=examples(60))
@given(st.sampled_from(SHAPES).flatmap(lambda shape: trees(True, shape)), st.booleans())
def test_a_module_gets_its_data_back(description: Tree, single: bool) -> None:
    model, other = build(description), build(description).map(zeroed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("x.safetensors" if single else "x")
        tx.save(path, model)
        tx.load(path, into=other, statics=True)
        assert exactly(other.state_dict()) == exactly(model.state_dict())
        assert jax.tree.structure(other) == jax.tree.structure(model)
        tx.load(path)
