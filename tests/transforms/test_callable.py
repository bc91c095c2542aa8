import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests._core.modules import Counter, Dense, Scale, X
from treexlite._errors import ArgumentError


class Model(tx.Module):
    """One of everything that can be transformed in a class body."""

    w: Any = tx.Parameter.node()
    n: Any = tx.State.node()

    def __init__(self) -> None:
        self.w, self.n = jnp.array(2.0), jnp.array(0)

    def loss(self, x: Any) -> Any:
        """Count, and multiply."""
        self.n = self.n + 1
        return self.w * x * x

    def __call__(self, x: Any) -> Any:
        return self.loss(x)

    @tx.jit
    def fast(self, x: Any) -> Any:
        """Like loss."""
        return self.loss(x)

    @tx.grad
    def slope(self, x: Any) -> Any:
        return self.loss(x)

    @tx.value_and_grad(argnums=1)
    def slope_of_x(self, x: Any) -> Any:
        return self.loss(x)

    @tx.jit
    @tx.grad
    def fast_slope(self, x: Any) -> Any:
        return self.loss(x)

    @property
    @tx.jit
    def twice(self) -> Any:
        return 2 * self.w

    @staticmethod
    @tx.jit
    def on(model: Any, x: Any) -> Any:
        return model.loss(x)

    def repeated(self, times: int, x: Any, name: str, power: int) -> Any:
        return repeated(self, times, name, x, power=power)

    @tx.jit(static_argnums=1)
    def power(self, exponent: int) -> Any:
        return self.w**exponent if exponent > 1 else self.w


def test_methods_in_class_bodies_are_transformed_and_keep_what_they_change() -> None:
    model = Model()
    assert float(model.fast(3.0)) == 18.0
    assert float(model.slope(3.0).w) == 9.0
    assert [float(v) for v in model.slope_of_x(3.0)] == [18.0, 12.0]
    assert float(model.fast_slope(3.0).w) == 9.0
    assert float(model.on(model, 3.0)) == 18.0
    assert float(Model.fast(model, 3.0)) == 18.0
    assert int(model.n) == 6
    assert float(model.twice) == 4.0
    assert [float(model.power(n)) for n in (1, 3)] == [2.0, 8.0]


CALLABLES = {
    "bound method": lambda model: model.loss,
    "module": lambda model: model,
    "partial of a function": lambda model: functools.partial(Model.loss, model),
    "partial of a method": lambda model: functools.partial(model.loss),
    "partial by name": lambda model: functools.partial(lambda x, m: m.loss(x), m=model),
    "partial of a partial": lambda m: functools.partial(functools.partial(Model.loss), m),
    "jitted method": lambda model: model.fast,
    "jit of a method": lambda model: tx.jit(model.loss),
    "jit of a module": lambda model: tx.jit(model),
    "jit of jit": lambda model: tx.jit(tx.jit(model.loss)),
    "partial of jit": lambda model: functools.partial(tx.jit(Model.loss), model),
}


@pytest.mark.parametrize("make", CALLABLES.values(), ids=CALLABLES.keys())
def test_whatever_is_bound_to_a_module_sees_its_later_values(make: Any) -> None:
    model = Model()
    fast = tx.jit(make(model))
    slope = tx.grad(make(model))
    fast_slope = tx.jit(tx.grad(make(model)))
    both = tx.value_and_grad(tx.jit(make(model)))
    for number, w in enumerate((2.0, 5.0)):
        model.w = jnp.array(w)
        assert float(fast(3.0)) == 9 * w
        assert float(slope(3.0)) == 6 * w
        assert float(fast_slope(3.0)) == 6 * w
        assert [float(v) for v in both(3.0)] == [9 * w, 6 * w]
        assert int(model.n) == 4 * (number + 1)


def repeated(model: Model, times: int, name: str, x: Any, *, power: int) -> Any:
    for _ in range(times):
        model.n += 1
    return {"y": getattr(model, name) * x**power}["y"]


PARTIALS = {
    "numbers and names": lambda m: functools.partial(repeated, m, 2, "w", power=2),
    "numbers before the module": lambda m: functools.partial(
        lambda times, name, model, x, power: repeated(model, times, name, x, power=power),
        2,
        "w",
        m,
        power=2,
    ),
    "of a method": lambda m: functools.partial(m.repeated, 2, power=2, name="w"),
    "of a partial": lambda m: functools.partial(functools.partial(repeated, power=2), m, 2, "w"),
    "of a module by name": lambda m: functools.partial(
        lambda x, times, model: repeated(model, times, "w", x, power=2), times=2, model=m
    ),
    "of jit": lambda m: functools.partial(
        tx.jit(repeated, static_argnames=("times", "name", "power")), m, 2, "w", power=2
    ),
}


@pytest.mark.parametrize("make", PARTIALS.values(), ids=PARTIALS.keys())
def test_what_a_partial_holds_beside_modules_is_part_of_the_program(make: Any) -> None:
    model = Model()
    x = jnp.array(3.0)
    transformed = [
        tx.jit(make(model)),
        tx.jit(tx.remat(make(model))),
        lambda x: tx.cond(True, make(model), make(model), x),
        lambda x: tx.vmap(make(model))(jnp.stack([x, x]))[0],
        tx.lift(jax.checkpoint)(make(model)),
    ]
    for number, f in enumerate(transformed):
        assert float(f(x)) == 18.0
        assert int(model.n) == 2 * (number + 1)


