"""Loads the scripts under `benchmarks/`, which import what stands beside them."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def load(name: str) -> ModuleType:
    """Import the script `benchmarks/<name>.py`, without running its `main`."""
    if str(BENCHMARKS) not in sys.path:
        sys.path.append(str(BENCHMARKS))
    unique = f"benchmarks_{name}"
    if unique not in sys.modules:
        spec = importlib.util.spec_from_file_location(unique, BENCHMARKS / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[unique] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[unique])
    return sys.modules[unique]
