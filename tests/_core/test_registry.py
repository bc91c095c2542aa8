import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests._core.modules import Scale
from treexlite._core import _registry


@pytest.mark.parametrize("value", [jnp.ones(2), jnp.array(1), jax.random.key(0)], ids=str)
def test_jax_arrays_are_recognised_every_time(value: jax.Array) -> None:
    for _ in range(2):  # the second time from the set of known types
        assert _registry.is_jax_array(value)
        assert _registry.is_array(value)


@pytest.mark.parametrize("value", [np.ones(2), np.float32(1), np.bool_(True)])
def test_numpy_values_are_arrays_but_not_jax_arrays(value: object) -> None:
    assert _registry.is_array(value)
    assert not _registry.is_jax_array(value)


@pytest.mark.parametrize("value", [1, 1.0, True, 1j, None, "x", [1], jnp.float32])
def test_python_values_are_not_arrays(value: object) -> None:
    assert not _registry.is_array(value)


def test_numbers_and_arrays_are_numeric_and_nothing_else_is() -> None:
    assert all(map(_registry.is_numeric, [1, 1.5, True, 2j, np.ones(1), jnp.ones(1)]))
    assert not any(map(_registry.is_numeric, [None, "x", [1], (1,), len]))


def test_tracers_are_arrays_but_never_learned_as_concrete_types() -> None:
    seen = []

    @jax.jit
    def f(x: jax.Array) -> jax.Array:
        seen.append((_registry.is_tracer(x), _registry.is_array(x), type(x)))
        return x

    f(1.0)
    tracer, array, kind = seen[0]
    assert tracer
    assert array
    assert kind not in _registry.CONCRETE_ARRAY_TYPES


def test_only_instances_are_modules() -> None:
    assert _registry.is_module(Scale())
    assert not _registry.is_module(Scale)
    assert not _registry.is_module([Scale()])
