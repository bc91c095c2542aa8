"""Ctrl-C and SIGTERM that wait for the end of a dispatch.

A compiled step reuses the memory of the state, and writes the new arrays into the modules when it
is done. An interruption in between would leave deleted arrays behind, so signals are held back
until the loop asks for them.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

SIGNALS = signal.SIGINT, signal.SIGTERM


class Terminated(BaseException):
    """SIGTERM came, and nobody handles it: the loop ends in order, then the process does."""


@contextlib.contextmanager
def held_back() -> Iterator[Callable[[], None]]:
    """Hold Ctrl-C and SIGTERM back inside the `with` block; a second one acts at once.

    Signals arrive in the main thread; in another one nothing is held back. A handler that the user
    installed runs when the loop asks, and decides by itself whether to raise.

    Yields:
        A function that acts on what was held back: raises KeyboardInterrupt or `Terminated`, or
        calls the user's handler.

    Raises:
        KeyboardInterrupt: Ctrl-C came.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    pending: list[int] = []
    handlers = {int(number): signal.getsignal(number) for number in SIGNALS}
    held: dict[int, Any] = {
        number: old for number, old in handlers.items() if callable(old) or old == signal.SIG_DFL
    }

    def remember(number: int, frame: Any) -> None:
        if number in pending:
            signal.signal(number, held[number])
            signal.raise_signal(number)
        pending.append(number)

    def check() -> None:
        while pending:
            number = pending.pop(0)
            handler = held[number]
            if handler == signal.SIG_DFL:
                raise Terminated if number == signal.SIGTERM else KeyboardInterrupt
            handler(number, None)  # Python's own raises KeyboardInterrupt

    for number in held:
        signal.signal(number, remember)
    try:
        yield check
    except Terminated:
        pending.append(signal.SIGTERM)
    finally:
        for number, old in held.items():
            signal.signal(number, old)
    for number in pending:
        signal.raise_signal(number)
