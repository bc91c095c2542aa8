"""State dicts go into a model and out of it, whole or not at all."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.training.models import arrays, assert_same
from treexlite._errors import ArgumentError, NotInitializedError, StateDictError
from treexlite.interop.torch import (
    Rules,
    batch_norm,
    conv,
    embedding,
    from_torch_state_dict,
    linear,
    to_torch_state_dict,
)


class Net(tx.Module):
    """One layer of each kind that matters here, and a key that does not travel."""

    def __init__(self, **options: Any) -> None:
        self.conv = tx.nn.Conv(4, (3, 3), use_bias=False)
        self.norm = tx.nn.BatchNorm(**options)
        self.dropout = tx.nn.Dropout(0.5)
        self.head = tx.nn.Linear(2)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.head(self.dropout(self.norm(self.conv(x))).mean((-3, -2)))


RULES = Rules(
    {"conv": conv("features.0"), "norm": batch_norm("features.1"), "head": linear("fc")},
    ignored=("old.*",),
)


def net(seed: int = 0, **options: Any) -> Net:
    return Net(**options).init(seed, jnp.ones((1, 8, 8, 3)))


def test_there_and_back_gives_the_same_bits() -> None:
    first, second = net(0), net(1)
    before = second.dropout.key
    weights = to_torch_state_dict(first, RULES)
    assert {name: array.shape for name, array in weights.items()} == {
        "features.0.weight": (4, 3, 3, 3),
        "features.1.weight": (4,),
        "features.1.bias": (4,),
        "features.1.running_mean": (4,),
        "features.1.running_var": (4,),
        "fc.weight": (2, 4),
        "fc.bias": (2,),
    }
    assert all(array.flags.c_contiguous and array.flags.owndata for array in weights.values())
    report = from_torch_state_dict(second, weights, RULES)
    assert set(report.loaded) == set(first.state_dict()) - {"dropout/key"}
    assert report.missing == report.unexpected == report.mismatched == report.ignored == ()
    second.dropout.key = first.dropout.key = before
    assert_same(arrays(first), arrays(second))


def test_the_model_owns_what_it_got() -> None:
    model = net()
    weights = to_torch_state_dict(model, RULES)
    from_torch_state_dict(model, weights, RULES)
    weights["fc.bias"][:] = 7.0
    assert float(model.head.bias[0]) == 0.0


def test_a_counter_is_theirs_when_there_is_one() -> None:
    model = net(momentum=None)
    weights = to_torch_state_dict(model, RULES)
    weights["features.1.num_batches_tracked"] = np.array(5)
    from_torch_state_dict(model, weights, RULES)
    assert int(model.norm.count) == 5


def test_numbers_take_the_dtype_of_the_model() -> None:
    model = tx.nn.Linear(2, param_dtype=jnp.bfloat16).init(0, jnp.ones((1, 3), jnp.bfloat16))
    weights = {"fc.weight": np.full((2, 3), 0.1, np.float64), "fc.bias": np.ones(2, np.int32)}
    from_torch_state_dict(model, weights, {"": linear("fc")})
    assert model.kernel.dtype == model.bias.dtype == jnp.bfloat16
    assert float(model.kernel[0, 0]) == float(jnp.bfloat16(0.1))


def test_shapes_are_enough_to_load_into() -> None:
    shapes = tx.eval_shape(net)
    weights = to_torch_state_dict(net(3), RULES)
    from_torch_state_dict(shapes, weights, RULES)
    np.testing.assert_array_equal(shapes.conv.kernel, net(3).conv.kernel)


def test_numbers_of_no_use_are_told() -> None:
    weights = to_torch_state_dict(net(), RULES)
    weights |= {"features.1.num_batches_tracked": np.array(3), "old.mask": np.ones(2)}
    report = from_torch_state_dict(net(), weights, RULES)
    assert report.ignored == ("features.1.num_batches_tracked", "old.mask")


def spoiled() -> dict[str, np.ndarray]:
    weights = to_torch_state_dict(net(1), RULES)
    del weights["features.1.bias"]
    return weights | {
        "fc.weight": np.ones((3, 4), np.float32),
        "fc.bias": np.ones(2, np.complex64),
        "extra": np.ones(1),
    }


def test_all_that_does_not_fit_is_listed_and_nothing_written() -> None:
    model = net()
    before = arrays(model)
    message = (
        r"from_torch_state_dict: .* received nothing for norm/bias \(from features.1.bias\) and "
        r"unexpected extra and what does not fit \(.*fc.bias: expected numbers that float32 holds, "
        r"received complex64.*\)"
    )
    with pytest.raises(StateDictError, match=message) as caught:
        from_torch_state_dict(model, spoiled(), RULES)
    assert "fc.weight: expected shape (2, 4), received array of shape (3, 4)" in str(caught.value)
    assert_same(arrays(model), before)


def test_what_fits_is_loaded_when_that_is_asked_for() -> None:
    model = net()
    report = from_torch_state_dict(model, spoiled(), RULES, strict=False)
    assert report.loaded == ("conv/kernel", "norm/scale", "norm/mean", "norm/var")
    assert set(report.missing) == {"norm/bias", "head/kernel", "head/bias"}
    assert set(report.mismatched) == {"fc.weight", "fc.bias"}
    assert report.unexpected == ("extra",)
    np.testing.assert_array_equal(model.conv.kernel, net(1).conv.kernel)
    np.testing.assert_array_equal(model.head.kernel, net(0).head.kernel)


def test_what_no_rule_has_is_never_dropped() -> None:
    rules = {"conv": conv("c"), "head": linear("fc")}
    with pytest.raises(StateDictError, match=r"nothing for norm/scale \(no rule has it\)"):
        to_torch_state_dict(net(), rules)
    with pytest.raises(StateDictError, match=r"norm/scale \(no rule has it\).*unexpected featur"):
        from_torch_state_dict(net(), to_torch_state_dict(net(), RULES), rules)


def test_tied_arrays_are_one() -> None:
    model = tx.nn.Embed(3, 2).init(0, jnp.zeros((1,), jnp.int32))
    rules = Rules({"": embedding("wte")}, tied={"head.weight": "wte.weight"})
    weights = to_torch_state_dict(model, rules)
    assert set(weights) == {"wte.weight", "head.weight"}
    assert from_torch_state_dict(model, weights, rules).loaded == ("embedding",)
    assert from_torch_state_dict(model, {"wte.weight": weights["wte.weight"]}, rules).loaded
    other = {**weights, "head.weight": weights["head.weight"] + 1}
    with pytest.raises(StateDictError, match=r"head.weight: expected the same numbers as wte.weig"):
        from_torch_state_dict(model, other, rules)


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(ArgumentError, match="from_torch_state_dict: expected a module, received"):
        from_torch_state_dict({}, {}, {})  # type: ignore[arg-type]  # the test
    with pytest.raises(NotInitializedError, match="to_torch_state_dict: expected an initialised m"):
        to_torch_state_dict(Net(), RULES)


def test_arrays_stay_on_the_devices_where_they_are() -> None:
    model = net()
    device = jax.devices()[0]
    model.head.kernel = jax.device_put(model.head.kernel, device)
    from_torch_state_dict(model, to_torch_state_dict(net(1), RULES), RULES)
    assert model.head.kernel.committed
    assert not model.head.bias.committed
    np.testing.assert_array_equal(model.head.kernel, net(1).head.kernel)
