"""Ctrl-C waits for the end of a step, and only there."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from treexlite.training._interrupt import held_back


@pytest.fixture(autouse=True)
def _python_handler() -> Iterator[None]:
    """Tests may run in a process that ignores the signal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interruption_waits_for_the_check() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), held_back() as check:  # noqa: PT012
        check()
        signal.raise_signal(signal.SIGINT)
        done.append("the rest of the step")
        check()
        done.append("the next step")
    assert done == ["the rest of the step"]


def test_an_interruption_is_not_forgotten_at_the_end() -> None:
    with pytest.raises(KeyboardInterrupt), held_back():
        signal.raise_signal(signal.SIGINT)


def test_a_second_interruption_does_not_wait() -> None:
    with pytest.raises(KeyboardInterrupt), held_back():  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("the second interruption waited")


def test_the_handler_is_restored() -> None:
    before = signal.getsignal(signal.SIGINT)
    with held_back():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(ValueError, match="from the step"), held_back():
        raise ValueError("from the step")
    assert signal.getsignal(signal.SIGINT) is before


def test_an_error_is_not_replaced_by_the_interruption() -> None:
    with pytest.raises(ValueError, match="from the step"), held_back():  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        raise ValueError("from the step")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_handler_of_the_user_runs_at_the_check_and_may_go_on(number: int) -> None:
    seen: list[str] = []
    before = signal.signal(number, lambda number, frame: seen.append("handled"))
    mine = signal.getsignal(number)
    try:
        with held_back() as check:
            signal.raise_signal(number)
            seen.append("the rest of the step")
            check()
            seen.append("the next step")
            signal.raise_signal(number)
        assert seen == ["the rest of the step", "handled", "the next step", "handled"]
        assert signal.getsignal(number) is mine
    finally:
        signal.signal(number, before)


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with held_back() as check:
            signal.raise_signal(signal.SIGINT)
            check()
    finally:
        signal.signal(signal.SIGINT, before)


def test_sigterm_waits_for_the_check_and_ends_the_process_after_the_block() -> None:
    script = """
import signal
from treexlite.training._interrupt import Terminated, held_back
with held_back() as check:
    signal.raise_signal(signal.SIGTERM)
    print("the rest of the step")
    try:
        check()
    except Terminated:
        print("the end of training", flush=True)
        raise
print("not reached")
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGTERM, done.stderr
    assert done.stdout.splitlines() == ["the rest of the step", "the end of training"]


def test_other_threads_leave_signals_alone() -> None:
    seen = []

    def work() -> None:
        with held_back() as check:
            check()
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]
