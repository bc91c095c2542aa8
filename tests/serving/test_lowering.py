from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import io_callback

from treexlite._errors import ArgumentError, ShapeError
from treexlite.serving._lowering import lowered, serialized, traced
from treexlite.serving._symbols import symbolic

SPEC = jax.ShapeDtypeStruct((2, 3), jnp.float32)
(ANY,) = symbolic((SPEC,), "batch, ...", ())


def test_a_function_becomes_a_program() -> None:
    exported = lowered(lambda parameters, x: parameters["w"] * x, {"w": SPEC}, (SPEC,), None)
    again = jax.export.deserialize(serialized(exported))
    x = jnp.ones((2, 3))
    np.testing.assert_array_equal(again.call({"w": 3 * x}, x), 3 * x)


def same(x: Any) -> Any:
    return np.asarray(x)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x: jax.pure_callback(same, SPEC, x), "pure_callback"),
        (lambda x: io_callback(same, SPEC, x), "io_callback"),
        (lambda x: (jax.debug.print("{}", x), x)[1], "debug_"),
        (lambda x: (jax.debug.callback(same, x), x)[1], "debug_callback"),
        (lambda x: jax.lax.map(lambda y: jax.pure_callback(same, y, y), x), "pure_callback"),
    ],
)
def test_what_calls_python_is_refused(call: Any, name: str) -> None:
    with pytest.raises(ArgumentError, match=rf"calls no Python while it runs, received.*{name}"):
        traced(lambda parameters, x: jax.jit(call)(x), {}, (SPEC,))


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x * int(x.shape[0]),
        lambda x: x if x.shape[0] > 4 else -x,
        lambda x: x.reshape(4, -1),
    ],
)
def test_what_asks_for_a_symbolic_size_is_refused(call: Any) -> None:
    with pytest.raises(ArgumentError, match=r"does the same for every size.*`shapes=None`"):
        traced(lambda parameters, x: call(x), {}, (ANY,))
    traced(lambda parameters, x: call(x.repeat(2, 0)), {}, (SPEC,))


def refuse(error: Exception) -> Any:
    raise error


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("x"), ShapeError("Layer", expected="", received="", fix="")]
)
def test_errors_of_the_model_keep_their_type_and_get_a_note(error: Any) -> None:
    with pytest.raises(type(error)) as caught:
        traced(lambda parameters, x: refuse(error), {}, (ANY,))
    (note,) = [note for note in caught.value.__notes__ if "`export`" in note]
    assert note.startswith("raised while `export` called the model with (ArraySpec(batch, 3;")


def test_own_errors_need_no_note() -> None:
    error = ArgumentError("export", expected="", received="", fix="")
    with pytest.raises(ArgumentError) as caught:
        traced(lambda parameters, x: refuse(error), {}, (ANY,))
    assert not [note for note in getattr(caught.value, "__notes__", ()) if "`export`" in note]


def test_operations_of_unknown_kernels_are_refused() -> None:
    def call(parameters: Any, x: Any) -> Any:
        return jax.ffi.ffi_call("of_nobody", SPEC)(x)

    traced(call, {}, (SPEC,))
    with pytest.raises(ArgumentError, match=r"that `jax.export` can write, received.*of_nobody"):
        lowered(call, {}, (SPEC,), None)


def test_what_cannot_be_serialised_is_refused() -> None:
    class Heavy:
        def serialize(self) -> Any:
            raise ValueError("cannot grow buffer beyond 2 gigabytes")

    with pytest.raises(ArgumentError, match="can write, received ValueError: cannot grow"):
        serialized(Heavy())  # type: ignore[arg-type]


def test_a_missing_package_is_named() -> None:
    class Lacking:
        def serialize(self) -> Any:
            raise ImportError("Please install 'flatbuffers'")

    with pytest.raises(ImportError, match="flatbuffers"):
        serialized(Lacking())  # type: ignore[arg-type]


def test_programs_of_several_devices_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    real = jax.export.export

    def export(*args: Any, **kwargs: Any) -> Any:
        def lower(*shapes: Any) -> Any:
            exported = real(*args, **kwargs)(*shapes)
            object.__setattr__(exported, "nr_devices", 4)  # as if in a mesh
            return exported

        return lower

    monkeypatch.setattr(jax.export, "export", export)
    with pytest.raises(ArgumentError, match=r"runs on one device, received .* of 4 devices"):
        lowered(lambda parameters, x: x, {}, (SPEC,), None)
