from __future__ import annotations

import gc
import types
import warnings
import weakref
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests._core.modules import (
    Counter,
    Dense,
    Net,
    Noise,
    Norm,
    Scale,
    X,
    Zoo,
    assert_one_meaning,
    make_net,
    no_tracers,
    untouched,
)
from treexlite._errors import ArgumentError, NodeValueError
from treexlite.transforms import _jit

# State of every kind


KINDS = ("parameter", "state", "rng", "metric", "opt", "stat", "cache", "loss", "shown", "plain")


class Kinds(tx.Module):
    parameter: Any = tx.Parameter.node()
    state: Any = tx.State.node()
    rng: Any = tx.Rng.node()
    metric: Any = tx.MetricState.node()
    opt: Any = tx.OptState.node()
    stat: Any = tx.BatchStat.node()
    cache: Any = tx.Cache.node()
    loss: Any = tx.LossLog.node()
    shown: Any = tx.MetricLog.node()
    plain: Any = tx.node()

    def __init__(self) -> None:
        for name in KINDS:
            setattr(self, name, jnp.array(1.0))


def test_state_of_every_kind_comes_out() -> None:
    def program(model: Kinds) -> None:
        for number, name in enumerate(sorted(vars(model))):
            setattr(model, name, getattr(model, name) + number)

    model = assert_one_meaning(program, Kinds)
    assert sorted(float(x) for x in jax.tree.leaves(model)) == [1.0 + 2 * n for n in range(10)]


@pytest.mark.parametrize("make", [make_net, lambda: Norm().init(0, X), lambda: Noise().init(0)])
def test_layers_with_state_run_alike(make: Any) -> None:
    assert_one_meaning(lambda model, x: model(x), make, X)


def test_frozen_and_evaluated_layers_run_alike() -> None:
    assert_one_meaning(lambda model, x: model(x), lambda: make_net().eval(), X)
    assert_one_meaning(lambda model, x: model(x), lambda: make_net().freeze(), X)


MODES = [
    lambda model: model.eval(inplace=True),
    lambda model: model.kids[0].freeze(inplace=True),
    lambda model: model.train(inplace=True).freeze(inplace=True).unfreeze(inplace=True),
]


@pytest.mark.parametrize("program", MODES, ids=map(str, range(len(MODES))))
def test_modes_that_change_inside_are_changed_outside(program: Any) -> None:
    assert_one_meaning(program, Zoo)


# Changes of structure: eager and jitted runs end alike. Each program runs twice.


def tree_field(model: Zoo) -> None:
    model.a = {"x": 1.0 * jax.tree.leaves(model.a)[0], "y": [jnp.ones(2)]}


STRUCTURE: dict[str, Any] = {
    "append": lambda m: m.kids.append(Scale(5.0)),
    "insert": lambda m: m.kids.insert(0, Scale(m.a)),
    "pop": lambda m: m.kids.pop(),
    "reverse": lambda m: m.kids.reverse(),
    "rotate": lambda m: m.kids.append(m.kids.pop(0)),
    "clear": lambda m: m.kids.clear(),
    "replace": lambda m: m.kids.__setitem__(0, Counter(3)),
    "new list": lambda m: setattr(m, "kids", [*m.kids, Scale(9.0)]),
    "to tuple": lambda m: setattr(m, "kids", tuple(m.kids)),
    "swap containers": lambda m: swap_containers(m),
    "dict add": lambda m: m.named.__setitem__(f"k{len(m.named)}", Scale(7.0)),
    "dict pop": lambda m: m.named.pop("z", None),
    "dict order": lambda m: m.named.__setitem__("z", m.named.pop("z")),
    "new module": lambda m: setattr(m, "late", Scale(m.a + 1)),
    "new module in module": lambda m: setattr(m.kids[0], "sub", Scale(3.0)),
    "new static": lambda m: setattr(m, "late", ("x", [1, {"k": 2.5}])),
    "static counter": lambda m: setattr(m, "hits", m.hits + 1),
    "static list": lambda m: setattr(m, "log", [*getattr(m, "log", []), m.hits]),
    "static numpy": lambda m: setattr(m, "table", np.arange(3) + m.hits),
    "delete module": lambda m: delete(m, "kids"),
    "delete static": lambda m: delete(m, "hits"),
    "delete node": lambda m: delete(m, "a"),
    "share": lambda m: m.kids.append(m.named["a"]),
    "unshare": lambda m: m.kids.__setitem__(0, m.kids[0].copy()),
    "share and write": lambda m: share_and_write(m),
    "tree in a field": lambda m: tree_field(m),
    "none in a field": lambda m: setattr(m, "a", None),
    "nothing in a field": lambda m: setattr(m, "a", tx.Nothing),
    "exchange kinds": lambda m: exchange(m),
    "list becomes a number": lambda m: setattr(m, "kids", 3),
    "number becomes a list": lambda m: setattr(m, "hits", [Scale(m.a)]),
    "merge in place": lambda m: m.update(m.map(lambda x: x + 1), inplace=True),
    "load": lambda m: m.load_state_dict({k: v + 1 for k, v in m.state_dict().items()}),
    "apply in place": lambda m: m.apply(lambda c: setattr(c, "tag", 1), inplace=True),
    "init in place": lambda m: late_layer(m),
    "empty containers": lambda m: empty_containers(m),
}


