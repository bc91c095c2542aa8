import threading
import zlib

import pytest

from treexlite.checkpoints import _checks
from treexlite.checkpoints._checks import Checks


@pytest.mark.parametrize("size", [0, 5, 2**18, 2**20])
def test_large_and_small_pieces_get_their_checksums(size: int) -> None:
    data = bytes(range(256)) * (size // 256) + bytes(size % 256)
    checks = Checks()
    waits = [checks.start(memoryview(data)) for _ in range(3)]
    assert [wait() for wait in waits] == [f"{zlib.crc32(data):08x}"] * 3
    checks.close()
    checks.close()


def test_only_large_pieces_go_to_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_checks, "checksum", lambda data: threading.current_thread().name)
    checks = Checks()
    here = threading.current_thread().name
    assert checks.start(memoryview(bytes(10)))() == here
    assert checks.start(memoryview(bytes(2**18)))() != here
    checks.close()
