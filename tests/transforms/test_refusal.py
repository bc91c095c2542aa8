"""What is no array is named: the argument as the function calls it, and where in it."""

from typing import Any

import jax.numpy as jnp
import pytest

import treexlite as tx
from treexlite._errors import NodeValueError

X = jnp.ones(2)


def call(model: Any, x: Any, *rest: Any, factor: Any = 1, **options: Any) -> Any:
    return model


@pytest.mark.parametrize(
    ("args", "kwargs", "named"),
    [
        ((X, jnp.tanh), {}, "argument `x`, received x=<PjitFunction"),
        ((X, {"a": [X, "text"]}), {}, "argument `x`, received x/a/1='text'"),
        ((X, X, X, "text"), {}, r"argument `args\[3\]`, received args\[3\]='text'"),
        ((X, X), {"factor": "text"}, "argument `factor`, received factor='text'"),
        ((X, X), {"other": object}, "argument `other`, received other=<class 'object'>"),
    ],
)
@pytest.mark.parametrize("donate", [False, True])
def test_an_argument_that_is_no_array_is_named(
    args: Any, kwargs: Any, named: str, donate: bool
) -> None:
    with pytest.raises(NodeValueError, match=rf"(?s)arrays and modules in the {named}.*static"):
        tx.jit(call, donate=donate)(*args, **kwargs)


@pytest.mark.parametrize("function", [max, lambda: 0])
def test_an_argument_without_a_name_is_told_by_its_place(function: Any) -> None:
    with pytest.raises(NodeValueError, match=r"argument `args\[1\]`, received args\[1\]='text'"):
        tx.jit(function)(X, "text")


def test_places_are_counted_with_the_static_arguments() -> None:
    fast = tx.jit(lambda a, b, c: c, static_argnums=(0,))
    with pytest.raises(NodeValueError, match="argument `c`, received c='text'"):
        fast("static", X, "text")


def test_the_argument_of_a_method_is_named_beside_its_module() -> None:
    class Model(tx.Module):
        @tx.jit
        def run(self, x: Any, how: Any) -> Any:
            return x

    with pytest.raises(NodeValueError, match="argument `how`, received how='fast'"):
        Model().run(X, "fast")


def test_an_error_of_the_function_itself_stays_what_it_is() -> None:
    def fails(x: Any) -> Any:
        raise TypeError("mine")

    with pytest.raises(TypeError, match="mine") as caught:
        tx.jit(fails)(X)
    assert type(caught.value) is TypeError


def test_what_jax_refuses_inside_the_function_is_not_blamed_on_arguments() -> None:
    with pytest.raises(TypeError) as caught:
        tx.jit(lambda x: jnp.sin("text"))(X)  # type: ignore[arg-type]
    assert not isinstance(caught.value, NodeValueError)
