import argparse
import contextlib
import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import io_callback

import treexlite as tx
from tests._core.modules import (
    Counter,
    Dense,
    Net,
    Noise,
    Norm,
    Scale,
    X,
    content,
    make_net,
    no_tracers,
    untouched,
)
from treexlite._core import _init
from treexlite._core._graph import walk
from treexlite._core._lazy import PENDING
from treexlite._core._statics import Static
from treexlite._errors import ArgumentError, FieldError, InitializationError

CALL = _init.Call.of("init", X)
SHAPE = jax.ShapeDtypeStruct(X.shape, X.dtype)


class Spy(tx.Module):
    """Counts how often its forward pass is traced, and how often it runs."""

    def __init__(self) -> None:
        self.layer = Dense(2)

    def __call__(self, x: jax.Array) -> jax.Array:
        TRACED.append(1)
        io_callback(lambda: RUN.append(1), None, ordered=True)
        return self.layer(x)


TRACED: list[int] = []
RUN: list[int] = []


def test_init_traces_the_forward_pass_once_and_never_runs_it() -> None:
    TRACED.clear(), RUN.clear()
    model = Spy().init(0, X)
    jax.effects_barrier()
    assert (len(TRACED), len(RUN)) == (1, 0)
    model(X)
    jax.effects_barrier()
    assert (len(TRACED), len(RUN)) == (2, 1)


def test_a_model_built_alike_is_not_traced_again() -> None:
    Spy().init(0, X)
    TRACED.clear()
    one, two = Spy().init(1, X), Spy().init(2, X + 1)
    assert len(TRACED) == 0
    assert not jnp.allclose(one.layer.w, two.layer.w)


class Deep(tx.Module):
    def __init__(self, depth: int) -> None:
        self.layers = [Dense(4) for _ in range(depth)]

    def __call__(self, x: jax.Array) -> jax.Array:
        for layer in self.layers:
            x = layer(x)
        return x


def test_layers_that_are_alike_share_their_compiled_programs() -> None:
    descriptions = [Deep(depth) for depth in (9, 5, 1)]
    models = [description.init(0, X) for description in descriptions]
    runs = []
    for description, depth, model in zip(descriptions, (9, 5, 1), models, strict=True):
        creation = _init._creation(walk(description).spec, "__call__", CALL, Static(None))
        runs += [run for run, _, _ in creation.programs.values()]
        assert len(runs[-1].steps) == 2 * depth
        np.testing.assert_array_equal(model.layers[0].w, models[0].layers[0].w)
    programs = {id(step.program): step.program for run in runs for step in run.steps}
    assert len(programs) == 2  # one for `w`, one for `b`
    assert [p.run._cache_size() for p in programs.values()] == [1, 1]  # type: ignore[attr-defined]


def test_a_module_made_on_the_way_has_the_keys_of_the_place_where_it_was_first_seen() -> None:
    class Late(tx.Module):
        def __call__(self, x: Any) -> Any:
            if self.initializing():
                self.late = Dense(4)
                x = self.late(x)
                self.late, self.other = Dense(4), self.late
            return self.late(self.other(x))

    class Early(tx.Module):
        def __init__(self) -> None:
            self.late = Dense(4)

        def __call__(self, x: Any) -> Any:
            return self.late(x)

    np.testing.assert_array_equal(Late().init(0, X).other.w, Early().init(0, X).late.w)


def test_init_returns_a_copy_and_leaves_the_description_alone() -> None:
    model = Net()
    with untouched(model):
        done = model.init(0, X)
    assert type(done) is Net
    assert done.initialized
    assert not model.initialized
    assert no_tracers(done)


def test_init_in_place_fills_the_users_own_objects() -> None:
    model = Net()
    layers, first = model.layers, model.layers[0]
    assert model.init(0, X, inplace=True) is model
    assert model.layers is layers
    assert layers[0] is first
    assert content(model) == content(make_net())
    assert model(X).shape == (2, 2)


INPUTS: list[tuple[Any, Any]] = [
    (X, (X,)),
    ((X,), (X,)),
    ({"x": X}, (X,)),
    (SHAPE, (X,)),
    ((SHAPE,), (X,)),
    ({"x": SHAPE}, (X,)),
    (np.asarray(X), (X,)),
]


