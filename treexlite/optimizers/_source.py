"""What stands where an optimizer is due: a name, a factory, a transformation, or groups of them.

In: the first argument of `Optimizer`. Out: a rule, and its rates as arrays. Nothing mutates.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from treexlite._core._filters import Filter, predicate
from treexlite._core._registry import is_module
from treexlite._errors import ArgumentError, describe
from treexlite.optimizers._clip import without_clips
from treexlite.optimizers._groups import Group, Grouped
from treexlite.optimizers._names import find
from treexlite.optimizers._transformation import Finished, Rule, made

WHERE = "Optimizer"
_FROZEN = "frozen"


class Source(NamedTuple):
    """How parameters move, and at which rate: an array, `{label: array}` of groups, or None."""

    rule: Rule
    rate: Any


def as_source(value: Any, learning_rate: Any, decay: Any, options: Mapping[str, Any]) -> Source:
    """Return the rule that a value stands for.

    Raises:
        ArgumentError: it is nothing that moves parameters, or does not take these options.
        UnknownNameError: it is a string that is no name.
    """
    if isinstance(value, str):
        return Source(*made(WHERE, find(WHERE, value), learning_rate, decay, options))
    is_finished = hasattr(value, "init") and hasattr(value, "update") and not is_module(value)
    if callable(value) and not is_finished and not is_module(value):
        return Source(*made(WHERE, value, learning_rate, decay, options))
    if not is_finished and not (isinstance(value, Mapping) and value):
        raise ArgumentError(
            WHERE,
            expected="a name, a function such as `optax.adam`, an optax transformation (with `init`"
            " and `update`), or groups {pattern: one of these}",
            received=f"optimizer={describe(value)}",
            fix='Pass for example "adam", or `optax.adam(1e-3)`.',
        )
    given = {"learning_rate": learning_rate, "decay": decay, **options}
    extra = [name for name, option in given.items() if option is not None]
    if extra:
        raise ArgumentError(
            WHERE,
            expected="options beside a name or a factory only",
            received=f"{', '.join(extra)} beside {describe(value)}",
            fix="Pass the factory, as in `tx.Optimizer(optax.adam, learning_rate=1e-3)`.",
        )
    return Source(Finished(value), None) if is_finished else _grouped(value)


def _grouped(groups: Mapping[Any, Any]) -> Source:
    found: list[Group] = []
    rates: dict[str, Any] = {}
    for key, value in groups.items():
        filter_: Filter = ... if key == "..." else key
        predicate(filter_)
        label = _label(key, {group.label for group in found})
        if value is None or value == _FROZEN:
            found.append(Group(label, filter_, None))
            continue
        source = _source_of(label, value)
        if isinstance(without_clips(source.rule), Grouped):
            raise ArgumentError(
                WHERE,
                expected="groups of optimizers",
                received=f"groups inside of the group {label!r}",
                fix="Write all patterns side by side; the first that matches decides.",
            )
        found.append(Group(label, filter_, source.rule))
        if source.rate is not None:
            rates[label] = source.rate
    return Source(Grouped(tuple(found)), rates)


def _source_of(label: str, value: Any) -> Source:
    """Return the rule of a group; an `Optimizer` has one already."""
    if is_module(value) and hasattr(value, "_as_group"):
        source: Source = value._as_group(label)
        return source
    return as_source(value, None, None, {})


def _label(key: Any, taken: set[str]) -> str:
    if not isinstance(key, str):
        label = "..." if key is ... else getattr(key, "__name__", repr(key))
    else:
        label = key
    numbers = (f"{label}#{number}" for number in range(2, len(taken) + 3))
    return label if label not in taken else next(name for name in numbers if name not in taken)
