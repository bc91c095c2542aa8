"""Slices: the values are those of the whole program, and what is alike is compiled once."""

import collections
import gc
import weakref
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.nn import initializers

import treexlite as tx
from treexlite._core import _slices
from treexlite._core._prune import pruned
from treexlite._core._slices import Sliced

KEY = jax.random.PRNGKey(0)


def sliced(f: Any, *args: Any) -> Sliced:
    return Sliced(pruned(jax.make_jaxpr(f)(*args)))


def same(run: Sliced, *args: Any) -> list[Any]:
    """Run in slices and as one, and compare bit by bit."""
    one, other = run(*args), run.whole(*args)
    for a, b in zip(one, other, strict=True):
        assert (a.dtype, a.shape, a.weak_type) == (b.dtype, b.shape, b.weak_type)
        np.testing.assert_array_equal(jax.device_get(a), jax.device_get(b))
    return one


def programs(run: Sliced) -> int:
    return len({id(step.program) for step in run.steps})


def kernels(shapes: Any, initializer: Any) -> Any:
    def f(key: Any) -> Any:
        folded = [jax.random.fold_in(key, 2**31 + number) for number in range(len(shapes))]
        return [initializer(k, shape) for k, shape in zip(folded, shapes, strict=True)]

    return f


INITIALIZERS = ["he_normal", "lecun_uniform", "normal", "orthogonal", "truncated_normal", "zeros"]


@pytest.mark.parametrize("name", INITIALIZERS)
@pytest.mark.parametrize("key", [KEY, jax.random.key(3)], ids=["raw", "typed"])
def test_equal_slices_share_a_program_and_values_are_those_of_the_whole(
    name: str, key: Any
) -> None:
    run = sliced(kernels([(4, 3)] * 5, tx.nn.get_initializer(name)), key)
    values = same(run, key)
    assert (len(run.steps), programs(run)) == (5, 1)
    if name != "zeros":
        assert len({value.tobytes() for value in map(np.asarray, values)}) == 5


def test_a_shared_program_compiles_once() -> None:
    run = sliced(kernels([(4, 7)] * 6, initializers.normal()), KEY)
    run(KEY)
    run(jax.random.PRNGKey(1))
    assert run.steps[0].program.run._cache_size() == 1  # type: ignore[attr-defined]


def test_what_is_like_nothing_else_and_draws_nothing_is_compiled_together() -> None:
    def f(key: Any, x: Any) -> Any:
        drawn = kernels([(4, 3), (2, 2), (5, 5), (2, 2)], initializers.normal())(key)
        return [*drawn, x + 1.25, x * 2.25, jnp.full((7, 3), 1.125), x - 4.75, x - 4.75]

    run = sliced(f, KEY, 1.0)
    same(run, KEY, 1.0)
    assert sorted(len(step.outputs) for step in run.steps) == [1, 1, 1, 1, 1, 1, 3]
    assert programs(run) == 5  # three sizes of kernels, the two differences, the rest


def test_the_programs_used_last_are_kept_for_the_next_function(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_slices, "_MAX_PROGRAMS", 2)
    monkeypatch.setattr(_slices, "_programs", collections.OrderedDict())

    def program(size: int) -> Any:
        return sliced(kernels([(3, size)], initializers.normal()), KEY).steps[0].program

    first, second = program(111), program(112)
    assert program(111) is first
    program(113)  # the second is the one that was used longest ago
    assert len(_slices._programs) == 2
    assert program(111) is first
    assert program(112) is not second


def test_a_function_among_the_parameters_is_not_kept() -> None:
    class Big:
        pass

    big = Big()
    died = weakref.ref(big)

    def f(x: Any, big: Any = big) -> Any:
        shape = jax.ShapeDtypeStruct((), np.float32)
        return [jax.pure_callback(lambda v: (big, v)[1], shape, x) for _ in range(2)]

    run = sliced(f, jnp.float32(1.0))
    same(run, jnp.float32(1.0))
    del run, f, big
    jax.clear_caches()
    gc.collect()
    assert died() is None


def test_outputs_that_share_work_are_computed_in_one_slice() -> None:
    def f(x: Any) -> Any:
        pairs = []
        for shift in (1.0, 2.0):
            common = jnp.linalg.inv(x + shift * jnp.eye(3))
            pairs += [common + 1, common * 2]
        return pairs

    x = jnp.eye(3)
    run = sliced(f, x)
    same(run, x)
    assert sorted(len(step.outputs) for step in run.steps) == [4]  # they differ in a number
    again = sliced(lambda x: [jnp.sin(x), jnp.sin(x), *f(x)[:2]], x)
    same(again, x)
    assert sorted(len(step.outputs) for step in again.steps) == [1, 1, 2]


def test_slices_take_their_own_inputs() -> None:
    def f(a: Any, b: Any, c: Any) -> Any:
        return [a * 2, b * 2, c * 2, b, 3.0, jnp.float32(4.0)]

    args = jnp.ones(2), jnp.arange(2.0), jnp.arange(2)
    run = sliced(f, *args)
    same(run, *args)
    doubled = [step for step in run.steps if len(step.outputs) == 1]
    assert [step.inputs for step in doubled] == [(0,), (1,)]


@pytest.mark.parametrize(
    "variants",
    [(1.0, 2.0), (0.0, -0.0), (1, 1.0), (True, 1), (np.float32(1), np.float64(1))],
)
def test_other_literals_are_other_programs(variants: Any) -> None:
    def f(x: Any) -> Any:
        return [jnp.copysign(x, variant) for variant in variants for _ in range(2)]

    x = jnp.ones(3)
    run = sliced(f, x)
    same(run, x)


def test_constants_and_parameters_without_a_hash_are_part_of_the_rest() -> None:
    table = np.arange(6.0, dtype=np.float32).reshape(2, 3)

    def f(x: Any) -> Any:
        return [jnp.sin(jnp.asarray(table)) + x, jnp.sin(jnp.asarray(table)) + x]

    run = sliced(f, 1.0)
    same(run, 1.0)


def test_an_output_that_stands_twice_is_given_twice() -> None:
    def f(x: Any) -> Any:
        y = jnp.sin(x)
        return y, y, x, x

    run = sliced(f, 2.0)
    same(run, 2.0)


def test_a_program_with_side_effects_runs_as_one() -> None:
    seen: list[float] = []

    def f(x: Any) -> Any:
        y = jax.pure_callback(lambda v: v, jax.ShapeDtypeStruct((), np.float32), x)
        jax.debug.callback(lambda v: seen.append(float(v)), y)
        return y

    closed = jax.make_jaxpr(f)(jnp.float32(1.0))
    assert closed.effects
    assert Sliced(closed).steps == []
    assert float(Sliced(closed)(jnp.float32(5.0))[0]) == 5.0
    jax.effects_barrier()
    assert seen == [5.0]


def test_a_traced_run_is_one_equation() -> None:
    run = sliced(kernels([(4, 3)] * 5, initializers.normal()), KEY)
    closed = jax.make_jaxpr(run)(KEY)
    assert len(closed.jaxpr.eqns) == 1
    many = jax.vmap(run)(jax.random.split(KEY, 3))
    assert many[0].shape == (3, 4, 3)
    np.testing.assert_allclose(jax.jit(run)(KEY)[2], run(KEY)[2], rtol=1e-6)
