"""Arrays of every sort as bytes with an `Entry`, and back to what they were.

In: JAX arrays, typed PRNG keys, NumPy arrays and scalars. Out: an entry for the manifest, and the
data. Or in: an entry, its data as a NumPy array, and perhaps the leaf that it shall replace. Out:
the array, with the same bits; in place of a leaf, on the devices where that one lies.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from treexlite._core._registry import is_jax_array, is_tracer
from treexlite._errors import ArgumentError, CheckpointError, describe
from treexlite.checkpoints._dtypes import dtype_of, stored
from treexlite.checkpoints._manifest import Entry


def is_key(value: Any) -> bool:
    """Whether `value` is an array of typed PRNG keys."""
    dtype = getattr(value, "dtype", None)
    return dtype is not None and jnp.issubdtype(dtype, jax.dtypes.prng_key)


def described(
    where: str, name: str, value: Any, kind: str | None, spread: bool = False
) -> tuple[Entry, Any]:
    """Return the entry of an array, and the array that holds its data.

    Args:
        where: the function that asks, for errors.
        name: the path of the array.
        value: the array.
        kind: the kind of its field.
        spread: whether other processes may hold a part of it.

    Raises:
        ArgumentError: it is traced, or of a dtype that cannot be saved.
        CheckpointError: it was donated, or is spread over other processes.
    """
    if not is_jax_array(value):
        form = "numpy" if isinstance(value, np.ndarray) else "scalar"
        return Entry(name, _saveable(where, name, value), np.shape(value), form, kind=kind), value
    _require_readable(where, name, value, spread)
    sharding = _sharding(value)
    if is_key(value):
        data = jax.random.key_data(value)
        impl = str(jax.random.key_impl(value))
        shape = tuple(data.shape)
        return Entry(name, "uint32", shape, "key", impl, kind=kind, sharding=sharding), data
    dtype, weak = _saveable(where, name, value), bool(getattr(value, "weak_type", False))
    entry = Entry(name, dtype, tuple(value.shape), weak=weak, kind=kind, sharding=sharding)
    return entry, value


def _saveable(where: str, name: str, value: Any) -> str:
    dtype: np.dtype[Any] = value.dtype
    if stored(dtype.name) is None or isinstance(value, np.ma.MaskedArray):
        raise _unfit(where, name, "an array of numbers, or typed PRNG keys", describe(value))
    return dtype.name


def _require_readable(where: str, name: str, value: Any, spread: bool = False) -> None:
    if is_tracer(value):
        raise _unfit(where, name, "an array with values", "a traced array, inside a transformation")
    if value.is_deleted():
        raise _lost(
            where,
            name,
            f"{describe(value)}, which was donated to a compiled function",
            "Save the result of that function instead.",
        )
    if not spread and not is_whole(value):
        raise _lost(
            where,
            name,
            f"{describe(value)}, of which other processes hold a part",
            "Use `tx.interop.orbax.save` for what is spread over several processes.",
        )


def is_whole(value: Any) -> bool:
    """Whether this process holds all of a JAX array."""
    return bool(value.is_fully_addressable or value.is_fully_replicated)


def _unfit(where: str, name: str, expected: str, received: str) -> ArgumentError:
    error = ArgumentError(
        where,
        expected=expected,
        received=received,
        fix="Save from outside of transformations, and leave out what is no data.",
    )
    error.path = name
    return error


def _lost(where: str, name: str, received: str, fix: str) -> CheckpointError:
    error = CheckpointError(
        where, expected="an array that this process can read", received=received, fix=fix
    )
    error.path = name
    return error


def _sharding(value: Any) -> str | None:
    """Describe how an array lies on several devices, for people to read."""
    sharding = value.sharding
    if len(sharding.device_set) == 1:
        return None
    if isinstance(sharding, jax.sharding.NamedSharding):
        axes = ", ".join(f"{axis}={size}" for axis, size in sharding.mesh.shape.items())
        return f"{tuple(sharding.spec)} over {axes}"
    return f"{type(sharding).__name__} over {len(sharding.device_set)} devices"


def copied(data: Any) -> Any:
    """Return a copy that donations and writes cannot reach, without waiting for the device."""
    return np.array(data) if isinstance(data, (np.ndarray, np.generic)) else data.copy()


def fetch_ahead(data: Any) -> None:
    """Begin to bring an array from its device, if there is one."""
    if is_jax_array(data):
        data.copy_to_host_async()


def as_bytes(data: Any) -> memoryview:
    """Return the bytes of an array, little-endian, in the order of its indices."""
    array = np.ascontiguousarray(np.asarray(data))
    if array.dtype.byteorder == ">" or (array.dtype.byteorder == "=" and _is_big_endian()):
        array = array.astype(array.dtype.newbyteorder("<"))
    raw: Any = array.reshape(-1).view(np.uint8)
    return memoryview(raw)


def _is_big_endian() -> bool:
    return np.dtype("=u2") == np.dtype(">u2")


def from_bytes(entry: Entry, data: Any) -> np.ndarray[Any, Any]:
    """Return the NumPy array of an entry's bytes, which it shares.

    Raises:
        ValueError: they are no values of its dtype, or its shape is larger than arrays can be.
    """
    raw = np.frombuffer(data, np.uint8)
    if entry.dtype == "bool" and raw.size and raw.max() > 1:
        raise ValueError("bytes that are neither true nor false")
    return raw.view(dtype_of(entry.dtype)).reshape(entry.shape)


def restored(entry: Entry, data: np.ndarray[Any, Any]) -> Any:
    """Return an array as it was saved; it may take over the memory of `data`.

    A JAX array of 64 bits comes back as a NumPy array where JAX is set to 32 bits.

    Raises:
        ValueError: its key implementation is unknown.
    """
    if entry.form == "numpy":
        return data
    if entry.form == "scalar":
        return data[()]
    if entry.form == "key":
        return _key(entry, jnp.asarray(data))
    if jax.dtypes.canonicalize_dtype(data.dtype) != data.dtype:
        return data
    return _weak(data) if entry.weak else jnp.asarray(data)


def _key(entry: Entry, data: jax.Array) -> jax.Array:
    try:
        key: jax.Array = jax.random.wrap_key_data(data, impl=entry.impl)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"PRNG keys of impl={entry.impl!r} and shape {entry.shape}: {error}"
        ) from None
    return key


def _weak(data: np.ndarray[Any, Any]) -> jax.Array:
    """Make an array whose dtype is a weak one: the only public way begins with a Python number."""
    start = jnp.asarray(data.dtype.type(0).item())
    if start.dtype != data.dtype:  # weak in another setting of JAX
        return jnp.asarray(data)
    return jnp.broadcast_to(start, data.shape).at[...].set(data)


def restored_like(entry: Entry, data: np.ndarray[Any, Any], old: Any) -> Any:
    """Return an array in the form, in the dtype and on the devices of the leaf that it replaces.

    It may take over the memory of `data`.

    Raises:
        ValueError: its key implementation is unknown.
    """
    if isinstance(old, (bool, int, float, complex)) and not isinstance(old, np.generic):
        return type(old)(data.item())
    if isinstance(old, (np.ndarray, np.generic)):
        array = data.astype(old.dtype, copy=False)
        return array if isinstance(old, np.ndarray) else array[()]
    if entry.form == "key":
        return _placed(_key(entry, jnp.asarray(data)), old)
    if entry.weak and old.dtype == data.dtype:
        return _placed(_weak(data), old)
    return _placed(data.astype(old.dtype, copy=False), old)


def _placed(value: Any, old: Any) -> jax.Array:
    """Put an array where another one lies; one that JAX may move stays so."""
    sharding = getattr(old, "sharding", None)
    if sharding is None or is_tracer(old) or not getattr(old, "committed", True):
        return value if is_jax_array(value) else jnp.asarray(value)
    if not sharding.is_fully_addressable:  # no process waits here for another one
        return jax.make_array_from_callback(value.shape, sharding, lambda index: value[index])
    placed: jax.Array = jax.device_put(value, sharding)
    return placed
