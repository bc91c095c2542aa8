from typing import Any

import numpy as np
import pytest

import treexlite as tx
from tests._core.modules import Dense, X, content
from treexlite._errors import NotInitializedError


@tx.compact_module
def Head(x: Any, *, scale: float = 1.0) -> Any:
    """Two layers."""
    x = Dense(3)(x)
    return Dense(2)(x) * scale


def test_a_function_becomes_a_module_class() -> None:
    assert issubclass(Head, tx.Module)
    assert (Head.__name__, Head.__doc__, Head.__module__) == ("Head", "Two layers.", __name__)


def test_instances_keep_the_submodules_that_the_function_constructs() -> None:
    head = Head().init(0, X)
    assert list(head.state_dict()) == ["dense/w", "dense/b", "dense2/w", "dense2/b"]
    np.testing.assert_allclose(head(X, scale=2.0), 2 * head(X), rtol=1e-6)
    np.testing.assert_allclose(tx.jit(head)(X), head(X), rtol=1e-6)
    assert content(Head().init(0, X)) == content(head)


def test_it_has_to_be_initialised() -> None:
    with pytest.raises(NotInitializedError, match="Head"):
        Head()(X)


def test_it_can_be_a_part_of_other_modules() -> None:
    class Model(tx.Module):
        def __init__(self) -> None:
            self.heads = [Head(), Head()]

        def __call__(self, x: Any) -> Any:
            return [head(x) for head in self.heads]

    model = Model().init(0, X)
    assert model.heads[1].dense2.w.shape == (3, 2)
    assert not np.allclose(model.heads[0].dense.w, model.heads[1].dense.w)
