"""What plain JAX drops after the function wrote to it is reported; nothing else is."""

from __future__ import annotations

import gc
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import treexlite as tx
from tests._core.modules import Counter, Net, Noise, Scale, X, make_net
from treexlite._core import _lost
from treexlite._core._record import top_level_trace, trace_state
from treexlite._errors import LostMutationError, LostMutationWarning


class Model(tx.Module):
    """A parameter, state, a static, and a module with state two levels down."""

    w: Any = tx.Parameter.node()
    total: Any = tx.State.node()

    def __init__(self) -> None:
        self.w, self.total = jnp.array(2.0), jnp.array(0.0)
        self.counters = [Counter(), Counter()]
        self.hits = 0


def vmapped(f: Any) -> Any:
    return lambda model, x: jax.vmap(f, in_axes=(None, 0))(model, jnp.stack([x, x]))


def stacked(f: Any) -> Any:
    def run(model: Any, x: Any) -> Any:
        models = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), model)
        return jax.vmap(f)(models, jnp.stack([x, x]))

    return run


def scanned_over(f: Any) -> Any:
    """`f` as the body, with the module in what is scanned over."""

    def run(model: Any, x: Any) -> Any:
        models = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), model)
        return jax.lax.scan(lambda carry, model: (carry, f(model, x)), 0, models)

    return run


def in_float(f: Any) -> Any:
    """`f` with a float as its first result, for differentiation."""

    def run(model: Any, x: Any) -> Any:
        out = f(model, x)
        return out if isinstance(out, tuple) else (out, None)

    return run


TRANSFORMS: dict[str, Callable[[Any], Any]] = {
    "jit": jax.jit,
    "grad": lambda f: jax.grad(in_float(f), has_aux=True, allow_int=True),
    "value_and_grad": lambda f: jax.value_and_grad(in_float(f), has_aux=True, allow_int=True),
    "vmap": vmapped,
    "vmap over the module": stacked,
    "scan over": scanned_over,
    "cond": lambda f: lambda model, x: jax.lax.cond(x > 0, f, f, model, x),
    "checkpoint": jax.checkpoint,
    "eval_shape": lambda f: lambda model, x: jax.eval_shape(f, model, x),
    "vjp": lambda f: lambda model, x: jax.vjp(in_float(f), model, x, has_aux=True),
    "make_jaxpr": jax.make_jaxpr,
    "jit of vmap": lambda f: jax.jit(vmapped(f)),
    "jit of scan": lambda f: jax.jit(scanned_over(f)),
}


