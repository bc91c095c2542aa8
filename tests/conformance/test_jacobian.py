"""`tx.jacrev`, `tx.jacfwd` and `tx.hessian` equal those of JAX over an explicit state."""

from typing import Any

import jax
import pytest

import treexlite as tx
from tests.conformance.catalogue import LAYERS, Layer, ids, sum_of
from tests.conformance.explicit import State, assert_same, counted, explicit, parameters

# Jacobians grow with the product of the sizes, so these are rows of few parameters.
SMALL = [row for row in LAYERS if row.name in ("BatchNorm", "Embed")]


def outputs(model: Any, x: jax.Array) -> dict[str, jax.Array]:
    y = model(x)
    return {"mean": model.last, "sums": y.reshape(len(y), -1).sum(1)}


@pytest.mark.parametrize("name", ["jacrev", "jacfwd"])
@pytest.mark.parametrize("row", SMALL, ids=ids)
def test_jacobian(row: Layer, name: str) -> None:
    model = counted(row)
    pure = explicit(model, outputs)
    inside, rest = parameters(model.state_dict(), model)
    argnums = (0, 1) if row.floating else (0,)

    def plain(inside: State, x: jax.Array) -> Any:
        return pure({**inside, **rest}, x)

    expected, state = getattr(jax, name)(plain, argnums, has_aux=True)(inside, row.x)
    result = getattr(tx, name)(outputs, argnums)(model, row.x)
    found = {output: (of_model.state_dict(), *of_x) for output, (of_model, *of_x) in result.items()}
    assert_same(found, expected)
    assert_same(model.state_dict(), state)


@pytest.mark.parametrize("row", SMALL, ids=ids)
def test_hessian(row: Layer) -> None:
    model = counted(row)
    pure = explicit(model, lambda model, x: sum_of(model(x) ** 2))
    inside, rest = parameters(model.state_dict(), model)

    def plain(inside: State) -> Any:
        return pure({**inside, **rest}, row.x)

    expected, state = jax.hessian(plain, has_aux=True)(inside)
    result = tx.hessian(lambda model, x: sum_of(model(x) ** 2))(model, row.x)
    rows = {
        path: leaf.state_dict()
        for path, leaf in _inner(result, {path.removeprefix("layer/") for path in inside}).items()
    }
    assert_same(rows, {path: dict(value) for path, value in expected.items()})
    assert_same(model.state_dict(), state)


def _inner(module: Any, paths: set[str]) -> dict[str, Any]:
    """Return the modules that stand where the parameters of the differentiated layer were."""
    found = {}
    for path in paths:
        value = module.layer
        for part in path.split("/"):
            value = value[int(part)] if part.isdigit() else getattr(value, part)
        found[f"layer/{path}"] = value
    return found
