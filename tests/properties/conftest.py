"""Random programs are compiled by the thousand and never run again: give their memory back.

Other tests keep theirs, because the next test uses most of it again.
"""

from __future__ import annotations

from collections.abc import Iterator

import jax
import pytest


@pytest.fixture(autouse=True)
def forget_compiled_programs(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if request.node.get_closest_marker("hypothesis"):
        jax.clear_caches()
