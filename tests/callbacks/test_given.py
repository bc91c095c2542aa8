"""What is accepted as callbacks."""

from typing import Any

import pytest

from treexlite._errors import ArgumentError, UnknownNameError
from treexlite.callbacks import Callback, EarlyStopping, Timer
from treexlite.callbacks._given import checked, unknown_log


def test_a_new_list_is_made() -> None:
    given = [Timer()]
    found = checked("fit", given)
    assert found == given
    assert found is not given
    assert checked("fit", None) == []
    assert checked("fit", given[0]) == given
    assert checked("fit", tuple(given)) == given


@pytest.mark.parametrize("value", ["timer", 3, {"a": 1}])
def test_other_things_are_refused(value: Any) -> None:
    message = "fit: expected `callbacks` to be a list of callbacks, received callbacks="
    with pytest.raises(ArgumentError, match=message):
        checked("fit", value)


def test_other_members_are_refused() -> None:
    message = r"expected `callbacks\[1\]` to be a callback, received .* Pass objects of classes th"
    with pytest.raises(ArgumentError, match=message):
        checked("fit", [Timer(), object()])


def test_a_class_gets_its_parentheses() -> None:
    with pytest.raises(ArgumentError, match=r"Write `EarlyStopping\(\.\.\.\)`: an object of"):
        checked("fit", [EarlyStopping])


def test_the_same_twice_is_refused() -> None:
    timer = Timer()
    message = r"expected each callback once, received callbacks\[2\], Timer, for the second time"
    with pytest.raises(ArgumentError, match=message):
        checked("fit", [timer, Timer(), timer])


@pytest.mark.parametrize("period", [-1, 0.5, True, None])
def test_a_period_that_is_none_is_refused(period: Any) -> None:
    class Odd(Callback):
        every_n_steps = period

    message = r"fit: callbacks\[0\], Odd: expected `every_n_steps` to be an integer from 0 on, rec"
    with pytest.raises(ArgumentError, match=message):
        checked("fit", [Odd()])


@pytest.mark.parametrize(
    ("name", "meant"),
    [("on_batch_end", "on_train_batch_end"), ("on_epoch_ended", "on_epoch_end")],
)
def test_hooks_that_are_misspelt_are_refused(name: str, meant: str) -> None:
    odd = type("Odd", (Callback,), {name: lambda self, batch, logs=None: None})
    with pytest.raises(UnknownNameError, match=f"`{name}`, which is never called.*`{meant}`"):
        checked("fit", [odd()])


def test_methods_of_ones_own_are_welcome() -> None:
    class Own(Callback):
        on_the_side = 3

        def on_improvement(self) -> None: ...

    assert len(checked("fit", [Own()])) == 1


def test_logs_that_are_not_there_are_told_with_those_that_are() -> None:
    error = unknown_log("fit", "val_acc", ["loss", "val_loss", "val_accuracy"])
    assert "(loss, val_loss, val_accuracy), received 'val_acc'. Did you mean 'val_acc" in str(error)
    assert "There is no validation: pass" in str(unknown_log("fit", "val_loss", ["loss"]))
    assert "Use one of those names." in str(unknown_log("fit", "x", ["loss"]))
