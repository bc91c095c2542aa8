import copy
import inspect
import pickle
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import _errors
from treexlite._errors import ShapeError, TreexliteError, UnknownNameError, describe, unknown_name

CLASSES = [
    cls
    for _, cls in inspect.getmembers(_errors, inspect.isclass)
    if issubclass(cls, TreexliteError) and cls is not TreexliteError
]


def make(cls: type[TreexliteError]) -> TreexliteError:
    return cls("Linear", expected="16 features", received="x.shape=(8, 32)", fix="Pass 16.")


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_is_ours_and_the_builtin_that_a_caller_would_guess(
    cls: type[TreexliteError],
) -> None:
    ours, builtin = cls.__bases__
    assert ours is TreexliteError
    assert builtin in (ValueError, RuntimeError, TypeError, AttributeError, OSError)
    assert cls.__doc__


def test_the_tree_in_the_docstring_is_the_tree_of_classes() -> None:
    drawn = re.findall(r"── (\w+) +(\w+Error) ", _errors.__doc__ or "")
    assert set(drawn) == {(cls.__name__, cls.__bases__[1].__name__) for cls in CLASSES}


@pytest.mark.parametrize("cls", CLASSES)
def test_the_message_has_four_parts_and_the_path(cls: type[TreexliteError]) -> None:
    error = make(cls)
    assert str(error) == "Linear: expected 16 features, received x.shape=(8, 32). Pass 16."
    error.path = "encoder/layers/1"
    assert str(error).startswith("Linear at encoder/layers/1: expected 16 features")
    assert (error.where, error.expected) == ("Linear", "16 features")
    assert (error.received, error.fix) == ("x.shape=(8, 32)", "Pass 16.")


@pytest.mark.parametrize("cls", CLASSES)
def test_errors_survive_pickle_and_copies(cls: type[TreexliteError]) -> None:
    error = make(cls)
    error.path = "encoder"
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is cls
        assert str(again) == str(error)
        assert (again.path, again.fix) == ("encoder", "Pass 16.")


def test_what_the_system_said_survives_pickle_too() -> None:
    error = make(_errors.CheckpointError)
    assert (error.errno, error.filename) == (None, None)  # and not the parts of the message
    error.errno, error.filename = 28, "model.safetensors"
    again = pickle.loads(pickle.dumps(error))
    assert (again.errno, again.filename, str(again)) == (28, "model.safetensors", str(error))


def test_errors_are_caught_by_either_name() -> None:
    with pytest.raises(ValueError, match="Linear"):
        raise make(ShapeError)
    with pytest.raises(TreexliteError, match="Linear"):
        raise make(ShapeError)


def test_warnings_are_user_warnings() -> None:
    assert issubclass(_errors.TreexliteWarning, UserWarning)


def test_an_unknown_name_comes_with_the_close_ones() -> None:
    error = unknown_name("fit", "a loss", "crosentropy", ["mse", "crossentropy", "mae"])
    assert isinstance(error, UnknownNameError)
    assert str(error) == (
        "fit: expected the name of a loss (one of 'crossentropy', 'mae', 'mse'),"
        " received 'crosentropy'. Did you mean 'crossentropy'?"
    )


def test_an_unknown_name_close_to_several_offers_them() -> None:
    error = unknown_name("fit", "a loss", "maee", ["mae", "mape", "other"])
    assert "Did you mean 'mae' or 'mape'?" in str(error)


def test_an_unknown_name_close_to_none_says_to_take_one() -> None:
    error = unknown_name("fit", "a loss", "zzz", ["mse"])
    assert str(error).endswith("received 'zzz'. Use one of those names.")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (jnp.ones((2, 3)), "array of shape (2, 3) and dtype float32"),
        (np.ones(2, np.int8), "array of shape (2,) and dtype int8"),
        (jax.ShapeDtypeStruct((1,), jnp.bfloat16), "array of shape (1,) and dtype bfloat16"),
        (3, "3 (a int)"),
        ("x" * 100, "'" + "x" * 76 + "... (a str)"),
        (None, "None (a NoneType)"),
    ],
)
def test_values_are_described_short(value: object, text: str) -> None:
    assert describe(value) == text


def test_tracers_are_described_by_shape() -> None:
    seen = []
    jax.jit(lambda x: seen.append(describe(x)))(jnp.ones(4))
    assert seen == ["array of shape (4,) and dtype float32"]


def test_many_names_are_listed_only_when_none_is_close() -> None:
    names = [f"name{number}" for number in range(30)]
    assert "(30 are known), received 'name3x'. Did you mean 'name3'" in str(
        unknown_name("fit", "a loss", "name3x", names)
    )
    assert "'name29'" in str(unknown_name("fit", "a loss", "zzz", names))
