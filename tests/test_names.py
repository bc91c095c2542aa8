"""Names in place of objects: found, made, registered, refused."""

import pytest

from treexlite._errors import ArgumentError, UnknownNameError
from treexlite._names import Registry, snake_case


class Square:
    def __init__(self, *, side: float = 1.0) -> None:
        self.side = side


def shapes() -> Registry[Square]:
    return Registry("shapes", "a shape", {"square": Square})


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("MeanSquaredError", "mean_squared_error"),
        ("KLDivergence", "kl_divergence"),
        ("NTXent", "nt_xent"),
        ("AUC", "auc"),
        ("L1L2", "l1_l2"),
        ("HTTPLayer2D", "http_layer2_d"),
        ("already_snake", "already_snake"),
    ],
)
def test_class_names_become_snake_case(name: str, snake: str) -> None:
    assert snake_case(name) == snake


@pytest.mark.parametrize("name", ["square", "Square"])
def test_a_name_or_a_class_name_makes_a_new_object(name: str) -> None:
    registry = shapes()
    assert registry.get(name, side=2.0).side == 2
    assert registry.get(name) is not registry.get(name)
    assert registry.names == ["square"]


def test_an_unknown_name_is_refused_with_the_close_ones() -> None:
    message = (
        r"shapes\.get: expected the name of a shape \(one of 'square'\), received 'sqare'\. "
        "Did you mean 'square'"
    )
    with pytest.raises(UnknownNameError, match=message):
        shapes().get("sqare")
    with pytest.raises(UnknownNameError, match="Trainer: expected the name of a shape"):
        shapes().find("circle", "Trainer")


def test_an_unknown_option_is_refused_with_the_signature() -> None:
    message = (
        r"shapes\.get\('square'\): expected options as in `Square\(\*, side: .*= 1\.0\).*`, "
        r"received length \(.*length.*\)\. Pass by keyword"
    )
    with pytest.raises(ArgumentError, match=message):
        shapes().get("square", length=2)


def test_a_registered_name_is_found_and_the_factory_returned() -> None:
    registry = shapes()

    class Mine(Square):
        pass

    assert registry.register("mine", Mine) is Mine
    assert type(registry.get("mine", side=3.0)) is Mine
    assert shapes().names == ["square"]


def test_a_taken_name_is_refused_unless_it_is_replaced() -> None:
    registry = shapes()
    with pytest.raises(ArgumentError, match=r"shapes\.register: expected a name that is free"):
        registry.register("square", dict)
    registry.register("square", lambda: Square(side=9.0), replace=True)
    assert registry.get("square").side == 9


def test_what_cannot_be_called_is_not_registered() -> None:
    message = (
        r"shapes\.register: expected a class or function that makes a shape, received .*Square"
    )
    with pytest.raises(ArgumentError, match=message):
        shapes().register("mine", Square())  # type: ignore[type-var]
