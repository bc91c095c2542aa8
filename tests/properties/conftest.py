"""Random programs are compiled by the thousand and never run again: give their memory back."""

from __future__ import annotations

from collections.abc import Iterator

import jax
import pytest


@pytest.fixture(autouse=True)
def forget_compiled_programs() -> Iterator[None]:
    yield
    jax.clear_caches()