@pytest.mark.parametrize(("inputs", "args"), INPUTS)
def test_inputs_come_as_arrays_shapes_tuples_or_dicts(inputs: Any, args: Any) -> None:
    model = Net().init(0, inputs)
    np.testing.assert_allclose(model.layers[0].w, make_net().layers[0].w)
    model(*args)


class Many(tx.Module):
    w: Any = tx.Parameter.node()

    def __call__(self, x: Any, mask: Any = None, *, mode: str = "a", tree: Any = None) -> Any:
        if self.initializing():
            size = x.shape[-1] + (0 if mask is None else mask.shape[-1]) + 100 * (mode == "b")
            self.w = jnp.zeros(size if tree is None else size + tree["k"][0].shape[0])
        return x


@pytest.mark.parametrize(
    ("inputs", "size"),
    [
        (X, 4),
        ((X, X), 8),
        ((X, None), 4),
        ({"x": X, "mask": SHAPE}, 8),
        ({"x": X, "mode": "b"}, 104),
        ({"x": SHAPE, "tree": {"k": [jnp.ones(3)]}}, 7),
    ],
)
def test_inputs_may_mix_arrays_shapes_and_plain_values(inputs: Any, size: int) -> None:
    assert Many().init(0, inputs).w.shape == (size,)


def test_shapes_stand_in_for_every_dtype() -> None:
    class Model(tx.Module):
        w: Any = tx.Parameter.node()

        def __call__(self, x: Any, key: Any) -> Any:
            if self.initializing():
                self.w = jnp.zeros(x.shape, x.dtype)
            return jax.random.normal(key)

    for dtype in (jnp.int8, jnp.bfloat16, jnp.bool_, jnp.complex64):
        key = jax.eval_shape(lambda: jax.random.key(0))
        model = Model().init(0, (jax.ShapeDtypeStruct((2,), dtype), key))
        assert model.w.dtype == dtype


def test_an_empty_tuple_calls_without_arguments() -> None:
    class Model(tx.Module):
        w: Any = tx.Parameter.node()

        def __call__(self) -> None:
            if self.initializing():
                self.w = jnp.ones(2)

    assert Model().init(0, ()).w.shape == (2,)
    assert Model().init(0, {}).w.shape == (2,)


def test_another_method_can_be_traced() -> None:
    class Model(tx.Module):
        def __init__(self) -> None:
            self.encoder, self.decoder = Dense(3), Dense(4)

        def encode(self, x: Any) -> Any:
            return self.encoder(x)

        def __call__(self, x: Any) -> Any:
            return self.decoder(self.encode(x))

    half = Model().init(0, X, method="encode")
    assert half.encoder.initialized
    assert not half.initialized
    done = half.init(1, X)
    assert done.initialized
    assert done.encoder.w is half.encoder.w


def test_a_key_alone_is_enough_when_no_field_needs_a_shape() -> None:
    model = Noise().init(3)
    assert model.initialized
    assert content(Scale(2.0).init(0)) == content(Scale(2.0))


def test_missing_inputs_name_the_fields_that_need_a_shape() -> None:
    model = Net()
    with untouched(model), pytest.raises(InitializationError) as caught:
        model.init(0)
    message = str(caught.value)
    for path in ("`layers/0/w`", "`layers/0/b`", "`layers/1/w`", "`layers/1/b`"):
        assert path in message
    assert "(and 2 more)" in message
    assert "model.init(key, x)" in message


def test_a_compact_module_needs_inputs_too() -> None:
    class Inline(tx.Module):
        @tx.compact
        def __call__(self, x: Any) -> Any:
            return Dense(2)(x)

    with pytest.raises(InitializationError, match="inline submodules"):
        Inline().init(0)


# Keys


@pytest.mark.parametrize("key", [5, np.int64(5), jnp.array(5), jax.random.PRNGKey(5)])
def test_seeds_and_keys_mean_the_same(key: Any) -> None:
    assert content(Net().init(key, X)) == content(Net().init(5, X))
    typed = Net().init(jax.random.key(5), X)
    np.testing.assert_allclose(typed.layers[0].w, Net().init(5, X).layers[0].w)


def test_a_wrong_key_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"Net.init: expected `key`"):
        Net().init("zero", X)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="key=array of shape"):
        Net().init(X, X)


