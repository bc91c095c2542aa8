"""Sequential and Lambda."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError

X = jax.random.normal(jax.random.key(0), (4, 3))


def build() -> nn.Sequential:
    return nn.Sequential(nn.Linear(5), jax.nn.relu, nn.Linear(2)).init(0, X)


def test_the_layers_run_in_order() -> None:
    model = build()
    expected = model.layers[2](jax.nn.relu(model.layers[0](X)))
    np.testing.assert_array_equal(model(X), expected)


def test_functions_are_structure_and_paths_count_them() -> None:
    assert list(build().state_dict()) == [
        "layers/0/kernel",
        "layers/0/bias",
        "layers/2/kernel",
        "layers/2/bias",
    ]


def test_it_is_indexed_and_iterated_like_a_list() -> None:
    model = build()
    assert len(model) == 3
    assert model[0] is model.layers[0]
    assert model[-1] is model.layers[2]
    assert list(model) == model.layers
    with pytest.raises(IndexError):
        model[3]


def test_a_slice_shares_its_layers() -> None:
    model = build()
    trunk = model[:2]
    assert isinstance(trunk, nn.Sequential)
    np.testing.assert_array_equal(trunk(X), jax.nn.relu(model[0](X)))
    trunk[0].kernel = jnp.zeros_like(trunk[0].kernel)
    assert (model[0].kernel == 0).all()


def test_a_slice_keeps_the_modes() -> None:
    part = build().eval().freeze()[1:]
    assert not part.training
    assert part.frozen


@pytest.mark.parametrize("layers", [(), (jnp.sin, jnp.cos)])
def test_without_modules_it_needs_no_init(layers: tuple[object, ...]) -> None:
    model = nn.Sequential(*layers)
    assert model.initialized
    expected = X
    for layer in layers:
        expected = layer(expected)
    np.testing.assert_array_equal(tx.jit(model)(X), jax.jit(lambda x: expected)(X))


def test_a_list_of_layers_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"Sequential: expected layer 0 to be .*\(\*layers\)"):
        nn.Sequential([nn.Linear(2)])


def test_a_class_in_place_of_a_layer_is_refused() -> None:
    with pytest.raises(ArgumentError, match="layer 1 to be a module or a function, received the"):
        nn.Sequential(nn.Linear(2), nn.Dropout)


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
