"""Settings hold for the process, or for a block in one thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import treexlite as tx
from treexlite import _config
from treexlite._errors import UnknownFieldError, UnknownNameError


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    before = dict(_config._process)
    yield
    _config._process.update(before)


def test_defaults_and_repr() -> None:
    assert repr(tx.config) == "tx.config(lost_mutation='warn', retrace='warn')"


def test_update_holds_for_the_process_and_assignment_is_the_same() -> None:
    tx.config.update(lost_mutation="error", retrace="off")
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: tx.config.lost_mutation).result() == "error"
    tx.config.lost_mutation = "off"
    assert (tx.config.lost_mutation, tx.config.retrace) == ("off", "off")


def fail_inside() -> None:
    with tx.config(lost_mutation="error"):
        with tx.config(retrace="off"):
            assert (tx.config.lost_mutation, tx.config.retrace) == ("error", "off")
        assert (tx.config.lost_mutation, tx.config.retrace) == ("error", "warn")
        raise KeyError


def test_a_block_holds_until_its_end_also_after_an_error() -> None:
    with pytest.raises(KeyError):
        fail_inside()
    assert tx.config.lost_mutation == "warn"


def test_a_block_outranks_the_process() -> None:
    with tx.config(lost_mutation="off"):
        tx.config.update(lost_mutation="error", retrace="off")
        assert (tx.config.lost_mutation, tx.config.retrace) == ("off", "off")
    assert tx.config.lost_mutation == "error"


def test_a_block_belongs_to_its_thread() -> None:
    inside, seen = threading.Barrier(2, timeout=30), []

    def other() -> None:
        inside.wait()
        seen.append(tx.config.lost_mutation)
        inside.wait()

    thread = threading.Thread(target=other)
    thread.start()
    with tx.config(lost_mutation="off"):
        inside.wait()
        inside.wait()
    thread.join()
    assert seen == ["warn"]


@pytest.mark.parametrize("use", [tx.config.update, tx.config])
def test_unknown_names_and_values_name_the_close_ones(use: Any) -> None:
    with pytest.raises(UnknownNameError, match=r"a setting .*'lost_muta'.* mean 'lost_mutation'"):
        use(lost_muta="warn")
    with pytest.raises(UnknownNameError, match=r"`lost_mutation`.*'errors'.* mean 'error'"):
        use(lost_mutation="errors")
    with pytest.raises(UnknownNameError, match=r"one of 'off', 'warn'.*received 'None'"):
        use(retrace=None)
    with pytest.raises(UnknownNameError, match="a setting"):
        use(update="warn")
    assert tx.config.lost_mutation == "warn"


def test_nothing_is_set_when_one_of_several_is_wrong() -> None:
    with pytest.raises(UnknownNameError):
        tx.config.update(retrace="off", lost_mutation="?")
    assert tx.config.retrace == "warn"


def test_reading_or_assigning_an_unknown_setting_is_refused() -> None:
    with pytest.raises(UnknownFieldError, match="Did you mean retrace"):
        _ = tx.config.retrase  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        tx.config.retrase = "off"  # type: ignore[attr-defined]
