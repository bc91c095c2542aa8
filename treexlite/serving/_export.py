"""`export`: a model to a file that runs without its source code.

In: an initialised model, example inputs and a path. Out: a checkpoint with the program, the arrays
that it reads, and a description of inputs and outputs. What mutates: the path, whole or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import jax
import numpy as np

from treexlite._core._registry import is_module
from treexlite._errors import (
    ArgumentError,
    CheckpointError,
    NotInitializedError,
    UnknownNameError,
    describe,
    unknown_name,
)
from treexlite.checkpoints import Checkpoint
from treexlite.checkpoints._checkpoint import EXTRA, TREE
from treexlite.checkpoints._format import commit, located, snapshot
from treexlite.checkpoints._pending import wait_for
from treexlite.checkpoints._refusals import damaged
from treexlite.checkpoints._structure import encode
from treexlite.serving._lowering import serialized
from treexlite.serving._manifest import PARAMETERS, PROGRAM, is_ours, manifest_of
from treexlite.serving._program import build
from treexlite.serving._specs import argument_spec, convert
from treexlite.serving._symbols import symbolic

_PLATFORMS = ("cpu", "cuda", "rocm", "tpu")


def export(
    model: Any,
    inputs: Any,
    path: str | os.PathLike[str],
    *,
    call: Callable[..., Any] | None = None,
    shapes: Any = "batch, ...",
    constraints: Sequence[str] = (),
    platforms: str | Sequence[str] | None = None,
    parameters: Literal["beside", "inside"] = "beside",
    training: bool = False,
    ignore_writes: bool = False,
) -> None:
    """Write a model as a program, which runs without the code that made it.

    The model is traced once, in evaluation mode, and lowered to StableHLO by `jax.export`. The
    first axis of every input may then have any size. The file is a checkpoint, so it appears whole
    or not at all, has checksums, and holds no pickled objects and no Python code.

    Args:
        model: an initialised module; it is left as it is.
        inputs: example inputs, arrays or `jax.ShapeDtypeStruct`s: a tuple of the arguments, or the
            only one. Trees of dicts, tuples, lists and None are arguments too.
        path: a file when it ends in `.safetensors`, else a directory. What was exported there
            before is replaced.
        call: `call(model, *inputs)` gives the outputs. None: calls the model. A method of the class
            does as well (`GPT.encode`).
        shapes: which sizes can be any, in the notation of `jax.export.symbolic_shape`: one text for
            all inputs, or a tuple with one for each. `...` stands for sizes as in the example;
            equal names are equal sizes. None: all sizes as in the example.
        constraints: what holds for such sizes: `["time <= 512"]`.
        platforms: where it shall run: `"cpu"`, `"cuda"`, `"rocm"`, `"tpu"`, or several of them.
            None: the one that JAX uses now.
        parameters: `"beside"` keeps arrays by name next to the program; `"inside"` makes them
            constants of it, for small models.
        training: trace in training mode.
        ignore_writes: drop what the call writes to the state of the model, so that each call begins
            with the present state. Without it such a call is refused; logs are dropped always.

    Raises:
        ArgumentError: an argument is not one of these; inputs or outputs are no arrays in plain
            containers; the call writes state; it depends on a size that can be any; it calls
            Python while it runs, or is something else that JAX cannot write.
        NotInitializedError: the model waits for `init`.
        CheckpointError: the operating system refuses, or something else is at `path`, such as the
            checkpoint of a training.

    Example:
        >>> import os, tempfile, jax.numpy as jnp, treexlite as tx
        >>> path = os.path.join(tempfile.mkdtemp(), "model.safetensors")
        >>> x = jnp.ones((1, 3))
        >>> model = tx.nn.Linear(2).init(0, x)
        >>> tx.export(model, x, path)
        >>> exported = tx.load_exported(path)
        >>> exported(jnp.ones((5, 3))).shape
        (5, 2)

    Reference:
        `torch.export` and Keras's `model.export` write programs as well, the latter as a
        TensorFlow SavedModel; NNX and Equinox leave it to `jax.export`. Only arrays that the
        program reads are written: keys of dropout and unused heads stay behind.
    """
    _require_model(model)
    if parameters not in ("beside", "inside"):
        raise unknown_name("export", "a place of parameters", str(parameters), _PLACES)
    training = _flag("training", training)
    ignore_writes = _flag("ignore_writes", ignore_writes)
    given = inputs if type(inputs) is tuple else (inputs,)
    examples = convert("export", given, argument_spec, "inputs")
    program = build(
        model.train(training),
        symbolic(examples, shapes, constraints),
        _called if call is None else _callable(call),
        _platforms(platforms),
        parameters == "inside",
        ignore_writes,
    )
    tree = {
        PROGRAM: np.frombuffer(serialized(program.exported), np.uint8),
        PARAMETERS: program.parameters,
    }
    _write(path, tree, manifest_of(program.exported, constraints))


def _write(path: Any, tree: Any, manifest: dict[str, Any]) -> None:
    """Write a checkpoint whose manifest is found as it is, not as the nodes that `save` makes."""
    shown, place = located("export", path)
    encoded = encode("export", tree)
    taken = snapshot("export", encoded.arrays, {TREE: encoded.node, EXTRA: {"value": manifest}})
    wait_for(place)
    if jax.process_index() == 0:
        _require_room(shown)
        commit(shown, place, taken)


def _require_room(path: str) -> None:
    """Refuse to replace the checkpoint of a tree, which holds more than a program does."""
    try:
        with Checkpoint(path) as checkpoint:
            replaceable = is_ours(checkpoint.extra)
    except CheckpointError:  # nothing, or what `commit` judges
        return
    if not replaceable:
        raise damaged(
            path,
            expected="an exported program to be replaced, or nothing",
            received="a checkpoint of something else",
            fix="Choose another path, or remove the checkpoint yourself.",
        )


def _flag(name: str, value: Any) -> bool:
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    raise ArgumentError(
        "export",
        expected=f"`{name}` to be True or False",
        received=f"{name}={describe(value)}",
        fix=f"Pass `{name}=True`, or leave it out.",
    )


_PLACES = ("beside", "inside")


def _called(model: Any, *inputs: Any) -> Any:
    return model(*inputs)


def _callable(call: Any) -> Callable[..., Any]:
    if callable(call) and not is_module(call) and not is_module(getattr(call, "__self__", None)):
        return call  # type: ignore[no-any-return]
    raise ArgumentError(
        "export",
        expected="`call` to be a function of the model and the inputs",
        received=f"call={describe(call)}",
        fix="Pass for example `call=lambda model, x: model.encode(x)`, or the method of the class.",
    )


def _require_model(model: Any) -> None:
    if not is_module(model):
        raise ArgumentError(
            "export",
            expected="a module as the first argument",
            received=f"model={describe(model)}",
            fix="Call `tx.export(model, inputs, path)`; `jax.export` takes functions.",
        )
    abstract = any(isinstance(leaf, jax.ShapeDtypeStruct) for leaf in jax.tree.leaves(model))
    if not model.initialized or abstract:
        raise NotInitializedError(
            "export",
            expected="an initialised model, with values in its arrays",
            received="shapes in their place" if abstract else "one that waits for `init`",
            fix="Call `model.init(0, inputs)`, and load the trained parameters.",
        )


def _platforms(platforms: Any) -> tuple[str, ...] | None:
    if platforms is None:
        return None
    listed = isinstance(platforms, Iterable) and not isinstance(platforms, str)
    names = tuple(dict.fromkeys(map(str, platforms) if listed else (str(platforms),)))
    for name in names:
        if name == "gpu":
            raise UnknownNameError(
                "export",
                expected=f"the name of a platform ({', '.join(map(repr, _PLATFORMS))})",
                received="'gpu'",
                fix="Say which: 'cuda' of NVIDIA, or 'rocm' of AMD.",
            )
        if name not in _PLATFORMS:
            raise unknown_name("export", "a platform", name, _PLATFORMS)
    if not names:
        raise ArgumentError(
            "export",
            expected="at least one platform",
            received=f"platforms={describe(platforms)}",
            fix='Pass for example `platforms=("cpu", "cuda")`, or leave it out.',
        )
    return names
