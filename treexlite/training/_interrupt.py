"""Ctrl-C that waits for the end of a step.

A compiled step reuses the memory of the state, and writes the new arrays into the modules when it
is done. An interruption in between would leave deleted arrays behind, so the signal is held back
until the loop asks for it.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def held_back() -> Iterator[Callable[[], None]]:
    """Hold Ctrl-C back inside the `with` block; a second one interrupts at once.

    Only Python's own handler is replaced, and only in the main thread, where signals arrive.

    Yields:
        A function that raises the KeyboardInterrupt that was held back, if there is one.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield lambda: None
        return
    pending = False

    def remember(number: int, frame: Any) -> None:
        nonlocal pending
        if pending:
            signal.default_int_handler(number, frame)
        pending = True

    def check() -> None:
        if pending:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, remember)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    check()
