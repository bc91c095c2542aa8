from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from treexlite._errors import ArgumentError, CheckpointError
from treexlite.checkpoints import _arrays
from treexlite.checkpoints._manifest import Entry

MESH = jax.sharding.Mesh(np.array(jax.devices()[:2]), ("x",))
SHARDED = jax.sharding.NamedSharding(MESH, jax.sharding.PartitionSpec("x"))


def again(value: Any, old: Any = None) -> Any:
    entry, data = _arrays.described("save", "a", value, None)
    loaded = _arrays.from_bytes(entry, bytes(_arrays.as_bytes(data)))
    return _arrays.restored(entry, loaded) if old is None else like(entry, loaded, old)


def like(entry: Entry, loaded: Any, old: Any) -> Any:
    return _arrays.restored_like(entry, loaded, old)


def bits(value: Any) -> Any:
    value = jax.random.key_data(value) if _arrays.is_key(value) else value
    return type(value), np.asarray(value).dtype, np.shape(value), np.asarray(value).tobytes()


@pytest.mark.parametrize(
    "value",
    [
        jnp.arange(6.0).reshape(2, 3),
        jnp.array(3, jnp.int8),
        jnp.array([1, -8, 7], jnp.int4),
        jnp.array([0.1, jnp.nan], jnp.bfloat16),
        jnp.array([0.1, 448], jnp.float8_e4m3fn),
        jnp.array([True, False]),
        jnp.array([1 + 2j], jnp.complex64),
        jnp.zeros((0, 3)),
        jax.random.key(7),
        jax.random.split(jax.random.key(7, impl="rbg"), (2, 1)),
        jnp.arange(8).reshape(4, 2).T,
        np.arange(3.0),
        np.array(0.1),
        np.array([2**63], np.uint64),
        np.array([0.1], ml_dtypes.float8_e5m2),
        np.arange(6).reshape(2, 3).T,
        np.float64(0.1),
        np.int64(2**62),
        np.bool_(True),
    ],
    ids=lambda value: f"{type(value).__name__}-{value.dtype}-{value.shape}",
)
def test_every_sort_of_array_comes_back_to_the_bit(value: Any) -> None:
    assert bits(again(value)) == bits(value)
    if _arrays.is_key(value):
        assert again(value).dtype == value.dtype


def test_the_payload_of_a_nan_is_kept() -> None:
    odd = np.array([0x7FC01234], np.uint32).view(np.float32)
    assert bits(again(jnp.asarray(odd))) == bits(jnp.asarray(odd))


def test_the_other_byte_order_is_turned_round() -> None:
    value = np.arange(3, dtype=">i4")
    assert again(value).tolist() == [0, 1, 2]
    assert again(value).dtype == np.int32


@pytest.mark.parametrize("shape", [(), (2, 2)])
def test_a_weak_dtype_stays_weak(shape: tuple[int, ...]) -> None:
    value = jnp.broadcast_to(jnp.asarray(0.1), shape)
    assert value.weak_type
    assert again(value).weak_type
    assert bits(again(value)) == bits(value)
    assert again(value, old=value).weak_type
    assert not again(value + jnp.ones(()), old=value).weak_type


def test_what_was_weak_in_another_setting_is_strong_here() -> None:
    entry = Entry("a", "float16", (1,), weak=True)
    loaded = _arrays.restored(entry, np.ones(1, np.float16))
    assert (loaded.dtype, loaded.weak_type) == (jnp.float16, False)


def test_64_bits_stay_where_jax_has_32() -> None:
    entry = Entry("a", "float64", (1,))
    loaded = _arrays.restored(entry, np.array([0.1]))
    assert type(loaded) is np.ndarray
    assert loaded.dtype == np.float64


def test_a_leaf_gives_its_form_and_dtype() -> None:
    value = jnp.array([1, 2], jnp.int8)
    assert bits(again(value, np.zeros(2))) == bits(np.array([1.0, 2.0]))
    assert bits(again(value, jnp.zeros(2))) == bits(jnp.array([1.0, 2.0]))
    assert bits(again(value, jax.ShapeDtypeStruct((2,), jnp.int32))) == bits(jnp.array([1, 2]))
    assert bits(again(jnp.array(3), np.float32(0))) == bits(np.float32(3))
    number = again(np.array(3), 0.5)
    assert (type(number), number) == (float, 3.0)


