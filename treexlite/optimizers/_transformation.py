"""What moves the parameters, before an optimizer wraps it: one transformation, finished or made.

In: the parameters' `FieldInfo`s by path, and the rate as an array. Out: an optax transformation for
these parameters. A *rule* says how, and is static: two rules built alike are one program. The rate
is no part of it, so that optimizers with different rates share a program too.

Rules build anew at each trace, because what they choose by path (masks, groups) depends on which
parameters are trained at that moment.
"""

from __future__ import annotations

import dataclasses
import difflib
import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, TypeAlias

import jax
import jax.numpy as jnp
import optax

from treexlite._core._filters import Filter, check_patterns, predicate
from treexlite._core._paths import FieldInfo
from treexlite._core._registry import is_tracer
from treexlite._errors import ArgumentError, describe
from treexlite.optimizers._names import Factory, default_rate

Infos: TypeAlias = Mapping[str, FieldInfo]
Transformation: TypeAlias = optax.GradientTransformation
_MASKS = ("mask", "weight_decay_mask")


class Rule(Protocol):
    """How the parameters of an optimizer move."""

    def build(self, infos: Infos, rate: Any) -> Transformation:
        """Return the transformation for these parameters."""

    def moves(self, info: FieldInfo) -> bool:
        """Whether a parameter belongs to those that move at all."""

    def check(self, infos: Infos) -> None:
        """Raise when the patterns of the rule do not fit the fields of a model."""


@dataclasses.dataclass(frozen=True)
class Finished:
    """A transformation as it was given; it has its own rate, or none."""

    transformation: Transformation

    def build(self, infos: Infos, rate: Any) -> Transformation:
        return self.transformation

    def moves(self, info: FieldInfo) -> bool:
        return True

    def check(self, infos: Infos) -> None:
        pass


@dataclasses.dataclass(frozen=True)
class Made:
    """A factory of transformations with its options, such as `optax.adamw`.

    Args:
        factory: makes the transformation, from keywords.
        schedule: the rate as a function of the step; None when it is an array, or there is none.
        options: keywords of the factory, as pairs.
        decay: which parameters the weight decay acts on; None for all.
    """

    factory: Factory
    schedule: Callable[[Any], Any] | None = None
    options: tuple[tuple[str, Any], ...] = ()
    decay: Filter | None = None

    def build(self, infos: Infos, rate: Any) -> Transformation:
        options = dict(self.options)
        if self.decay is not None:
            holds = predicate(self.decay)
            decayed = {path: holds(info) for path, info in infos.items()}
            options[_mask_name(self.factory)] = lambda params: {p: decayed[p] for p in params}
        if self.schedule is None and rate is None:
            return self.factory(**options)
        dtype = jnp.result_type(jnp.float32, *(info.value for info in infos.values()))

        def at(rate: Any) -> Transformation:
            rate = jnp.asarray(rate, dtype)
            return with_steady_dtypes(self.factory(learning_rate=rate, **options))

        return at(rate) if self.schedule is None else scheduled(self.schedule, at)

    def moves(self, info: FieldInfo) -> bool:
        return True

    def check(self, infos: Infos) -> None:
        if self.decay is not None:
            check_filter(self.decay, infos)


def check_filter(filter_: Filter, infos: Infos) -> None:
    """Refuse a path pattern that matches no parameter.

    Raises:
        PathError: with the paths that come closest first.
    """
    pattern = filter_ if isinstance(filter_, str) else ""
    likeness = {path: difflib.SequenceMatcher(None, pattern, path).ratio() for path in infos}
    near = sorted(infos.values(), key=lambda info: -likeness[info.path])
    check_patterns("Optimizer", (filter_,), near)


class ScheduledState(NamedTuple):
    """How many steps were made, and the state of what takes them."""

    step: jax.Array
    inner: Any


def scheduled(
    schedule: Callable[[Any], Any], at: Callable[[Any], Transformation]
) -> Transformation:
    """Return the transformation that is `at(schedule(step))` in each step."""

    def init(params: Any) -> ScheduledState:
        step = jnp.zeros((), jnp.int32)
        return ScheduledState(step, at(schedule(step)).init(params))

    def update(updates: Any, state: Any, params: Any = None, **extra: Any) -> Any:
        updates, inner = at(schedule(state.step)).update(updates, state.inner, params, **extra)
        return updates, ScheduledState(optax.safe_increment(state.step), inner)

    return optax.GradientTransformationExtraArgs(init, update)


