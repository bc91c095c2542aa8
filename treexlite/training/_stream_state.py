"""Where a stream is: asked for behind each batch, and given back when training goes on.

In: what gives batches. Out: a `Keeper`, when it can say where it is; its states as plain data and
arrays, which a checkpoint can hold. What may mutate: the position of the stream, by `Keeper.load`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from treexlite._errors import CheckpointError, describe

# torch, torchdata, Hugging Face datasets; grain.
_PAIRS = (("state_dict", "load_state_dict"), ("get_state", "set_state"))
_PLAIN = (type(None), bool, int, float, complex, str, bytes)
_TENSOR = "torch.Tensor"


class Refusal(NamedTuple):
    """Stands for a state that no checkpoint can hold; only who saves has to know.

    Attributes:
        received: what stands in its way, and where in the state.
        error: what the stream raised instead.
    """

    received: str
    error: Exception | None = None


class Mark(NamedTuple):
    """Where a stream is behind a batch.

    Attributes:
        state: what it says itself; None where the next iteration begins anew.
        is_end: whether that was the last batch of an iteration.
        generator: the state of the generator of a torch loader, which draws the next orders.
    """

    state: Any
    is_end: bool = False
    generator: Any = None


class _UnsavableError(Exception):
    """Something in a state can only be pickled."""


class Keeper:
    """Takes the state of a stream, and gives it back.

    Args:
        owner: the stream or iterator.
        get: its method that returns the state.
        put: its method that goes back to a state.
    """

    def __init__(self, owner: Any, get: str, put: str) -> None:
        self._owner, self._get, self._put = owner, get, put

    def state(self) -> Any:
        """Return the present state, which later batches do not change, or a `Refusal`."""
        try:
            return _packed(getattr(self._owner, self._get)(), "state")
        except _UnsavableError as error:
            return Refusal(str(error))
        except Exception as error:  # whoever saves nothing can train on
            return Refusal(f"{type(error).__name__}: {error}, from `{self._get}`", error)

    def load(self, where: str, state: Any) -> None:
        """Go back to a state.

        Raises:
            CheckpointError: the stream does not take it.
        """
        try:
            getattr(self._owner, self._put)(_unpacked(state))
        except Exception as error:
            raise CheckpointError(
                where,
                expected=f"a stream whose `{self._put}` takes the state that was saved",
                received=f"{type(error).__name__}: {error}, from {describe(self._owner)}",
                fix="Pass the same stream as when the training was saved.",
            ) from error


def keeper_of(owner: Any) -> Keeper | None:
    """Return the keeper of an iterable or iterator, None when it cannot say where it is."""
    for get, put in _PAIRS:
        if callable(getattr(owner, get, None)) and callable(getattr(owner, put, None)):
            return Keeper(owner, get, put)
    return None


def check_savable(where: str, name: str, state: Any) -> None:
    """Refuse to save a training whose stream does not say in plain data where it is.

    Raises:
        CheckpointError: there is a `Refusal` in the place of its state.
    """
    if isinstance(state, Refusal):
        raise CheckpointError(
            where,
            expected=f"the {name} stream to say where it is with arrays and plain data (None, "
            "numbers, strings, bytes, lists, tuples, dicts)",
            received=state.received,
            fix="Let its `state_dict` or `get_state` return such data; nothing is ever pickled. "
            "A stream without these methods is read again from its beginning.",
        ) from state.error


def _packed(part: Any, path: str) -> Any:
    """Return a copy, with NumPy arrays in the place of tensors, such as torch's generators have."""
    if type(part) in _PLAIN or isinstance(part, jax.Array):
        return part
    if isinstance(part, (np.ndarray, np.generic)) and _holds_numbers(part.dtype):
        return part.copy()
    if isinstance(part, Mapping) and all(type(key) in _PLAIN for key in part):
        return {key: _packed(value, f"{path}/{key}") for key, value in part.items()}
    if type(part) in (list, tuple):
        return type(part)(_packed(value, f"{path}/{n}") for n, value in enumerate(part))
    if hasattr(part, "detach"):
        return {_TENSOR: np.array(part.detach().cpu().numpy())}
    raise _UnsavableError(f"{describe(part)} at `{path}`")


def _holds_numbers(dtype: np.dtype[Any]) -> bool:
    return bool(dtype.kind == "b" or jnp.issubdtype(dtype, jnp.number))


def _unpacked(part: Any) -> Any:
    """Return a copy that belongs to the stream, with tensors again."""
    if type(part) is dict:
        if part.keys() == {_TENSOR}:
            return sys.modules["torch"].from_numpy(np.array(part[_TENSOR]))
        return {key: _unpacked(value) for key, value in part.items()}
    if type(part) in (list, tuple):
        return type(part)(map(_unpacked, part))
    return part.copy() if isinstance(part, np.ndarray) else part
