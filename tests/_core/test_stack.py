from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests._core.modules import Scale, Zoo
from treexlite._errors import NotInitializedError, ShapeError, StructureError


@pytest.mark.parametrize("make", [jax.random.PRNGKey, jax.random.key])
def test_unstack_undoes_stack(make: Any) -> None:
    class Keyed(tx.Module):
        key: jax.Array = tx.Rng.node()
        n: Any = tx.State.node()

        def __init__(self, seed: int) -> None:
            self.key, self.n = make(seed), np.array([seed, 1])

    modules = [Keyed(seed) for seed in range(3)]
    stacked = tx.stack(modules)
    assert type(stacked) is Keyed
    assert stacked.n.tolist() == [[0, 1], [1, 1], [2, 1]]
    for one, other in zip(modules, tx.unstack(stacked), strict=True):
        assert bool((one.key == other.key).all())
        assert one.n.tolist() == other.n.tolist()


def test_sharing_inside_the_modules_is_kept() -> None:
    def tied() -> tx.nn.Sequential:
        layer = Scale(2.0)
        return tx.nn.Sequential(layer, layer)

    stacked = tx.stack([tied(), tied()])
    assert stacked[0] is stacked[1]
    assert all(one[0] is one[1] for one in tx.unstack(stacked))


def test_containers_of_modules_are_stacked_too() -> None:
    stacked = tx.stack([{"a": Scale(1.0)}, {"a": Scale(2.0)}])
    assert stacked["a"].w.tolist() == [1.0, 2.0]
    assert [tree["a"].w.item() for tree in tx.unstack(stacked)] == [1.0, 2.0]


@pytest.mark.parametrize(
    ("modules", "error", "message"),
    [
        ([], StructureError, "at least one"),
        ([Scale(), Zoo()], StructureError, "module 1 unlike module 0"),
        ([Scale(), Scale().eval()], StructureError, "module 1 unlike"),
        ([Scale(), Scale(jnp.ones(2))], ShapeError, r"`w` to be float32\[\] .*float32\[2\]"),
        ([tx.nn.Linear(2)], NotInitializedError, "`kernel`"),
    ],
)
def test_what_cannot_be_stacked(modules: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        tx.stack(modules)


@pytest.mark.parametrize(
    ("module", "error", "message"),
    [
        (Scale(), ShapeError, r"`w` of shape \(\)"),
        (tx.nn.Lambda(jnp.abs), StructureError, "without any"),
        (tx.nn.Linear(2).init(0, jnp.ones((1, 3))), ShapeError, "size 2, not 3|size 3, not 2"),
    ],
)
def test_what_cannot_be_unstacked(module: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        tx.unstack(module)


def test_it_works_under_jit() -> None:
    stacked = tx.jit(lambda a, b: tx.stack([a, b]))(Scale(1.0), Scale(2.0))
    assert stacked.w.tolist() == [1.0, 2.0]
