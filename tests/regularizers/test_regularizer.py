"""Which parameters a regularizer covers, and what it refuses."""

from typing import Any

import jax
import jax.experimental
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite._errors import ArgumentError, NotInitializedError, PathError, ShapeError
from treexlite.regularizers import L2, Orthogonal, Regularizer

X = jnp.ones((1, 3))


def mlp() -> Any:
    """Kernels of ones, 3 x 2 and 2 x 1; biases of ones."""
    return tx.nn.MLP([2, 1], kernel_init="ones", bias_init="ones").init(0, X)


def test_kernels_count_and_nothing_else() -> None:
    model = tx.nn.Sequential(
        tx.nn.Embed(4, 3), tx.nn.LayerNorm(), tx.nn.Linear(2, kernel_init="ones"), tx.nn.BatchNorm()
    )
    assert L2(1.0)(model.init(0, jnp.zeros(5, int))) == 6


def test_a_field_that_ends_in_kernel_is_one() -> None:
    class Two(tx.Module):
        input_kernel: jax.Array = tx.Parameter.node()
        kernels: jax.Array = tx.Parameter.node()

        def __init__(self) -> None:
            self.input_kernel, self.kernels = jnp.ones(2), jnp.ones(5)

    assert L2(1.0)(Two()) == 2


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ("layers/0/kernel", 6),
        ("**/bias", 3),
        (tx.Parameter, 11),
        (..., 11),
        (lambda info: info.value.shape == (2,), 2),
        (tx.Any("layers/1/*", "**/kernel"), 9),
        (tx.All("**/kernel", tx.Not("layers/1/**")), 6),
    ],
)
def test_a_filter_chooses_others(which: Any, expected: int) -> None:
    assert L2(1.0, which=which)(mlp()) == expected


def test_a_filter_of_a_wider_kind_stays_with_parameters() -> None:
    model = tx.nn.BatchNorm().init(0, X)  # mean, var and scale and bias
    assert L2(1.0, which=...)(model) == 3


def test_arrays_outside_of_modules_are_all_meant() -> None:
    assert L2(1.0)(2 * jnp.ones(3)) == 12
    assert L2(1.0)(np.float64(3.0)) == 9
    assert L2(1.0)({"bias": jnp.ones(2), "steps": jnp.array(7), "rest": [jnp.ones(3), None]}) == 5
    assert L2(1.0)([mlp(), jnp.ones(4)]) == 8 + 4
    assert L2(1.0, which="b/*")({"a": jnp.ones(2), "b": (jnp.ones(3),)}) == 3


def test_a_shared_layer_counts_once() -> None:
    layer = tx.nn.Linear(3, kernel_init="ones")
    model = tx.nn.Sequential(layer, layer).init(0, X)
    assert L2(1.0)(model) == 9
    gradients = tx.grad(L2(1.0))(model)
    np.testing.assert_array_equal(gradients.layers[0].kernel, 2)


def test_frozen_parameters_are_left_out() -> None:
    model = mlp()
    model.layers[0].freeze(inplace=True)
    assert L2(1.0)(model) == 2
    value = L2(1.0, which="layers/0/kernel")(model)  # it matches, so it is no mistake
    assert value == 0
    assert value.dtype == jnp.float32
    assert L2(1.0)(model.freeze()) == 0


def test_what_a_filter_left_of_a_model_counts() -> None:
    assert L2(1.0)(mlp().parameters()) == 8
    assert L2(1.0)(mlp().filter("layers/1/*")) == 2


def test_the_result_is_float32_for_half_and_float64_for_double() -> None:
    half = mlp().map(lambda x: x.astype(jnp.bfloat16))
    assert L2(1.0)(half).dtype == jnp.float32
    scoped = jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64
    with scoped(True):
        value = L2(0.1)(np.array([1.0, 2.0]))
        assert value.dtype == jnp.float64
        np.testing.assert_allclose(value, 0.5, rtol=1e-14)


def test_each_parameter_comes_in_single_precision() -> None:
    seen = []

    class Seen(Regularizer):
        def per_parameter(self, parameter: jax.Array) -> jax.Array:
            seen.append(parameter.dtype)
            return parameter.sum()

    Seen()(mlp().map(lambda x: x.astype(jnp.bfloat16)))
    assert seen == [jnp.float32] * 2


def test_it_can_be_compiled_with_the_model_as_argument() -> None:
    traces = []

    @tx.jit
    def value(model: Any, regularizer: Regularizer) -> jax.Array:
        traces.append(None)
        return regularizer(model)

    for _ in range(2):
        assert value(mlp(), L2(1.0, which="**/kernel")) == 8
    assert len(traces) == 1


def test_a_pattern_without_a_match_is_refused_with_the_paths() -> None:
    message = r"L2: expected a path pattern .* received 'encoder/\*\*'.*'layers/0/kernel', 'layers"
    with pytest.raises(PathError, match=message):
        L2(which="encoder/**")(mlp())
    with pytest.raises(PathError, match="'typo', which matches none"):
        L2(which=tx.Any("**/kernel", "typo"))(mlp())


def test_a_model_without_kernels_is_refused() -> None:
    message = (
        r"L2: expected at least one parameter to be chosen, by default those called `kernel`, "
        r"received floating parameters at 'scale', 'bias'\. Say which are meant"
    )
    with pytest.raises(PathError, match=message):
        L2()(tx.nn.BatchNorm().init(0, X))
    with pytest.raises(PathError, match=r"by default those .* received no floating parameters"):
        L2()(tx.nn.Flatten())
    with pytest.raises(PathError, match="to be chosen by which=<function"):
        L2(which=lambda info: False)(mlp())


def test_a_model_that_is_not_initialised_is_refused() -> None:
    message = r"L2: expected initialised modules, received one in which `layers/0/kernel` is not"
    with pytest.raises(NotInitializedError, match=message):
        L2()(tx.nn.MLP([2, 1]))


def test_what_is_no_filter_is_refused() -> None:
    with pytest.raises(ArgumentError, match="filter: expected a kind, a path pattern"):
        L2(which=3)  # type: ignore[arg-type]


def test_errors_name_the_parameter() -> None:
    message = r"orthogonal at layers/0/bias: expected a kernel with at least two axes"
    with pytest.raises(ShapeError, match=message):
        Orthogonal(which="**/bias")(mlp())


def test_a_penalty_is_one_number() -> None:
    class Rows(Regularizer):
        def per_parameter(self, parameter: jax.Array) -> jax.Array:
            return parameter.sum(0)

    message = r"Rows at layers/0/kernel: expected the penalty of one parameter to be one number, .*"
    with pytest.raises(ShapeError, match=message + r"shape \(2,\)"):
        Rows()(mlp())
