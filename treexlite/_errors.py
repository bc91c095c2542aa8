"""Every exception and warning of the library, as one tree.

An error has four parts: *where* it happened, what was *expected*, what was *received*, and what to
do (`fix`). Each class is also the builtin that a caller would guess, so `except ValueError` keeps
working.

    TreexliteError
    ├── ArgumentError         ValueError      a hyper-parameter outside its range
    ├── ShapeError            ValueError      an array of the wrong rank or size
    ├── RangeError            ValueError      values outside their range (labels, indices)
    ├── DataError             ValueError      data that do not fit together, or are empty
    ├── UnknownNameError      ValueError      a string that names nothing we know
    ├── PathError             ValueError      a path pattern that matches nothing
    ├── StateDictError        ValueError      entries missing, left over or wrongly shaped
    ├── StructureError        ValueError      two trees that do not correspond
    ├── CycleError            ValueError      a module that contains itself
    ├── MappedWriteError      ValueError      a shared field written differently by each lane
    ├── InitializationError   ValueError      `init` lacks something that it needs
    ├── NotInitializedError   RuntimeError    a module used before `init`
    ├── CapturedModuleError   RuntimeError    a traced value for a module outside the trace
    ├── LostMutationError     RuntimeError    plain JAX dropped a module that was written to
    ├── ContextError          RuntimeError    a call outside the context that it needs
    ├── NonFiniteError        RuntimeError    a training step gave NaN or infinity
    ├── CheckpointError       OSError         a checkpoint that cannot be written or trusted
    ├── FieldError            TypeError       a field declared or assigned without meaning
    ├── NodeValueError        TypeError       no array where arrays are due
    └── UnknownFieldError     AttributeError  a field that the module does not have

    TreexliteWarning          UserWarning
    ├── LostMutationWarning                   the same as LostMutationError; `tx.config` chooses
    ├── RetraceWarning                        `tx.jit` compiles at every call
    └── CheckpointWarning                     a load left something out, or a save failed unseen
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class TreexliteError(Exception):
    """Base of every error that the library raises on purpose.

    Args:
        where: the class or function that refuses, for example `"Linear"`.
        expected: what would have been accepted.
        received: what came instead, as `name=value`; arrays by shape and dtype.
        fix: one sentence that says what to do.
    """

    def __init__(self, where: str, *, expected: str, received: str, fix: str) -> None:
        Exception.__init__(self, where, expected, received, fix)  # OSError gives four a meaning
        self.where = where
        self.expected = expected
        self.received = received
        self.fix = fix
        self.path: str | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.path)

    def __str__(self) -> str:
        place = self.where if not self.path else f"{self.where} at {self.path}"
        return f"{place}: expected {self.expected}, received {self.received}. {self.fix}"


def _rebuild(
    cls: type[TreexliteError], parts: tuple[str, str, str, str], path: str | None
) -> TreexliteError:
    where, expected, received, fix = parts
    error = cls(where, expected=expected, received=received, fix=fix)
    error.path = path
    return error


class ArgumentError(TreexliteError, ValueError):
    """A hyper-parameter or option outside its range."""


class ShapeError(TreexliteError, ValueError):
    """An array of the wrong rank or size."""


class RangeError(TreexliteError, ValueError):
    """Values outside the range that gives them a meaning."""


class DataError(TreexliteError, ValueError):
    """Data that is empty or whose parts do not fit together."""


class UnknownNameError(TreexliteError, ValueError):
    """A string that names nothing; the message lists the close matches."""


class PathError(TreexliteError, ValueError):
    """A path pattern that matches no field."""


class StateDictError(TreexliteError, ValueError):
    """A state dict with missing, unexpected or wrongly shaped entries, all listed."""


class StructureError(TreexliteError, ValueError):
    """Two trees whose parts do not correspond."""


class CycleError(TreexliteError, ValueError):
    """A module that contains itself."""


class MappedWriteError(TreexliteError, ValueError):
    """Lanes of a mapped function gave different values to what they share."""


class InitializationError(TreexliteError, ValueError):
    """`init` cannot create a field with what it was given."""


class NotInitializedError(TreexliteError, RuntimeError):
    """A module was used before `init`."""


class CapturedModuleError(TreexliteError, RuntimeError):
    """A traced value was written to a module that lives outside the trace."""


class LostMutationError(TreexliteError, RuntimeError):
    """A module was written to under plain JAX and dropped, while `tx.config` makes that an error.

    See `LostMutationWarning`.
    """


class ContextError(TreexliteError, RuntimeError):
    """A function was called outside the context that it needs."""


class NonFiniteError(TreexliteError, RuntimeError):
    """A training step gave NaN or infinity; the message names the first place."""


class CheckpointError(TreexliteError, OSError):
    """A checkpoint that cannot be written or read, or whose content cannot be trusted.

    `errno` and `filename` are those of the operating system where it refused, else None.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        return (*super().__reduce__(), {"errno": self.errno, "filename": self.filename})


class FieldError(TreexliteError, TypeError):
    """A field was declared or assigned in a way that has no meaning."""


class NodeValueError(TreexliteError, TypeError):
    """A value that is not an array stands in a field, or an argument, of arrays."""


class UnknownFieldError(TreexliteError, AttributeError):
    """A field that the module does not have."""


class TreexliteWarning(UserWarning):
    """Base of every warning that the library gives."""


class LostMutationWarning(TreexliteWarning):
    """A module was written to under plain JAX and dropped, so the caller never sees the change.

    The message names the class, its path in the arguments, the field and the line that wrote.
    `tx.config.update(lost_mutation="error")` raises `LostMutationError` instead, `"off"` is silent.
    """


class RetraceWarning(TreexliteWarning):
    """A static attribute changes in call after call of a `tx.jit`, and each change compiles.

    Given once for each function and attribute. `tx.config.update(retrace="off")` is silent.
    """


class CheckpointWarning(TreexliteWarning):
    """A checkpoint was loaded in part, or an asynchronous save failed and nobody waited for it."""


_LISTED = 20


def unknown_name(where: str, what: str, received: str, known: Iterable[str]) -> UnknownNameError:
    """Build the error for a string that names nothing, with the close matches.

    All names are listed when they are few, or when none is close.

    Args:
        where: the function that looked the name up.
        what: what the name should stand for, for example `"a loss"`.
        received: the string that was given.
        known: every accepted string.
    """
    names = sorted(known)
    close = difflib.get_close_matches(received, names, n=3, cutoff=0.5)
    fix = f"Did you mean {' or '.join(map(repr, close))}?" if close else "Use one of those names."
    is_long = close and len(names) > _LISTED  # then the close ones say more than all of them
    listed = f"{len(names)} are known" if is_long else f"one of {', '.join(map(repr, names))}"
    return UnknownNameError(
        where,
        expected=f"the name of {what} ({listed})",
        received=repr(received),
        fix=fix,
    )


def describe(value: Any) -> str:
    """Render a received value for a message: arrays as shape and dtype, the rest short."""
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if shape is not None and dtype is not None:
        return f"array of shape {tuple(shape)} and dtype {dtype}"
    text = repr(value)
    text = text if len(text) <= 80 else f"{text[:77]}..."
    return f"{text} (a {type(value).__name__})"
