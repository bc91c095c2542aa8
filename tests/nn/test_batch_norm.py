"""BatchNorm: statistics of the batch, running statistics, and when which is used."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, ContextError, ShapeError

X = jax.random.normal(jax.random.key(0), (6, 5, 3)) * jnp.array([1.0, 2.0, 3.0]) + 4


def normal(x: jax.Array, mean: np.ndarray, var: np.ndarray, epsilon: float = 1e-5) -> np.ndarray:
    return (np.asarray(x) - np.asarray(mean)) / np.sqrt(np.asarray(var) + epsilon)


def test_in_training_it_uses_the_statistics_of_the_batch() -> None:
    layer = nn.BatchNorm(scale_init="normal", bias_init="normal", epsilon=1e-2).init(0, X)
    expected = normal(X, X.mean((0, 1)), X.var((0, 1)), 1e-2) * np.asarray(layer.scale)
    np.testing.assert_allclose(layer(X), expected + np.asarray(layer.bias), rtol=1e-4, atol=1e-5)


def test_what_init_makes_and_leaves_alone() -> None:
    layer = nn.BatchNorm().init(0, X)
    np.testing.assert_array_equal(layer.mean, np.zeros(3))
    np.testing.assert_array_equal(layer.var, np.ones(3))
    kinds = {info.path: info.kind for info in layer.fields()}
    assert kinds == {
        "scale": tx.Parameter,
        "bias": tx.Parameter,
        "mean": tx.BatchStat,
        "var": tx.BatchStat,
    }


def test_running_statistics_follow_the_recursion() -> None:
    layer = nn.BatchNorm(momentum=0.9).init(0, X)
    mean, var = np.zeros(3), np.ones(3)
    for step in range(4):
        x = X * (step + 1)
        layer(x)
        mean = 0.9 * mean + 0.1 * np.asarray(x.mean((0, 1)))
        var = 0.9 * var + 0.1 * np.asarray(x.var((0, 1)))  # the biased variance
        np.testing.assert_allclose(layer.mean, mean, rtol=1e-5)
        np.testing.assert_allclose(layer.var, var, rtol=1e-5)


@pytest.mark.parametrize(("momentum", "mean"), [(0.0, "batch"), (1.0, "initial")])
def test_momentum_at_its_ends(momentum: float, mean: str) -> None:
    layer = nn.BatchNorm(momentum=momentum).init(0, X)
    layer(X)
    expected = X.mean((0, 1)) if mean == "batch" else np.zeros(3)
    np.testing.assert_allclose(layer.mean, expected, rtol=1e-6)


@pytest.mark.parametrize("mode", ["eval", "frozen", "both"])
def test_in_evaluation_or_frozen_it_uses_the_running_statistics(mode: str) -> None:
    layer = nn.BatchNorm(momentum=0.5).init(0, X)
    layer(X)
    mean, var = layer.mean, layer.var
    layer = layer.eval() if mode != "frozen" else layer
    layer = layer.freeze() if mode != "eval" else layer
    np.testing.assert_allclose(layer(X), normal(X, mean, var), rtol=1e-4, atol=1e-5)
    assert layer.mean is mean
    assert layer.var is var


def test_it_learns_again_after_unfreezing() -> None:
    layer = nn.BatchNorm().init(0, X).freeze().unfreeze()
    layer(X)
    assert (layer.mean != 0).all()


def test_statistics_are_single_precision_for_half_precision_inputs() -> None:
    x = X.astype(jnp.bfloat16)
    layer = nn.BatchNorm(dtype=jnp.bfloat16, param_dtype=jnp.bfloat16).init(0, x)
    assert layer(x).dtype == jnp.bfloat16
    assert layer.scale.dtype == jnp.bfloat16
    assert layer.mean.dtype == layer.var.dtype == jnp.float32
    exact = np.asarray(x, np.float64).mean((0, 1))
    np.testing.assert_allclose(layer.mean, 0.01 * exact, rtol=1e-5)


def test_the_running_statistics_keep_the_dtype_that_they_have() -> None:
    layer = nn.BatchNorm().init(0, X).map(lambda value: value.astype(jnp.bfloat16))
    layer(X)
    assert layer.mean.dtype == layer.var.dtype == jnp.bfloat16


def test_a_large_mean_costs_no_digits() -> None:
    x = jnp.array([[10000.0], [10001.0], [10002.0]])
    layer = nn.BatchNorm(momentum=0).init(0, x)
    layer(x)
    np.testing.assert_allclose(layer.var, [2 / 3], rtol=1e-3)


def test_the_running_statistics_carry_no_gradient() -> None:
    layer = nn.BatchNorm(momentum=0.5).init(0, X)

    def updated_mean(x: jax.Array) -> jax.Array:
        model = layer.copy()
        model(x)
        return model.mean.sum()

    np.testing.assert_array_equal(jax.grad(updated_mean)(X), np.zeros(X.shape))


def test_with_an_axis_name_the_statistics_are_those_of_all_lanes() -> None:
    layer = nn.BatchNorm(axis_name="lanes", momentum=0.5).init(0, X)
    whole = nn.BatchNorm(momentum=0.5).init(0, X)

    def lane(x: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        model = layer.copy()
        return model(x), model.mean, model.var

    y, mean, var = jax.vmap(lane, axis_name="lanes")(X)  # six lanes of shape (5, 3)
    np.testing.assert_allclose(y, whole(X), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(mean, np.tile(whole.mean, (6, 1)), rtol=1e-5)
    np.testing.assert_allclose(var, np.tile(whole.var, (6, 1)), rtol=1e-5)


def test_with_an_axis_name_lanes_may_be_single_examples() -> None:
    layer = nn.BatchNorm(axis_name="lanes").init(0, X[0, 0])
    y = jax.vmap(lambda x: layer.copy()(x), axis_name="lanes")(X[:, 0])
    np.testing.assert_allclose(y, nn.BatchNorm().init(0, X)(X[:, 0]), rtol=1e-4, atol=1e-5)


def test_scale_and_bias_are_optional() -> None:
    layer = nn.BatchNorm(use_scale=False, use_bias=False).init(0, X)
    assert list(layer.state_dict()) == ["mean", "var"]
    assert list(layer.parameters().state_dict()) == []


@pytest.mark.parametrize("shape", [(3,), (0, 3), (4, 0, 3)])
def test_in_training_there_has_to_be_a_batch(shape: tuple[int, ...]) -> None:
    layer = nn.BatchNorm().init(0, X)
    with pytest.raises(ShapeError, match=r"at least one value per channel, received x=array of .*"):
        layer(jnp.ones(shape))
    assert layer.eval()(jnp.ones(shape)).shape == shape


def test_the_wrong_number_of_channels_is_refused() -> None:
    layer = nn.BatchNorm().init(0, X)
    for model in (layer, layer.eval()):
        with pytest.raises(
            ShapeError, match=r"BatchNorm: .* to be 3 \(as `mean` has\), received x="
        ):
            model(jnp.ones((4, 2)))


def test_a_scalar_is_refused() -> None:
    with pytest.raises(ShapeError, match="BatchNorm: expected `x` to have at least one axis"):
        nn.BatchNorm().init(0, jnp.ones(()))


@pytest.mark.parametrize("momentum", [-0.1, 1.1, "0.9"])
def test_the_momentum_is_checked(momentum: object) -> None:
    with pytest.raises(ArgumentError, match="BatchNorm: expected `momentum` to be a number from 0"):
        nn.BatchNorm(momentum=momentum)


def test_without_momentum_all_batches_count_the_same() -> None:
    layer = nn.BatchNorm(momentum=None).init(0, X)
    batches = [X, 2 * X, X - 3]
    for number, x in enumerate(batches, 1):
        layer(x)
        assert layer.count == number
    means = np.stack([np.asarray(x).mean((0, 1)) for x in batches])
    variances = np.stack([np.asarray(x).var((0, 1)) for x in batches])
    np.testing.assert_allclose(layer.mean, means.mean(0), rtol=1e-5)
    np.testing.assert_allclose(layer.var, variances.mean(0), rtol=1e-5)


MASK = jnp.array([[True, True, False, True, False]] * 5 + [[False] * 5])


def test_with_a_mask_the_statistics_are_those_of_what_is_valid() -> None:
    layer = nn.BatchNorm(momentum=0.5, epsilon=1e-3).init(0, X)
    y = layer(X, mask=MASK)
    kept = np.asarray(X)[np.asarray(MASK)]
    np.testing.assert_allclose(y, normal(X, kept.mean(0), kept.var(0), 1e-3), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer.mean, 0.5 * kept.mean(0), rtol=1e-5)
    np.testing.assert_allclose(layer.var, 0.5 + 0.5 * kept.var(0), rtol=1e-5)


def test_a_mask_may_stand_for_whole_examples() -> None:
    first, second = nn.BatchNorm().init(0, X), nn.BatchNorm().init(0, X)
    examples = jnp.array([1, 0, 1, 1, 0, 1])
    y = first(X, mask=examples)
    np.testing.assert_allclose(y[examples == 1], second(X[examples == 1]), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(first.var, second.var, rtol=1e-5)


def test_what_is_masked_reaches_neither_statistics_nor_gradients() -> None:
    layer = nn.BatchNorm().init(0, X)

    def loss(x: jax.Array) -> jax.Array:
        y = layer.copy()(x, mask=MASK)
        return jnp.where(MASK[..., None], y, 0).var()

    derivative = jax.jit(jax.grad(loss))
    gradient, changed = derivative(X), derivative(jnp.where(MASK[..., None], X, 1e6))
    np.testing.assert_allclose(gradient, changed, rtol=1e-5, atol=1e-7)
    poisoned = layer.copy()
    poisoned(jnp.where(MASK[..., None], X, jnp.nan), mask=MASK)
    layer(X, mask=MASK)
    np.testing.assert_allclose(poisoned.var, layer.var, rtol=1e-6)


@pytest.mark.parametrize("momentum", [0.5, None])
def test_a_mask_that_leaves_nothing_leaves_the_running_statistics(momentum: float | None) -> None:
    layer = nn.BatchNorm(momentum=momentum).init(0, X)
    layer(X)
    before = layer.state_dict()
    y = layer(X, mask=jnp.zeros((6, 5), bool))
    np.testing.assert_allclose(y, layer.eval()(X), rtol=1e-5, atol=1e-6)
    for path, value in layer.state_dict().items():
        np.testing.assert_allclose(value, before[path], rtol=1e-6)
    gradient = jax.jit(jax.grad(lambda x: layer.copy()(x, mask=jnp.zeros(6, bool)).sum()))(X)
    assert jnp.isfinite(gradient).all()


def test_in_evaluation_the_mask_decides_nothing() -> None:
    layer = nn.BatchNorm().init(0, X).eval()
    np.testing.assert_array_equal(layer(X, mask=MASK), layer(X))


@pytest.mark.parametrize("shape", [(5,), (6, 1), (6, 5, 3), (6, 4)])
@pytest.mark.parametrize("training", [True, False])
def test_masks_have_to_fit(shape: tuple[int, ...], training: bool) -> None:
    layer = nn.BatchNorm().init(0, X).train(training)
    with pytest.raises(
        ShapeError, match="BatchNorm: expected `mask` to have the sizes of the firs"
    ):
        layer(X, mask=jnp.ones(shape, bool))


def test_masks_of_fractions_are_refused() -> None:
    with pytest.raises(
        ArgumentError, match="`mask` to hold booleans, or zeros and ones as integers"
    ):
        nn.BatchNorm().init(0, X)(X, mask=jnp.ones(6))


def test_with_an_axis_name_lanes_may_have_different_masks() -> None:
    layer = nn.BatchNorm(axis_name="lanes").init(0, X)
    whole = nn.BatchNorm().init(0, X)

    def lane(x: jax.Array, mask: jax.Array) -> tuple[jax.Array, jax.Array]:
        model = layer.copy()
        return model(x, mask=mask), model.var

    y, var = jax.vmap(lane, axis_name="lanes")(X, MASK)  # the last lane has nothing valid
    np.testing.assert_allclose(y, whole(X, mask=MASK), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(var, np.tile(whole.var, (6, 1)), rtol=1e-5)


def test_without_limits_renormalised_outputs_are_those_of_evaluation() -> None:
    layer = nn.BatchNorm(renorm=True, renorm_limits=None, momentum=0.5).init(0, X)
    layer(X)
    expected = layer.eval()(2 * X - 1)
    np.testing.assert_allclose(layer(2 * X - 1), expected, rtol=1e-4, atol=1e-5)


def test_the_tightest_limits_correct_nothing() -> None:
    layer = nn.BatchNorm(renorm=True, renorm_limits=(1, 0)).init(0, X)
    np.testing.assert_allclose(layer(X), nn.BatchNorm().init(0, X)(X), rtol=1e-4, atol=1e-5)


def test_renormalising_follows_the_formula() -> None:
    r_max, d_max, epsilon = 1.5, 0.5, 1e-3
    layer = nn.BatchNorm(
        renorm=True,
        renorm_limits=(r_max, d_max),
        momentum=0.9,
        epsilon=epsilon,
        scale_init="normal",
        bias_init="normal",
    ).init(0, X)
    running_mean, running_std = np.zeros(3), np.sqrt(np.ones(3) + epsilon)
    for step in range(4):
        x = X * (1 + 0.1 * step) - 4 + 0.3 * step
        mean, std = np.asarray(x).mean((0, 1)), np.sqrt(np.asarray(x).var((0, 1)) + epsilon)
        r = np.clip(std / running_std, 1 / r_max, r_max)
        d = np.clip((mean - running_mean) / running_std, -d_max, d_max)

        def by_hand(x: jax.Array, r: np.ndarray = r, d: np.ndarray = d) -> jax.Array:
            y = (x - x.mean((0, 1))) / jnp.sqrt(x.var((0, 1)) + epsilon) * r + d
            return y * layer.scale + layer.bias

        def loss(f: object, x: jax.Array) -> jax.Array:
            return (f(x) ** 3).sum()

        gradient = jax.jit(jax.grad(lambda x: loss(layer.copy(), x)))(x)
        expected = jax.jit(jax.grad(lambda x, f=by_hand: loss(f, x)))(x)
        np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(layer(x), by_hand(x), rtol=1e-4, atol=1e-5)
        running_mean = 0.9 * running_mean + 0.1 * mean
        running_std = 0.9 * running_std + 0.1 * std
        np.testing.assert_allclose(layer.mean, running_mean, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(layer.var, running_std**2 - epsilon, rtol=1e-4)


@pytest.mark.parametrize("limits", [(0.5, 1), (2, -1), (2,), 3, "ab", (float("inf"), 1)])
def test_the_limits_are_checked(limits: object) -> None:
    with pytest.raises(ArgumentError, match="`renorm_limits` to be a pair of numbers, from 1 and"):
        nn.BatchNorm(renorm_limits=limits)


@pytest.mark.parametrize("layer", [nn.BatchNorm(axis_name="i"), nn.BatchNorm()])
def test_second_derivatives_are_those_of_the_formula(layer: nn.BatchNorm) -> None:
    """Variance and output have derivatives of their own, which have derivatives in turn."""
    x = X[:, 0]
    layer = layer.init(0, x)

    def ours(x: jax.Array) -> jax.Array:
        if layer.axis_name is None:
            return (layer.copy()(x) ** 3).sum()
        run = jax.vmap(lambda part: layer.copy()(part), axis_name="i")
        return (run(x.reshape(2, 3, 3)) ** 3).sum()

    def by_hand(x: jax.Array) -> jax.Array:
        return (((x - x.mean(0)) / jnp.sqrt(x.var(0) + 1e-5)) ** 3).sum()

    for derivative in (jax.grad, jax.jacfwd, jax.hessian):
        both = jax.jit(lambda x, of=derivative: (of(ours)(x), of(by_hand)(x)))
        np.testing.assert_allclose(*both(x), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("renorm", [False, True])
@pytest.mark.parametrize("over", ["vmap", "pmap", "shard_map"])
def test_parts_on_many_devices_are_the_whole_batch(over: str, renorm: bool) -> None:
    """Values, gradients of parameters and input, and running statistics."""
    x = X[:4]
    weights = jnp.linspace(-1.0, 1.0, x.size).reshape(x.shape)
    arguments = {"scale_init": "normal", "bias_init": "normal", "renorm": renorm, "momentum": 0.5}
    whole = nn.BatchNorm(**arguments).init(0, X)
    parts = nn.BatchNorm(**arguments, axis_name="devices").init(0, X)

    def in_parts(model: tx.Module, x: jax.Array) -> jax.Array:
        def call(model: tx.Module, x: jax.Array) -> jax.Array:
            return model(x)

        if over == "shard_map":
            mesh = jax.sharding.Mesh(np.array(jax.devices()[:2]), ("devices",))
            spec = jax.sharding.PartitionSpec("devices")
            run = tx.shard_map(call, mesh=mesh, in_specs=(None, spec), out_specs=spec)
            return tx.jit(run)(model, x)
        transform = tx.vmap if over == "vmap" else tx.pmap
        run = transform(call, in_axes=(None, 0), axis_name="devices")
        return run(model, x.reshape(2, 2, *x.shape[1:])).reshape(x.shape)

    def results(model: tx.Module, f: object) -> tuple[object, ...]:
        def loss(model: tx.Module, x: jax.Array) -> tuple[jax.Array, jax.Array]:
            y = f(model, x)
            return (y * weights).sum(), y

        run = tx.value_and_grad(loss, argnums=(0, 1), has_aux=True)
        (_, y), gradients = (run if over == "pmap" else tx.jit(run))(model, x)
        of_model, of_x = gradients
        return y, of_x, of_model.state_dict(), model.batch_stats().state_dict()

    found, expected = results(parts, in_parts), results(whole, lambda model, x: model(x))
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), found, expected
    )


def test_training_outside_of_the_axis_is_refused() -> None:
    layer = nn.BatchNorm(axis_name="devices").init(0, X)
    with pytest.raises(ContextError, match="inside an axis named 'devices'"):
        layer(X)
    np.testing.assert_array_equal(layer.mean, np.zeros(layer.mean.shape))
