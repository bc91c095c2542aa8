"""Names of `treexlite` that are imported when they are first used.

In: a name. Out: the room, class or function. Who needs the kernel alone does not wait for layers,
metrics and the trainer to be imported. What may mutate: the package, which keeps what was found.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

ROOMS = (
    "callbacks",
    "checkpoints",
    "constraints",
    "interop",
    "losses",
    "metrics",
    "models",
    "nn",
    "optimizers",
    "regularizers",
    "serving",
    "training",
)
HOMES = {
    "History": "training",
    "Optimizer": "optimizers",
    "TrainState": "training",
    "Trainer": "training",
    "export": "serving",
    "load": "checkpoints",
    "load_exported": "serving",
    "save": "checkpoints",
    "TrainerClassifier": "interop",
    "TrainerRegressor": "interop",
}


def __getattr__(name: str) -> Any:  # the package is asked through it
    """Return what `name` stands for.

    Raises:
        ImportError: a package that it needs is not installed.
        AttributeError: there is no such name.
    """
    package = sys.modules["treexlite"]
    if name in ROOMS:
        return importlib.import_module(f"treexlite.{name}")
    if name not in HOMES:
        raise AttributeError(
            f"module 'treexlite' has no attribute {name!r}",
            name=name,
            obj=package,  # from which Python suggests what was meant
        )
    found = getattr(importlib.import_module(f"treexlite.{HOMES[name]}"), name)
    setattr(package, name, found)
    return found


def __dir__() -> list[str]:
    """Return the names that are there, and those that would be imported."""
    return sorted({*vars(sys.modules["treexlite"]), *ROOMS, *HOMES})
