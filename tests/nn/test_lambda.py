"""Lambda and Identity."""

import jax
import jax.numpy as jnp
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError

X = jax.random.normal(jax.random.key(0), (4, 3))


def test_lambda_calls_its_function_with_all_arguments() -> None:
    assert nn.Lambda(lambda x, y, *, z: x + y + z)(1, 2, z=3) == 6


def test_lambdas_written_alike_have_one_structure() -> None:
    def make(scale: float) -> nn.Lambda:
        return nn.Lambda(lambda x: scale * x)

    structure = jax.tree_util.tree_structure
    assert structure(make(2.0)) == structure(make(2.0))
    assert structure(make(2.0)) != structure(make(3.0))


def test_a_module_in_a_lambda_is_data() -> None:
    model = nn.Lambda(nn.Linear(2)).init(0, X)
    assert list(model.state_dict()) == ["f/kernel", "f/bias"]


def test_lambda_refuses_what_is_no_function() -> None:
    with pytest.raises(ArgumentError, match="Lambda: expected a function, received f=3"):
        nn.Lambda(3)


@pytest.mark.parametrize("value", [X, 3, {"a": jnp.ones(2)}, None])
def test_identity_returns_the_very_same(value: object) -> None:
    assert nn.Identity()(value) is value
