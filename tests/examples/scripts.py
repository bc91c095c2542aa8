"""Loads the scripts under `examples/`, which are files and no package."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

EXAMPLES = Path(__file__).parents[2] / "examples"


def load(name: str) -> ModuleType:
    """Import the script `examples/<name>.py`, without running its `main`.

    As when it is run, it can import the scripts beside it: their directory comes first in
    `sys.path` for as long as the import takes.
    """
    unique = "examples_" + name.replace("/", "_")
    path = EXAMPLES / f"{name}.py"
    spec = importlib.util.spec_from_file_location(unique, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[unique] = module
    with patch.object(sys, "path", [str(path.parent), *sys.path]):
        spec.loader.exec_module(module)
    return module
