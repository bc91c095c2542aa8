"""A layer that is asked for by its name in Keras, PyTorch or Flax is told by its name here."""

import pytest

import treexlite as tx
from treexlite.nn._elsewhere import OURS


@pytest.mark.parametrize("name", OURS)
def test_our_name_is_told_and_there_is_no_alias(name: str) -> None:
    assert not hasattr(tx.nn, name)
    assert OURS[name] in tx.nn.__all__
    with pytest.raises(AttributeError, match=rf"`{name}` is `tx\.nn\.{OURS[name]}`"):
        getattr(tx.nn, name)


def test_an_unknown_name_is_refused_as_python_does() -> None:
    with pytest.raises(AttributeError, match=r"^module 'treexlite.nn' has no attribute 'Liner'$"):
        getattr(tx.nn, "Liner")  # noqa: B009, for a type checker it does not exist
    with pytest.raises(ImportError, match="Dense"):
        exec("from treexlite.nn import Dense")
