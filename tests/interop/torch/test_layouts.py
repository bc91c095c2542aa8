"""Layouts: axes go there and back, and mean the same to PyTorch."""

from typing import Any

import numpy as np
import pytest

from treexlite.interop.torch import (
    Layout,
    array,
    batch_norm,
    conv,
    conv_transpose,
    embedding,
    fused_linear,
    gru,
    linear,
    lstm,
    multi_head_attention,
    norm,
)


def numbers(*shape: int) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def link_of(layout: Layout, ours: str) -> Any:
    (link,) = [link for link in layout.links if ours in link.ours]
    return link


@pytest.mark.parametrize(
    ("layout", "ours", "shape", "their_shape"),
    [
        (linear("a"), "kernel", (2, 3), (3, 2)),
        (linear("a", transpose=False), "kernel", (2, 3), (2, 3)),
        (conv("a"), "kernel", (5, 6, 2, 3), (3, 2, 5, 6)),
        (conv("a"), "kernel", (5, 1, 3), (3, 1, 5)),
        (conv_transpose("a"), "kernel", (5, 6, 2, 3), (2, 3, 5, 6)),
        (conv_transpose("a", groups=2), "kernel", (5, 6, 2, 8), (4, 4, 5, 6)),
        (norm("a"), "scale", (3,), (3,)),
        (batch_norm("a"), "var", (3,), (3,)),
        (embedding("a"), "embedding", (5, 3), (5, 3)),
        (lstm("a"), "recurrent/kernel", (3, 12), (12, 3)),
        (array("a", lambda x: x[0], lambda x: x[None]), "", (3,), (1, 3)),
    ],
)
def test_an_array_goes_there_and_back(
    layout: Layout, ours: str, shape: tuple[int, ...], their_shape: tuple[int, ...]
) -> None:
    link, given = link_of(layout, ours), numbers(*shape)
    (theirs,) = link.back((given,))
    assert theirs.shape == their_shape
    (again,) = link.into((theirs,), (shape,))
    np.testing.assert_array_equal(again, given)


def test_fused_layers_are_cut_by_the_sizes_of_ours() -> None:
    link = link_of(fused_linear("a", ("query", "key")), "query/kernel")
    given = numbers(2, 3), numbers(2, 5) + 100
    (theirs,) = link.back(given)
    np.testing.assert_array_equal(theirs, np.concatenate([given[0].T, given[1].T]))
    for part, whole in zip(link.into((theirs,), ((2, 3), (2, 5))), given, strict=True):
        np.testing.assert_array_equal(part, whole)


def test_biases_that_only_occur_as_a_sum_are_added() -> None:
    link = link_of(lstm("a", layer=1, reverse=True), "input/bias")
    assert link.theirs == ("a.bias_ih_l1_reverse", "a.bias_hh_l1_reverse")
    np.testing.assert_array_equal(*link.into((numbers(4), numbers(4)), ((4,),)), 2 * numbers(4))
    first, second = link.back((numbers(4),))
    assert (first.tolist(), second.tolist()) == ([0, 1, 2, 3], [0, 0, 0, 0])


def test_the_candidate_of_a_gru_has_two_biases() -> None:
    link = link_of(gru("a"), "recurrent_bias")
    bias, candidate = link.into((numbers(6), 10 * numbers(6)), ((6,), (2,)))
    assert bias.tolist() == [0, 11, 22, 33, 4, 5]
    assert candidate.tolist() == [40, 50]
    first, second = link.back((bias, candidate))
    assert (first.tolist(), second.tolist()) == (bias.tolist(), [0, 0, 0, 0, 40, 50])


def test_names_are_those_of_pytorch() -> None:
    names = [name for link in batch_norm("bn").links for name in link.theirs]
    ends = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    assert names == [f"bn.{end}" for end in ends]
    names = [name for link in multi_head_attention("at").links for name in link.theirs]
    ends = ["in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"]
    assert names == [f"at.{end}" for end in ends]
