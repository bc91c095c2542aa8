"""Trainers are compiled once and used by one test after the other."""

from collections.abc import Iterator

import pytest

from tests.callbacks.fits import FREE, USED


@pytest.fixture(autouse=True)
def free_trainers() -> Iterator[None]:
    yield
    FREE.extend(USED)
    USED.clear()
