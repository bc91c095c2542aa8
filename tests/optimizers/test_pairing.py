from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import pytest

import treexlite as tx
from tests.optimizers.models import PATHS, Model, gradients, make
from treexlite._errors import NotInitializedError, StructureError
from treexlite.optimizers._pairing import (
    check_initialized,
    has_module,
    named_extra,
    paired,
    parameters,
    trainable,
)


def everything(info: Any) -> bool:
    return True


def test_parameters_are_floating_and_trainable_ones_are_not_frozen() -> None:
    model = make()
    model.first.freeze(inplace=True)
    assert list(parameters(model)) == PATHS
    assert list(trainable(model)) == ["last/b", "last/w"]
    assert list(parameters({"b": jnp.ones(2), "a": 1, "c": 1.0})) == ["b", "c"]


def test_gradients_are_paired_with_what_moves() -> None:
    grads, infos = paired(gradients(), make(), lambda info: info.name == "w")
    assert list(grads) == list(infos) == ["first/w", "last/w"]
    grads, _ = paired({"last/w": gradients()["last/w"]}, make(), everything)
    assert list(grads) == ["last/w"]


def test_wrong_gradients_are_listed() -> None:
    wrong = {"last/w": jnp.ones(7), "lost/w": jnp.ones(2), "last/b": gradients()["last/b"]}
    with pytest.raises(StructureError) as caught:
        paired(wrong, make(), everything)
    text = str(caught.value)
    assert "last/w (array of shape (7,) and dtype float32, the parameter has shape (3, 2))" in text
    assert "lost/w (array of shape (2,) and dtype float32, no parameter has that path)" in text
    assert "and none for first/b, first/w." in text


def test_no_gradients_at_all_are_refused() -> None:
    with pytest.raises(StructureError, match="without any array"):
        paired(None, make(), everything)


def test_a_model_is_initialised_first() -> None:
    check_initialized(make())
    with pytest.raises(NotInitializedError, match="`first/w` is not created yet"):
        check_initialized(Model())


def test_modules_are_found_in_trees() -> None:
    assert has_module([{"a": make()}])
    assert not has_module({"a": jnp.ones(2)})


def test_extra_arguments_come_by_name() -> None:
    model = make()
    assert named_extra("value", 1.0, model) == 1.0
    assert list(named_extra("grad", model, model)) == PATHS
    assert list(named_extra("other", tx.nn.Lambda(abs), model)) == []
    f = named_extra("value_fn", lambda m: m.last.b.sum(), model)
    assert float(f({**gradients(), "last/b": jnp.array([1.0, 2.0])})) == 3.0
