"""Windows: what is accepted, and how the rest is refused."""

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, ShapeError, UnknownNameError
from treexlite.nn import _window as window


def test_sizes_become_a_tuple_of_plain_integers() -> None:
    assert window.window_sizes("Conv", "kernel_size", 3) == (3,)
    sizes = window.window_sizes("Conv", "kernel_size", [np.int32(3), 5])
    assert sizes == (3, 5)
    assert set(map(type, sizes)) == {int}


@pytest.mark.parametrize("value", [0, (), (3, 0), (3.0,), "33", None, (True,)])
def test_sizes_have_to_be_positive_integers(value: object) -> None:
    with pytest.raises(
        ArgumentError, match="Conv: expected `kernel_size` to be a tuple of positiv"
    ):
        window.window_sizes("Conv", "kernel_size", value)


def test_one_integer_stands_for_every_axis() -> None:
    assert window.for_each_axis("Conv", "strides", 2, 3) == (2, 2, 2)
    assert window.for_each_axis("Conv", "strides", [1, 2], 2) == (1, 2)


@pytest.mark.parametrize("value", [0, (1, 2, 3), (1,), (1, 0), 1.5, None])
def test_strides_have_to_fit_the_window(value: object) -> None:
    with pytest.raises(ArgumentError, match="`strides` to be a positive integer, or 2 of them"):
        window.for_each_axis("Conv", "strides", value, 2)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("same", "SAME"),
        ("VALID", "VALID"),
        (1, ((1, 1), (1, 1))),
        ((1, 2), ((1, 1), (2, 2))),
        (((1, 0), 2), ((1, 0), (2, 2))),
        ([[1, 0], [0, 2]], ((1, 0), (0, 2))),
    ],
)
def test_padding_is_a_name_or_pairs(value: object, expected: object) -> None:
    assert window.padding_of("Conv", value, 2) == expected


@pytest.mark.parametrize("value", [-1, (1,), (1, 2, 3), ((1, 2, 3), 1), (1, (0, -1)), 0.5, None])
def test_padding_has_to_fit_the_window(value: object) -> None:
    with pytest.raises(ArgumentError, match="`padding` to be one of SAME, VALID, an integer of at"):
        window.padding_of("Conv", value, 2)


def test_an_unknown_padding_lists_the_names() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'SAME'"):
        window.padding_of("Conv", "sam", 2)
    with pytest.raises(UnknownNameError, match=r"a padding \(one of 'SAME', 'VALID'\)"):
        window.padding_of("MaxPool", "circular", 2)


@pytest.mark.parametrize(("num_axes", "axes"), [(1, "time"), (2, "2 axes for `window`")])
def test_too_few_axes_are_refused(num_axes: int, axes: str) -> None:
    with pytest.raises(ShapeError, match=rf"`x` of shape \(batch, {axes}, channels\)"):
        window.check_rank("MaxPool", "window", jnp.ones((4,) * num_axes), num_axes, False)


def test_a_plain_integer_refuses_images() -> None:
    window.check_rank("MaxPool", "window", jnp.ones((1, 4, 4, 1)), 1, False)
    with pytest.raises(ShapeError, match=r"because `window` is one integer.*`window=\(3, 3\)`"):
        window.check_rank("MaxPool", "window", jnp.ones((1, 4, 4, 1)), 1, True)


@pytest.mark.parametrize("padding", ["VALID", ((0, 0), (0, 1))])
def test_a_window_larger_than_the_input_is_refused(padding: object) -> None:
    x = jnp.ones((1, 5, 3, 1))
    with pytest.raises(ShapeError, match=r"at least as large as the window, \(5, 5\), padding"):
        window.check_fit("Conv", x, (5, 5), padding)


@pytest.mark.parametrize("padding", ["SAME", "CAUSAL", ((0, 0), (1, 1))])
def test_padding_makes_room(padding: object) -> None:
    window.check_fit("Conv", jnp.ones((1, 5, 3, 1)), (5, 5), padding)


@pytest.mark.parametrize("batch", [(), (2,), (2, 3), (0,)])
def test_batch_axes_are_merged_into_one(batch: tuple[int, ...]) -> None:
    merged, found = window.merge_batch_axes(jnp.ones((*batch, 5, 4, 1)), 2)
    assert found == batch
    assert merged.shape == (int(np.prod(batch)), 5, 4, 1)
