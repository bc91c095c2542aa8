"""What does it cost to save and to load, and what does a save cost a training that goes on?

Writes and reads the same float32 arrays with `tx.save` and `tx.load`, with the plain `safetensors`
package, and, where they are installed, with Orbax, Flax's msgpack and Equinox. All write to a new
name each time; "and fsync" waits for the disk, as treexlite always does and the others but Orbax do
not. treexlite also computes and compares a checksum of every byte, which none of the others does;
one more row loads without comparing. The last table makes training steps with and without a save in
the background every so many steps, as processor time is shared.

    python benchmarks/checkpoint.py                    # 1 GB
    python benchmarks/checkpoint.py --megabytes 256 --folder /dev/shm
    python benchmarks/checkpoint.py --quick --no-peers
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
from rounds import interleaved, report
from safetensors.flax import load_file, save_file

import treexlite as tx

Arrays = dict[str, jax.Array]
Contender = tuple[Callable[[Path, Arrays], Any], Callable[[Path, Arrays], Any]]


def build(megabytes: int, count: int) -> Arrays:
    """Return `count` arrays of equal size."""
    size = megabytes * 2**20 // 4 // count
    keys = jax.random.split(jax.random.key(0), count)
    return {f"layer{n}": jax.random.normal(key, (size,)) for n, key in enumerate(keys)}


def flushed(path: Path) -> None:
    """Wait until a file is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def _plain(path: Path, arrays: Arrays) -> None:
    save_file(dict(arrays), path)


def _plain_flushed(path: Path, arrays: Arrays) -> None:
    _plain(path, arrays)
    flushed(path)


def ours() -> dict[str, Contender]:
    """The package that everything is compared with, and treexlite."""
    plain: Contender = (_plain, lambda path, arrays: load_file(path))
    return {
        "safetensors and fsync": (_plain_flushed, plain[1]),
        "safetensors": plain,
        "treexlite, directory": (tx.save, lambda path, arrays: tx.load(path)),
        "treexlite, .safetensors": (
            lambda path, arrays: tx.save(f"{path}.safetensors", arrays),
            lambda path, arrays: tx.load(f"{path}.safetensors"),
        ),
    }


def unverified() -> dict[str, Contender]:
    """A load that trusts the disk, as those of the others do."""
    return {
        "treexlite, verify=False": (tx.save, lambda path, arrays: tx.load(path, verify=False)),
    }


def peers() -> dict[str, Contender]:
    """Those of the others that are installed."""
    found: dict[str, Contender] = {}
    if importlib.util.find_spec("orbax"):
        import orbax.checkpoint as orbax

        found["orbax"] = (
            lambda path, arrays: _orbax_save(orbax, path, arrays),
            lambda path, arrays: orbax.StandardCheckpointer().restore(path.absolute()),
        )
    if importlib.util.find_spec("flax"):
        from flax import serialization

        found["flax msgpack"] = (
            lambda path, arrays: path.write_bytes(serialization.to_bytes(arrays)),
            lambda path, arrays: jax.tree.map(
                jnp.asarray, serialization.msgpack_restore(path.read_bytes())
            ),
        )
    if importlib.util.find_spec("equinox"):
        import equinox

        found["equinox"] = (
            equinox.tree_serialise_leaves,
            equinox.tree_deserialise_leaves,
        )
    return found


def _orbax_save(orbax: Any, path: Path, arrays: Arrays) -> None:
    with orbax.StandardCheckpointer() as checkpointer:
        checkpointer.save(path.absolute(), arrays)


def savings(contenders: dict[str, Contender], arrays: Arrays, folder: Path) -> dict[str, Any]:
    """Return for each contender a call that saves to a new name, and removes the file before."""
    numbers = itertools.count()

    def saving(save: Callable[[Path, Arrays], Any]) -> Callable[[], None]:
        def call() -> None:
            for old in folder.iterdir():
                shutil.rmtree(old) if old.is_dir() else old.unlink()
            save(folder / f"checkpoint{next(numbers)}", arrays)

        return call

    return {name: saving(save) for name, (save, _) in contenders.items()}


def loadings(contenders: dict[str, Contender], arrays: Arrays, folder: Path) -> dict[str, Any]:
    """Return for each contender a call that loads what it has saved once."""
    found = {}
    for number, (name, (save, load)) in enumerate(contenders.items()):
        path = folder / f"loaded{number}"
        save(path, arrays)
        found[name] = lambda load=load, path=path: load(path, arrays)
    return found


def trainings(arrays: Arrays, folder: Path, steps: int) -> dict[str, Any]:
    """Return calls of `steps` training steps: alone, with a save in the background, and waiting."""

    @jax.jit
    def step(arrays: Arrays) -> Arrays:
        return jax.tree.map(jnp.tanh, arrays)

    def train(save: Callable[[Arrays], Any]) -> Callable[[], Any]:
        def call() -> Any:
            state = arrays
            for number in range(steps):
                state = step(state)
                if number == 0:
                    save(state)
            return jax.block_until_ready(state)

        return call

    path = folder / "training"
    return {
        "no save": train(lambda state: None),
        "a save in the background": train(lambda state: tx.save(path, state, asynchronous=True)),
        "a save that waits": train(lambda state: tx.save(path, state)),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=1024)
    parser.add_argument("--arrays", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=50, help="of training for one save")
    parser.add_argument("--folder", help="on the disk in question")
    parser.add_argument("--no-peers", action="store_true", help="safetensors and treexlite only")
    parser.add_argument("--quick", action="store_true", help="4 MB, one round, 3 steps")
    options = parser.parse_args(arguments)
    if options.quick:
        options.megabytes, options.rounds, options.steps = 4, 1, 3
    arrays = build(options.megabytes, options.arrays)
    contenders = ours() if options.no_peers else {**ours(), **peers()}
    print(
        f"jax {jax.__version__}, {jax.devices()[0].platform}, {os.cpu_count()} cores, microseconds"
    )
    size = f"{options.megabytes} MB in {options.arrays} arrays"
    loaded = {**contenders, **unverified()}
    for title, make, chosen in (("save", savings, contenders), ("load", loadings, loaded)):
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            calls = make(chosen, arrays, Path(folder))
            report(f"{title} {size}", interleaved(calls, options.rounds, 1))
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        megabytes = min(options.megabytes, 128)
        calls = trainings(build(megabytes, options.arrays), Path(folder), options.steps)
        title = f"{options.steps} steps on {megabytes} MB, one save"
        report(title, interleaved(calls, options.rounds, 1))
        tx.load(Path(folder) / "training", mmap=True)  # waits for the last save


if __name__ == "__main__":
    main()
