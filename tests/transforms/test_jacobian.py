from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests._core.modules import untouched
from tests.transforms.stateful import Stateful, X, assert_same
from treexlite._errors import ArgumentError


class Two(tx.Module):
    a: jax.Array = tx.Parameter.node()
    b: jax.Array = tx.Parameter.node()
    n: jax.Array = tx.State.node()

    def __init__(self) -> None:
        self.a, self.b, self.n = jnp.array([1.0, 2.0]), jnp.array(3.0), jnp.array(0, jnp.int32)

    def __call__(self, x: Any) -> Any:
        self.n = self.n + 1
        return by_hand(self.a, self.b, x)


def by_hand(a: Any, b: Any, x: Any) -> Any:
    return {"y": jnp.sin(a * x) * b, "z": (a * b * x).sum()}


@pytest.mark.parametrize("name", ["jacfwd", "jacrev"])
def test_jacobians_equal_plain_jax(name: str) -> None:
    two, x = Two(), jnp.array([0.5, -1.0])
    jac = getattr(tx, name)(lambda model, x: model(x), argnums=(0, 1))(two, x)
    expected = getattr(jax, name)(by_hand, argnums=(0, 1, 2))(two.a, two.b, x)
    for key in ("y", "z"):
        model_part, x_part = jac[key]
        np.testing.assert_allclose(model_part.a, expected[key][0], rtol=1e-6)
        np.testing.assert_allclose(model_part.b, expected[key][1], rtol=1e-6)
        np.testing.assert_allclose(x_part, expected[key][2], rtol=1e-6)
        assert model_part.n is tx.Nothing
    assert int(two.n) == 1


def test_hessian_equals_plain_jax() -> None:
    two, x = Two(), jnp.array([0.5, -1.0])
    second = tx.hessian(lambda model, x: model(x)["y"].sum(), argnums=(0, 1))(two, x)
    expected = jax.hessian(lambda a, b, x: by_hand(a, b, x)["y"].sum(), (0, 1, 2))(two.a, two.b, x)
    (of_model, of_x), names = second, ("a", "b")
    for i, outer in enumerate(names):
        for j, inner in enumerate(names):
            block = getattr(getattr(of_model, outer)[0], inner)
            np.testing.assert_allclose(block, expected[i][j], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(
            getattr(of_model, outer)[1], expected[i][2], rtol=1e-5, atol=1e-6
        )
        np.testing.assert_allclose(getattr(of_x[0], outer), expected[2][i], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(of_x[1], expected[2][2], rtol=1e-5, atol=1e-6)
    assert int(two.n) == 1


def test_aux_wrt_and_jit() -> None:
    def f(model: Two, x: Any) -> Any:
        return model(x)["z"], x

    jac, aux = tx.jit(tx.jacrev(f, has_aux=True, wrt="b"))(Two(), jnp.ones(2))
    assert jac.a is tx.Nothing
    assert_same((jac.b, aux), (jnp.array(3.0), jnp.ones(2)))


def test_plain_arguments_need_no_module() -> None:
    assert_same(tx.hessian(lambda x: (x**3).sum())(jnp.ones(2)), 6 * jnp.eye(2))


def test_a_function_that_returns_a_module_is_refused() -> None:
    model = Stateful()
    with untouched(model), pytest.raises(ArgumentError, match="a Stateful in its result"):
        tx.jacfwd(lambda model: model)(model)
    with pytest.raises(ArgumentError, match="argnums"):
        tx.jacrev(lambda model: model.w, argnums=3)(model)
    with pytest.raises(ArgumentError, match="value, aux"):
        tx.jacrev(lambda model: model.w, has_aux=True)(model)


def test_random_state_advances_once() -> None:
    model, other = Stateful(), Stateful()
    tx.jacfwd(lambda model, x: model(x))(model, X[0])
    other(X[0])
    assert_same(model, other)
