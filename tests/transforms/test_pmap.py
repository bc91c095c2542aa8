from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests._core.modules import untouched
from tests.transforms.stateful import Stateful, X, assert_same
from treexlite._errors import MappedWriteError

N = jax.device_count()


def test_it_equals_vmap() -> None:
    xs = jnp.tile(X[:1], (N, 1))
    model, other = (tx.stack([Stateful() for _ in range(N)]) for _ in range(2))
    assert_same(tx.pmap(Stateful.__call__)(model, xs), tx.vmap(Stateful.__call__)(other, xs))
    assert_same(model, other)


def test_it_is_compiled_once_for_each_structure() -> None:
    """Traced to check what is shared, and to compile; JAX once more for arrays on its devices."""
    traces: list[int] = []

    @tx.pmap(in_axes=(None, 0))
    def f(model: Stateful, x: Any) -> Any:
        traces.append(1)
        return model.bump(x)

    model = Stateful()
    for _ in range(2):
        f(model, X[:N])
    known = len(traces)
    assert known <= 3
    for _ in range(3):
        f(model, X[:N])
        f(Stateful(), X[:N])
    assert len(traces) == known
    assert int(model.count) == 5


def test_a_shared_field_that_differs_is_refused() -> None:
    model = Stateful()
    with untouched(model), pytest.raises(MappedWriteError, match=r"pmap: .*`mean`"):
        tx.pmap(model)(X[:N])


def test_static_arguments_and_collectives() -> None:
    def f(model: Stateful, x: Any, n: int) -> Any:
        model.mean = jax.lax.pmean(x, "d")
        return x * n if isinstance(n, int) else None

    model = Stateful()
    out = tx.pmap(f, "d", in_axes=(None, 0, None), static_broadcasted_argnums=2)(model, X[:N], 2)
    assert_same((out, model.mean), (2 * X[:N], X[:N].mean(0)))
