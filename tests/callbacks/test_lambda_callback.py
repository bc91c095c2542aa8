"""Functions at hooks."""

from typing import Any

import pytest

from tests.callbacks.fits import DATA, line
from treexlite._errors import ArgumentError, UnknownNameError
from treexlite.callbacks import LambdaCallback


def test_functions_are_called() -> None:
    seen: list[Any] = []
    callback = LambdaCallback(
        on_train_begin=lambda logs: seen.append("begin"),
        on_epoch_begin=lambda epoch, logs: seen.append(epoch),
        on_train_batch_end=lambda batch, logs: seen.append((batch, sorted(logs))),
        on_epoch_end=lambda epoch, logs: seen.append(sorted(logs)),
        on_train_end=lambda logs: seen.append("end"),
        every_n_steps=10,
    )
    line().fit(*DATA, 4, 1, 0, callbacks=[callback])
    assert seen == ["begin", 0, (9, ["loss"]), ["loss"], "end"]


def test_every_hook_may_be_given_and_none_has_to_be() -> None:
    seen: list[str] = []
    callback = LambdaCallback(
        on_train_batch_begin=None,
        on_test_begin=lambda logs: seen.append("test"),
        on_progress=lambda mode, done, read: seen.append(mode),
    )
    line().evaluate(*DATA, 40, 0, callbacks=[callback])
    assert seen == ["test", "test"]


def test_without_batch_hooks_nothing_is_due() -> None:
    dispatches: list[int] = []
    callback = LambdaCallback(on_progress=lambda mode, done, read: dispatches.append(done))
    line().fit(*DATA, 4, 1, 0, callbacks=[callback])
    assert len(dispatches) < 10


def test_a_misspelt_hook_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"'on_epoch_ends'. Did you mean 'on_epoch_end'"):
        LambdaCallback(on_epoch_ends=print)


def test_what_is_no_function_is_refused() -> None:
    value: Any = "print"
    with pytest.raises(ArgumentError, match="expected `on_epoch_end` to be a function, received"):
        LambdaCallback(on_epoch_end=value)
