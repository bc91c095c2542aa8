"""Settings of the whole test run: the platform, and how hypothesis searches.

Profiles of hypothesis: `default` runs the same programs each time, `ci` does too and prints how to
repeat a failure, `search` (`--hypothesis-profile=search`) looks for new ones. How many it tries can
be set with `TREEXLITE_MAX_EXAMPLES`.
"""

import gc
import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.budget import examples


def is_known_to_xla(flag: str) -> bool:
    """Try a flag in another process, because XLA ends the process at one that it does not know."""
    environment = {**os.environ, "XLA_FLAGS": flag, "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", "import jax; jax.devices()"]
    return subprocess.run(command, env=environment, capture_output=True).returncode == 0


def pytest_configure(config: pytest.Config) -> None:
    """Make our own warnings errors wherever they point: the suite proves that none is false.

    Not in pyproject.toml, where the name would be looked up before JAX is configured below.
    """
    config.addinivalue_line("filterwarnings", "error::treexlite._errors.TreexliteWarning")


# JAX reads this when it is imported, which happens in the test files.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
# For the laws of what runs on many devices; arrays are on the first one unless a test asks.
if "device_count" not in os.environ.get("XLA_FLAGS", ""):
    flags = os.environ.get("XLA_FLAGS", ""), "--xla_force_host_platform_device_count=4"
    os.environ["XLA_FLAGS"] = " ".join(flags).strip()
# Nearly all the time of the tests is spent compiling programs that run once.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
# Fusion emitters take four times as long; parts of a small program need no threads of their own.
compiles_faster = "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
if compiles_faster not in os.environ["XLA_FLAGS"] and is_known_to_xla(compiles_faster):
    os.environ["XLA_FLAGS"] += f" {compiles_faster}"  # for the workers as well
# Laws compile the same small programs again and again, in every worker: the first one keeps them.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parent.parent / ".xla_cache"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

# Tracing and compiling make the first example slow, which says nothing about the test.
settings.register_profile(
    "default",
    derandomize=True,
    deadline=None,
    max_examples=examples(100),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("ci", parent=settings.get_profile("default"), print_blob=True)
settings.register_profile("search", parent=settings.get_profile("default"), derandomize=False)
settings.load_profile("ci" if os.environ.get("CI") else "default")


GROWTH = 3.0  # gigabytes of programs that a process keeps
MAPPINGS = 30_000  # of memory; Linux ends a process that has 65,530, and each program is several
LOOK_EVERY = 30  # tests
_kept = [0.0]
_tests = itertools.count(1)


def pytest_collection_finish() -> None:
    """Let no collection look at what was imported: tests that collect are then quick."""
    gc.collect()
    gc.freeze()


def pytest_runtest_teardown() -> None:
    """Give the memory of compiled programs back when there is much of it.

    Seldom, because they have to be made again: what the allocator keeps after that does not count.
    """
    if next(_tests) % LOOK_EVERY:
        return
    if _resident_gigabytes() > _kept[0] + GROWTH or _mappings() > MAPPINGS:
        import jax

        jax.clear_caches()
        gc.collect()
        _kept[0] = _resident_gigabytes()


def _mappings() -> int:
    """Return how many mappings of memory this process has; 0 where the system does not say."""
    try:
        return Path("/proc/self/maps").read_bytes().count(b"\n")
    except OSError:
        return 0


def _resident_gigabytes() -> float:
    """Return the memory of this process; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**30
