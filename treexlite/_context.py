"""The context of running code: which module was called by which, and what listens to it.

One `ContextVar` holds a linked list of frames. Context variables belong to the thread (and to the
async task), so two threads never see each other's frames.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any


class Frame:
    """One call on the stack of modules.

    Attributes:
        module: the module that runs, or None for a frame that only carries a listener.
        parent: the frame below.
        init: the initialisation that is under way, if any.
        keys: where `next_key` takes its keys from, if anywhere.
        recorder: called with `(module, output)` after each module's call, if set.
        compact: names of inline submodules while a compact method runs, else None.
    """

    __slots__ = ("compact", "init", "keys", "module", "parent", "recorder")

    def __init__(self, module: Any, parent: Frame | None) -> None:
        self.module = module
        self.parent = parent
        self.compact: Any = None
        if parent is None:
            self.init: Any = None
            self.keys: Any = None
            self.recorder: Any = None
        else:
            self.init = parent.init
            self.keys = parent.keys
            self.recorder = parent.recorder


FRAME: ContextVar[Frame | None] = ContextVar("treexlite_frame", default=None)


def current_init() -> Any:
    """Return the initialisation that is under way in this thread, or None."""
    frame = FRAME.get()
    return None if frame is None else frame.init


@contextlib.contextmanager
def entered(module: Any, **listeners: Any) -> Iterator[Frame]:
    """Push a frame for `module`, with the given attributes of `Frame` set on it."""
    frame = Frame(module, FRAME.get())
    for name, value in listeners.items():
        setattr(frame, name, value)
    token = FRAME.set(frame)
    try:
        yield frame
    finally:
        FRAME.reset(token)
