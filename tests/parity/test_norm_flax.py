"""Normalisations against `flax.nnx`: values, all gradients and running statistics, to 1e-5.

Flax's variance is `mean(x²) - mean(x)²` unless told otherwise, which loses digits that ours keeps;
`use_fast_variance=False` asks for the same formula.
"""

from typing import Any

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import pytest
from hypothesis import given, settings

import treexlite as tx
from tests.budget import examples
from tests.parity.compare import assert_close, compare_with_function, nnx_function
from treexlite import nn

nnx = pytest.importorskip("flax.nnx", reason="Flax is not installed (extra `flax`)")

SHAPES = st.sampled_from([(4, 6), (3, 5, 6), (2, 3, 4, 6)])
IMAGES = st.sampled_from([(3, 5, 6), (2, 3, 4, 6), (2, 2, 3, 2, 12)])
EPSILONS = st.sampled_from([1e-6, 1e-3])
EXACT = {"use_fast_variance": False}


def inputs(shape: tuple[int, ...], seed: int = 0) -> jax.Array:
    return 1.5 * jax.random.normal(jax.random.key(seed), shape) + 0.5


def drawn(**arguments: bool) -> dict[str, Any]:
    """Initialisers that make every parameter count."""
    return {"scale_init": "normal", "bias_init": "normal", **arguments}


def names(ours: tx.Module) -> dict[str, str]:
    return {path: path for path in ours.state_dict()}


def few(number: int) -> Any:
    return settings(max_examples=examples(number))


@few(12)
@given(
    shape=SHAPES,
    epsilon=EPSILONS,
    use_scale=st.booleans(),
    use_bias=st.booleans(),
    axes=st.sampled_from([-1, (-2, -1), (-2,)]),
    shared=st.booleans(),
)
def test_layer_norm(
    shape: Any, epsilon: float, use_scale: bool, use_bias: bool, axes: Any, shared: bool
) -> None:
    x = inputs(shape)
    features = -1 if shared else axes
    ours = nn.LayerNorm(
        axes=axes,
        feature_axes=features,
        epsilon=epsilon,
        **drawn(use_scale=use_scale, use_bias=use_bias),
    ).init(0, x)
    theirs = nnx.LayerNorm(
        6,
        reduction_axes=axes,
        feature_axes=features,
        epsilon=epsilon,
        use_scale=use_scale,
        use_bias=use_bias,
        rngs=nnx.Rngs(0),
        **EXACT,
    )
    resized = [name for name in ("scale", "bias") if getattr(ours, name) is not None]
    for name in resized:  # Flax takes one number of features
        getattr(theirs, name).set_value(getattr(ours, name))
    compare_with_function(ours, nnx_function(theirs, names(ours)), x)


@few(8)
@given(shape=SHAPES, epsilon=EPSILONS, use_scale=st.booleans())
def test_rms_norm(shape: Any, epsilon: float, use_scale: bool) -> None:
    x = inputs(shape)
    ours = nn.RMSNorm(epsilon=epsilon, use_scale=use_scale, scale_init="normal").init(0, x)
    theirs = nnx.RMSNorm(shape[-1], epsilon=epsilon, use_scale=use_scale, rngs=nnx.Rngs(0))
    compare_with_function(ours, nnx_function(theirs, names(ours)), x)


@few(10)
@given(shape=IMAGES, epsilon=EPSILONS, by_size=st.booleans(), number=st.sampled_from([1, 2, 3]))
def test_group_norm(shape: Any, epsilon: float, by_size: bool, number: int) -> None:
    x = inputs(shape)
    groups = {"num_groups": None, "group_size": number} if by_size else {"num_groups": number}
    ours = nn.GroupNorm(**groups, epsilon=epsilon, **drawn()).init(0, x)
    theirs = nnx.GroupNorm(shape[-1], **groups, epsilon=epsilon, rngs=nnx.Rngs(0), **EXACT)
    compare_with_function(ours, nnx_function(theirs, names(ours)), x)


