"""Sequential: the layers in order. How lists of layers change: `test_layer_list.py`."""

import copy
import pickle

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


def test_the_first_layer_gets_all_arguments() -> None:
    model = nn.Sequential(nn.Subtract(), jnp.abs)
    assert float(model(jnp.array(2.0), jnp.array(5.0))) == 3.0
    scaled = nn.Sequential(lambda x, *, scale: x * scale, lambda x: x + 1)
    assert scaled(3, scale=2) == 7


def test_without_layers_there_is_one_input() -> None:
    with pytest.raises(ArgumentError, match=r"Sequential: expected one input, .* received 2 arg"):
        nn.Sequential()(X, X)


def test_names_decide_paths_and_the_order_is_kept() -> None:
    """Also that of names that sort otherwise, through a transformation that rebuilds the dict."""
    model = nn.Sequential(stem=nn.Linear(5), act=jax.nn.relu, head=nn.Linear(2)).init(0, X)
    assert list(model.state_dict()) == [
        "layers/stem/kernel",
        "layers/stem/bias",
        "layers/head/kernel",
        "layers/head/bias",
    ]
    expected = model.head(jax.nn.relu(model["stem"](X)))
    np.testing.assert_array_equal(model(X), expected)
    np.testing.assert_allclose(tx.jit(model)(X), expected, rtol=1e-5)
    np.testing.assert_allclose(jax.jit(lambda m, x: m(x))(model, X), expected, rtol=1e-5)
    assert list(jax.tree.map(lambda leaf: leaf, model).layers) == ["stem", "act", "head"]


def test_functions_alone_keep_their_order_too() -> None:
    there, back = nn.Sequential(b=jnp.sin, a=jnp.cos), nn.Sequential(a=jnp.cos, b=jnp.sin)
    run = jax.jit(lambda model, x: model(x))
    np.testing.assert_allclose(run(there, X), jnp.cos(jnp.sin(X)), rtol=1e-6)
    np.testing.assert_allclose(run(back, X), jnp.sin(jnp.cos(X)), rtol=1e-6)


def test_inside_repeated_each_copy_has_its_own_values() -> None:
    block = nn.Sequential(mix=nn.Linear(3), act=jnp.tanh)
    model = nn.Repeated(nn.Residual(block), 4).init(0, X)
    assert model.block.layer.mix.kernel.shape == (4, 3, 3)
    x = X
    for one in model.unstacked():
        x = x + jnp.tanh(one.layer.mix(x))
    np.testing.assert_allclose(model(X), x, rtol=1e-5, atol=1e-6)


def test_repeated_inside_gets_no_further_arguments_and_nests() -> None:
    class Scaled(tx.Module):
        def __init__(self) -> None:
            self.mix = nn.Linear(3)

        def __call__(self, x: jax.Array, scale: float = 1.0) -> jax.Array:
            return x + scale * self.mix(x)

    first = nn.Sequential(nn.Repeated(Scaled(), 2), nn.Repeated(Scaled(), 2)).init(0, X)
    expected = X
    for number, scale in ((0, 0.5), (1, 1.0)):
        for one in first[number].unstacked():
            expected = one(expected, scale)
    np.testing.assert_allclose(first(X, 0.5), expected, rtol=1e-5, atol=1e-6)


def test_it_survives_pickling_and_copying() -> None:
    model = nn.Sequential(stem=nn.Linear(5), head=nn.Linear(2)).init(0, X)
    for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), copy.copy(model)):
        np.testing.assert_array_equal(again(X), model(X))
        assert again.head.kernel.shape == (5, 2)


def test_it_prints_its_layers() -> None:
    assert repr(nn.Sequential(jnp.tanh, nn.Identity())) == "Sequential(layers=[tanh, Identity()])"
    named = nn.Sequential(act=jnp.tanh, end=nn.Identity())
    assert repr(named) == "Sequential(layers={'act': tanh, 'end': Identity()})"
