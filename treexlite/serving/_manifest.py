"""What an exported file says about its program, in JSON.

In: a `jax.export.Exported` that takes `(parameters, *inputs)`. Out: plain data that describe it;
and from such data, which may be anything, a `Description`, or a `ValueError` that says what is
wrong. Nothing is mutated. The versions of JAX that wrote it are in the manifest of the checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
from jax import export as jax_export

from treexlite.checkpoints._manifest import NewerVersionError
from treexlite.serving._specs import ArraySpec, decode, encode, spec_of

FORMAT = "treexlite program"
VERSION = 1
PROGRAM, PARAMETERS = "program", "parameters"


class Description(NamedTuple):
    """What a program takes and gives.

    Attributes:
        inputs: a tree of `ArraySpec`s for each argument.
        outputs: a tree of `ArraySpec`s.
        platforms: where it runs.
        constraints: what holds for sizes that can be any.
    """

    inputs: tuple[Any, ...]
    outputs: Any
    platforms: tuple[str, ...]
    constraints: tuple[str, ...] = ()


def is_ours(manifest: Any) -> bool:
    """Whether a manifest is one of an exported program, of whatever version."""
    return type(manifest) is dict and manifest.get("format") == FORMAT


def manifest_of(exported: jax_export.Exported, constraints: Sequence[str] = ()) -> dict[str, Any]:
    """Return the plain data that describe a program."""
    _, inputs, outputs = signature(exported)
    return {
        "format": FORMAT,
        "version": VERSION,
        "calling_convention_version": exported.calling_convention_version,
        "platforms": list(exported.platforms),
        "constraints": list(constraints),
        "inputs": [encode(tree) for tree in inputs],
        "outputs": encode(outputs),
    }


def signature(exported: jax_export.Exported) -> tuple[Any, tuple[Any, ...], Any]:
    """Return the specs of the parameters, of the inputs and of the outputs of a program.

    Raises:
        ValueError: it is not one that takes `(parameters, *inputs)`.
    """
    unflatten = jax.tree_util.tree_unflatten
    arguments = unflatten(exported.in_tree, [spec_of(aval) for aval in exported.in_avals])
    outputs = unflatten(exported.out_tree, [spec_of(aval) for aval in exported.out_avals])
    args, kwargs = arguments
    if kwargs or not args or type(args[0]) is not dict:
        raise ValueError("a program that does not take `(parameters, *inputs)`")
    return args[0], args[1:], outputs


def described(manifest: Any) -> Description:
    """Return what a manifest says.

    Raises:
        NewerVersionError: a later version of the library wrote it.
        ValueError: saying what is wrong.
    """
    if not is_ours(manifest):
        raise ValueError("a checkpoint without a program")
    version = manifest.get("version")
    if type(version) is not int or version < 1:
        raise ValueError(f"version={version!r}")
    if version > VERSION:
        raise NewerVersionError(f"a program of version {version}")
    inputs = manifest.get("inputs")
    if type(inputs) is not list:
        raise ValueError("a manifest without inputs")
    return Description(
        tuple(map(decode, inputs)),
        decode(manifest.get("outputs")),
        _texts(manifest, "platforms"),
        _texts(manifest, "constraints"),
    )


def _texts(manifest: dict[str, Any], name: str) -> tuple[str, ...]:
    found = manifest.get(name)
    if type(found) is not list or not all(type(text) is str for text in found):
        raise ValueError(f"{name}={found!r}")
    return tuple(found)


def require_agreement(
    description: Description, exported: jax_export.Exported, parameters: dict[str, Any]
) -> None:
    """Check that a program is what the manifest says, and takes the arrays that are there.

    Raises:
        ValueError: naming what differs.
    """
    names, inputs, outputs = signature(exported)
    if exported.nr_devices != 1:
        raise ValueError(f"a program for {exported.nr_devices} devices")
    pairs = (
        ("parameters", {name: spec_of(array) for name, array in parameters.items()}, names),
        ("inputs", description.inputs, inputs),
        ("outputs", description.outputs, outputs),
        ("platforms", description.platforms, tuple(exported.platforms)),
    )
    for what, said, found in pairs:
        if jax.tree_util.tree_map(_known, said) != jax.tree_util.tree_map(_known, found):
            raise ValueError(f"{what} {said}, where the program has {found}")


def _known(spec: Any) -> Any:
    """Return what has to be equal: how JAX writes formulas may change between its versions."""
    if not isinstance(spec, ArraySpec):
        return spec
    return spec.dtype, tuple(size if type(size) is int else "any" for size in spec.shape)
