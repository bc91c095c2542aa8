"""State dicts of PyTorch: into a model, and out of it.

In: a model, a state dict, rules. Out: a report, or a state dict of NumPy arrays. What may mutate:
the arrays of the model, after everything was found to fit.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from treexlite._core import Any as AnyKind
from treexlite._core import BatchStat, Module, Parameter
from treexlite._core._state_dict import LoadReport, fits
from treexlite._errors import ArgumentError, NotInitializedError, StateDictError, describe
from treexlite.interop.torch._arrays import as_numpy
from treexlite.interop.torch._layouts import Layout
from treexlite.interop.torch._match import Match, match
from treexlite.interop.torch._rules import Rules, as_rules


@dataclass(frozen=True)
class TransferReport(LoadReport):
    """What `from_torch_state_dict` did.

    Attributes:
        loaded: paths of the model that were written.
        missing: paths of the model that no rule has, or whose names have no entry.
        unexpected: names of entries that belong to nothing in the model.
        mismatched: names of entries whose shape or dtype does not fit, or that differ from the one
            they are tied to.
        different: always empty, because a state dict has arrays only.
        ignored: names of entries that the rules call of no use.
    """

    ignored: tuple[str, ...] = ()


def from_torch_state_dict(
    model: Module,
    state_dict: Mapping[str, Any],
    rules: Rules | Mapping[str, Layout | str],
    strict: bool = True,
) -> TransferReport:
    """Write the weights of a PyTorch model into one of ours.

    Parameters and running statistics are written, in the dtype that the model has for them. Keys of
    randomness and caches, which PyTorch does not keep with its weights, stay as they are.

    Args:
        model: an initialised module; it is changed in place, or not at all.
        state_dict: `{name: tensor or array}`. Torch is not needed when there are only arrays.
        rules: where the layers are in PyTorch's names; see `Rules`.
        strict: whether everything has to be there and to fit. False writes what fits; the report
            says what was left out.

    Returns:
        What was loaded, and what was not.

    Raises:
        StateDictError: in strict mode, listing all that is missing, unexpected or does not fit.
        NotInitializedError: the model has no arrays yet.
        ArgumentError: the model or the rules are none, or the rules give two arrays one name.
        DataError: an entry is no array of numbers.

    Example:
        >>> import jax.numpy as jnp, numpy as np, treexlite as tx
        >>> bridge = tx.interop.torch
        >>> model = tx.nn.Linear(2).init(0, jnp.ones((1, 3)))
        >>> weights = {"fc.weight": np.ones((2, 3)), "fc.bias": np.zeros(2)}
        >>> bridge.from_torch_state_dict(model, weights, {"": bridge.linear("fc")}).loaded
        ('kernel', 'bias')

    Reference:
        `torch.nn.Module.load_state_dict`, which has written the entries that fit by the time it
        raises for others.
    """
    where, rules = "from_torch_state_dict", as_rules(rules)
    leaves = _leaves(where, model)
    matches, unused, left = match(where, leaves, rules)
    given = {name: as_numpy(where, name, value) for name, value in state_dict.items()}
    wrong, entries, missing = _compare(matches, given)
    known = {name for found in matches for name in found.shapes()}
    wrong |= _untied(given, rules, known)
    ignored = _ignored(given, known, unused, rules)
    rest = [name for name in given if name not in known and name not in ignored]
    unexpected = [name for name in rest if rules.tied.get(name) not in known]
    missing += [f"{path} (no rule has it)" for path in left]
    if strict and (missing or unexpected or wrong):
        raise _misfit(where, missing, unexpected, wrong)
    entries = {path: _like(leaves[path], value) for path, value in entries.items()}
    model.load_state_dict(entries, strict=False)
    return TransferReport(
        tuple(path for path in leaves if path in entries),
        tuple(path for path in leaves if path not in entries),
        tuple(unexpected),
        tuple(wrong),
        ignored=tuple(name for name in given if name in ignored),
    )


def to_torch_state_dict(
    model: Module, rules: Rules | Mapping[str, Layout | str]
) -> dict[str, np.ndarray]:
    """Return the weights of a model by PyTorch's names, in PyTorch's layouts.

    Args:
        model: an initialised module.
        rules: the same as for `from_torch_state_dict`.

    Returns:
        `{name: array}`, arrays of their own that lie in C order. `torch.from_numpy` makes tensors
        of them.

    Raises:
        StateDictError: a parameter or running statistic stands in no rule.
        NotInitializedError: the model has no arrays yet.
        ArgumentError: the model or the rules are none, or the rules give two arrays one name.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> bridge = tx.interop.torch
        >>> model = tx.nn.Conv(4, (3, 3)).init(0, jnp.ones((1, 8, 8, 2)))
        >>> bridge.to_torch_state_dict(model, {"": bridge.conv("conv1")})["conv1.weight"].shape
        (4, 2, 3, 3)
    """
    where, rules = "to_torch_state_dict", as_rules(rules)
    leaves = _leaves(where, model)
    matches, _, left = match(where, leaves, rules)
    if left:
        raise _misfit(where, [f"{path} (no rule has it)" for path in left], [], {})
    found: dict[str, np.ndarray] = {}
    for item in matches:
        found.update(item.back(tuple(np.asarray(leaf) for leaf in item.leaves)))
    result = {name: np.array(value, order="C") for name, value in found.items()}
    for name, other in rules.tied.items():
        if other in result:
            result[name] = result[other]
    return result


def _leaves(where: str, model: Any) -> dict[str, Any]:
    """Return what travels: parameters and statistics."""
    if not isinstance(model, Module):
        raise ArgumentError(
            where,
            expected="a module",
            received=describe(model),
            fix="Pass the model first, then the state dict.",
        )
    if not model.initialized:
        raise NotInitializedError(
            where,
            expected="an initialised model",
            received=f"a {type(model).__name__} without arrays",
            fix="Call `model.init(0, x)`, or `tx.eval_shape(lambda: model.init(0, x))` for shapes.",
        )
    return model.state_dict(AnyKind(Parameter, BatchStat))


def _like(old: Any, value: np.ndarray) -> Any:
    """Return a copy in the dtype that the model has, on the devices where it has it."""
    copied = value.astype(old.dtype)
    if isinstance(old, np.ndarray):
        return copied
    is_placed = isinstance(old, jax.Array) and old.committed
    return jax.device_put(copied, old.sharding) if is_placed else jnp.asarray(copied)


def _compare(
    matches: Iterable[Match], given: Mapping[str, np.ndarray]
) -> tuple[dict[str, str], dict[str, Any], list[str]]:
    """Return why entries do not fit, our arrays of those that do, and what is missing."""
    wrong: dict[str, str] = {}
    entries: dict[str, Any] = {}
    missing: list[str] = []
    for found in matches:
        shapes = found.shapes()
        absent = [name for name in shapes if name not in given]
        if absent:
            needs = ", ".join(absent[:3]) + (", ..." if absent[3:] else "")
            missing += [f"{path} (from {needs})" for path in found.paths]
        misfits = {
            name: f"expected shape {shape}, received {describe(given[name])}"
            for name, shape in shapes.items()
            if name in given and given[name].shape != shape
        }
        if not absent and not misfits:
            arrays = found.into(given)
            for path, leaf in zip(found.paths, found.leaves, strict=True):
                if not fits(leaf, arrays[path]):
                    why = f"expected numbers that {leaf.dtype} holds, received"
                    misfits |= {name: f"{why} {given[name].dtype}" for name in shapes}
            if not misfits:
                entries |= arrays
        wrong |= misfits
    return wrong, entries, missing


def _untied(given: Mapping[str, np.ndarray], rules: Rules, known: set[str]) -> dict[str, str]:
    """Return the entries that should be the same as others, and are not."""
    return {
        name: f"expected the same numbers as {other}, to which the model ties it"
        for name, other in rules.tied.items()
        if name in given
        and other in known
        and other in given
        and not np.array_equal(given[name], given[other])
    }


def _ignored(given: Iterable[str], known: set[str], unused: set[str], rules: Rules) -> set[str]:
    return {
        name
        for name in given
        if name not in known
        and (name in unused or any(fnmatch.fnmatchcase(name, glob) for glob in rules.ignored))
    }


def _misfit(
    where: str, missing: list[str], unexpected: list[str], wrong: Mapping[str, str]
) -> StateDictError:
    parts = []
    if missing:
        parts.append(f"nothing for {'; '.join(missing)}")
    if unexpected:
        parts.append(f"unexpected {', '.join(unexpected)}")
    if wrong:
        listed = "; ".join(f"{name}: {why}" for name, why in wrong.items())
        parts.append(f"what does not fit ({listed})")
    return StateDictError(
        where,
        expected="rules and entries for exactly what the model has",
        received=" and ".join(parts),
        fix="Check sizes and rules; `strict=False` loads what fits, where something is loaded.",
    )
