"""Plain Python data as JSON, and back without loss.

In: None, numbers, strings, bytes, and lists, tuples, sets and dicts of them. Out: JSON values, from
which exactly the same data are made: a tuple stays a tuple, NaN stays NaN, a dict keeps its order
and its keys their types. What JSON has no word for is an object with one key that begins with `$`.
Nothing else is accepted in either direction, and nothing is executed.
"""

from __future__ import annotations

import base64
import math
import struct
from typing import Any

from treexlite._errors import ArgumentError, describe

PLAIN: frozenset[type] = frozenset(
    {type(None), bool, int, float, complex, str, bytes, list, tuple, set, frozenset, dict}
)


_LONG = 4096
"""Bits from which an integer is written in hexadecimal: Python refuses to read long decimals."""


def is_plain(value: Any) -> bool:
    """Whether `value` is plain data throughout."""
    if type(value) is dict:
        return all(is_plain(key) and is_plain(item) for key, item in value.items())
    if type(value) in (list, tuple, set, frozenset):
        return all(map(is_plain, value))
    return type(value) in PLAIN


def encode(value: Any, where: str = "plain data", path: str = "") -> Any:
    """Return plain data as JSON values.

    Args:
        value: the data.
        where: the function that asks, for errors.
        path: the place of the data in what is saved, for errors.

    Raises:
        ArgumentError: something in it is not plain.
    """
    kind = type(value)
    if kind is int and value.bit_length() > _LONG:
        return {"$int": f"{value:x}"}
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        bits = struct.pack(">d", value).hex()
        return value if math.isfinite(value) else {"$float": bits}
    if kind is complex:
        return {"$complex": struct.pack(">dd", value.real, value.imag).hex()}
    if kind is bytes:
        return {"$bytes": base64.b64encode(value).decode("ascii")}
    if kind is dict:
        return _encode_dict(value, where, path)
    if kind in (list, tuple, set, frozenset):
        items = value if kind in (list, tuple) else sorted(value, key=repr)
        encoded = [encode(item, where, f"{path}/{i}") for i, item in enumerate(items)]
        return encoded if kind is list else {f"${kind.__name__}": encoded}
    raise ArgumentError(
        where,
        expected="plain data (None, numbers, strings, bytes, lists, tuples, sets, dicts)",
        received=f"{describe(value)} at `{path.strip('/') or 'the top'}`",
        fix="Convert it to plain data, or leave it out; nothing is ever pickled.",
    )


def _encode_dict(value: dict[Any, Any], where: str, path: str) -> Any:
    items = {key: encode(item, where, f"{path}/{key}") for key, item in value.items()}
    if all(type(key) is str and not key.startswith("$") for key in items):
        return items
    return {"$dict": [[encode(key, where, path), item] for key, item in items.items()]}


def decode(node: Any) -> Any:
    """Return the data that `encode` made `node` from.

    Raises:
        ValueError: `encode` never makes such values.
    """
    if type(node) is list:
        return [decode(item) for item in node]
    if type(node) is not dict:
        return node
    tag = next(iter(node), "")
    if not tag.startswith("$"):
        return {key: decode(item) for key, item in node.items()}
    if len(node) != 1 or tag not in _DECODERS:
        raise ValueError(f"{', '.join(map(repr, node))} instead of plain data")
    try:
        return _DECODERS[tag](node[tag])
    except (TypeError, KeyError, struct.error) as error:
        raise ValueError(f"a {tag} that is none ({error})") from None


def _decode_complex(bits: str) -> complex:
    return complex(*struct.unpack(">dd", bytes.fromhex(bits)))


def _decode_dict(items: list[Any]) -> dict[Any, Any]:
    return {decode(key): decode(item) for key, item in items}


_DECODERS: dict[str, Any] = {
    "$int": lambda digits: int(digits, 16),
    "$float": lambda bits: struct.unpack(">d", bytes.fromhex(bits))[0],
    "$complex": _decode_complex,
    "$bytes": lambda text: base64.b64decode(text, validate=True),
    "$tuple": lambda items: tuple(map(decode, _listed(items))),
    "$set": lambda items: set(map(decode, _listed(items))),
    "$frozenset": lambda items: frozenset(map(decode, _listed(items))),
    "$dict": _decode_dict,
}


def _listed(items: Any) -> list[Any]:
    if type(items) is not list:
        raise TypeError("no list")
    return items
