"""Which copy stands for which of the user's objects, after a function has moved them about."""

from __future__ import annotations

from typing import Any

import treexlite as tx
from treexlite._core._graph import modules_of, walk
from treexlite._core._identity import Copies


class Leaf(tx.Module):
    pass


class Holder(tx.Module):
    def __init__(self) -> None:
        self.kids: list[Any] = [Leaf(), Leaf()]
        self.empty: list[Any] = []
        self.notes = {"a": 1}


def _copied(holder: Holder) -> tuple[Any, Copies]:
    built = walk(holder).spec.build([])
    return built.root, Copies(built.modules, built.containers)


def _own(holder: Holder, root: Any, copies: Copies) -> Any:
    before, after = walk(holder), walk(root)
    origin = copies.origin(modules_of(root, after), after.containers)
    return origin.own(modules_of(holder, before), before.containers)


def test_what_did_not_move_is_the_users_own_and_unchanged() -> None:
    holder = Holder()
    root, copies = _copied(holder)
    own = _own(holder, root, copies)
    assert own.modules == {0: holder, 1: holder.kids[0], 2: holder.kids[1]}
    assert own.containers[0] is holder.kids
    assert own.statics[0, "empty"] == ([], False)
    assert own.statics[0, "notes"][0] is holder.notes


def test_a_changed_static_says_so() -> None:
    holder = Holder()
    root, copies = _copied(holder)
    root.notes["b"] = 2
    assert _own(holder, root, copies).statics[0, "notes"] == (holder.notes, True)


def test_swapped_containers_are_followed_to_their_new_names() -> None:
    holder = Holder()
    root, copies = _copied(holder)
    root.kids, root.empty = root.empty, root.kids
    own = _own(holder, root, copies)
    assert own.containers[0] is holder.kids
    assert own.statics[0, "kids"][0] is holder.empty


def test_new_objects_belong_to_nobody() -> None:
    holder = Holder()
    root, copies = _copied(holder)
    root.kids = [Leaf()]
    root.empty = []
    own = _own(holder, root, copies)
    assert (own.modules, own.containers) == ({0: holder}, {})
    assert (0, "empty") not in own.statics


def test_a_jitted_swap_moves_the_users_own_lists() -> None:
    holder = Holder()
    kids, empty = holder.kids, holder.empty

    @tx.jit
    def swap(holder: Holder) -> None:
        holder.kids, holder.empty = holder.empty, holder.kids

    swap(holder)
    assert holder.kids is empty
    assert holder.empty is kids
    assert [type(kid) for kid in kids] == [Leaf, Leaf]


def test_a_jitted_replacement_leaves_the_old_list_alone() -> None:
    holder = Holder()
    kids = holder.kids

    @tx.jit
    def replace(holder: Holder) -> None:
        holder.other = holder.kids
        holder.kids = []

    replace(holder)
    assert holder.other is kids
    assert len(kids) == 2
    assert holder.kids == []
