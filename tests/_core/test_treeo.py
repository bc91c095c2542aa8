import treeo

import treexlite as tx
from treexlite._core import _treeo


def test_the_metaclass_and_the_fields_are_treeos() -> None:
    assert issubclass(tx.ModuleMeta, treeo.TreeMeta)
    assert issubclass(tx.Module, treeo.Tree)
    assert issubclass(tx.Kind, treeo.KindMixin)
    assert tx.node is treeo.node


def test_the_fence_lets_exactly_its_names_through() -> None:
    assert {name for name in vars(_treeo) if not name.startswith("_")} == set(_treeo.__all__)