def swap_containers(model: Zoo) -> None:
    model.kids, model.named = list(model.named.values()), dict(enumerate(model.kids))


def delete(model: Any, name: str) -> None:
    if hasattr(model, name):
        delattr(model, name)


def share_and_write(model: Zoo) -> None:
    model.kids[0] = model.named["a"]
    model.named["a"].w = model.named["a"].w * 2
    model.kids[0].w = model.kids[0].w + 1


def empty_containers(model: Zoo) -> None:
    model.e, model.f, model.g = [], {}, ()


def exchange(model: Zoo) -> None:
    model.a, model.n = model.n, model.a


def late_layer(model: Zoo) -> None:
    model.dense = Dense(2)
    model.dense.init(0, X, inplace=True)
    model.a = model.a + model.dense(X).sum()


@pytest.mark.parametrize("name", STRUCTURE)
def test_changes_of_structure_have_one_meaning(name: str) -> None:
    shares = name.startswith("share")  # plain JAX cannot keep sharing

    def program(model: Zoo) -> None:
        STRUCTURE[name](model)

    model = assert_one_meaning(program, Zoo, plain=not shares)
    assert no_tracers(model)


def test_after_a_change_of_structure_the_model_goes_on_as_usual() -> None:
    model = Zoo()
    tx.jit(lambda m: m.kids.append(Scale(5.0)))(model)

    @tx.jit
    def step(model: Zoo) -> None:
        for kid in model.kids:
            kid.w = kid.w + 1

    for _ in range(2):
        step(model)
    assert [float(kid.w) for kid in model.kids] == [3.0, 4.0, 7.0]
    assert step.cache_size() == 1


# Where modules may be


def test_modules_are_found_in_tuples_dicts_keywords_and_nested_containers() -> None:
    def program(one: Any, pair: Any, *, named: Any, x: Any) -> Any:
        for counter in (one, pair[0], pair[1][0], named["k"]["deep"]):
            counter.n = counter.n + x
        return one.n

    counters = [Counter(n) for n in range(4)]
    fast = tx.jit(program)
    for _ in range(2):
        fast(counters[0], (counters[1], [counters[2]]), named={"k": {"deep": counters[3]}}, x=10)
    assert [int(counter.n) for counter in counters] == [20, 21, 22, 23]
    assert fast.cache_size() == 1


def test_one_module_in_several_arguments_is_one() -> None:
    def program(model: Zoo, kid: Scale, again: Zoo) -> Any:
        model.a = model.a + kid.w
        kid.w = kid.w * 10
        again.n = again.n + 1
        return model is again, model.kids[0] is kid

    model = Zoo()
    fast = tx.jit(lambda *args: [int(flag) for flag in program(*args)])
    assert [int(x) for x in fast(model, model.kids[0], model)] == [1, 1]
    assert [int(x) for x in fast(model, model.kids[0], model)] == [1, 1]
    assert (float(model.a), float(model.kids[0].w), int(model.n)) == (13.0, 100.0, 2)


def test_sharing_that_differs_between_calls_is_told_apart() -> None:
    def program(one: Counter, two: Counter) -> None:
        one.n = one.n + 1
        two.n = two.n * 10

    fast = tx.jit(program)
    one, two = Counter(1), Counter(1)
    fast(one, two), fast(one, one), fast(one, two)
    assert (int(one.n), int(two.n)) == (31, 100)
    fast(two, one)
    assert (int(two.n), int(one.n)) == (101, 310)


