from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests._core.modules import Dense, Scale, X, Zoo, content, make_net, untouched
from treexlite._core._state_dict import plan
from treexlite._errors import ArgumentError, PathError, StateDictError


class Tied(tx.Module):
    def __init__(self, w: float = 1.0) -> None:
        self.encoder = Scale(w)
        self.decoder = self.encoder


def test_a_state_dict_has_every_leaf_once_by_path() -> None:
    model = Zoo()
    entries = model.state_dict()
    assert list(entries) == ["a", "n", "kids/0/w", "kids/1/w", "named/z/w", "named/a/w"]
    assert entries["a"] is model.a
    assert list(model.state_dict(tx.State)) == ["n"]
    assert list(Tied().state_dict()) == ["encoder/w"]


def test_loading_what_was_saved_gives_the_same_module() -> None:
    model, other = make_net(), make_net().map(lambda x: x + 1)
    report = other.load_state_dict(model.state_dict())
    assert content(other) == content(model)
    assert report.loaded == tuple(model.state_dict())
    assert (report.missing, report.unexpected) == ((), ())


def test_loading_is_in_place_and_takes_numpy_arrays_and_numbers() -> None:
    model = Zoo()
    kids = model.kids
    entries = {path: np.asarray(leaf) + 1 for path, leaf in model.state_dict().items()}
    model.load_state_dict({**entries, "n": 5})
    assert model.kids is kids
    assert [float(x) for x in jax.tree.leaves(model)] == [3.0, 5.0, 2.0, 3.0, 4.0, 5.0]
    assert all(isinstance(x, jax.Array) for x in jax.tree.leaves(model))


def test_the_modules_dtype_is_kept() -> None:
    model = Scale()
    model.w = jnp.ones(2, jnp.bfloat16)
    model.load_state_dict({"w": np.array([1.0, 2.0])})
    assert model.w.dtype == jnp.bfloat16


def test_typed_and_raw_keys_load_as_they_are() -> None:
    class Model(tx.Module):
        key: Any = tx.Rng.node()

        def __init__(self, key: Any) -> None:
            self.key = key

    for make in (jax.random.key, jax.random.PRNGKey):
        model = Model(make(0))
        model.load_state_dict(Model(make(7)).state_dict())
        assert jnp.array_equal(jax.random.key_data(model.key), jax.random.key_data(make(7)))
        assert model.key.dtype == make(7).dtype


def test_everything_that_does_not_fit_is_listed_at_once_and_nothing_is_written() -> None:
    model = Zoo()
    entries = {
        **{k: v + 1 for k, v in model.state_dict().items() if k not in ("a", "named/z/w")},
        "kids/0/w": jnp.ones(3),
        "kids/1/w": np.ones((1, 1)),
        "extra": 1.0,
        "more/w": 2.0,
    }
    with untouched(model), pytest.raises(StateDictError, match=r"Zoo.load_state_dict") as caught:
        model.load_state_dict(entries)
    message = str(caught.value)
    assert "without a, named/z/w" in message
    assert "unexpected extra, more/w" in message
    assert (
        "kids/0/w: expected array of shape () and dtype float32, received array of shape (3,)"
        in (message)
    )
    assert "kids/1/w: expected" in message
    assert isinstance(caught.value, ValueError)


def test_not_strict_loads_what_fits_by_name_and_reports_the_rest() -> None:
    model = Zoo()
    report = model.load_state_dict({"a": 9.0, "old": 1.0}, strict=False)
    assert float(model.a) == 9.0
    assert report.loaded == ("a",)
    assert report.missing == ("n", "kids/0/w", "kids/1/w", "named/z/w", "named/a/w")
    assert report.unexpected == ("old",)


def test_a_wrong_shape_is_refused_even_when_not_strict() -> None:
    model = Zoo()
    with untouched(model), pytest.raises(StateDictError, match="wrong shapes") as caught:
        model.load_state_dict({"n": 3, "a": jnp.ones(2)}, strict=False)
    assert "without" not in str(caught.value)


@pytest.mark.parametrize("entry", ["text", None, object(), [1.0, "a"]])
def test_an_entry_that_is_no_array_is_refused(entry: Any) -> None:
    model = Zoo()
    with untouched(model), pytest.raises(StateDictError, match="a: expected array"):
        model.load_state_dict({**model.state_dict(), "a": entry})


def test_a_float_is_not_cut_to_an_integer() -> None:
    model = Zoo()
    with untouched(model), pytest.raises(StateDictError, match=r"n: expected array .*int32"):
        model.load_state_dict({**model.state_dict(), "n": 2.7})


def test_names_can_be_mapped_by_prefix_or_function() -> None:
    saved = {"backbone/w": 5.0, "head": 6.0}
    model = Tied()
    report = model.load_state_dict(saved, strict=False, rename={"backbone": "encoder"})
    assert (report.loaded, report.unexpected) == (("encoder/w",), ("head",))
    assert float(model.encoder.w) == 5.0
    model.load_state_dict(
        {"module.encoder.w": 7.0}, rename=lambda p: p.replace("module.", "").replace(".", "/")
    )
    assert float(model.encoder.w) == 7.0


