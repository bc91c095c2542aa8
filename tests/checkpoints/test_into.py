from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests._core.modules import Dense, Scale, X, Zoo, content, make_net, untouched
from treexlite._errors import CheckpointError, NotInitializedError, StateDictError
from treexlite.checkpoints._checkpoint import Checkpoint
from treexlite.checkpoints._disk import MANIFEST
from treexlite.checkpoints._into import Options, load_into
from treexlite.checkpoints._manifest import checksum, to_json


class Two(tx.Module):
    """A module in two places, or two modules."""

    def __init__(self, encoder: Any, decoder: Any) -> None:
        self.encoder, self.decoder = encoder, decoder


class Held(tx.Module):
    value: Any = tx.State.node()
    rate: float = tx.static(default=0.5)

    def __init__(self, value: Any) -> None:
        self.value = value


def loaded(path: Path, tree: Any, **options: Any) -> Any:
    with Checkpoint(path) as checkpoint:
        return load_into(checkpoint, tree, Options(**options))[1]


def test_a_module_gets_back_what_it_had(tmp_path: Path) -> None:
    model, other = make_net(), make_net().map(lambda x: x + 1)
    tx.save(tmp_path / "x", model)
    layers = other.layers
    report = loaded(tmp_path / "x", other)
    assert content(other) == content(model)
    assert other.layers is layers
    assert report.loaded == tuple(model.state_dict())
    assert not (report.missing)
    assert not (report.unexpected)
    assert not (report.mismatched)
    assert not (report.different)


def test_it_knows_what_a_state_dict_knows(tmp_path: Path) -> None:
    tx.save(tmp_path / "x", Zoo())
    with untouched(model := Zoo().replace(a=jnp.ones(3))), pytest.raises(StateDictError) as caught:
        loaded(tmp_path / "x", model, rename={"n": "m"})
    message = str(caught.value)
    assert message.startswith(f"load of {tmp_path / 'x'}: expected one entry")
    assert "without n" in message
    assert "unexpected m" in message
    assert (
        "a: expected array of shape (3,) and dtype float32, received array of shape ()" in message
    )


def test_not_strict_loads_what_fits(tmp_path: Path) -> None:
    tx.save(tmp_path / "x", Zoo().map(lambda x: x + 1))
    model = Zoo().replace(a=jnp.ones(3))
    report = loaded(tmp_path / "x", model, strict=False, rename={"n": "m"})
    assert (report.missing, report.unexpected, report.mismatched) == (("n",), ("m",), ("a",))
    assert model.a.shape == (3,)
    assert float(model.kids[0].w) == float(Zoo().kids[0].w) + 1


def test_a_damaged_array_leaves_everything_as_it_was(tmp_path: Path) -> None:
    model = make_net()
    path = tmp_path / "x.safetensors"
    tx.save(path, model)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with untouched(model), pytest.raises(CheckpointError, match="checksum"):
        loaded(path, model)


def test_filters_choose_what_is_loaded(tmp_path: Path) -> None:
    tx.save(tmp_path / "x", {"new": Zoo().map(lambda x: x + 1), "more": 1})
    model = {"new": Zoo()}
    report = loaded(tmp_path / "x", model, filters=(tx.State,))
    assert report.loaded == ("new/n",)
    assert (report.missing, report.unexpected) == ((), ())
    assert int(model["new"].n) == int(Zoo().n) + 1
    assert float(model["new"].a) == float(Zoo().a)


def test_what_was_shared_loads_where_it_is_not_and_the_reverse(tmp_path: Path) -> None:
    shared = Scale(3.0)
    tx.save(tmp_path / "tied", Two(shared, shared))
    tx.save(tmp_path / "equal", Two(Scale(3.0), Scale(3.0)))
    tx.save(tmp_path / "other", Two(Scale(3.0), Scale(4.0)))
    for name in ("tied", "equal"):
        tied, free = Two(one := Scale(0.0), one), Two(Scale(0.0), Scale(0.0))
        loaded(tmp_path / name, tied)
        loaded(tmp_path / name, free)
        assert tied.encoder is tied.decoder
        assert [float(m.w) for m in (tied.encoder, free.encoder, free.decoder)] == [3.0] * 3
    with untouched(tied), pytest.raises(StateDictError, match="expected one value, which several"):
        loaded(tmp_path / "other", tied)
    report = loaded(tmp_path / "other", tied, strict=False)
    assert report.mismatched == ("encoder/w",)
    alone = Two(Scale(0.0), None)
    loaded(tmp_path / "tied", alone)
    assert float(alone.encoder.w) == 3.0