def test_a_container_argument_that_is_changed_inside_is_kept_or_refused() -> None:
    def program(models: list[Any]) -> None:
        models.append(Scale(3.0))

    eager, jitted = [Scale(1.0)], [Scale(1.0)]
    program(eager)
    try:
        tx.jit(program)(jitted)
    except ValueError as error:
        assert "list" in str(error)  # noqa: PT017
        assert len(jitted) == 1
    else:
        assert len(jitted) == len(eager)


def test_a_returned_argument_is_that_same_object() -> None:
    model = Zoo()
    fast = tx.jit(lambda m: (m, {"kids": m.kids, "one": m.kids[0]}, m.a * 2))
    for _ in range(2):
        returned, parts, double = fast(model)
        assert returned is model
        assert parts["one"] is model.kids[0]
        assert parts["kids"][1] is model.kids[1]
        assert float(double) == 4.0


def test_a_new_module_comes_out_as_a_module_around_the_users_parts() -> None:
    class Wrap(tx.Module):
        def __init__(self, inner: Any) -> None:
            self.inner, self.name = inner, "wrap"

    model = Scale(2.0)
    wrapped, clone = tx.jit(lambda m: (Wrap([m]), m.copy()))(model)
    assert (type(wrapped), wrapped.name) == (Wrap, "wrap")
    assert wrapped.inner[0] is model
    assert clone is not model
    assert float(clone.w) == 2.0


def test_outputs_of_every_shape_come_out_beside_modules() -> None:
    def program(model: Scale, x: Any) -> Any:
        return {"z": (model.w, None), "a": [x, {"m": model}], "n": tx.Nothing}

    model = Scale(2.0)
    expected, received = program(model, X), tx.jit(program)(model, X)
    assert received["a"][1]["m"] is model
    assert received["n"] is tx.Nothing
    assert received["z"][1] is None
    np.testing.assert_allclose(received["a"][0], expected["a"][0])


def test_modules_may_be_made_and_dropped_inside() -> None:
    def program(x: Any) -> Any:
        inner = Counter(3)
        inner.count()
        return Scale(2.0)(x) + inner.n

    np.testing.assert_allclose(tx.jit(program)(X), 2 * X + 4)


# Nesting


def test_jit_in_jit_writes_once_and_keeps_identity() -> None:
    @tx.jit
    def inner(model: Zoo) -> None:
        model.kids.append(Scale(3.0))
        model.n = model.n + 1

    def outer(model: Zoo) -> int:
        inner(model), inner(model)
        return len(model.kids)

    model = Zoo()
    kids = model.kids
    assert int(tx.jit(outer)(model)) == 4
    assert model.kids is kids
    assert (len(kids), int(model.n)) == (4, 2)
    assert no_tracers(model)


def test_jit_of_a_part_inside_jit_of_the_whole() -> None:
    part = tx.jit(lambda kid: setattr(kid, "w", kid.w + 1))

    def whole(model: Zoo) -> None:
        for kid in model.kids:
            part(kid)

    assert_one_meaning(whole, Zoo)


def test_jit_under_plain_transforms() -> None:
    @tx.jit
    def count(counter: Counter, x: Any) -> Any:
        counter.n = counter.n + x
        return counter.n

    def step(counter: Counter, x: Any) -> Any:
        count(counter, x)
        return counter, count(counter, x)

    counter, values = jax.lax.scan(step, Counter(), jnp.arange(3))
    assert (int(counter.n), values.tolist()) == (6, [0, 2, 6])
    batch, _ = jax.vmap(step, in_axes=(None, 0))(Counter(), jnp.arange(3))
    assert batch.n.tolist() == [0, 2, 4]
    assert float(jax.grad(lambda x: step(Counter(), x)[1])(2.0)) == 2.0


# Failures leave no trace


def steps() -> list[Any]:
    return [
        lambda m: setattr(m, "a", m.a + 1),
        lambda m: m.kids.append(Scale(m.a)),
        lambda m: setattr(m, "hits", m.hits + 1),
        lambda m: m.named.pop("z"),
        lambda m: m.eval(inplace=True),
        lambda m: delattr(m, "n"),
        lambda m: setattr(m, "late", [Scale()]),
        lambda m: m.kids.reverse(),
        lambda m: m.kids[0].freeze(inplace=True),
        lambda m: setattr(m.kids[0], "w", {"tree": m.a}),
        lambda m: setattr(m, "log", [1]),
        lambda m: tx.jit(lambda n: n.kids.clear())(m),
        lambda m: m.load_state_dict({"a": m.a * 2}, strict=False),
    ]


