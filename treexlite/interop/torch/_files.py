"""Weights as one `.safetensors` file by PyTorch's names, as the Hugging Face hub has them.

In: a model, a path, rules. Out: a file that torch and transformers read, or a report. What may
mutate: the file, at once or not at all; the arrays of the model, all of them or none.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

from treexlite._core import Module
from treexlite.checkpoints._disk import write_file
from treexlite.checkpoints._refusals import damaged, refusals
from treexlite.interop.torch._layouts import Layout
from treexlite.interop.torch._rules import Rules
from treexlite.interop.torch._state_dict import (
    TransferReport,
    from_torch_state_dict,
    to_torch_state_dict,
)

_KINDS = (("I", "int"), ("U", "uint"), ("F", "float"))

FORMAT = {"format": "pt"}
"""What transformers asks for before it reads a file."""

DTYPES = {
    "BOOL": "bool",
    **{
        f"{code}{n}": f"{kind}{n}"
        for code, kind in _KINDS
        for n in (8, 16, 32, 64)
        if (code, n) != ("F", 8)
    },
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "C64": "complex64",
}
"""What a safetensors file calls the dtypes that NumPy can have."""


def save_safetensors(
    path: str | os.PathLike[str],
    model: Module,
    rules: Rules | Mapping[str, Layout | str],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write the weights of a model as a `.safetensors` file by PyTorch's names.

    A crash at any instant leaves what was at that path, or the new file. `tx.save` keeps all of a
    model, and in a form of our own; this is for other programs.

    Args:
        path: the file; one that is there is replaced.
        model: an initialised module.
        rules: as for `to_torch_state_dict`.
        metadata: further texts for the header.

    Raises:
        CheckpointError: the operating system refuses; what was at `path` is as it was.
        StateDictError: as `to_torch_state_dict` does.

    Example:
        >>> import jax.numpy as jnp, os, tempfile, treexlite as tx
        >>> bridge = tx.interop.torch
        >>> rules = {"": bridge.linear("fc")}
        >>> path = os.path.join(tempfile.mkdtemp(), "model.safetensors")
        >>> model = tx.nn.Linear(2).init(0, jnp.ones((1, 3)))
        >>> bridge.save_safetensors(path, model, rules)
        >>> other = tx.nn.Linear(2).init(1, jnp.ones((1, 3)))
        >>> bridge.load_safetensors(path, other, rules).loaded
        ('kernel', 'bias')
        >>> bool((other.kernel == model.kernel).all())
        True
    """
    path = os.fspath(path)
    content = save(to_torch_state_dict(model, rules), {**FORMAT, **(metadata or {})})
    with refusals(path, "to be saved"):
        write_file(path, lambda sink: sink.write(content))


def load_safetensors(
    path: str | os.PathLike[str],
    model: Module,
    rules: Rules | Mapping[str, Layout | str],
    strict: bool = True,
) -> TransferReport:
    """Write the weights of a `.safetensors` file with PyTorch's names into a model.

    Args:
        path: the file.
        model: an initialised module; it is changed in place, or not at all.
        rules: as for `from_torch_state_dict`.
        strict: as for `from_torch_state_dict`.

    Returns:
        What was loaded, and what was not.

    Raises:
        CheckpointError: the file cannot be read, or is no safetensors file.
        StateDictError: as `from_torch_state_dict` does.
    """
    path = os.fspath(path)
    with refusals(path, "to be read"), open(path, "rb") as file:
        content = file.read()
    try:
        entries = deserialize(content)  # type: ignore[no-untyped-call]  # of the package
    except SafetensorError as error:
        raise damaged(
            path,
            expected="a safetensors file",
            received=str(error),
            fix="Take another copy of the file; nothing was loaded from this one.",
        ) from error
    arrays = {name: _array(path, name, entry) for name, entry in entries}
    return from_torch_state_dict(model, arrays, rules, strict)


def _array(path: str, name: str, entry: dict[str, Any]) -> np.ndarray:
    code = entry["dtype"]
    if code not in DTYPES:
        raise damaged(
            path,
            expected=f"a dtype among {', '.join(DTYPES)}",
            received=repr(code),
            entry=name,
            fix="Convert the file to one of these dtypes first.",
        )
    return np.frombuffer(entry["data"], jnp.dtype(DTYPES[code])).reshape(entry["shape"])