def with_steady_dtypes(transformation: Transformation) -> Transformation:
    """Keep the dtypes of the state as `init` chose them.

    A rate in float32 widens what it multiplies: the momentum of RMSprop for parameters in bfloat16
    would change its dtype at the first step, and every program would be compiled twice.
    """
    transformation = optax.with_extra_args_support(transformation)

    def update(updates: Any, state: Any, params: Any = None, **extra: Any) -> Any:
        updates, new = transformation.update(updates, state, params, **extra)
        return updates, jax.tree.map(_with_dtype_of, state, new)

    return optax.GradientTransformationExtraArgs(transformation.init, update)


def _with_dtype_of(old: Any, new: Any) -> Any:
    same = getattr(old, "dtype", None) == getattr(new, "dtype", None)
    return new if same else jnp.asarray(new, jnp.result_type(old))


def made(
    where: str, factory: Factory, learning_rate: Any, decay: Any, options: Mapping[str, Any]
) -> tuple[Made, Any]:
    """Return the rule of a factory, and its rate: an array, or None when there is none.

    Raises:
        ArgumentError: the factory does not take these options, one of them is an array of JAX, or
            the rate is none.
    """
    signature = inspect.signature(factory)
    takes_rate = "learning_rate" in signature.parameters
    if learning_rate is None and takes_rate:
        default = signature.parameters["learning_rate"].default
        learning_rate = default_rate(
            factory, None if default is inspect.Parameter.empty else default
        )
    given = dict(options)
    if learning_rate is not None:
        given["learning_rate"] = learning_rate
    if decay is not None:
        predicate(decay)
        given[_mask_name(factory)] = decay
    try:
        signature.bind(**given)
    except TypeError as error:
        raise ArgumentError(
            where,
            expected=f"options of `{_name(factory)}`: {', '.join(signature.parameters)}",
            received=f"{', '.join(f'{k}={describe(v)}' for k, v in given.items())} ({error})",
            fix="Pass by keyword what the optimizer takes, and nothing else.",
        ) from None
    _refuse_arrays(where, factory, options)
    pairs = tuple(options.items())
    if callable(learning_rate):
        return Made(factory, learning_rate, pairs, decay), None
    rate = None if learning_rate is None else as_rate(where, learning_rate)
    return Made(factory, None, pairs, decay), rate


def _refuse_arrays(where: str, factory: Factory, options: Mapping[str, Any]) -> None:
    """Refuse options that are data: a rule is static, and compiled programs are found by it."""
    arrays = [name for name, value in options.items() if isinstance(value, jax.Array)]
    if arrays:
        name, value = arrays[0], describe(options[arrays[0]])
        raise ArgumentError(
            where,
            expected=f"option `{name}` to be a plain number, because it is compiled into the step",
            received=f"{name}={value}",
            fix="Pass a number of Python. One that is traced, as in a search by `vmap`, goes into"
            f" a finished transformation: `tx.Optimizer({_name(factory)}(..., {name}={name}))`.",
        )


def as_rate(where: str, value: Any) -> jax.Array:
    """Return a learning rate as the array that an optimizer keeps: float32 (float64 under x64).

    Raises:
        ArgumentError: it is no number, or a negative one.
    """
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    is_scalar = hasattr(value, "dtype") and jnp.shape(value) == ()
    negative = (is_number or is_scalar) and not is_tracer(value) and not value >= 0
    if negative or not (is_number or is_scalar):
        raise ArgumentError(
            where,
            expected="`learning_rate` to be a number from 0 on, or a function from step to rate",
            received=f"learning_rate={describe(value)}",
            fix="Pass for example 1e-3, or `tx.optimizers.schedules.cosine(1e-3, 1000)`.",
        )
    return jnp.asarray(value, jnp.result_type(float))


def _mask_name(factory: Factory) -> str:
    names = [name for name in _MASKS if name in inspect.signature(factory).parameters]
    if not names:
        raise ArgumentError(
            "Optimizer",
            expected="an optimizer with a weight decay of its own, where `decay` is given",
            received=f"`{_name(factory)}`, which has none",
            fix='Use one that has, such as "adamw" or "lion".',
        )
    return names[0]


def _name(factory: Any) -> str:
    return getattr(factory, "__name__", None) or describe(factory)
