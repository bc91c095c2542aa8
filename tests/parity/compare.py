"""How a layer is compared with the same one of another framework: values, and all gradients.

The weights are ours, copied over. A comparison weighs every output differently, so that no gradient
vanishes by symmetry, and asks for `tolerance` both absolutely and relative to the largest entry:
float32 sums in another order differ by that much and not more.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

import treexlite as tx
from tests.conformance.catalogue import sum_of

TOLERANCE = 1e-5


def assert_close(ours: Any, theirs: Any, tolerance: float = TOLERANCE) -> None:
    """Compare two arrays, of which `theirs` may be a tensor that needs a gradient."""
    theirs = np.asarray(theirs.detach() if hasattr(theirs, "detach") else theirs)
    scale = max(1.0, float(np.abs(theirs).max(initial=0.0)))
    np.testing.assert_allclose(np.asarray(ours), theirs, rtol=tolerance, atol=tolerance * scale)


def compare_with_function(
    ours: tx.Module,
    theirs: Callable[[dict[str, jax.Array], jax.Array], jax.Array],
    x: jax.Array,
    tolerance: float = TOLERANCE,
) -> None:
    """Compare with a pure function of `{our path: array}` and the input, in JAX.

    Values, the gradients of every parameter, and those of the input when it is floating. `ours` is
    left as it was.
    """
    state = ours.state_dict()
    params = {path: state[path] for path in ours.parameters().state_dict()}

    def expected_loss(params: dict[str, jax.Array], x: jax.Array) -> tuple[jax.Array, jax.Array]:
        y = theirs({**state, **params}, x)
        return sum_of(y), y

    def loss(model: tx.Module, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        y = model(x)
        return sum_of(y), y

    floating = jax.numpy.issubdtype(x.dtype, jax.numpy.floating)
    wanted = tuple(number for number, asked in enumerate([bool(params), floating]) if asked)
    mine = tx.jit(tx.value_and_grad(loss, argnums=wanted, has_aux=True))
    their = jax.jit(jax.value_and_grad(expected_loss, argnums=wanted, has_aux=True))
    (_, y), gradients = mine(ours.copy(), x)
    (_, expected_y), expected = their(params, x)
    assert_close(y, expected_y, tolerance)
    for gradient, expected_gradient in zip(gradients, expected, strict=True):
        if not isinstance(gradient, tx.Module):
            assert_close(gradient, expected_gradient, tolerance)
            continue
        of_params = gradient.state_dict()
        assert set(of_params) == set(expected_gradient)
        for path, value in expected_gradient.items():
            assert_close(of_params[path], value, tolerance)


def nnx_function(
    layer: Any, names: Mapping[str, str], call: Callable[..., jax.Array] | None = None
) -> Callable[[dict[str, jax.Array], jax.Array], jax.Array]:
    """Make a layer of `flax.nnx` a pure function of our arrays, for `compare_with_function`.

    Args:
        layer: the layer of `flax.nnx`; what `names` leaves out keeps its value.
        names: the path of each of our arrays, and that of theirs: `{"kernel": "kernel"}`, with
            slashes between the parts.
        call: how it is called, `(layer, x) -> y`; by default as `layer(x)`.
    """
    from flax import nnx

    graph, state = nnx.split(layer)

    def function(arrays: dict[str, jax.Array], x: jax.Array) -> jax.Array:
        flat = dict(nnx.to_flat_state(state))
        for mine, their in names.items():
            path = tuple(int(part) if part.isdigit() else part for part in their.split("/"))
            assert flat[path].shape == arrays[mine].shape, (mine, their)
            flat[path] = flat[path].replace(arrays[mine])
        merged = nnx.merge(graph, nnx.from_flat_state(flat))
        return merged(x) if call is None else call(merged, x)

    return function


def channels_first(x: Any) -> np.ndarray:
    """(batch, *spatial, channels) -> (batch, channels, *spatial)."""
    return np.moveaxis(np.asarray(x), -1, 1)


def channels_last(x: Any) -> np.ndarray:
    """(batch, channels, *spatial) -> (batch, *spatial, channels)."""
    return np.moveaxis(np.asarray(x), 1, -1)


def kernel_of(weight: Any) -> np.ndarray:
    """Our kernel (*window, in, out) of PyTorch's (out, in, *window)."""
    return np.moveaxis(np.asarray(weight), (0, 1), (-1, -2))


def weight_of(kernel: Any) -> np.ndarray:
    """PyTorch's weight of our kernel."""
    return np.moveaxis(np.asarray(kernel), (-1, -2), (0, 1))


def set_parameter(module: Any, name: str, value: Any) -> None:
    """Give a parameter or buffer of a PyTorch module a value of ours."""
    import torch

    getattr(module, name).data = torch.tensor(np.array(value))


def compare_with_torch(
    ours: tx.Module,
    theirs: Any,
    x: jax.Array,
    into: Callable[..., Any] = np.asarray,
    back: Callable[..., Any] = np.asarray,
    tolerance: float = TOLERANCE,
) -> dict[str, jax.Array]:
    """Compare values and the gradients of the input; return those of our parameters.

    Afterwards the gradients of PyTorch's parameters stand in their `.grad`. `into` and `back` move
    axes on the way to PyTorch and back. `ours` is left as it was.
    """
    import torch

    given = torch.tensor(np.array(into(x)), requires_grad=True)
    expected = theirs(given)
    weights = np.linspace(-1, 1, expected.numel(), dtype=np.float32)
    weights = weights.reshape(back(expected.detach()).shape)
    (expected * torch.tensor(np.array(into(weights)))).sum().backward()

    assert_close(ours.copy()(x), back(expected.detach()), tolerance)
    gradient = jax.grad(lambda x: (ours.copy()(x) * weights).sum())(x)
    assert_close(gradient, back(given.grad), tolerance)
    if not ours.parameters().state_dict():
        return {}
    gradients = tx.grad(lambda model: (model(x) * weights).sum())(ours.copy()).state_dict()
    return dict(gradients)