@pytest.mark.parametrize("stop", range(len(steps()) + 1))
def test_an_error_anywhere_in_the_trace_leaves_the_users_objects_alone(stop: int) -> None:
    def program(model: Zoo) -> None:
        for step in steps()[:stop]:
            step(model)
        raise RuntimeError("stop")

    model = Zoo()
    model.log = [0]
    program_of = tx.jit(program), tx.jit(program, donate=True), tx.grad(program)
    with untouched(model):
        for transformed in program_of:
            with pytest.raises(RuntimeError, match="stop"):
                transformed(model)
    assert no_tracers(model)
    assert model.log == [0]


def test_an_error_of_jax_after_the_trace_leaves_the_users_objects_alone() -> None:
    def program(model: Zoo) -> Any:
        model.a = model.a + 1
        return "no array"

    model = Zoo()
    with untouched(model), pytest.raises(TypeError):
        tx.jit(program)(model)


def test_after_an_error_the_same_function_works() -> None:
    fail = True

    @tx.jit
    def program(model: Zoo) -> None:
        model.n = model.n + 1
        if fail:
            raise RuntimeError("stop")

    model = Zoo()
    with pytest.raises(RuntimeError, match="stop"):
        program(model)
    fail = False
    program(model)
    assert int(model.n) == 1


def test_data_that_is_no_array_is_named() -> None:
    class Model(tx.Module):
        cfg: Any = tx.node()

        def __init__(self) -> None:
            self.cfg = {"name": "text", "size": 3}

    model = Model()
    for call in (tx.jit(lambda m: 0), tx.jit(lambda m: 0, donate=True)):
        with untouched(model), pytest.raises(NodeValueError) as caught:
            call(model)
        assert "arrays in the field `cfg/name`" in str(caught.value)
        assert "tx.static()" in str(caught.value)
    for method in ("lower", "trace", "eval_shape"):
        with pytest.raises(NodeValueError, match="cfg/name"):
            getattr(tx.jit(lambda m: 0), method)(model)


# Traces are counted


def test_equal_models_shapes_and_statics_do_not_retrace() -> None:
    fast = tx.jit(lambda model, x: model(x))
    for seed in range(3):
        fast(Net().init(seed, X).eval(), X + seed)
    assert fast.cache_size() == 1
    fast(make_net().eval(), X[:1])
    fast(make_net().eval().freeze(), X)
    assert fast.cache_size() == 3


def test_arrays_of_other_values_do_not_retrace_and_other_statics_do() -> None:
    class Model(tx.Module):
        w: Any = tx.Parameter.node(1.0)

        def __init__(self, k: Any) -> None:
            self.k = k

    fast = tx.jit(lambda m: m.w * (m.k or 1))
    with tx.config(retrace="off"):
        for k in (1, 1.0, True, float("nan"), float("nan"), None, 1):
            fast(Model(k))
    assert fast.cache_size() == 5


def test_mutations_between_calls_are_seen() -> None:
    model = Zoo()
    fast = tx.jit(lambda m: sum(kid.w for kid in m.kids) * m.a + m.hits)
    expected = 6.0
    assert float(fast(model)) == expected
    for change, expected in (
        (lambda: setattr(model, "a", jnp.array(3.0)), 9.0),
        (lambda: setattr(model, "hits", 1), 10.0),
        (lambda: model.kids.append(Scale(4.0)), 22.0),
        (lambda: model.kids.__setitem__(0, Scale(2.0)), 25.0),
        (lambda: setattr(model.kids[0], "w", jnp.array(1.0)), 22.0),
        (lambda: setattr(model, "a", 2), 15.0),
        (lambda: setattr(model, "kids", (Scale(1.0),)), 3.0),
    ):
        change()
        assert float(fast(model)) == expected


def test_the_cache_can_be_cleared() -> None:
    fast = tx.jit(lambda m: m.a)
    fast(Zoo())
    fast.clear_cache()
    assert fast.cache_size() == 0
    fast(Zoo())
    assert fast.cache_size() == 1


def test_a_changing_static_retraces_every_call() -> None:
    fast = tx.jit(lambda m: setattr(m, "hits", m.hits + 1))
    model = Zoo()
    for _ in range(3):
        fast(model)
    assert (model.hits, fast.cache_size()) == (3, 3)