def test_a_prefix_is_a_whole_part_and_the_longest_one_counts() -> None:
    class Model(tx.Module):
        def __init__(self) -> None:
            self.a, self.ab, self.c = Scale(), Scale(), {"d": Scale()}

    model = Model()
    model.load_state_dict(
        {"old/w": 1.5, "older/w": 2.5, "old/deep/w": 3.5},
        rename={"old": "a", "older": "ab", "old/deep": "c/d"},
    )
    assert [float(x) for x in jax.tree.leaves(model)] == [1.5, 2.5, 3.5]
    model.load_state_dict({"x/a/w": 1.0, "x/ab/w": 2.0, "x/c/d/w": 3.0}, rename={"x": ""})
    assert [float(x) for x in jax.tree.leaves(model)] == [1.0, 2.0, 3.0]


def test_two_entries_that_get_one_name_are_refused() -> None:
    model = Scale()
    with untouched(model), pytest.raises(ArgumentError, match="two entries that become 'w'"):
        model.load_state_dict({"a": 1.0, "b": 2.0}, rename=lambda path: "w")


def test_an_entry_of_a_shared_module_may_use_any_of_its_paths() -> None:
    model = Tied()
    model.load_state_dict({"decoder/w": 4.0})
    assert float(model.encoder.w) == 4.0
    model.load_state_dict({"encoder/w": 5.0, "decoder/w": 5.0})
    assert float(model.encoder.w) == 5.0
    assert model.encoder is model.decoder


def test_trees_inside_one_field_are_loaded_leaf_by_leaf() -> None:
    class Model(tx.Module):
        stats: Any = tx.State.node()

        def __init__(self) -> None:
            self.stats = {"z": jnp.array(1.0), "a": [jnp.array(2.0), None]}

    model = Model()
    report = model.load_state_dict({"stats/a/0": 7.0}, strict=False)
    assert report.missing == ("stats/z",)
    assert (float(model.stats["z"]), float(model.stats["a"][0])) == (1.0, 7.0)
    assert list(model.stats) == ["z", "a"]


def test_an_uninitialised_module_has_no_entries_and_takes_none() -> None:
    assert Dense(2).state_dict() == {}
    with pytest.raises(StateDictError, match="unexpected w, b"):
        Dense(2).load_state_dict(Dense(2).init(0, X).state_dict())


def test_loading_into_a_jitted_model_is_seen_by_the_next_call() -> None:
    model = Scale(1.0)
    fast = tx.jit(model)
    assert float(fast(2.0)) == 2.0
    model.load_state_dict({"w": 5.0})
    assert float(fast(2.0)) == 10.0
    assert fast.cache_size() == 1


def test_a_weakly_typed_entry_gets_the_type_of_the_field() -> None:
    model = make_net()
    entries = {**model.state_dict(), "layers/0/w": jnp.asarray(2.0) * jnp.ones((4, 3))}
    weak = jnp.broadcast_to(jnp.asarray(2.0), (4, 3))
    assert weak.weak_type
    model.load_state_dict({**entries, "layers/0/w": weak})
    assert not model.layers[0].w.weak_type


def test_what_jax_would_not_give_back_to_the_bit_stays_what_it_is() -> None:
    class Model(tx.Module):
        table: Any = tx.State.node()
        rate: Any = tx.State.node()

        def __init__(self, table: Any, rate: Any) -> None:
            self.table, self.rate = table, rate

    model = Model(np.zeros(2), 0.5)
    saved = Model(np.array([0.1, 1e300]), 0.1).state_dict()
    model.load_state_dict(saved)
    assert type(model.table) is np.ndarray
    assert model.table.dtype == np.float64
    assert model.table.tobytes() == saved["table"].tobytes()
    assert (type(model.rate), model.rate) == (float, 0.1)
    model.load_state_dict({"table": jnp.ones(2), "rate": np.float64(0.3)})
    assert (type(model.table), model.table.dtype) == (np.ndarray, np.float64)
    assert (type(model.rate), model.rate) == (float, 0.3)


def test_a_key_of_another_implementation_is_refused() -> None:
    class Model(tx.Module):
        key: Any = tx.Rng.node()

        def __init__(self, impl: str) -> None:
            self.key = jax.random.key(0, impl=impl)

    model = Model("threefry2x32")
    with untouched(model), pytest.raises(StateDictError, match=r"wrong shapes or dtypes .key:"):
        model.load_state_dict(Model("rbg").state_dict())


def test_a_plan_says_what_would_fit_and_writes_nothing() -> None:
    model = Zoo()
    entries = {"a": jax.ShapeDtypeStruct((), jnp.float32), "n": jnp.ones(2), "old": 1.0}
    with untouched(model):
        made = plan("load", model, entries)
        assert list(made.loadable) == ["a"]
        report = made.report()
    assert (report.loaded, report.unexpected, report.mismatched) == (("a",), ("old",), ("n",))
    only = plan("load", model, entries, filters=(tx.State,)).report()
    assert (only.loaded, only.missing, only.unexpected) == ((), (), ())
    assert only.mismatched == ("n",)


def test_a_filter_that_matches_nothing_is_refused() -> None:
    with pytest.raises(PathError, match="load: expected a path pattern"):
        plan("load", Zoo(), {}, filters=("nowhere/**",))
