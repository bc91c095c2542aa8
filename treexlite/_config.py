"""Settings: what the library does when it notices something that it could let pass.

In: `tx.config.update(...)` for the whole process, `with tx.config(...)` for the running thread (or
async task) until the end of the block. Out: `tx.config.<name>`, one look into a context variable.
A block outranks what is set for the process, also when that changes meanwhile.
"""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from treexlite._errors import UnknownFieldError, unknown_name


class Setting:
    """One setting of `Config`.

    Args:
        values: what it may be; the first is the default.
    """

    def __init__(self, *values: str) -> None:
        self.values = values

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name
        _process[name] = self.values[0]

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        scoped = _SCOPED.get()
        return _process[self.name] if scoped is None else scoped.get(self.name, _process[self.name])

    def __set__(self, instance: Config, value: str) -> None:
        instance.update(**{self.name: value})


_process: dict[str, str] = {}
_SCOPED: ContextVar[dict[str, str] | None] = ContextVar("treexlite_config", default=None)


class Config:
    """The settings of the library; `tx.config` is the one instance.

    `tx.config.update(retrace="off")` sets for the whole process, `with tx.config(retrace="off"):`
    for the running thread until the block ends, and `tx.config.retrace` reads.

    Attributes:
        lost_mutation: what happens when plain JAX (`jax.jit`, `jax.grad`, ...) drops a module that
            was written to while it traced: `"warn"` (the default, `LostMutationWarning`),
            `"error"` (`LostMutationError`), or `"off"`.
        retrace: what happens when a static attribute changes in call after call, so that `tx.jit`
            compiles each time: `"warn"` (the default, `RetraceWarning`), or `"off"`.

    Raises:
        UnknownNameError: there is no such setting, or it has no such value; close ones are named.

    Example:
        >>> import treexlite as tx
        >>> with tx.config(retrace="off"):
        ...     tx.config
        tx.config(lost_mutation='warn', retrace='off')
        >>> tx.config.retrace
        'warn'
    """

    __slots__ = ()

    lost_mutation = Setting("warn", "error", "off")
    retrace = Setting("warn", "off")

    def update(self, **settings: str) -> None:
        """Set some settings for the whole process."""
        _process.update(_checked(settings))

    def __call__(self, **settings: str) -> contextlib.AbstractContextManager[None]:
        return _scope(_checked(settings))

    def __getattr__(self, name: str) -> Any:
        close = difflib.get_close_matches(name, _process)
        raise UnknownFieldError(
            "config",
            expected=f"a setting ({', '.join(_process)})",
            received=name,
            fix=f"Did you mean {' or '.join(close)}?" if close else "Check the spelling.",
        )

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={getattr(self, name)!r}" for name in _process)
        return f"tx.config({settings})"


def _checked(settings: dict[str, str]) -> dict[str, str]:
    for name, value in settings.items():
        setting = vars(Config).get(name)
        if not isinstance(setting, Setting):
            raise unknown_name("config", "a setting", name, _process)
        if value not in setting.values:
            raise unknown_name("config", f"a value of `{name}`", str(value), setting.values)
    return settings


@contextlib.contextmanager
def _scope(settings: dict[str, str]) -> Iterator[None]:
    token = _SCOPED.set({**(_SCOPED.get() or {}), **settings})
    try:
        yield
    finally:
        _SCOPED.reset(token)


config = Config()
"""The settings; see `Config`."""