def test_many_structures_do_not_fill_the_memory_of_plans() -> None:
    fast = tx.jit(lambda m: 0)
    fast(Zoo())
    fast._plans.update({n: _jit.Plan(None, ()) for n in range(_jit._MAX_PLANS - 1)})
    model = Zoo()
    model.late = 1
    fast(model)
    assert len(fast._plans) == _jit._MAX_PLANS


# Looking without running


def test_lower_trace_and_eval_shape_change_nothing() -> None:
    def program(model: Zoo, x: Any) -> Any:
        model.a = model.a + 1
        model.kids.append(Scale(2.0))
        model.hits += 1
        return x * 2, model, model.kids[2]

    fast = tx.jit(program)
    model = Zoo()
    with untouched(model):
        assert "stablehlo" in str(fast.lower(model, X).compiler_ir())
        assert "mul" in str(fast.trace(model, X).jaxpr)
        shape, abstract, kid = fast.eval_shape(model, X)
    assert (shape.shape, shape.dtype) == (X.shape, X.dtype)
    assert isinstance(abstract, Zoo)
    assert (abstract.hits, len(abstract.kids)) == (1, 3)
    assert kid.w.shape == ()
    assert all(isinstance(leaf, jax.ShapeDtypeStruct) for leaf in jax.tree.leaves(abstract))
    assert fast.lower(model, X).compile().cost_analysis() is not None


def test_eval_shape_without_changes_of_structure() -> None:
    counter = Counter()
    assert tx.jit(counter.count).eval_shape().dtype == jnp.int32
    assert int(counter.n) == 0
    assert tx.jit(lambda c: c).eval_shape(counter).n.shape == ()


# Static arguments


@pytest.mark.parametrize(
    "options",
    [
        {"static_argnums": 1},
        {"static_argnums": (1,)},
        {"static_argnums": -1},
        {"static_argnames": "mode"},
        {"static_argnames": ("mode",)},
        {"static_argnums": 1, "static_argnames": "mode"},
    ],
)
def test_static_arguments_by_position_and_by_name(options: Any) -> None:
    def program(model: Scale, mode: Any) -> Any:
        model.w = model.w + (1 if mode == "one" else 2)
        return model.w

    fast = tx.jit(program, **options)
    model = Scale(0.0)
    assert [float(fast(model, mode)) for mode in ("one", "two", "one")] == [1.0, 3.0, 4.0]
    if options != {"static_argnums": -1}:
        assert float(fast(model, mode="two")) == 6.0
    assert fast.cache_size() <= 4


def test_static_arguments_are_compared_by_content() -> None:
    fast = tx.jit(lambda m, table: m.w * table.sum(), static_argnums=1)
    assert float(fast(Scale(1.0), np.arange(3))) == 3.0
    assert float(fast(Scale(2.0), np.arange(3))) == 6.0
    assert fast.cache_size() == 1
    assert float(fast(Scale(2.0), np.arange(4))) == 12.0
    names = ["a"]
    fast = tx.jit(lambda m, names: len(names), static_argnames="names")
    assert int(fast(Scale(), names=names)) == 1
    names.append("b")
    assert int(fast(Scale(), names=names)) == 2


def test_static_positions_of_bound_methods_do_not_count_self() -> None:
    class Model(Scale):
        def power(self, exponent: int, x: Any) -> Any:
            return self.w * x**exponent if exponent else x

    assert float(tx.jit(Model(2.0).power, static_argnums=0)(2, 3.0)) == 18.0


def test_static_positions_of_a_function_without_a_signature() -> None:
    assert int(tx.jit(max, static_argnums=(0, 1))(3, 2)) == 3


def test_static_arguments_that_are_left_out_use_their_default() -> None:
    fast = tx.jit(lambda m, mode="a": m.w * (1 if mode == "a" else 2), static_argnames="mode")
    assert float(fast(Scale(1.0))) == 1.0
    assert float(fast(Scale(1.0), mode="b")) == 2.0


@pytest.mark.parametrize("option", ["donate_argnums", "donate_argnames"])
def test_options_that_mean_something_else_here_are_refused(option: str) -> None:
    with pytest.raises(ArgumentError, match=rf"received {option}=1") as caught:
        tx.jit(lambda m: 0, **{option: 1})
    assert "Use `donate=True`" in str(caught.value)


