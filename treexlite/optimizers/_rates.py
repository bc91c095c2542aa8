"""The learning rate of an optimizer, to read and to set.

In: a rule, the state, and the rates as arrays. Out: the rate of the next step; new rates. Nothing
mutates: `Optimizer` stores what it is given back.

Where a rate is: that of a name or a factory is an array of the optimizer (`Optimizer.rate`), so a
new one compiles nothing; a schedule is a function, and its step is in the state; a finished
transformation shows its rate only if `optax.inject_hyperparams` made it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from treexlite._core._registry import is_tracer
from treexlite._errors import ArgumentError, describe
from treexlite.optimizers._clip import without_clips
from treexlite.optimizers._groups import Grouped, GroupedState
from treexlite.optimizers._step import find
from treexlite.optimizers._transformation import Made, Rule, ScheduledState, as_rate

WHERE = "Optimizer.learning_rate"
_INJECTED = (optax.InjectHyperparamsState, optax.InjectStatefulHyperparamsState)
_NAME = "learning_rate"


def read(rule: Rule, state: Any, rate: Any) -> Any:
    """Return the rate, or `{label: rate}` of groups that have one.

    Raises:
        ArgumentError: the transformation does not show its rate.
    """
    rule = without_clips(rule)
    if isinstance(rule, Grouped):
        rules = {group.label: group.rule for group in rule.groups if group.rule is not None}
        states = _group_states(rules, state)
        shown = {
            label: r for label, r in rules.items() if _shows(r, states[label], rate.get(label))
        }
        return {label: read(r, states[label], rate.get(label)) for label, r in shown.items()}
    if isinstance(rule, Made) and rule.schedule is not None:
        steps = [found.step for found in find(state, ScheduledState)]
        return jnp.asarray(rule.schedule(steps[0] if steps else jnp.int32(0)), jnp.float32)
    if rate is not None:
        return rate
    return _injected(state)[0].hyperparams[_NAME]


def write(rule: Rule, state: Any, rate: Any, value: Any) -> tuple[Any, Any]:
    """Return state and rates with a new rate.

    Raises:
        ArgumentError: the rate is a schedule, is not shown, or the value is no rate.
    """
    rule = without_clips(rule)
    if isinstance(rule, Grouped):
        return state, _write_groups(rule, rate, value)
    if isinstance(rule, Made) and rule.schedule is not None:
        raise _scheduled(rule.schedule)
    value = as_rate(WHERE, value)
    if rate is not None:
        return state, _like(rate, value)
    old: Any = _injected(state)[0]
    if _NAME in getattr(old, "hyperparams_states", ()):
        raise _scheduled("the one given to optax.inject_hyperparams")
    rates = {**old.hyperparams, _NAME: _like(old.hyperparams[_NAME], value)}
    new = old._replace(hyperparams=rates)

    def is_old(part: Any) -> bool:
        return part is old

    return jax.tree.map(lambda part: new if is_old(part) else part, state, is_leaf=is_old), rate


def _write_groups(rule: Grouped, rates: dict[str, Any], value: Any) -> dict[str, Any]:
    settable = list(rates)
    known = value if isinstance(value, Mapping) else {}
    if not known or set(known) - set(settable):
        raise ArgumentError(
            WHERE,
            expected=f"{{group: rate}} for some of the groups {settable}",
            received=f"learning_rate={describe(value)}",
            fix="Groups made of a finished transformation or a schedule have no rate to set.",
        )
    new = {label: _like(rates[label], as_rate(WHERE, v)) for label, v in known.items()}
    return {**rates, **new}


def _like(old: Any, value: jax.Array) -> jax.Array:
    """Return a rate with the dtype of the old one, and where that one was put.

    Elsewhere, it would be another input for compiled steps, and they would be compiled once more.
    """
    value = value.astype(jnp.result_type(old))
    is_placed = isinstance(old, jax.Array) and not (is_tracer(old) or is_tracer(value))
    if is_placed and old.committed:
        value = jax.device_put(value, old.sharding)
    return value


def _group_states(labels: Iterable[str], state: Any) -> Mapping[str, Any]:
    found = next(find(state, GroupedState), None)
    return dict.fromkeys(labels) if found is None else found.groups


def _shows(rule: Rule, state: Any, rate: Any) -> bool:
    made = without_clips(rule)
    is_scheduled = isinstance(made, Made) and made.schedule is not None
    return rate is not None or is_scheduled or bool(_found(state))


def _found(state: Any) -> list[Any]:
    states = [*find(state, _INJECTED[0]), *find(state, _INJECTED[1])]
    return [found for found in states if _NAME in found.hyperparams]


def _injected(state: Any) -> list[Any]:
    found = _found(state)
    if len(found) != 1:
        raise ArgumentError(
            WHERE,
            expected="an optimizer that shows one learning rate",
            received="a finished transformation, whose rate is inside its functions",
            fix="Pass a name or a factory, as in `tx.Optimizer(optax.adam, learning_rate=1e-3)`.",
        )
    return found


def _scheduled(schedule: Any) -> ArgumentError:
    return ArgumentError(
        WHERE,
        expected="an optimizer whose learning rate is a number",
        received=f"one with a schedule, {describe(schedule)}",
        fix="A schedule decides alone; make the optimizer with a number to set it yourself.",
    )
