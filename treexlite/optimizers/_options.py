"""What an optimizer does around its transformation, as options that are checked once.

In: the keywords of `Optimizer`. Out: a `Step`. Nothing mutates.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import optax

from treexlite._core._filters import Filter, predicate
from treexlite._errors import ArgumentError, describe
from treexlite.optimizers._accumulate import accumulated
from treexlite.optimizers._average import averaged
from treexlite.optimizers._constrain import Constraint, constrained
from treexlite.optimizers._lookahead import lookahead
from treexlite.optimizers._master import mastered
from treexlite.optimizers._skip import skipping
from treexlite.optimizers._step import Step, plain
from treexlite.optimizers._transformation import Infos, check_filter

WHERE = "Optimizer"


@dataclasses.dataclass(frozen=True)
class Options:
    """What happens around a transformation; the defaults are nothing at all."""

    accumulate_steps: int = 1
    skip_nonfinite: bool = False
    ema: float | None = None
    lookahead: tuple[int, float] | None = None
    constraints: tuple[tuple[Filter, Constraint], ...] = ()
    master_dtype: Any = None

    def step(self, transformation: optax.GradientTransformation, infos: Infos, finite: Any) -> Step:
        """Return the step; from inside out, each sees what the ones before made of a parameter."""
        step = plain(transformation)
        if self.lookahead is not None:
            step = lookahead(step, *self.lookahead)
        if self.constraints:
            step = constrained(step, self._constraints(infos))
        if self.ema is not None:
            step = averaged(step, self.ema)
        if self.accumulate_steps > 1:
            step = accumulated(step, self.accumulate_steps)
        if self.master_dtype is not None:
            step = mastered(step, self.master_dtype)
        if self.skip_nonfinite:
            step = skipping(step, finite)
        return step

    def check(self, infos: Infos) -> None:
        """Refuse constraints for paths that are not there.

        Raises:
            PathError: a pattern matches no parameter.
        """
        for filter_, _ in self.constraints:
            check_filter(filter_, infos)

    def _constraints(self, infos: Infos) -> dict[str, Constraint]:
        chosen = {}
        for filter_, constraint in reversed(self.constraints):  # the first that holds decides
            holds = predicate(filter_)
            chosen.update({path: constraint for path, info in infos.items() if holds(info)})
        return chosen


NO_OPTIONS = Options()


def as_options(
    accumulate_steps: Any,
    skip_nonfinite: bool,
    ema: Any,
    lookahead: Any,
    constraints: Any,
    master_dtype: Any,
) -> Options:
    """Check the options of an optimizer.

    Raises:
        ArgumentError: one is outside its range.
    """
    if not isinstance(accumulate_steps, int) or accumulate_steps < 1:
        raise _refuse("accumulate_steps", "a positive integer", accumulate_steps, "1 is every step")
    if ema is not None and not (_is_number(ema) and 0 <= ema < 1):
        raise _refuse("ema", "a decay from 0 on and below 1", ema, "0.999 is usual")
    return Options(
        accumulate_steps,
        bool(skip_nonfinite),
        None if ema is None else float(ema),
        _as_lookahead(lookahead),
        _as_constraints(constraints),
        _as_master_dtype(master_dtype),
    )


def as_limit(name: str, value: Any) -> float | None:
    """Check the limit of a clip.

    Raises:
        ArgumentError: it is no number above 0.
    """
    if value is None:
        return None
    if not _is_number(value) or not value > 0:
        raise _refuse(name, "a number above 0", value, "None leaves gradients as they are")
    return float(value)


def without(name: str, option: str) -> ArgumentError:
    """Build the error for a member that needs an option."""
    return ArgumentError(
        f"Optimizer.{name}",
        expected=f"an optimizer that was made with `{option}`",
        received="one without",
        fix=f"Make it with `tx.Optimizer(..., {option})`.",
    )


def _as_lookahead(value: Any) -> tuple[int, float] | None:
    if value is None:
        return None
    if isinstance(value, (tuple, list)) and len(value) == 2:
        steps, alpha = value
        if isinstance(steps, int) and steps >= 1 and _is_number(alpha) and 0 < alpha <= 1:
            return steps, float(alpha)
    raise _refuse("lookahead", "(steps, alpha) with 0 < alpha <= 1", value, "(6, 0.5) is usual")


def _as_constraints(value: Any) -> tuple[tuple[Filter, Constraint], ...]:
    if value is None:
        return ()
    if not isinstance(value, Mapping) or not all(map(callable, value.values())):
        fix = 'for example {"**/kernel": lambda w: jnp.maximum(w, 0)}'
        raise _refuse("constraints", "{filter: function from array to array}", value, fix)
    for filter_ in value:
        predicate(filter_)
    return tuple(value.items())


def _as_master_dtype(value: Any) -> Any:
    if value is None:
        return None
    try:
        dtype = jnp.dtype(value)
        if jnp.issubdtype(dtype, jnp.floating):
            return dtype
    except TypeError:
        pass
    raise _refuse("master_dtype", "a floating dtype", value, "jnp.float32 is usual")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _refuse(name: str, expected: str, value: Any, fix: str) -> ArgumentError:
    return ArgumentError(
        WHERE,
        expected=f"`{name}` to be {expected}",
        received=f"{name}={describe(value)}",
        fix=f"Leave it out for nothing; {fix}.",
    )
