"""Raising an error out of a finalizer, at a place where the running code can bear it.

Python drops what a `__del__` raises, and an asynchronous exception would hit JAX between two steps
that belong together. So the finalizer asks for the *return* of the functions that are running: the
interpreter calls our trace function (`sys.settrace`, this thread only) when one of them returns,
and what that raises is raised by the call. Nobody else may be tracing: with a debugger or a
coverage tool at work the caller has to make do with a warning.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def can_raise_at_return() -> bool:
    """Whether nobody else traces this thread."""
    return hasattr(sys, "settrace") and sys.gettrace() is None


def raise_at_return(
    frames: list[FrameType], ready: Callable[[], bool], error: BaseException
) -> None:
    """Have `error` raised by the first of `frames` that returns when `ready()`.

    Nothing happens when they raise something else.

    Args:
        frames: running functions of this thread, inner ones first.
        ready: asked at each return.
        error: what is raised.
    """
    waiting = list(frames)
    raising: set[FrameType] = set()

    def stop() -> None:
        sys.settrace(None)
        for frame in waiting:
            frame.f_trace, frame.f_trace_lines = None, True
        waiting.clear()
        raising.clear()

    def local(frame: FrameType, event: str, arg: Any) -> Any:
        if event == "exception":
            raising.add(frame)  # it may handle that
        elif event == "return":
            returns = arg is not None or frame not in raising
            if frame is waiting[-1] or (returns and ready()):
                stop()
            if returns and ready():
                raise error
        return local

    for frame in waiting:
        frame.f_trace_lines = False
        frame.f_trace = local
    sys.settrace(lambda frame, event, arg: None)