def test_different_seeds_and_different_paths_give_different_values() -> None:
    class Same(tx.Module):
        def __init__(self) -> None:
            self.a, self.b = Dense(2), Dense(2)

        def __call__(self, x: Any) -> Any:
            return self.a(x) + self.b(x)

    model = Same().init(0, X)
    assert not jnp.allclose(model.a.w, model.b.w)
    assert not jnp.allclose(model.a.w, Same().init(1, X).a.w)


def test_values_depend_on_the_path_and_not_on_the_order() -> None:
    class Model(tx.Module):
        def __init__(self, names: str, calls: str) -> None:
            self.calls = calls
            for name in names:
                setattr(self, name, Dense(3))

        def __call__(self, x: Any) -> Any:
            return sum(getattr(self, name)(x) for name in self.calls)

    def weights(model: Model) -> dict[str, Any]:
        return {k: np.asarray(v) for k, v in model.state_dict().items()}

    reference = weights(Model("ab", "ab").init(0, X))
    for names, calls in (("ba", "ab"), ("ab", "ba"), ("xaby", "yxab"), ("ab", "aab")):
        other = weights(Model(names, calls).init(0, X))
        for path, value in reference.items():
            np.testing.assert_array_equal(value, other[path])


def test_inserting_a_layer_changes_no_other_value_by_name() -> None:
    class Model(tx.Module):
        def __init__(self, extra: bool) -> None:
            self.layers = {
                "first": Dense(4),
                **({"extra": Dense(4)} if extra else {}),
                "last": Dense(2),
            }

        def __call__(self, x: Any) -> Any:
            for layer in self.layers.values():
                x = layer(x)
            return x

    one, two = Model(False).init(0, X), Model(True).init(0, X)
    for name in ("first", "last"):
        np.testing.assert_array_equal(one.layers[name].w, two.layers[name].w)


def test_several_keys_of_one_module_differ() -> None:
    class Model(tx.Module):
        keys: Any = tx.State.node()

        def __call__(self, x: Any) -> Any:
            if self.initializing():
                self.keys = [tx.next_key() for _ in range(3)]
            return x

    keys = Model().init(0, X).keys
    assert len({str(key.tolist()) for key in keys}) == 3


# What is kept


def test_parts_that_are_initialised_keep_their_very_arrays() -> None:
    class Model(tx.Module):
        def __init__(self, encoder: Any) -> None:
            self.encoder, self.head = encoder, Dense(2)

        def __call__(self, x: Any) -> Any:
            return self.head(self.encoder(x))

    encoder = Dense(4).init(7, X)
    model = Model(encoder).init(0, X)
    assert model.encoder.w is encoder.w
    assert model.encoder is not encoder
    again = model.init(99, X)
    assert [a is b for a, b in zip(*map(jax.tree.leaves, (again, model)), strict=True)] == [
        True
    ] * 4


def test_what_the_forward_pass_writes_to_existing_state_is_discarded() -> None:
    class Model(tx.Module):
        n: Any = tx.State.node()
        stats: Any = tx.State.node()

        def __init__(self) -> None:
            self.n = jnp.array(0)
            self.stats = {"n": jnp.array(0), "list": [jnp.array(0)]}
            self.calls = 0
            self.seen: list[int] = []
            self.counter = Counter(5)
            self.layer = Dense(2)

        def __call__(self, x: Any) -> Any:
            self.n = self.n + 1
            self.stats["n"] = self.stats["n"] + 1
            self.stats["list"][0] = self.stats["list"][0] + 1
            self.calls += 1
            self.seen.append(1)
            self.counter.count()
            return self.layer(x)

    done = Model().init(0, X)
    assert (int(done.n), done.stats, int(done.counter.n)) == (0, {"n": 0, "list": [0]}, 5)
    assert (done.calls, done.seen) == (0, [])
    assert done.initialized


def test_new_running_statistics_have_their_first_value() -> None:
    norm = Norm().init(0, X)
    np.testing.assert_array_equal(norm.mean, jnp.zeros(4))
    np.testing.assert_array_equal(norm.scale, jnp.ones(4))
    norm(X)
    np.testing.assert_allclose(norm.mean, X.mean(0) / 2)


def test_a_key_that_the_forward_pass_splits_has_its_first_value() -> None:
    class Model(tx.Module):
        def __init__(self) -> None:
            self.noise = Noise()

        def __call__(self, x: Any) -> Any:
            return self.noise(x)

    np.testing.assert_array_equal(Model().init(0, X).noise.key, Model().init(0).noise.key)


