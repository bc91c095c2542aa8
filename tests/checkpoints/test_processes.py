"""A job of two processes: one writes what both have, and each finds it afterwards."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from treexlite._errors import CheckpointError
from treexlite.checkpoints import _processes
from treexlite.checkpoints._processes import by_the_first

PROGRAM = """
import json, sys
import jax

jax.config.update("jax_cpu_collectives_implementation", "gloo")
rank, address, folder = int(sys.argv[1]), sys.argv[2], sys.argv[3]
jax.distributed.initialize(address, 2, rank)

import jax.numpy as jnp
import numpy as np
import treexlite as tx
from treexlite.checkpoints import _disk

mesh = jax.sharding.Mesh(np.array(jax.devices()), ("x",))
whole, split = (jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(*p)) for p in ((), "x"))


def array(sharding, values):
    return jax.make_array_from_callback(values.shape, sharding, lambda index: values[index])


def mine(value):
    return [np.asarray(shard.data).tolist() for shard in value.addressable_shards]


def refusal(call):
    try:
        call()
    except tx.errors.CheckpointError as error:
        return str(error)


values = np.arange(4, dtype=np.float32)
w, zero, parts = array(whole, values), array(whole, values * 0), array(split, values)
key = jax.jit(lambda: jax.random.key(3), out_shardings=whole)()
written, write = [], _disk.Sink.write
_disk.Sink.write = lambda sink, data: written.append(len(data)) or write(sink, data)

found = {}
tx.save(f"{folder}/x", {"w": w, "key": key})
found["written"] = bool(written)
found["tree"] = tx.load(f"{folder}/x")["w"].tolist()
back = tx.load(f"{folder}/x", into={"w": zero, "key": key})
found["whole"] = mine(back["w"]), back["w"].sharding == whole, bool((back["key"] == key).all())
found["split"] = mine(tx.load(f"{folder}/x", into={"w": parts}, filters="w")["w"])
found["parts"] = refusal(lambda: tx.save(f"{folder}/y", {"a": {"w": parts}}))
found["failed"] = refusal(lambda: tx.save(f"{folder}/x/treexlite.json/z", {"w": w}))
tx.save(f"{folder}/later", {"w": w}, asynchronous=True).wait()

if sys.argv[4] == "True":
    orbax = tx.interop.orbax
    keys = jax.jit(lambda: jax.random.split(jax.random.key(3), 2), out_shardings=split)()
    orbax.save(f"{folder}/o", {"w": w, "parts": parts, "keys": keys, "n": 3})
    into = {"w": parts, "parts": zero, "keys": keys, "n": 0}
    back = orbax.restore(f"{folder}/o", into)
    same = (jax.random.key_data(back["keys"]) == jax.random.key_data(keys)).all()
    found["orbax"] = mine(back["w"]), mine(back["parts"]), bool(same), back["n"]
print(json.dumps(found))
"""

HAS_ORBAX = importlib.util.find_spec("orbax") is not None


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of two processes says."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    folder = tmp_path_factory.mktemp("job")
    environment = {**os.environ, "XLA_FLAGS": "", "PYTHONPATH": str(Path(__file__).parents[2])}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(rank), address, str(folder), str(HAS_ORBAX)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    said = []
    try:
        for process in started:
            output, errors = process.communicate(timeout=120)
            assert process.returncode == 0, errors
            said.append(json.loads(output.splitlines()[-1]))
    finally:
        for process in started:
            process.kill()
    assert set(os.listdir(folder)) - {"o"} == {"x", "later"}
    return said


def test_only_the_first_process_writes(found: Any) -> None:
    assert [each["written"] for each in found] == [True, False]


def test_the_checkpoint_is_there_for_all_when_save_returns(found: Any) -> None:
    for rank, each in enumerate(found):
        assert each["tree"] == [0, 1, 2, 3]
        assert each["whole"] == [[[0, 1, 2, 3]], True, True]
        assert each["split"] == [[[0, 1], [2, 3]][rank]]


def test_what_the_processes_hold_in_parts_is_refused(found: Any) -> None:
    for each in found:
        assert "save at a/w: expected an array that this process can read" in each["parts"]
        assert "Use `tx.interop.orbax.save`" in each["parts"]


def test_a_failure_of_the_first_process_is_known_to_all(found: Any) -> None:
    assert "NotADirectoryError" in found[0]["failed"]
    assert "to be saved by the first process, received an error there" in found[1]["failed"]


@pytest.mark.skipif(not HAS_ORBAX, reason="orbax-checkpoint is not installed")
def test_orbax_saves_and_restores_what_the_processes_hold_in_parts(found: Any) -> None:
    for rank, each in enumerate(found):
        part = [[[0, 1], [2, 3]][rank]]
        assert each["orbax"] == [part, [[0, 1, 2, 3]], True, 3]


def job(monkeypatch: pytest.MonkeyPatch, rank: int, of_first: bool | None = None) -> list[bool]:
    """Make this process one of two; `of_first` is what the other one says."""
    said: list[bool] = []

    def broadcast(value: Any) -> Any:
        said.append(bool(value))
        return np.asarray(value) if of_first is None else np.array(of_first)

    monkeypatch.setattr(jax, "process_count", lambda: 2)
    monkeypatch.setattr(jax, "process_index", lambda: rank)
    monkeypatch.setattr(_processes.multihost_utils, "broadcast_one_to_all", broadcast)
    return said


def failing() -> None:
    raise OSError("full")


def test_the_first_process_works_and_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    by_the_first("x", lambda: done.append(1))
    said = job(monkeypatch, 0)
    by_the_first("x", lambda: done.append(1))
    with pytest.raises(OSError, match="full"):
        by_the_first("x", failing)
    assert (done, said) == ([1, 1], [False, True])


def test_the_others_wait_and_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    job(monkeypatch, 1, of_first=False)
    by_the_first("x", failing)
    job(monkeypatch, 1, of_first=True)
    with pytest.raises(CheckpointError, match=r"x: .*by the first process, received an error"):
        by_the_first("x", failing)
