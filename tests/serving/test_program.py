from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.serving.models import Counter, Keyed, X, linear
from treexlite._errors import ArgumentError
from treexlite.serving._program import build
from treexlite.serving._symbols import symbolic

SPEC = jax.ShapeDtypeStruct(X.shape, X.dtype)


def call(model: Any, *inputs: Any) -> Any:
    return model(*inputs)


def program(model: Any, f: Any = call, inside: bool = False, ignore: bool = False) -> Any:
    return build(model, symbolic((SPEC,), "batch, ...", ()), f, None, inside, ignore)


@pytest.mark.parametrize("inside", [False, True])
def test_a_program_computes_what_the_model_does(inside: bool) -> None:
    model = linear()
    exported, parameters = program(model, inside=inside)
    assert list(parameters) == ([] if inside else ["bias", "kernel"])
    for rows in (1, 5):
        x = jnp.resize(X, (rows, 3))
        np.testing.assert_allclose(exported.call(parameters, x), model(x), rtol=1e-6)


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_typed_keys_and_weak_numbers_keep_their_meaning(inside: bool, dtype: Any) -> None:
    model = Keyed()
    spec = jax.ShapeDtypeStruct((2, 3), dtype)
    exported, parameters = build(model, (spec,), call, None, inside, False)
    assert sorted(parameters) == ([] if inside else ["key", "scale"])  # nobody reads `spare`
    x = X.astype(dtype)
    assert exported.out_avals[0].dtype == dtype
    np.testing.assert_array_equal(exported.call(parameters, x), model(x))


def test_arrays_that_no_output_needs_stay_behind() -> None:
    model = tx.nn.Sequential(tx.nn.Linear(2), tx.nn.Dropout(0.5), tx.nn.Linear(2)).init(0, X).eval()
    _, parameters = program(model, lambda model, x: model[1](model[0](x)))
    assert sorted(parameters) == ["layers/0/bias", "layers/0/kernel"]


def test_what_a_call_writes_is_refused_by_name() -> None:
    model = Counter(plain=True)
    with pytest.raises(ArgumentError, match=r"`count` \(State\), static `calls`: 0 -> 1") as caught:
        program(model)
    assert "seen" not in str(caught.value)  # a log
    assert (int(model.count), model.calls) == (0, 0)
    assert "`ignore_writes=True`" in caught.value.fix


def test_logs_are_dropped_and_other_writes_when_asked() -> None:
    exported, parameters = program(Counter(array=False))
    np.testing.assert_array_equal(exported.call(parameters, X), X)
    model = Counter()
    exported, parameters = program(model, ignore=True)
    for _ in range(2):
        np.testing.assert_array_equal(exported.call(parameters, X), X + 1)
    assert int(model.count) == 0


def test_a_new_piece_of_state_is_a_write() -> None:
    model = tx.nn.MultiHeadAttention(1, causal=True).init(0, X[None])

    def begin(model: Any, x: Any) -> Any:
        tx.nn.start_cache(model, 1, 4)
        return model(x[None])

    with pytest.raises(ArgumentError, match=r"`cache_index` \(Cache\)"):
        build(model, (SPEC,), begin, None, False, False)


class Pair(NamedTuple):
    x: Any


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (lambda x: Pair(x), r"at `output`, received Pair"),
        (
            lambda x: [x, {"a": "text"}],
            r"arrays of numbers at `output\[1\]\['a'\]`, received a str",
        ),
        (lambda x: jax.random.key(0), "arrays of numbers at `output`, received a typed PRNG key"),
        (lambda x: {1: x}, "strings as keys"),
    ],
)
def test_outputs_are_arrays_in_plain_containers(output: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        program(linear(), lambda model, x: output(model(x)))


def test_outputs_may_be_any_plain_tree() -> None:
    exported, parameters = program(linear(), lambda m, x: {"y": (m(x), None), "n": [x.sum(), 3]})
    found = exported.call(parameters, X)
    assert jax.tree.map(jnp.shape, found) == {"y": ((2, 2), None), "n": [(), ()]}


def test_a_program_is_one_for_all_sizes() -> None:
    def odd(model: Any, x: Any) -> Any:
        return model(x) if x.shape[0] > 4 else x

    with pytest.raises(ArgumentError, match=r"same for every size.*'batch' > '4'.*constraints="):
        program(linear(), odd)


def test_the_platforms_are_those_asked_for() -> None:
    exported, _ = build(linear(), (SPEC,), call, ("cpu", "cuda"), False, False)
    assert exported.platforms == ("cpu", "cuda")
