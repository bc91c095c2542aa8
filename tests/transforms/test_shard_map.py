from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, PartitionSpec

import treexlite as tx
from tests._core.modules import untouched
from tests.transforms.stateful import Stateful, X, assert_same
from treexlite._errors import ArgumentError, MappedWriteError

P = PartitionSpec
N = jax.device_count()
MESH = Mesh(np.array(jax.devices()), ("d",))
XS = jnp.tile(X, (N, 1))


def averaged(model: Stateful, x: Any) -> Any:
    model.mean = jax.lax.pmean(x.mean(0), "d")
    return x * model.w


def sharded(f: Any, **options: Any) -> Any:
    specs = {"in_specs": (None, P("d")), "out_specs": P("d"), **options}
    return tx.shard_map(f, mesh=MESH, **specs)


@pytest.mark.parametrize("compile_", [False, True])
def test_each_device_has_its_part_and_shared_state_is_written_once(compile_: bool) -> None:
    model = Stateful()
    f = sharded(averaged)
    out = (tx.jit(f) if compile_ else f)(model, XS)
    assert_same((out, model.mean), (XS * model.w, XS.mean(0)))


def test_a_shared_field_that_differs_is_refused() -> None:
    def differs(model: Stateful, x: Any) -> Any:
        model.mean = x.mean(0)
        return x

    model = Stateful()
    with untouched(model), pytest.raises(MappedWriteError, match=r"in_specs=\{tx\.BatchStat"):
        sharded(differs)(model, XS)


def test_specs_by_kind_divide_fields() -> None:
    def f(model: Stateful, x: Any) -> Any:
        model.memory = model.memory + x.sum()
        return x

    model = Stateful()
    model.memory = jnp.zeros(4 * N)
    sharded(f, in_specs=({tx.Cache: P("d"), ...: None}, P("d")))(model, XS)
    assert_same(model.memory, jnp.full(4 * N, X.sum()))


def test_every_device_has_its_own_key_and_the_users_key_advances_once() -> None:
    dropout = tx.nn.Dropout(0.5).init(0)
    before = dropout.key
    f = tx.shard_map(dropout, mesh=MESH, in_specs=P("d"), out_specs=P("d"))
    rows = np.asarray(f(jnp.ones((N, 64))))
    assert len({row.tobytes() for row in rows}) == N
    assert not bool((dropout.key == before).all())


def test_bound_methods_gradients_and_the_mesh_of_the_context() -> None:
    model = Stateful()
    f = tx.shard_map(model.bump, mesh=MESH, in_specs=P("d"), out_specs=P("d"))
    assert_same(f(XS), XS * model.w)
    assert int(model.count) == 1
    grads = tx.grad(lambda model, x: sharded(averaged)(model, x).sum())(model, XS)
    assert_same(grads.w, XS.sum(0))


def test_specs_that_do_not_fit() -> None:
    with pytest.raises(ArgumentError, match="PartitionSpec"):
        sharded(averaged, in_specs=(None, 0))(Stateful(), XS)
    with pytest.raises(ArgumentError, match="`in_specs` for one or for 2"):
        sharded(averaged, in_specs=(None,))(Stateful(), XS)
