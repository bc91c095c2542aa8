"""What users give as `callbacks`, looked at before anything runs.

In: one callback, or a sequence of them. Out: a list of our own, or an error that says what to
change. Nothing is mutated.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

import numpy as np

from treexlite._errors import ArgumentError, UnknownNameError, describe
from treexlite.callbacks._callback import HOOKS, Callback


def checked(where: str, callbacks: Any) -> list[Callback]:
    """Return a new list of the callbacks, after a look at each.

    Raises:
        ArgumentError: something is no callback, is there twice, or has a period out of range.
        UnknownNameError: a method looks like a hook with its name misspelt.
    """
    if callbacks is None:
        return []
    given = [callbacks] if isinstance(callbacks, Callback) else callbacks
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise _no_callback(where, "callbacks", given)
    for place, callback in enumerate(given):
        if not isinstance(callback, Callback):
            raise _no_callback(where, f"callbacks[{place}]", callback)
        if any(callback is earlier for earlier in given[:place]):
            raise ArgumentError(
                where,
                expected="each callback once",
                received=f"callbacks[{place}], {type(callback).__name__}, for the second time",
                fix="Build another one, or leave it out.",
            )
        _check_callback(f"{where}: callbacks[{place}], {type(callback).__name__}", callback)
    return list(given)


def _check_callback(where: str, callback: Callback) -> None:
    period: Any = callback.every_n_steps
    if isinstance(period, bool) or not isinstance(period, (int, np.integer)) or period < 0:
        raise ArgumentError(
            where,
            expected="`every_n_steps` to be an integer from 0 on",
            received=f"every_n_steps={describe(period)}",
            fix="1 is after every step; 0 calls no batch hook.",
        )
    methods = [name for name in dir(callback) if name.startswith("on_") and name not in HOOKS]
    for name in methods:
        close = difflib.get_close_matches(name, HOOKS, n=2, cutoff=0.75)
        if close and callable(getattr(callback, name)):
            raise UnknownNameError(
                where,
                expected=f"methods that begin with `on_` to be hooks ({', '.join(HOOKS)})",
                received=f"`{name}`, which is never called",
                fix=f"Did you mean {' or '.join(f'`{hook}`' for hook in close)}?",
            )


def _no_callback(where: str, name: str, value: Any) -> ArgumentError:
    is_class = isinstance(value, type) and issubclass(value, Callback)
    return ArgumentError(
        where,
        expected=f"`{name}` to be {'a callback' if '[' in name else 'a list of callbacks'}",
        received=f"{name}={describe(value)}",
        fix=f"Write `{value.__name__}(...)`: an object of the class."
        if is_class
        else "Pass objects of classes that derive from `tx.callbacks.Callback`.",
    )


def unknown_log(where: str, name: str, known: Sequence[str]) -> UnknownNameError:
    """Build the error for a callback that waits for a number which nobody logs."""
    close = difflib.get_close_matches(name, known, n=2, cutoff=0.5)
    fix = f"Did you mean {' or '.join(map(repr, close))}?" if close else "Use one of those names."
    if name.startswith("val_") and not any(other.startswith("val_") for other in known):
        fix = "There is no validation: pass `validation_data` or `validation_split` to `fit`."
    return UnknownNameError(
        where,
        expected=f"a name among the logs ({', '.join(known)})",
        received=repr(name),
        fix=fix,
    )
