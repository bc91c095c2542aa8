"""`load_exported`: a program from a file, as a callable.

In: a path that `tx.export` wrote. Out: an `Exported`. Nothing is mutated. Loading parses JSON and
the serialised program, and executes neither; a call executes the StableHLO, and no Python. It is a
program all the same: checksums tell damage, not bad intent.
"""

from __future__ import annotations

import os
from typing import Any

import jax
import numpy as np
from jax import export as jax_export

from treexlite._errors import ContextError, ShapeError
from treexlite.checkpoints import Checkpoint
from treexlite.checkpoints._format import located
from treexlite.checkpoints._reader import suspicion
from treexlite.checkpoints._refusals import damaged
from treexlite.serving._inputs import checked, require_64_bits
from treexlite.serving._manifest import (
    PARAMETERS,
    PROGRAM,
    Description,
    described,
    require_agreement,
    signature,
)
from treexlite.serving._specs import spec_of


class Exported:
    """A model that was exported: call it with the inputs of the model.

    Each new combination of sizes is compiled at its first call, so a server should fill its batches
    up to a few sizes. It may stand inside of `jax.jit`, and can be neither mapped nor
    differentiated.

    Args:
        path: where it was loaded from.
        description: what it takes and gives.
        program: what `jax.export` deserialised; it takes `(parameters, *inputs)`.
        parameters: `{path: array}`.
        written_by: versions of what wrote it.

    Attributes:
        inputs: for each argument a tree of `ArraySpec`s.
        outputs: a tree of `ArraySpec`s.
        platforms: where it runs.
        constraints: what holds for sizes that can be any, such as `"time <= 512"`.

    Raises:
        ContextError: of a call: it stands inside of `jax.vmap`.
        StructureError: of a call: there are more or fewer inputs, or in other containers.
        ShapeError: of a call: an input has other axes.
        ArgumentError: of a call: an input has another dtype, or is no array.

    Example:
        >>> import os, tempfile, jax.numpy as jnp, treexlite as tx
        >>> path = os.path.join(tempfile.mkdtemp(), "model")
        >>> tx.export(tx.nn.Linear(2).init(0, jnp.ones((1, 3))), jnp.ones((1, 3)), path)
        >>> exported = tx.load_exported(path)
        >>> exported.inputs, exported.outputs
        ((ArraySpec(batch, 3; float32),), ArraySpec(batch, 2; float32))
    """

    def __init__(
        self,
        path: str,
        description: Description,
        program: jax_export.Exported,
        parameters: dict[str, Any],
        written_by: dict[str, str],
    ) -> None:
        self.path = path
        self.inputs = description.inputs
        self.outputs = description.outputs
        self.platforms = description.platforms
        self.constraints = description.constraints
        self.program = program
        self.written_by = written_by
        self._device = _device(path, self.platforms)
        self.parameters = jax.device_put(parameters, self._device)
        self._call = jax.jit(program.call)

    def __call__(self, *inputs: Any) -> Any:
        inputs = checked(repr(self), self.inputs, inputs)
        if self._device is not None:
            inputs = jax.device_put(inputs, self._device)
        try:
            return self._call(self.parameters, *inputs)
        except NotImplementedError as error:
            raise ContextError(
                repr(self),
                expected="a call with whole batches",
                received=f"one that is mapped ({error})",
                fix="Call it outside of `vmap`: the first axis of its inputs can have any size.",
            ) from error
        except ValueError as error:
            raise ShapeError(
                repr(self),
                expected=f"sizes for which it was exported: {self.inputs}"
                + "".join(f", {constraint}" for constraint in self.constraints),
                received=f"{jax.tree_util.tree_map(spec_of, inputs)} ({error})",
                fix="Change the sizes, or export for others, with `shapes` and `constraints`.",
            ) from error

    def __repr__(self) -> str:
        return f"Exported({self.path!r})"


def load_exported(path: str | os.PathLike[str]) -> Exported:
    """Load a program that `tx.export` wrote.

    The classes of the model are not needed. Nothing in the file is executed before the first call.

    Args:
        path: a file or a directory.

    Returns:
        A callable, with `inputs`, `outputs` and `platforms`.

    Raises:
        CheckpointError: there is no exported program, or it is damaged, of a newer version, or not
            one that this JAX can read.
        ContextError: it was exported for platforms that are not here.
        ArgumentError: `path` is no path; the program has 64 bits and JAX is set to 32.

    Example:
        >>> import os, tempfile, jax, jax.numpy as jnp, treexlite as tx
        >>> path = os.path.join(tempfile.mkdtemp(), "model.safetensors")
        >>> model = tx.nn.MLP([4, 2]).init(0, jnp.ones((1, 3)))
        >>> tx.export(model, jnp.ones((1, 3)), path, platforms=("cpu", "cuda"))
        >>> exported, x = tx.load_exported(path), jnp.arange(12.0).reshape(4, 3)
        >>> bool(jnp.allclose(exported(x), model(x))), exported.platforms
        (True, ('cpu', 'cuda'))

    Reference:
        `jax.export.deserialize` reads the program alone. JAX promises to read what versions of the
        last six months wrote, and to write what those of three weeks before can read.
    """
    shown, _ = located("load_exported", path)
    with Checkpoint(shown) as checkpoint:
        with suspicion(shown, "a program that `tx.export` wrote"):
            description = described(checkpoint.extra)
            tree = checkpoint.tree()
            data, parameters = _parts(tree)
        program = _deserialized(shown, data, checkpoint.written_by)
        with suspicion(shown, "a program that agrees with its manifest"):
            require_agreement(description, program, parameters)
        require_64_bits("load_exported", signature(program))
        return Exported(shown, description, program, parameters, checkpoint.written_by)


def _parts(tree: Any) -> tuple[bytes, dict[str, Any]]:
    """Return the program and the arrays.

    Raises:
        ValueError: they are not there.
    """
    if type(tree) is not dict or set(tree) != {PROGRAM, PARAMETERS}:
        raise ValueError("a checkpoint without a program")
    data, parameters = tree[PROGRAM], tree[PARAMETERS]
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or type(parameters) is not dict:
        raise ValueError("a program that is no bytes, or parameters that are no dict")
    return data.tobytes(), parameters


def _deserialized(path: str, data: bytes, written_by: dict[str, str]) -> jax_export.Exported:
    try:
        program = jax_export.deserialize(bytearray(data))
        if written_by.get("jax") != jax.__version__:
            program.mlir_module()  # only this tells whether all of its operations are known
        return program
    except ImportError:  # of the package `flatbuffers`, without which JAX reads none
        raise
    except Exception as error:  # the parser has no errors of its own
        raise damaged(
            path,
            expected=f"a program that JAX {jax.__version__} can read",
            received=f"one of JAX {written_by.get('jax')} ({type(error).__name__}: {error})",
            fix="Export it again with the version of JAX that is to run it, or a slightly older.",
        ) from error


def _device(path: str, platforms: tuple[str, ...]) -> jax.Device | None:
    """Return a device where the program runs, or None when JAX's own choice is one."""
    if jax_export.default_export_platform() in platforms:
        return None
    for platform in platforms:
        try:
            return jax.local_devices(backend=platform)[0]
        except RuntimeError:  # there is none
            continue
    raise ContextError(
        "load_exported",
        expected=f"a device of {', '.join(platforms)}, for which {path} was exported",
        received=f"JAX with devices of {jax.default_backend()}",
        fix='Export it for several, for example `platforms=("cpu", "cuda")`.',
    )