def test_frozen_and_evaluated_parts_are_initialised_and_stay_so() -> None:
    model = Net()
    model.layers[0].freeze(inplace=True)
    model.norm.eval(inplace=True)
    done = model.init(0, X)
    assert done.layers[0].frozen
    assert not done.norm.training
    np.testing.assert_array_equal(done.layers[0].w, make_net().layers[0].w)


def test_shared_modules_are_initialised_once() -> None:
    class Tied(tx.Module):
        def __init__(self) -> None:
            self.a = Dense(4)
            self.b = {"again": self.a}

        def __call__(self, x: Any) -> Any:
            return self.b["again"](self.a(x))

    model = Tied().init(0, X)
    assert model.a is model.b["again"]
    assert list(model.state_dict()) == ["a/w", "a/b"]
    in_place = Tied()
    in_place.init(0, X, inplace=True)
    assert in_place.a is in_place.b["again"]


def test_layers_that_are_made_during_init_are_kept_and_reached() -> None:
    class Grows(tx.Module):
        def __init__(self) -> None:
            self.layers: list[Any] = []

        def __call__(self, x: Any) -> Any:
            if self.initializing():
                self.layers.append(Dense(3))
                self.head = Dense(x.shape[-1])
            for layer in [*self.layers, self.head]:
                x = layer(x)
            return x

    description = Grows()
    for model in (description.init(0, X), description.init(0, X, inplace=True)):
        assert list(model.state_dict()) == ["layers/0/w", "layers/0/b", "head/w", "head/b"]
        assert model(X).shape == (2, 4)
        assert no_tracers(model)


def test_an_initializer_of_a_layer_made_during_init_is_filled() -> None:
    class Late(tx.Module):
        def __call__(self, x: Any) -> Any:
            if self.initializing():
                self.noise = Noise()
            return self.noise(x)

    class Inline(tx.Module):
        @tx.compact
        def __call__(self, x: Any) -> Any:
            return Noise()(x)

    for cls in (Late, Inline):
        model = cls().init(0, X)
        assert model.initialized
        assert model.noise.key.shape == (2,)
        model(X)


def test_fields_that_the_forward_pass_never_creates_stay_pending() -> None:
    class Model(tx.Module):
        def __init__(self) -> None:
            self.used, self.unused = Dense(2), Dense(2)

        def __call__(self, x: Any) -> Any:
            return self.used(x)

    model = Model().init(0, X)
    assert model.unused.w is PENDING
    assert not model.initialized
    assert model.used.initialized


# Failures


class Fails(tx.Module):
    def __init__(self) -> None:
        self.layers = [Dense(3)]
        self.calls = 0

    def __call__(self, x: Any) -> Any:
        x = self.layers[0](x)
        self.calls += 1
        self.layers.append(Dense(2))
        self.late = 1
        raise RuntimeError("in the forward pass")


@pytest.mark.parametrize("inplace", [False, True])
def test_a_failing_init_leaves_the_module_unchanged(inplace: bool) -> None:
    model = Fails()
    with untouched(model), pytest.raises(RuntimeError, match="in the forward pass"):
        model.init(0, X, inplace=inplace)
    assert model.calls == 0


@pytest.mark.parametrize("inplace", [False, True])
def test_inputs_that_do_not_fit_leave_the_module_unchanged(inplace: bool) -> None:
    model = Net()
    with untouched(model), pytest.raises(TypeError):
        model.init(0, (X, X, X), inplace=inplace)
    with untouched(model), pytest.raises(AttributeError, match="no_such"):
        model.init(0, X, method="no_such", inplace=inplace)


def test_an_undeclared_array_created_during_init_is_refused() -> None:
    class Model(tx.Module):
        def __call__(self, x: Any) -> Any:
            self.w = x
            return x

    with pytest.raises(FieldError, match="attribute `w` to be declared"):
        Model().init(0, X)


def test_contexts_are_closed_after_init_also_after_an_error() -> None:
    for model in (Net(), Fails()):
        with contextlib.suppress(RuntimeError):
            model.init(0, X)
        assert not model.initializing()


# Transformations and placement


