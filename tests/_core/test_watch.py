"""Changes in place are seen, and looking for them does not depend on how much there is."""

from __future__ import annotations

import types
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite._core._watch import snapshots, unchanged


class Box:
    def __init__(self) -> None:
        self.inner = types.SimpleNamespace(values=[1, 2])


def _change_list(values: Any) -> None:
    values[0].append(3)


def _change_nested(values: Any) -> None:
    values[0][0]["a"] = 2


def _change_object(values: Any) -> None:
    values[0].inner.values[0] = 5


def _change_type(values: Any) -> None:
    values[0][0] = True  # equal to 1, and another program


def _change_array(values: Any) -> None:
    values[0][0] = 7


@pytest.mark.parametrize(
    ("make", "change"),
    [
        (lambda: [[1]], _change_list),
        (lambda: [({"a": 1},)], _change_nested),
        (lambda: [Box()], _change_object),
        (lambda: [[1]], _change_type),
        (lambda: [np.arange(3)], _change_array),
        (lambda: [{"x": {1}}], lambda values: values[0]["x"].add(2)),
    ],
    ids=["list", "nested", "object", "type", "array", "set"],
)
def test_a_change_in_place_is_seen(make: Any, change: Any) -> None:
    values = make()
    before = snapshots(values)
    assert unchanged(before)
    change(values)
    assert not unchanged(before)


def test_what_cannot_be_watched_is_never_called_unchanged() -> None:
    assert snapshots([bytearray(b"a")]) is None
    assert not unchanged(None)


def test_modules_and_arrays_are_not_entered() -> None:
    values = [tx.nn.Sequential(tx.nn.Flatten()), jnp.ones(2)]
    before = snapshots([values])
    assert before is not None
    assert [container is values for container, _ in before] == [True]


def test_a_long_static_list_is_watched_by_one_copy() -> None:
    vocabulary = [str(i) for i in range(10_000)]
    before = snapshots([vocabulary])
    assert before is not None
    assert [len(copy) for _, copy in before] == [10_000]
