"""Names that are imported when they are first used.

In: a name that a door does not have. Out: the class, from a folder whose files import a package
that only an extra installs; so `import treexlite` imports none of them. Nothing is mutated.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

# Each name: the folder that has it, the package that this imports, and the extra to install.
LAZY: dict[str, tuple[str, str, str]] = {
    "TrainerClassifier": ("sklearn", "sklearn", "examples"),
    "TrainerRegressor": ("sklearn", "sklearn", "examples"),
}


def __getattr__(name: str) -> Any:  # the doors import this, and are asked through it
    """Return what `name` stands for.

    Raises:
        ImportError: the package that it needs is not installed.
        AttributeError: there is no such name.
    """
    if name not in LAZY:
        raise AttributeError(
            f"module 'treexlite.interop' has no attribute {name!r}",
            name=name,
            obj=sys.modules["treexlite.interop"],  # from which Python suggests what was meant
        )
    folder, package, extra = LAZY[name]
    try:
        return getattr(importlib.import_module(f"treexlite.interop.{folder}"), name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != package:
            raise
        raise ImportError(
            f"treexlite.{name}: expected the package {package} to be installed, received"
            f" {type(error).__name__}: {error}. Install it: `pip install 'treexlite[{extra}]'`."
        ) from error