def test_init_works_inside_transformations() -> None:
    expected = content(make_net())
    assert content(jax.jit(lambda key: Net().init(key, X))(0)) == expected
    assert content(tx.jit(lambda key: Net().init(key, X))(0)) == expected
    shapes = jax.eval_shape(lambda: Net().init(0, X))
    assert shapes.layers[0].w.shape == (4, 3)
    models = jax.vmap(lambda key: Dense(3).init(key, X))(jax.random.split(jax.random.PRNGKey(0), 5))
    assert models.w.shape == (5, 4, 3)
    assert not jnp.allclose(models.w[0], models.w[1])
    assert jax.vmap(lambda model: model(X))(models).shape == (5, 2, 3)


def test_init_in_place_inside_tx_jit_reaches_the_users_module() -> None:
    model = Net()
    tx.jit(lambda m, x: m.init(0, x, inplace=True)(x))(model, X)
    assert model.initialized
    assert no_tracers(model)
    np.testing.assert_allclose(model.layers[0].w, make_net().layers[0].w, rtol=1e-6)


def test_a_jitted_forward_pass_can_be_initialised() -> None:
    class Model(tx.Module):
        def __init__(self) -> None:
            self.layer = Dense(2)

        @tx.jit
        def __call__(self, x: Any) -> Any:
            return self.layer(x)

    class Outer(tx.Module):
        def __init__(self) -> None:
            self.model = Model()

        def __call__(self, x: Any) -> Any:
            return tx.value_and_grad(lambda m: m(x).sum())(self.model)[0]

    model = Model().init(0, X)
    assert model(X).shape == (2, 2)
    assert Outer().init(0, X).initialized


SHARDED = """
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P
import treexlite as tx
from tests._core.modules import Dense, make_net

X = jnp.ones((2, 4))
mesh = Mesh(np.array(jax.devices()), ("x",))
rows, everywhere = NamedSharding(mesh, P("x")), NamedSharding(mesh, P())
for sharding in (everywhere, rows, everywhere):
    layer = Dense(4).init(0, X, sharding=sharding)
    assert layer.w.sharding == sharding, layer.w.sharding
    assert layer.b.sharding == sharding, layer.b.sharding

seen = []
def choose(info):
    seen.append((info.path, info.name, info.kind, type(info.module).__name__))
    return rows if info.path == "w" else everywhere if info.name == "b" else None

layer = Dense(4).init(0, X, sharding=choose)
assert layer.w.sharding == rows
assert layer.b.sharding == everywhere
assert ("w", "w", tx.Parameter, "Dense") in seen
assert jnp.array_equal(layer.w, Dense(4).init(0, X).w)

class Deep(tx.Module):
    def __init__(self):
        self.layers = [Dense(4) for _ in range(6)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

alternating = lambda info: rows if int(info.path.split("/")[1]) % 2 else everywhere
deep, plain = Deep().init(0, X, sharding=alternating), Deep().init(0, X)
for number, (one, other) in enumerate(zip(deep.layers, plain.layers)):
    assert one.w.sharding == one.b.sharding == (rows if number % 2 else everywhere)
    assert jnp.array_equal(one.w, other.w)
"""


def test_arrays_are_created_with_the_given_sharding() -> None:
    # in a process of its own: the number of devices is fixed when JAX starts
    flags = "--xla_force_host_platform_device_count=4"
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", SHARDED], cwd=root, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


# What decides about the shapes


@pytest.mark.parametrize(
    "make",
    [types.SimpleNamespace, argparse.Namespace, lambda width: type("C", (), {"width": width})()],
)
def test_a_config_object_that_changed_is_not_taken_for_the_old_one(make: Any) -> None:
    class Model(tx.Module):
        w: Any = tx.Parameter.node()

        def __init__(self, config: Any) -> None:
            self.config = config

        def __call__(self, x: Any) -> Any:
            if self.initializing():
                self.w = jnp.zeros((x.shape[-1], self.config.width))
            return x @ self.w

    config = make(width=3)
    assert Model(config).init(0, X).w.shape == (4, 3)
    config.width = 5
    assert Model(config).init(0, X).w.shape == (4, 5)


def test_other_input_shapes_and_statics_are_other_models() -> None:
    assert Dense(2).init(0, X).w.shape == (4, 2)
    assert Dense(2).init(0, X[:, :3]).w.shape == (3, 2)
    assert Dense(5).init(0, X).w.shape == (4, 5)
    assert Dense(2, bias=False).init(0, X).b is None
