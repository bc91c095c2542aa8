"""Which arrays belong to which names."""

import numpy as np
import pytest

from treexlite._errors import ArgumentError
from treexlite.interop.torch import Rules, batch_norm, fused_linear, linear
from treexlite.interop.torch._match import match


def test_the_longest_path_that_fits_counts() -> None:
    leaves = {"a/out/kernel": np.ones((2, 3)), "a/in/kernel": np.ones((3, 2)), "b": np.ones(1)}
    rules = Rules({"a/*": linear("{}"), "a/out": linear("last")})
    found, unused, left = match("f", leaves, rules)
    assert {item.paths: item.templates for item in found} == {
        ("a/out/kernel",): ("last.weight",),
        ("a/in/kernel",): ("in.weight",),
    }
    assert (unused, left) == (set(), ["b"])


def test_stacked_layers_have_a_name_each() -> None:
    (found,), _, _ = match("f", {"x/kernel": np.ones((4, 2, 3))}, Rules({"x": linear("h.#.w")}))
    assert found.shapes() == {f"h.{number}.w.weight": (3, 2) for number in range(4)}
    arrays = {name: np.full(shape, n) for n, (name, shape) in enumerate(found.shapes().items())}
    stacked = found.into(arrays)["x/kernel"]
    assert stacked.shape == (4, 2, 3)
    assert stacked[:, 0, 0].tolist() == [0, 1, 2, 3]
    back = found.back((stacked,))
    assert all((back[name] == arrays[name]).all() for name in arrays)


def test_what_a_layer_lacks_is_left_out() -> None:
    found, unused, left = match("f", {"n/mean": np.ones(2)}, Rules({"n": batch_norm("bn")}))
    assert [item.templates for item in found] == [("bn.running_mean",)]
    assert (unused, left) == ({"bn.num_batches_tracked"}, [])


def test_a_part_of_what_is_fused_is_refused() -> None:
    leaves = {"a/query/bias": np.ones(2), "a/key/bias": np.ones(2)}
    message = "f: expected query/bias, key/bias, value/bias at 'a', .* without value/bias"
    with pytest.raises(ArgumentError, match=message):
        match("f", leaves, Rules({"a": fused_linear("qkv")}))


def test_two_arrays_of_one_name_are_refused() -> None:
    leaves = {"a/kernel": np.ones((1, 1)), "b/kernel": np.ones((1, 1))}
    message = "f: expected a name of its own for each array, received 'x.weight' for 'a/kernel' and"
    with pytest.raises(ArgumentError, match=message):
        match("f", leaves, Rules({"a": linear("x"), "b": linear("x")}))