def test_a_loop_takes_a_partial_with_numbers_and_names() -> None:
    def step(model: Model, times: int, total: Any, x: Any, *, name: str) -> Any:
        y = repeated(model, times, name, x, power=1)
        return total + y, y

    model = Model()
    body = functools.partial(step, model, 2, name="w")
    total, ys = tx.scan(body, 0.0, jnp.arange(3.0))
    assert (float(total), ys.tolist(), int(model.n)) == (6.0, [0.0, 2.0, 4.0], 6)


def test_positions_are_counted_without_what_a_partial_holds() -> None:
    model = Model()
    fast = tx.jit(functools.partial(repeated, model, 2, power=2), static_argnums=0)
    assert float(fast("w", 3.0)) == 18.0
    by_name = tx.jit(functools.partial(repeated, model, power=2), static_argnames=("times", "name"))
    assert float(by_name(times=1, name="w", x=3.0)) == 18.0
    assert int(model.n) == 3
    assert tx.jit(functools.partial(repeated, model, 2)).__name__ == "repeated"
    assert float(tx.jit(functools.partial(max, 1, 2))()) == 2


def test_a_transformed_thing_keeps_name_and_docstring() -> None:
    assert (Model.fast.__name__, Model.fast.__doc__) == ("fast", "Like loss.")
    assert tx.jit(Model().loss).__name__ == "loss"
    assert tx.grad(Model().loss).__doc__ == "Count, and multiply."


def test_transformed_things_print_what_they_are() -> None:
    assert repr(tx.jit(Model.loss)) == "tx.jit(Model.loss)"
    assert repr(Model.slope) == "tx.grad(Model.slope)"
    assert repr(Model().fast) == "tx.jit(Model.fast) of a Model"
    assert repr(tx.value_and_grad(Scale())).startswith("tx.value_and_grad(")


@pytest.mark.parametrize("transform", [tx.jit, tx.grad, tx.value_and_grad])
@pytest.mark.parametrize("thing", [3, "f", [len]])
def test_what_cannot_be_called_is_refused(transform: Any, thing: Any) -> None:
    with pytest.raises(ArgumentError, match="a function, a method or a module") as caught:
        transform(thing)
    assert "Pass the function itself, not its result." in str(caught.value)


def test_a_module_without_a_call_is_refused() -> None:
    with pytest.raises(ArgumentError, match="a module with `__call__`, received f=Counter"):
        tx.jit(Counter())


def test_methods_of_a_jitted_method_are_bound_too() -> None:
    model = Model()
    assert model.fast.eval_shape(3.0).shape == ()
    assert "module" in model.fast.lower(3.0).as_text()
    assert int(model.n) == 0
    model.fast(3.0)
    assert model.fast.cache_size() == Model.fast.cache_size() > 0


def test_instances_share_the_compiled_code_of_a_method() -> None:
    class Fresh(tx.Module):
        def __init__(self) -> None:
            self.scale = Scale(2.0)

        @tx.jit
        def run(self, x: Any) -> Any:
            return self.scale(x)

    one, two = Fresh(), Fresh()
    one.run(1.0), two.run(1.0), one.run(2.0)
    assert Fresh.run.cache_size() == 1


def test_a_jitted_call_is_a_module_call_with_its_checks() -> None:
    class Layer(Dense):
        @tx.jit
        def __call__(self, x: Any) -> Any:
            return Dense.__call__(self, x)

    with pytest.raises(RuntimeError, match="Layer: expected an initialised module"):
        Layer(2)(X)
    layer = Layer(2).init(0, X)
    np.testing.assert_allclose(layer(X), Dense(2).init(0, X)(X), rtol=1e-6)
    with pytest.raises(TypeError) as caught:
        layer(X[:, :2])
    assert "raised in Layer" in caught.value.__notes__


def test_inherited_and_overridden_jitted_methods_work() -> None:
    class Child(Model):
        @tx.jit
        def fast(self, x: Any) -> Any:
            return super().fast(x) + 1

        def plain(self, x: Any) -> Any:
            return Model.fast(self, x)

    child = Child()
    assert float(child.fast(3.0)) == 19.0
    assert float(child.plain(3.0)) == 18.0
    assert int(child.n) == 2


def test_plain_jax_transforms_take_transformed_things() -> None:
    model = Model()

    def count(model: Model, x: Any) -> Any:
        return model.fast(x), model

    y, after = jax.jit(count)(model, 3.0)
    assert (float(y), int(after.n), int(model.n)) == (18.0, 1, 0)
    ys, batch = jax.vmap(count, in_axes=(None, 0))(model, jnp.arange(3.0))
    assert ys.tolist() == [0.0, 2.0, 8.0]
    assert batch.n.tolist() == [1, 1, 1]
    assert float(jax.grad(lambda m: m.fast(3.0), allow_int=True)(model).w) == 9.0