def test_a_shared_list_of_a_plain_tree_loads_at_both_places(tmp_path: Path) -> None:
    inner = [jnp.ones(1)]
    tx.save(tmp_path / "x", {"a": inner, "b": inner})
    tree = tx.load(tmp_path / "x", into={"a": [jnp.zeros(1)], "b": [jnp.zeros(1)]})
    assert float(tree["a"][0][0]) == float(tree["b"][0][0]) == 1.0


def test_python_numbers_stay_python_numbers(tmp_path: Path) -> None:
    tx.save(tmp_path / "x", Held({"a": 0.1, "b": 2**70, "c": True, "d": "text", "e": 1 + 2j}))
    model = Held({"a": 0.0, "b": 0, "c": False, "d": "text", "e": 0j})
    loaded(tmp_path / "x", model)
    assert model.value == {"a": 0.1, "b": 2**70, "c": True, "d": "text", "e": 1 + 2j}
    tx.save(tmp_path / "x", {"a": 3, "b": jnp.array(2.5)})
    tree = loaded_tree(tmp_path / "x", {"a": jnp.zeros((), int), "b": 0.0})
    assert tree["a"].dtype == jnp.int32
    assert (int(tree["a"]), tree["b"], type(tree["b"])) == (3, 2.5, float)


def loaded_tree(path: Path, tree: Any, **options: Any) -> Any:
    return tx.load(path, into=tree, **options)


def test_a_dtype_that_would_round_is_a_mismatch_unless_asked_for(tmp_path: Path) -> None:
    tx.save(tmp_path / "x", {"w": jnp.array([0.1])})
    tree = {"w": jnp.zeros(1, jnp.bfloat16)}
    with pytest.raises(StateDictError, match=r"bfloat16 holds exactly.*cast=True"):
        loaded(tmp_path / "x", tree)
    assert loaded(tmp_path / "x", tree, strict=False).mismatched == ("w",)
    loaded(tmp_path / "x", tree, cast=True)
    assert tree["w"] == jnp.array([0.1]).astype(jnp.bfloat16)
    tx.save(tmp_path / "x", tree)
    wide = {"w": jnp.zeros(1)}
    loaded(tmp_path / "x", wide)
    assert wide["w"] == tree["w"].astype(jnp.float32)
    with pytest.raises(StateDictError, match="received"):
        loaded(tmp_path / "x", {"w": jnp.zeros(1, int)}, cast=True)


def test_keys_of_another_implementation_are_a_mismatch(tmp_path: Path) -> None:
    tx.save(tmp_path / "x", Held(jax.random.key(3)))
    model = Held(jax.random.key(0))
    loaded(tmp_path / "x", model)
    assert jnp.array_equal(jax.random.key_data(model.value), jax.random.key_data(jax.random.key(3)))
    with pytest.raises(StateDictError, match="wrong shapes or dtypes"):
        loaded(tmp_path / "x", Held(jax.random.key(0, impl="rbg")))


def test_arrays_stay_where_the_tree_has_them(tmp_path: Path) -> None:
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:2]), ("x",))
    spread = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("x"))
    tx.save(tmp_path / "x", {"w": jnp.arange(4.0)})
    tree = {"w": jax.device_put(jnp.zeros(4), spread)}
    loaded(tmp_path / "x", tree)
    assert tree["w"].sharding == spread
    tx.save(tmp_path / "x", tree)
    single = {"w": jnp.zeros(4)}
    loaded(tmp_path / "x", single)
    assert single["w"].tolist() == [0, 1, 2, 3]
    assert len(single["w"].sharding.device_set) == 1


def test_shapes_are_enough_to_load_into(tmp_path: Path) -> None:
    model = make_net()
    tx.save(tmp_path / "x", model)
    shapes = tx.eval_shape(lambda: make_net())
    loaded(tmp_path / "x", shapes)
    assert content(shapes) == content(model)


def test_plain_attributes_that_differ_are_told_and_set_on_demand(tmp_path: Path) -> None:
    model = Held(jnp.ones(1))
    model.rate = 0.25
    model.calls = 7
    tx.save(tmp_path / "x", {"old": model})
    other = {"new": Held(jnp.zeros(1))}
    other["new"].calls = 0
    report = loaded(tmp_path / "x", other, rename={"old": "new"})
    assert report.different == ("new/rate", "new/calls")
    assert (other["new"].rate, other["new"].calls) == (0.5, 0)
    loaded(tmp_path / "x", other, rename={"old": "new"}, statics=True)
    assert (other["new"].rate, other["new"].calls) == (0.25, 7)
    assert loaded(tmp_path / "x", other, rename={"old": "new"}).different == ()


def test_a_module_that_waits_for_init_is_refused(tmp_path: Path) -> None:
    tx.save(tmp_path / "x", Dense(2).init(0, X))
    with pytest.raises(NotInitializedError, match=r"`w` is not created yet\. Call .*loaded into"):
        loaded(tmp_path / "x", Dense(2))


