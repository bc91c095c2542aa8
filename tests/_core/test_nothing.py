import copy
import pickle

import jax

import treexlite as tx


def test_nothing_is_one_object_under_all_its_names() -> None:
    assert tx.NOTHING is tx.Nothing
    assert tx.Nothing() is tx.Nothing
    assert isinstance(tx.Nothing, tx.Nothing)
    assert not isinstance(None, tx.Nothing)


def test_nothing_is_false_and_prints_its_name() -> None:
    assert not tx.Nothing
    assert repr(tx.Nothing) == "Nothing"


def test_nothing_is_a_tree_without_leaves() -> None:
    assert jax.tree.leaves([tx.Nothing, 1]) == [1]
    assert jax.tree.map(lambda x: x + 1, {"a": tx.Nothing, "b": 1}) == {"a": tx.Nothing, "b": 2}
    assert jax.jit(lambda tree: tree)((tx.Nothing,)) == (tx.Nothing,)


def test_nothing_survives_copies_and_pickles() -> None:
    assert copy.copy(tx.Nothing) is tx.Nothing
    assert copy.deepcopy([tx.Nothing]) == [tx.Nothing]
    assert pickle.loads(pickle.dumps(tx.Nothing)) is tx.Nothing