def test_other_options_reach_jax() -> None:
    fast = tx.jit(lambda m, x: m.w * x, inline=True, keep_unused=True)
    assert float(fast(Scale(2.0), 3.0)) == 6.0
    with pytest.raises(TypeError):
        tx.jit(lambda m: 0, no_such_option=1)


def test_as_a_decorator_with_and_without_options() -> None:
    @tx.jit
    def one(model: Counter) -> Any:
        return model.count()

    @tx.jit(donate=True)
    def two(model: Counter) -> Any:
        return model.count()

    counter = Counter()
    assert [int(one(counter)), int(two(counter))] == [1, 2]


# Lifetime and configuration


def test_a_jitted_function_keeps_no_module_alive() -> None:
    fast = tx.jit(lambda m, x: m(x), donate=True)
    model = make_net()
    fast(model, X), fast.lower(model, X)
    references = [weakref.ref(model), weakref.ref(model.layers[0]), weakref.ref(model.norm.mean)]
    del model
    gc.collect()
    assert [reference() for reference in references] == [None] * 3


class Configured(tx.Module):
    def __init__(self, config: Any) -> None:
        self.config = config

    def __call__(self, x: Any) -> Any:
        return x * scale_of(self.config)


def scale_of(config: Any) -> Any:
    while not isinstance(config, float):
        config = config["k"] if isinstance(config, dict) else config.k
    return config


def set_scale(config: Any, value: float) -> None:
    inner = config["k"] if isinstance(config, dict) else config.k
    if isinstance(inner, float):
        config.__setitem__("k", value) if isinstance(config, dict) else setattr(config, "k", value)
    else:
        set_scale(inner, value)


class Act:
    """A callable with a setting."""

    def __init__(self, k: float) -> None:
        self.k = k

    def __call__(self, x: Any) -> Any:
        return x * self.k


Space = types.SimpleNamespace


@pytest.mark.parametrize(
    "make",
    [
        lambda: {"k": 2.0},
        lambda: Space(k=2.0),
        lambda: Space(k={"k": 2.0}),
        lambda: {"k": Space(k=2.0)},
        lambda: Space(k=Space(k=2.0)),
        lambda: Act(2.0),
    ],
)
def test_a_configuration_that_changes_in_place_is_seen(make: Any) -> None:
    config = make()
    model = Configured(config)
    fast, plain = tx.jit(model), jax.jit(lambda m, x: m(x))
    assert (float(fast(1.0)), float(plain(model, 1.0))) == (2.0, 2.0)
    set_scale(config, 3.0)
    assert (float(fast(1.0)), float(plain(model, 1.0))) == (3.0, 3.0)


def test_a_new_configuration_at_an_old_address_is_seen() -> None:
    model = Configured(Space(k=Space(k=2.0)))
    fast = tx.jit(model)
    assert float(fast(1.0)) == 2.0
    kept = []
    for k in range(3, 20):
        model.config.k = None  # the old one dies, and its address is free
        model.config.k = Space(k=float(k))
        assert float(fast(1.0)) == float(k)
        kept.append(k)


def test_a_method_of_the_module_as_a_static_sees_the_modules_values() -> None:
    class Model(Scale):
        def __init__(self) -> None:
            super().__init__(2.0)
            self.activation = self.double

        def double(self, x: Any) -> Any:
            return x * self.w

        def __call__(self, x: Any) -> Any:
            return self.activation(x)

    model = Model()
    try:
        fast = tx.jit(model)
        assert float(fast(1.0)) == 2.0
    except TypeError as error:
        assert "activation" in str(error)  # noqa: PT017
        return
    model.w = jnp.array(5.0)
    assert float(fast(1.0)) == 5.0
    clone = model.copy()
    clone.w = jnp.array(7.0)
    assert float(clone(1.0)) == 7.0


def test_a_function_over_the_module_as_a_static_is_not_silently_stale() -> None:
    class Model(Scale):
        def __init__(self) -> None:
            super().__init__(2.0)
            self.activation = lambda x: x * self.w

        def __call__(self, x: Any) -> Any:
            return self.activation(x)

    model = Model()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            fast = tx.jit(model)
            assert float(fast(1.0)) == 2.0
        except (TypeError, UserWarning) as error:
            assert "activation" in str(error)  # noqa: PT017
            return
    model.w = jnp.array(5.0)
    assert float(fast(1.0)) == 5.0
