"""Saves that go on while the program does.

In: a function that writes, and a path. Out: a `PendingSave` to wait for. Saves to one path are
made one after the other, in the order in which they were asked for. What mutates: the path.
"""

from __future__ import annotations

import atexit
import threading
import warnings
import weakref
from collections.abc import Callable

from treexlite._errors import CheckpointError, CheckpointWarning


class _State:
    """What the thread and the handle share; the thread keeps it alive while it runs."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.error: BaseException | None = None


_latest: weakref.WeakValueDictionary[str, _State] = weakref.WeakValueDictionary()
_failed: list[_State] = []
_lock = threading.Lock()


class PendingSave:
    """A checkpoint that another thread is writing, from `tx.save(..., asynchronous=True)`.

    The program does not end before it is written. When it fails and nobody waits for it, the next
    save or the end of the program gives a `CheckpointWarning`.

    Args:
        path: where the checkpoint will be.
        work: writes it.

    Attributes:
        path: where the checkpoint will be.
    """

    def __init__(self, path: str, work: Callable[[], None]) -> None:
        self.path = path
        self._state = _State()
        with _lock:
            before = _latest.get(path)
            _latest[path] = self._state
        thread = threading.Thread(target=_run, args=(self._state, before, work), daemon=False)
        thread.start()

    def done(self) -> bool:
        """Whether it is written, or has failed."""
        return self._state.done.is_set()

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the checkpoint is on the disk.

        Args:
            timeout: seconds to wait at most; None waits as long as it takes.

        Raises:
            CheckpointError: the checkpoint could not be written; what was there before is as it
                was. Also when it takes longer than `timeout`; it may still succeed then.
        """
        if not self._state.done.wait(timeout):
            raise CheckpointError(
                f"checkpoint {self.path}",
                expected=f"the checkpoint to be saved within {timeout} seconds",
                received="a save that is still running",
                fix="Wait longer.",
            )
        with _lock:
            if self._state in _failed:
                _failed.remove(self._state)
        if self._state.error is not None:
            raise self._state.error

    def __repr__(self) -> str:
        return f"PendingSave({self.path!r}, {'done' if self.done() else 'running'})"


def _run(state: _State, before: _State | None, work: Callable[[], None]) -> None:
    if before is not None:
        before.done.wait()
    try:
        work()
    except BaseException as error:  # kept for whoever waits
        state.error = error
        with _lock:
            _failed.append(state)
    finally:
        state.done.set()


def wait_for(path: str) -> None:
    """Wait until the saves to a path that are running are done, however they end."""
    with _lock:
        state = _latest.get(path)
    if state is not None:
        state.done.wait()


@atexit.register
def warn_of_failures() -> None:
    """Warn of the saves that failed and that nobody waited for, each of them once."""
    with _lock:
        failed = _failed.copy()
        _failed.clear()
    for state in failed:
        warnings.warn(f"a save failed: {state.error}", CheckpointWarning, stacklevel=3)
