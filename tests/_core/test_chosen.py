"""The parameters that are meant; which ones `Regularizer` tests too, from the user's side."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from treexlite._core._chosen import attached, chosen_parameters, is_kernel
from treexlite._errors import NotInitializedError, PathError


def model() -> Any:
    return tx.nn.MLP([2, 1]).init(0, jnp.ones((1, 3)))


def paths(tree: Any, which: Any = None) -> list[str]:
    return [info.path for info in chosen_parameters("A", tree, which)]


def test_kernels_by_default() -> None:
    assert paths(model()) == ["layers/0/kernel", "layers/1/kernel"]
    assert paths(model(), "**/bias") == ["layers/0/bias", "layers/1/bias"]
    assert paths({"a": jnp.ones(2), "b": 3}) == ["a"]


def test_frozen_ones_match_and_are_left_out() -> None:
    frozen = model()
    frozen.layers[0].freeze(inplace=True)
    assert paths(frozen) == ["layers/1/kernel"]
    assert paths(frozen, "layers/0/*") == []


def test_nothing_is_chosen_in_silence() -> None:
    with pytest.raises(PathError, match=r"A: expected a path pattern .* received 'no', which"):
        paths(model(), "no")
    with pytest.raises(PathError, match=r"A: expected at least one parameter to be chosen by"):
        paths(model(), tx.State)
    with pytest.raises(PathError, match=r"by default .*, received floating parameters at 'bias'"):
        paths(model().layers[0].filter("bias"))
    with pytest.raises(NotInitializedError, match=r"A: expected initialised modules, .*`x/kernel`"):
        paths({"x": tx.nn.Linear(2)})


def test_what_is_a_kernel() -> None:
    def info(name: str, module: Any = 1) -> tx.FieldInfo:
        return tx.FieldInfo("a/" + name, name, tx.Parameter, None, module)

    assert is_kernel(info("kernel"))
    assert is_kernel(info("input_kernel"))
    assert not is_kernel(info("kernels"))
    assert is_kernel(info("bias", None))


def test_what_a_module_carries() -> None:
    class Carrier(tx.Module):
        limit = 3

        def method(self) -> jax.Array:
            raise AssertionError

        @property
        def prop(self) -> int:
            raise AssertionError

    carrier = Carrier()
    assert attached(carrier, "limit") == 3
    for name in ("method", "prop", "nothing"):
        assert attached(carrier, name) is None
    carrier.limit = None  # type: ignore[assignment]
    assert attached(carrier, "limit") is None
