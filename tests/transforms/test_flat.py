from __future__ import annotations

import jax
import jax.numpy as jnp

from tests.transforms.stateful import Stateful, X, assert_same
from treexlite.transforms._flat import Flat, is_data
from treexlite.transforms._lift import commit
from treexlite.transforms._pack import pack
from treexlite.transforms._static_arguments import StaticArguments


def f(model: Stateful, mode: str, x: jax.Array, *, scale: float) -> jax.Array:
    return model(x) * scale if mode == "call" else x


def test_a_flat_function_takes_and_returns_arrays() -> None:
    model, other = Stateful(), Stateful()
    packed = pack((model, "call", X[0]), {"scale": 2.0})
    flat = Flat(f, packed)
    payload, node = jax.jit(flat)(packed.leaves, flat.arrays(packed))
    assert_same(commit(packed, payload, node.value), 2 * other(X[0]))
    assert_same(model, other)


def test_what_is_no_data_passes_by() -> None:
    packed = pack(("call", 1, None, len), {})
    flat = Flat(f, packed)
    assert flat.arrays(packed) == [1]
    assert flat.arguments([5]) == (("call", 5, None, len), {})


def test_static_arguments_are_put_back() -> None:
    static = StaticArguments("test", lambda a, n: (a, n), 1, (), 0)
    args, kwargs, statics = static.split((1.0, 7), {})
    packed = pack(args, kwargs)
    flat = Flat(lambda a, n: (a, n), packed, statics)
    assert flat.run([], [2.0])[1] == (2.0, 7)


def test_data_is_what_jax_takes() -> None:
    struct = jax.ShapeDtypeStruct((), jnp.float32)
    assert all(map(is_data, [1, 2.0, True, 1j, X, struct, jnp.float32(1)]))
    assert not any(map(is_data, ["a", len, object()]))
