"""Changes in place are seen, and looking for them does not depend on how much there is."""

from __future__ import annotations

import gc
import types
import weakref
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite._core._graph import walk
from treexlite._core._layout import layout_of, note_watched
from treexlite._core._watch import Watch, snapshots, unchanged


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


class Shelf(tx.Module):
    """Containers of every sort, some with a layer in them."""

    def __init__(self) -> None:
        self.layers = [tx.nn.Flatten(), {"inner": [tx.nn.Flatten()]}]
        self.named = {"one": tx.nn.Flatten()}
        self.sizes, self.words, self.table = [1, 2], {"a", "b"}, np.arange(3)


def _swap_keys(shelf: Any) -> None:
    shelf.named["two"] = shelf.named.pop("one")


@pytest.mark.parametrize(
    "change",
    [
        lambda shelf: shelf.layers.append(tx.nn.Flatten()),
        lambda shelf: shelf.layers.__setitem__(0, tx.nn.Flatten()),
        lambda shelf: shelf.layers[1]["inner"].clear(),
        lambda shelf: shelf.named.__setitem__("one", tx.nn.Flatten()),
        _swap_keys,
        lambda shelf: shelf.sizes.reverse(),
        lambda shelf: shelf.words.add("c"),
        lambda shelf: shelf.table.__setitem__(0, 7),
    ],
    ids=["append", "element", "nested", "value", "key", "static", "set", "array"],
)
def test_a_change_anywhere_is_seen_in_one_look(change: Any) -> None:
    shelf = Shelf()
    layout_of(shelf)
    watch = Watch([shelf], [])
    assert watch.unchanged()
    change(shelf)
    assert not watch.unchanged()


def test_what_moves_from_one_list_to_the_next_is_seen() -> None:
    one, two = [1, 2], [3]
    watch = Watch([], [(one, [1, 2]), (two, [3])])
    two.insert(0, one.pop())  # all elements together are the same
    assert not watch.unchanged()


def test_nothing_to_watch_is_unchanged_and_what_is_blind_never_is() -> None:
    assert Watch([], []).unchanged()
    shelf = Shelf()
    shelf.raw = bytearray(b"a")
    layout_of(shelf)
    assert not Watch([shelf], []).unchanged()


def test_containers_that_were_replaced_are_looked_at_anew() -> None:
    shelf = Shelf()
    found = walk(shelf)
    assert found.unchanged(shelf)
    watch = found.watch
    vars(shelf)["sizes"] = [1, 2]  # as a transformation writes it
    note_watched(shelf, layout_of(shelf))
    assert watch is not None
    assert not watch.unchanged(shelf)
    assert found.unchanged(shelf)
    shelf.sizes.append(3)
    assert not found.unchanged(shelf)


def test_the_root_is_watched_and_not_kept() -> None:
    shelf = Shelf()
    layout_of(shelf)
    watch = Watch([], [], root=shelf)
    assert watch.unchanged(shelf)
    assert all(shelf is not kept for kept in gc.get_referents(watch, watch.modules))
    shelf.sizes.append(1)
    note_watched(shelf, layout_of(shelf))
    assert not watch.unchanged(shelf)


@pytest.mark.parametrize(
    "verb",
    [
        lambda m: m.state_dict(),
        lambda m: m.load_state_dict(m.state_dict()),
        lambda m: m.merge(m),
        lambda m: m.update(m.copy(), inplace=True),
        lambda m: m.filter(tx.Parameter),
        lambda m: [*m.fields(), *m.modules()],
        lambda m: m.eval(inplace=True),
        lambda m: tx.jit(lambda m: None)(m),
    ],
    ids=["state_dict", "load", "merge", "update", "filter", "iterate", "eval", "jit"],
)
def test_what_is_remembered_of_a_module_does_not_keep_it_alive(verb: Any) -> None:
    """It dies with its last name, without the garbage collector: it may hold large arrays."""
    shelf = Shelf()
    gc.disable()
    try:
        for _ in range(3):
            verb(shelf)
        alive = weakref.ref(shelf)
        del shelf
        assert alive() is None
    finally:
        gc.enable()