@few(8)
@given(shape=IMAGES, epsilon=EPSILONS, use_scale=st.booleans(), use_bias=st.booleans())
def test_instance_norm(shape: Any, epsilon: float, use_scale: bool, use_bias: bool) -> None:
    x = inputs(shape)
    chosen = {"use_scale": use_scale, "use_bias": use_bias}
    ours = nn.InstanceNorm(epsilon=epsilon, **drawn(**chosen)).init(0, x)
    theirs = nnx.InstanceNorm(shape[-1], epsilon=epsilon, rngs=nnx.Rngs(0), **chosen, **EXACT)
    compare_with_function(ours, nnx_function(theirs, names(ours)), x)


@few(12)
@given(shape=SHAPES, epsilon=EPSILONS, training=st.booleans(), masked=st.booleans())
def test_batch_norm(shape: Any, epsilon: float, training: bool, masked: bool) -> None:
    x = inputs(shape)
    mask = jax.random.bernoulli(jax.random.key(4), 0.7, shape[:-1]) if masked else None
    ours = nn.BatchNorm(epsilon=epsilon, **drawn()).init(0, x).train(training)
    theirs = nnx.BatchNorm(
        shape[-1], epsilon=epsilon, rngs=nnx.Rngs(0), use_running_average=not training, **EXACT
    )

    def call(layer: Any, x: jax.Array) -> jax.Array:
        return layer(x, mask=None if mask is None else mask[..., None])

    class Masked(tx.Module):
        def __init__(self, layer: tx.Module) -> None:
            self.layer = layer

        def __call__(self, x: jax.Array) -> jax.Array:
            return self.layer(x, mask=mask)

    renamed = {f"layer/{name}": name for name in ours.state_dict()}
    compare_with_function(Masked(ours), nnx_function(theirs, renamed, call), x)


@pytest.mark.parametrize("masked", [False, True])
def test_running_statistics_over_several_steps(masked: bool) -> None:
    x = inputs((8, 3, 4))
    ours = nn.BatchNorm(momentum=0.8).init(0, x)
    theirs = nnx.BatchNorm(4, momentum=0.8, rngs=nnx.Rngs(0), **EXACT)
    for step in range(5):
        x = inputs((8, 3, 4), step) * (step + 1) - step
        mask = jnp.arange(8) % 3 != step % 3 if masked else None
        expected = theirs(x, mask=None if mask is None else mask[:, None, None])
        assert_close(ours(x, mask=mask), expected)
        assert_close(ours.mean, theirs.mean[...])
        assert_close(ours.var, theirs.var[...])
    assert_close(ours.eval()(x), theirs(x, use_running_average=True))


@few(6)
@given(window=st.sampled_from([None, (2, 2), (3,)]), seed=st.integers(0, 3))
def test_weight_norm(window: Any, seed: int) -> None:
    rngs = nnx.Rngs(seed)
    if window is None:
        layer, other, x = nn.Linear(3), nnx.Linear(6, 3, rngs=rngs), inputs((4, 6))
    else:
        layer = nn.Conv(3, window, bias_init="normal")
        x = inputs((2, 5, 6) if len(window) == 1 else (2, 4, 5, 6))
        other = nnx.Conv(6, 3, window, rngs=rngs)
    ours = nn.WeightNorm(layer).init(seed, x)
    ours.parts["kernel"].scale = jnp.array([0.5, -1.0, 2.0])
    theirs = nnx.WeightNorm(other, rngs=rngs)
    graph, state = nnx.split(theirs)

    def function(arrays: dict[str, jax.Array], x: jax.Array) -> jax.Array:
        model = nnx.merge(graph, jax.tree.map(lambda leaf: leaf, state))
        model.layer_instance.kernel.set_value(arrays["layer/kernel"])
        model.layer_instance.bias.set_value(arrays["layer/bias"])
        (path,) = [path for path in model.scales if path[-1] == "kernel"]
        model.scales[path] = arrays["parts/kernel/scale"]
        return model(x)

    compare_with_function(ours, function, x, 2e-5)


def test_spectral_norm_after_many_steps() -> None:
    """Flax has the two vectors half a step apart, so the values agree where the method ends.

    It also overwrites the kernel, so that a second call would start elsewhere.
    """
    x = inputs((4, 6))
    other = nnx.Linear(6, 3, rngs=nnx.Rngs(0))
    ours = nn.SpectralNorm(nn.Linear(3), num_steps=100).init(0, x)
    ours.layer.kernel = other.kernel[...]
    theirs = nnx.SpectralNorm(other, n_steps=100, rngs=nnx.Rngs(1))
    assert_close(ours(x), theirs(x))