@contextmanager
def reported(*texts: str, count: int = 1) -> Iterator[list[Any]]:
    """What runs inside gives this many warnings; each text stands in the first."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught
    messages = [str(warning.message) for warning in caught]
    assert len(messages) == count, messages
    assert all(issubclass(warning.category, LostMutationWarning) for warning in caught)
    for text in texts:
        assert text in messages[0]


def write(model: Model) -> Any:
    model.counters[1].n = model.counters[1].n + 1
    return model.w * 1.0


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS.keys())
def test_a_write_that_plain_jax_drops_is_reported_once(transform: Any) -> None:
    def lost(model: Model, x: Any) -> Any:
        return write(model) * x

    with reported("Counter at model/counters/1: expected the module to be returned by `") as caught:
        transform(lost)(Model(), jnp.array(1.0))
    assert "a write to `n` at tests/_core/test_lost.py:" in str(caught[0].message)
    assert "Use the `tx` form" in str(caught[0].message)
    assert caught[0].filename == __file__
    assert caught[0].lineno == write.__code__.co_firstlineno + 1


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS.keys())
def test_a_module_that_is_returned_is_silent(transform: Any) -> None:
    def kept(model: Model, x: Any) -> Any:
        return write(model) * x, {"models": [model]}

    with reported(count=0):
        transform(kept)(Model(), jnp.array(1.0))


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS.keys())
def test_as_an_error_it_leaves_the_call_and_jax_goes_on(transform: Any) -> None:
    def lost(model: Model, x: Any) -> Any:
        return write(model) * x

    model = Model()
    with tx.config(lost_mutation="error"):
        for _ in range(2):  # nothing was cached
            with pytest.raises(LostMutationError, match=r"^Counter at model/counters/1: .*`n`"):
                transform(lost)(model, jnp.array(1.0))
            assert sys.gettrace() is None
            assert jax.core.Tracer not in type(jnp.ones(()) + 1).__mro__
            assert float(jax.jit(lambda x: jax.vmap(jnp.sin)(x).sum())(jnp.zeros(2))) == 0.0
    assert int(model.counters[1].n) == 0


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS.keys())
def test_a_function_that_raises_is_silent(transform: Any) -> None:
    def fails(model: Model, x: Any) -> Any:
        write(model)
        raise KeyError("mine")

    def handled(model: Model, x: Any) -> Any:
        try:
            jax.jit(fails)(model, x)
        except KeyError:
            return x
        raise AssertionError

    for mode in ("warn", "error"):
        with tx.config(lost_mutation=mode), reported(count=0):
            with pytest.raises(KeyError, match="mine"):
                transform(fails)(Model(), jnp.array(1.0))
            transform(handled)(Model(), jnp.array(1.0))
            gc.collect()


def test_a_carry_of_scan_and_of_while_is_kept() -> None:
    def body(model: Model, x: Any) -> Any:
        return model, write(model) * x

    def step(model: Model) -> Model:
        write(model)
        return model

    with reported(count=0):
        model, _ = jax.lax.scan(body, Model(), jnp.ones(3))
        assert int(model.counters[1].n) == 3
        model = jax.lax.fori_loop(0, 3, lambda _, model: step(model), Model())
        jax.lax.while_loop(lambda model: model.counters[1].n < 5, step, model)


WRITES: dict[str, tuple[str, Callable[[Model], Any]]] = {
    "array": ("total", lambda m: setattr(m, "total", m.total + 1)),
    "constant": ("total", lambda m: setattr(m, "total", jnp.ones(()))),
    "numpy": ("total", lambda m: setattr(m, "total", np.ones(()))),
    "number": ("total", lambda m: setattr(m, "total", 1.0)),
    "tree": ("total", lambda m: setattr(m, "total", {"a": m.total, "b": 1})),
    "static": ("hits", lambda m: setattr(m, "hits", m.hits + 1)),
    "new static": ("late", lambda m: setattr(m, "late", "x")),
    "mode": ("training", lambda m: m.eval(inplace=True)),
    "freeze": ("frozen", lambda m: m.freeze(inplace=True)),
    "new submodule": ("extra", lambda m: setattr(m, "extra", Scale())),
    "new list": ("counters", lambda m: setattr(m, "counters", m.counters[:1])),
    "delete": ("hits", lambda m: delattr(m, "hits")),
    "delete node": ("total", lambda m: delattr(m, "total")),
    "load": ("total", lambda m: m.load_state_dict({**m.state_dict(), "total": m.w})),
    "update": ("w", lambda m: m.update(m.map(lambda x: x + 1), inplace=True)),
    "tx.jit": ("total", lambda m: tx.jit(lambda m: setattr(m, "total", m.total + 1))(m)),
    "tx.grad": ("total", lambda m: tx.grad(add)(m)),
    "tx.jit static": ("hits", lambda m: tx.jit(lambda m: setattr(m, "hits", 7))(m)),
    "tx.jit mode": ("training", lambda m: tx.jit(lambda m: m.eval(inplace=True))(m)),
}


def add(model: Model) -> Any:
    model.total = model.total + model.w
    return model.w


@pytest.mark.parametrize("name", WRITES)
def test_every_kind_of_write_counts(name: str) -> None:
    field, program = WRITES[name]

    def lost(model: Model) -> Any:
        program(model)
        return model.w * 1

    with reported("Model at model:", f"`{field}`"):
        jax.jit(lost)(Model())
    with reported(count=0):
        jax.jit(lambda model: (lost(model), model))(Model())
        program(Model())


def test_constants_under_vmap_count_too() -> None:
    def lost(model: Model, x: Any) -> Any:
        model.total = model.total + 1  # concrete: nothing here is mapped
        return x

    with reported("Model at model:", "`total`"):
        jax.vmap(lost, in_axes=(None, 0))(Model(), jnp.ones(2))


def test_several_modules_and_fields_are_one_warning() -> None:
    def lost(model: Model) -> Any:
        model.w, model.total = model.w + 1, model.w
        write(model)
        return model.w

    with reported("Model at model", "`w`, `total` at ", "(and 1 other module)"):
        jax.jit(lost)(Model())
    with reported("Net at net", "(and 1 other module)"):
        jax.jit(lambda net: net(X))(make_net())


def test_a_write_after_the_module_was_flattened_counts() -> None:
    def lost(model: Model) -> Any:
        write(model)
        flat = jax.tree.leaves(model)
        model.total = model.total + 1
        return flat

    with reported("`total`"):
        jax.jit(lost)(Model())


def test_one_inner_transform_that_drops_is_told_from_the_outer() -> None:
    def inner(model: Model, x: Any) -> Any:
        return write(model) * x

    def outer(model: Model, x: Any) -> Any:
        return jax.checkpoint(inner)(model, x), model

    with reported("returned by `test_one_inner", ".inner`"):
        jax.jit(outer)(Model(), 1.0)


SILENT: dict[str, Callable[[Model], Any]] = {
    "only read": lambda m: m.w + m.counters[0].n,
    "the same array": lambda m: setattr(m, "w", m.w),
    "the same static": lambda m: setattr(m, "hits", 0),
    "the same module": lambda m: setattr(m, "counters", list(m.counters)),
    "the same mode": lambda m: m.train(inplace=True),
    "restored": lambda m: restored(m),
    "restored mode": lambda m: m.eval(inplace=True).train(inplace=True),
    "a copy by a verb": lambda m: write(m.copy()),
    "a returned copy": lambda m: (write(m), m.copy())[1],
    "a returned mode": lambda m: (write(m), m.eval())[1],
    "a returned replacement": lambda m: (write(m), m.replace(w=m.w))[1],
    "a returned merge": lambda m: (write(m), Model().merge(m))[1],
    "a returned part": lambda m: (write(m), tx.partition(m, tx.Parameter))[1],
    "a returned state": lambda m: (write(m), m.states())[1],
    "a returned state dict": lambda m: (write(m), m.state_dict())[1],
    "a returned dict of parts": lambda m: (write(m), {"c": m.counters})[1],
    "part of another": lambda m: (write(m), part_of_another(m))[1],
    "a copy by jax": lambda m: write(jax.tree.map(lambda x: x, m)),
    "gradients": lambda m: scaled(jax.grad(lambda m: m.w**2, allow_int=True)(m)),
    "tx.jit": lambda m: tx.jit(lambda m: m.w + 1)(m),
    "tx.grad": lambda m: tx.grad(lambda m: m.w**2)(m),
    "a returned copy of tx.jit": lambda m: (write(m), tx.jit(lambda m: m.copy())(m))[1],
    "init": lambda m: Net().init(0, X),
    "made inside": lambda m: write(Model()),
    "optax": lambda m: optax.apply_updates(m, jax.tree.map(jnp.zeros_like, m)),
}


def restored(model: Model) -> None:
    before, head = model.total, model.counters
    model.total, model.counters = before + 1, []
    model.total, model.counters = before, head


def part_of_another(model: Model) -> Model:
    whole = Model()
    whole.part = model
    return whole


def scaled(grads: Model) -> Any:
    grads.w = grads.w * 2
    return grads.w


@pytest.mark.parametrize("name", SILENT)
def test_what_loses_nothing_is_silent(name: str) -> None:
    with reported(count=0):
        jax.jit(lambda model: SILENT[name](model))(Model())
        gc.collect()


def test_copies_at_top_level_are_the_users_own() -> None:
    with reported(count=0):
        write(jax.tree.map(lambda x: x, Model()))
        model = jax.jit(lambda model: model)(Model())
        write(model)
        assert model.counters[1]._tx_version > 0
        write(jax.tree.unflatten(jax.tree.structure(model), jax.tree.leaves(model)))


def test_layers_and_the_optimizer_are_silent_where_the_model_is_returned() -> None:
    def step(model: Net, optimizer: Any, x: Any) -> Any:
        grads = tx.grad(lambda model: model(x).sum())(model)
        optimizer.update(grads, model)
        return model, optimizer

    model = make_net()
    optimizer = tx.Optimizer(optax.adam(0.1)).init(model)
    with reported(count=0):
        jax.jit(step)(model, optimizer, X)
        jax.jit(lambda noise, x: (noise(x), noise))(Noise().init(0, X), X)
    with reported("which is lost"):
        jax.jit(lambda *args: step(*args)[0])(model, optimizer, X)


def test_off_is_off_and_the_setting_at_the_write_counts() -> None:
    with reported(count=0), tx.config(lost_mutation="off"):
        jax.jit(lambda model: write(model))(Model())


def test_a_filter_that_makes_warnings_errors_raises_from_the_call() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(LostMutationError, match="Counter at model"):
            jax.jit(lambda model: write(model))(Model())


def test_where_somebody_traces_the_error_is_a_warning() -> None:
    sys.settrace(lambda *_: None)
    try:
        with reported("Counter at model"), tx.config(lost_mutation="error"):
            jax.jit(lambda model: write(model))(Model())
    finally:
        sys.settrace(None)


def test_the_same_line_warns_once_by_default() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            jax.vmap(lambda model, x: write(model) * x, in_axes=(None, 0))(Model(), jnp.ones(2))
    assert len(caught) == 1


def test_nothing_is_kept_alive() -> None:
    kept: list[Any] = []

    def lost(model: Model) -> Any:
        kept.append((weakref.ref(model), weakref.ref(model.counters[1])))
        return write(model)

    gc.disable()
    try:
        with reported("Counter"):
            jax.jit(lost)(Model())
        assert [ref() for pair in kept for ref in pair] == [None, None]
        assert all(ref() is None for ref in _lost._live.ledgers)
    finally:
        gc.enable()


def test_threads_report_their_own() -> None:
    barrier, found = threading.Barrier(4, timeout=60), []

    def work(number: int) -> None:
        def lost(model: Model, x: Any) -> Any:
            barrier.wait()
            return write(model) * x

        with tx.config(lost_mutation="error"):
            try:
                jax.jit(lost)(Model(), float(number))
            except LostMutationError as error:
                found.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4


def test_a_ledger_lists_only_what_is_open() -> None:
    def program(model: Model) -> Any:
        write(model)
        counter = model.counters[1]
        entry = counter._tx_entry
        assert list(entry.ledger.records) == [entry.number]
        assert counter._tx_layout is None
        jax.tree.leaves(model)
        assert entry.ledger is None
        assert counter._tx_layout is not None
        return model.w

    with reported(count=0):
        jax.jit(program)(Model())


# The nets rest on public and semi-public facts about JAX. If one of these changes, the nets go
# blind without any other sign.


def test_jax_tells_traces_apart() -> None:
    outside = trace_state()
    assert outside == trace_state() == top_level_trace()
    inside: list[Any] = []

    def look(x: Any) -> Any:
        inside.append(trace_state())
        assert inside[-1] == trace_state()
        return x

    def both(x: Any) -> Any:
        look(x)
        return jax.grad(look)(x)

    for transform in (jax.jit, jax.grad, jax.checkpoint):
        transform(look)(1.0)
        assert inside.pop() != outside
    jax.vmap(look)(jnp.ones(2))
    assert inside.pop() != outside
    jax.jit(both)(1.0)
    assert inside[0] != inside[1] != outside
    assert trace_state() == outside


def test_jax_calls_the_function_from_its_own_files_and_drops_the_arguments_inside() -> None:
    dropped: list[Any] = []

    class Watched:
        def __init__(self, trace: Any) -> None:
            self.trace = trace

        def __del__(self) -> None:
            dropped.append(self.trace == trace_state())

    class Holder(tx.Module):
        w: Any = tx.State.node(1.0)

    def watch(holder: Holder) -> Any:
        object.__setattr__(holder, "__watched", Watched(trace_state()))
        return holder.w

    for transform in (jax.jit, jax.grad, jax.checkpoint, jax.make_jaxpr):
        transform(lambda holder: watch(holder))(Holder())  # a new function: traces are cached
        assert dropped.pop() is True