def test_a_leaf_gives_its_devices() -> None:
    value, key = np.arange(4.0, dtype=np.float32), jax.random.split(jax.random.key(0), 4)
    for saved, old in ((value, jnp.zeros(4)), (key, key)):
        assert again(saved, jax.device_put(old, SHARDED)).sharding == SHARDED
        struct = jax.ShapeDtypeStruct(old.shape, old.dtype, sharding=SHARDED)
        assert again(saved, struct).sharding == SHARDED
    spread = jax.device_put(jnp.arange(4.0), SHARDED)
    assert again(spread, jnp.zeros(4)).sharding == jnp.zeros(4).sharding
    entry, _ = _arrays.described("save", "a", spread, None)
    assert entry.sharding is not None
    assert "'x'" in entry.sharding
    assert "x=2" in entry.sharding


def test_what_jax_may_move_stays_so() -> None:
    old = jnp.zeros(2)
    pinned = jax.device_put(old, jax.devices()[1])
    assert not getattr(again(np.ones(2, np.float32), old), "committed", False)
    assert again(np.ones(2, np.float32), pinned).devices() == {jax.devices()[1]}


def test_a_sharding_without_names_is_told_too() -> None:
    class Spread:
        sharding = type("Tiled", (), {"device_set": {1, 2}})()

    assert _arrays._sharding(Spread()) == "Tiled over 2 devices"


def test_a_copy_is_out_of_reach() -> None:
    mutable = np.zeros(2)
    copy = _arrays.copied(mutable)
    mutable[:] = 1
    assert copy.tolist() == [0, 0]
    array = jnp.zeros(2)
    copy = _arrays.copied(array)
    array.delete()
    assert copy.tolist() == [0, 0]


@pytest.mark.parametrize(
    "value",
    [
        np.array(["a"]),
        np.array([None]),
        np.zeros(2, "M8[s]"),
        np.zeros(2, jax.dtypes.float0),
        np.ma.masked_array([1.0, 2.0], [True, False]),
    ],
)
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(ArgumentError, match="save at a: expected an array of numbers"):
        _arrays.described("save", "a", value, None)


def test_what_has_no_values_is_refused() -> None:
    def save(x: jax.Array) -> jax.Array:
        _arrays.described("save", "a", x, None)
        return x

    with pytest.raises(ArgumentError, match="inside a transformation"):
        jax.jit(save)(1.0)
    donated = jnp.zeros(2)
    donated.delete()
    with pytest.raises(CheckpointError, match=r"a: .*donated.* Save the result of that function"):
        _arrays.described("save", "a", donated, None)


def test_what_other_processes_hold_is_refused() -> None:
    class Elsewhere:
        shape, dtype = (2,), np.dtype("float32")
        is_fully_addressable = is_fully_replicated = False

        def is_deleted(self) -> bool:
            return False

    with pytest.raises(CheckpointError, match="of which other processes hold a part"):
        _arrays._require_readable("save", "a", Elsewhere())


def test_bytes_that_are_no_values_are_refused() -> None:
    with pytest.raises(ValueError, match="neither true nor false"):
        _arrays.from_bytes(Entry("a", "bool", (1,)), b"\x02")
    with pytest.raises(ValueError, match=r"."):
        _arrays.from_bytes(Entry("a", "int8", (0, 2**70)), b"")
    with pytest.raises(ValueError, match="impl='quantum'"):
        _arrays.restored(Entry("a", "uint32", (2,), "key", "quantum"), np.zeros(2, np.uint32))


def test_arrays_can_be_fetched_ahead() -> None:
    array = jnp.ones(2)
    _arrays.fetch_ahead(array)
    _arrays.fetch_ahead(np.ones(2))
    _arrays.fetch_ahead(None)
    assert bytes(_arrays.as_bytes(array)) == np.ones(2, np.float32).tobytes()