def test_optimizers_and_metrics_go_on_where_they_were(tmp_path: Path) -> None:
    def made(seed: int) -> dict[str, Any]:
        model = tx.nn.Linear(2).init(seed, jnp.ones((1, 3)))
        return {
            "model": model,
            "optimizer": tx.Optimizer("adam").init(model),
            "metric": tx.metrics.Mean(),
        }

    def step(state: dict[str, Any]) -> None:
        grads = tx.grad(lambda model: (model(jnp.ones((1, 3))) ** 2).sum())(state["model"])
        state["optimizer"].update(grads, state["model"])
        state["metric"](values=jnp.ones(2))

    state, other = made(0), made(1)
    step(state)
    tx.save(tmp_path / "x", state)
    tx.load(tmp_path / "x", into=other)
    step(state)
    step(other)
    for one, two in zip(jax.tree.leaves(state), jax.tree.leaves(other), strict=True):
        assert jnp.array_equal(one, two)
    assert float(other["metric"].compute()) == float(state["metric"].compute())


def test_plain_trees_change_in_place_and_tuples_are_made_anew(tmp_path: Path) -> None:
    inner = {"z": [jnp.ones(1)], "a": (jnp.ones(1), 2)}
    tx.save(tmp_path / "x", (inner, Scale(2.0), jnp.ones(2)))
    model, plain = Scale(0.0), {"z": [jnp.zeros(1)], "a": (jnp.zeros(1), 0)}
    found = tx.load(tmp_path / "x", into=(plain, model, jnp.zeros(2)))
    assert found[1] is model
    assert (float(model.w), found[2].tolist(), found[0]["a"][1]) == (2.0, [1, 1], 2)
    tx.save(tmp_path / "x", inner)
    assert tx.load(tmp_path / "x", into=plain) is plain
    assert list(plain) == ["z", "a"]
    assert (plain["z"][0].tolist(), plain["a"][1]) == ([1], 2)
    below = {"a": [jnp.zeros(1)], "b": {"c": jnp.zeros(1)}}  # which JAX takes as one tree
    tx.save(tmp_path / "x", jax.tree.map(lambda x: x + 1, below))
    lists = below["a"]
    assert tx.load(tmp_path / "x", into=below) is below
    assert below["a"] is lists
    assert float(below["a"][0][0]) == float(below["b"]["c"][0]) == 1
    tx.save(tmp_path / "x", jnp.ones(2))
    assert tx.load(tmp_path / "x", into=jnp.zeros(2)).tolist() == [1, 1]


def test_a_key_of_an_unknown_implementation_is_refused(tmp_path: Path) -> None:
    tx.save(tmp_path / "x", Held(jax.random.key(0)))
    manifest = tmp_path / "x" / MANIFEST
    content = json.loads(manifest.read_text())["manifest"]
    content["arrays"][0]["impl"] = "quantum"
    sealed = {"checksum": checksum(to_json(content).encode()), "manifest": content}
    manifest.write_text(to_json(sealed))
    with pytest.raises(CheckpointError, match="quantum"):
        tx.load(tmp_path / "x")
    model = Held(jax.random.key(0))
    with untouched(model), pytest.raises(CheckpointError, match="quantum"):
        tx.load(tmp_path / "x", into=model)


def test_a_host_array_keeps_its_byte_order(tmp_path: Path) -> None:
    tx.save(tmp_path / "x", {"a": np.arange(3, dtype=">i4")})
    into = tx.load(tmp_path / "x", into={"a": np.zeros(3, ">i4")})["a"]
    assert (into.dtype, into.tolist()) == (np.dtype(">i4"), [0, 1, 2])


def test_nan_is_the_number_that_was_saved(tmp_path: Path) -> None:
    tree = {"best": float("nan")}
    tx.save(tmp_path / "x", tree)
    assert repr(tx.load(tmp_path / "x", into=tree)) == "{'best': nan}"


def test_shapes_are_loaded_into_in_any_order(tmp_path: Path) -> None:
    def build() -> Any:
        return Held({"w": jnp.ones(3), "b": jnp.zeros(2)})

    tx.save(tmp_path / "x", build())
    loaded = tx.load(tmp_path / "x", into=tx.eval_shape(build))
    assert content(loaded) == content(build())
    mixed = {"w": jax.ShapeDtypeStruct((3,), "float32"), "b": jnp.ones(2)}
    tx.save(tmp_path / "y", {"w": jnp.ones(3), "b": jnp.zeros(2)})
    assert tx.load(tmp_path / "y", into=mixed)["w"].tolist() == [1, 1, 1]
