"""`tx.value_and_grad` equals `jax.value_and_grad` over the parameters of an explicit state."""

from typing import Any

import jax
import pytest

import treexlite as tx
from tests.conformance.catalogue import FAMILIES, Layer, ids, sampled, sum_of
from tests.conformance.explicit import State, assert_same, counted, explicit, parameters

SAMPLED = sampled(__name__)


def loss_fn(model: Any, x: jax.Array) -> tuple[jax.Array, jax.Array]:
    y = model(x)
    return sum_of(y), y


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_value_and_grad(row: Layer) -> None:
    model = counted(row)
    pure = explicit(model, loss_fn)

    def plain_loss(inside: State, x: jax.Array, rest: State) -> Any:
        (loss, y), state = pure({**inside, **rest}, x)
        return loss, (y, state)

    argnums = (0, 1) if row.floating else (0,)
    plain = jax.jit(jax.value_and_grad(plain_loss, argnums, has_aux=True))
    inside, rest = parameters(model.state_dict(), model)
    (loss, (y, state)), grads = plain(inside, row.x, rest)

    lifted = tx.jit(tx.value_and_grad(loss_fn, argnums, has_aux=True))
    value, (of_model, *of_x) = lifted(model, row.x)
    assert_same(value, (loss, y))
    assert_same((of_model.state_dict(), *of_x), grads)
    assert_same(model.state_dict(), state)


@pytest.mark.parametrize("row", FAMILIES, ids=ids)
def test_grad_of_what_is_chosen(row: Layer) -> None:
    """With `wrt`: biases, running statistics and logs, of which the loss depends on some."""
    model = counted(row)
    pure = explicit(model, lambda model, x: loss_fn(model, x)[0] + model.last * model.last)

    def chosen(info: tx.FieldInfo) -> bool:
        return info.name in ("bias", "mean", "last")

    def plain_loss(inside: State, rest: State) -> Any:
        return pure({**inside, **rest}, row.x)

    state = model.state_dict()
    inside = model.state_dict(chosen)
    rest = {path: value for path, value in state.items() if path not in inside}
    grads, state = jax.grad(plain_loss, has_aux=True)(inside, rest)

    lifted = tx.grad(lambda m, x: loss_fn(m, x)[0] + m.last * m.last, wrt=chosen)(model, row.x)
    assert_same(lifted.state_dict(), grads)
    assert_same(model.state_dict(), state)
