"""`Optimizer`: an optax transformation as a module that updates in place.

What flows in: gradients (a module or any tree) and parameters. What flows out: the parameters. What
mutates: `opt_state`, `step` and the loss scale of the optimizer, and the parameters when they are a
module; all at the end of `update`, so that one that fails changes nothing.

optax sees parameters as a flat dict `{path: array}`, so masks, groups and exclusions are written by
name. `_source` says what may move parameters, `_options` what may happen around it; each other file
has one of these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self, TypeVar

import jax
import jax.numpy as jnp
import optax

from treexlite._core import Module, Nothing, OptState
from treexlite._core._lazy import is_lazy
from treexlite._core._named import with_named
from treexlite._errors import ArgumentError, NotInitializedError, describe
from treexlite.optimizers import _rates
from treexlite.optimizers._average import averages_of, exchanged
from treexlite.optimizers._clip import Clipped
from treexlite.optimizers._entries import restricted, strongly_typed, union
from treexlite.optimizers._loss_scale import LossScale, as_loss_scale
from treexlite.optimizers._options import NO_OPTIONS, as_limit, as_options, without
from treexlite.optimizers._pairing import (
    check_initialized,
    has_module,
    named_extra,
    paired,
    parameters,
    trainable,
)
from treexlite.optimizers._skip import Skipped, all_finite
from treexlite.optimizers._source import Source, as_source
from treexlite.optimizers._step import find
from treexlite.optimizers._transformation import Infos

M = TypeVar("M")


class Optimizer(Module):
    """Moves parameters along their gradients, in place; optax computes how.

    Args:
        optimizer: what moves the parameters:
            a name (`"adamw"`), see `tx.optimizers`; or a factory of transformations
            (`optax.adamw`), with its options by keyword;
            a finished transformation (`optax.adamw(1e-3)`);
            or groups, `{filter: any of these, an Optimizer, or None}`: the first filter that holds
            for a parameter decides, and those of a group with None stay as they are.
        learning_rate: for a name or a factory: a number, or a function from the step to a number,
            such as those in `tx.optimizers.schedules`. None is the factory's own default, or that
            of Keras: 0.001, and 0.01 for SGD.
        clip_norm: scale gradients down so that their norm, over all that are trained now, is at
            most this.
        clip_value: clip each entry of the gradients to this size first.
        accumulate_steps: move after so many calls only, by the mean of their gradients.
        skip_nonfinite: move nothing when a gradient is infinite or not a number; `skipped` counts.
        ema: the decay of moving averages of the parameters, see `averaged`; None for no averages.
        lookahead: `(steps, alpha)`: every so many steps, go back to `slow + alpha * (fast - slow)`.
        decay: a filter: the parameters that the weight decay of the optimizer acts on. (A number is
            passed on: RMSprop has an option of that name.)
        constraints: `{filter: function from array to array}`, applied to a parameter after each
            step; the first filter that holds decides.
        master_dtype: keep copies of narrower parameters in this dtype, and make steps on those.
        loss_scale: a `LossScale`, or a number for a fixed one, or `"dynamic"`: `update` divides
            gradients by it, and skips and adjusts when they are not finite. Take gradients of
            `optimizer.scale_loss(loss)`.
        options: what a factory takes by keyword, such as `weight_decay`.

    State:
        opt_state: what the transformation and the options remember; replaced by every `update`.
        step: how many times `update` was called (int32), skipped and accumulating calls included.
            Schedules count the steps that were really made.
        rate: the learning rate when it is a number of ours, see `learning_rate`.

    Raises:
        ArgumentError: an argument is of another kind, or out of its range.
        UnknownNameError: a string names no optimizer.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> params = {"x": jnp.array(4.0)}
        >>> optimizer = tx.Optimizer("sgd", learning_rate=0.5).init(params)
        >>> params = optimizer.update({"x": jnp.array(2.0)}, params)
        >>> float(params["x"]), int(optimizer.step)
        (3.0, 1)
        >>> optimizer.learning_rate = 0.25
        >>> float(optimizer.update({"x": jnp.array(2.0)}, params)["x"])
        2.5

    Reference:
        optax, https://optax.readthedocs.io: without options the numbers are those of
        `optax.apply_updates`. Options mean what Keras's mean: `clip_norm` is `global_clipnorm`,
        `accumulate_steps` is `gradient_accumulation_steps`, `ema` is `ema_momentum`.
    """

    opt_state: Any = OptState.node()
    step: jax.Array = OptState.node()
    rate: Any = OptState.node()

    def __init__(
        self,
        optimizer: Any,
        learning_rate: Any = None,
        *,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        accumulate_steps: int = 1,
        skip_nonfinite: bool = False,
        ema: float | None = None,
        lookahead: tuple[int, float] | None = None,
        decay: Any = None,
        constraints: Mapping[Any, Any] | None = None,
        master_dtype: Any = None,
        loss_scale: LossScale | float | str | None = None,
        **options: Any,
    ) -> None:
        if isinstance(decay, (int, float)):
            options, decay = {**options, "decay": decay}, None
        rule, self.rate = as_source(optimizer, learning_rate, decay, options)
        norm, value = as_limit("clip_norm", clip_norm), as_limit("clip_value", clip_value)
        self.rule = rule if norm is None and value is None else Clipped(rule, norm, value)
        self.loss_scale = as_loss_scale(loss_scale)
        skips = skip_nonfinite or self.loss_scale is not None
        self.options = as_options(
            accumulate_steps, skips, ema, lookahead, constraints, master_dtype
        )
        self.paths: tuple[str, ...] = ()

    def init(self, params: Any, inplace: bool = False) -> Self:  # type: ignore[override]  # no key
        """Create the state for the trainable parameters of a module, or for a tree of arrays.

        Args:
            params: a module (its floating, unfrozen `Parameter` fields count) or any tree.
            inplace: change this optimizer instead of returning an initialised copy.

        Returns:
            The initialised optimizer. Parameters that are unfrozen later get their state then.

        Raises:
            NotInitializedError: `params` is a model that has no parameters yet.
            PathError: a pattern of groups or constraints matches nothing, or no group has a
                parameter.
        """
        check_initialized(params)
        known = parameters(params)
        self.rule.check(known)
        self.options.check(known)
        infos = {path: i for path, i in trainable(params).items() if self.rule.moves(i)}
        optimizer = self if inplace else self.map(jnp.array)  # a copy that may be donated
        optimizer.opt_state = optimizer._fresh(infos)
        optimizer.step = jnp.zeros((), jnp.int32)
        optimizer.paths = tuple(infos)
        return optimizer

    def update(  # type: ignore[override]  # a module's `update` merges; an optimizer's steps
        self, grads: Any, params: Any = None, *, apply_updates: bool = True, **extra: Any
    ) -> Any:
        """Make one step.

        Args:
            grads: gradients: a module as `tx.grad` returns it, or a tree like `params`. Parameters
                without a gradient, and frozen ones, keep their value and their optimizer state.
            params: the parameters. A module is changed in place.
            apply_updates: add the updates to the parameters; otherwise they are returned alone.
            extra: passed to transformations that want it (`value=`, `grad=`, `value_fn=`).
                Functions of parameters get them in the form of `params`.

        Returns:
            `params` (the same object when it is a module), or the updates in the form of `params`
            when `apply_updates` is False or `params` is None.

        Raises:
            NotInitializedError: `init` was not called.
            StructureError: gradients for paths that are no parameters, or of other shapes.
            ArgumentError: an option needs the parameters, and they are not given.
        """
        self._check_ready("update")
        if params is None and self.options != NO_OPTIONS:
            raise ArgumentError(
                "Optimizer.update",
                expected="the parameters, which an option of the optimizer needs",
                received="params=None",
                fix="Call `optimizer.update(grads, model)`.",
            )
        target = grads if params is None else params
        named_grads, infos = paired(grads, target, self.rule.moves)
        named = {name: named_extra(name, value, target) for name, value in extra.items()}
        if self.loss_scale is not None:
            named_grads = self.loss_scale.unscale(named_grads, self.options.master_dtype)
        finite = all_finite(named_grads) if self.options.skip_nonfinite else None
        apply_updates = apply_updates and params is not None
        if not infos:  # everything is frozen
            result, state = {}, self.opt_state
        elif self.options == NO_OPTIONS and not apply_updates:
            result, state = self._updates(named_grads, infos, params is not None, named)
        else:
            result, state = self._advanced(named_grads, infos, finite, named)
            if not apply_updates:
                result = {path: new - infos[path].value for path, new in result.items()}
        return self._finish(target, infos, result, state, finite, apply_updates)

    def _finish(
        self, target: Any, infos: Infos, result: Any, state: Any, finite: Any, apply_updates: bool
    ) -> Any:
        """Write everything that a step changes, and return what `update` does."""
        if tuple(infos) != self.paths:
            state = union(self.opt_state, state)
            paths = tuple(sorted({*self.paths, *infos}))
        else:
            paths = self.paths
        if apply_updates:
            result = with_named(target, result, inplace=has_module(target))
        else:
            result = with_named(target, result, rest=Nothing)
        if paths != self.paths:  # a static: writing it makes the next call look at all of them
            self.paths = paths
        self.opt_state = strongly_typed(state)
        self.step = self.step + 1
        if self.loss_scale is not None:
            self.loss_scale.adjust(finite)
        return result

    # the rate

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the next step; assign to it while training, nothing is recompiled.

        A float32 array, also inside of compiled functions; `{group: rate}` of an optimizer with
        groups, for those that have one. That of a finished transformation is there if
        `optax.inject_hyperparams` made it; of a schedule inside of it, the rate of the last step.
        A schedule cannot be set.

        Raises:
            ArgumentError: the rate is not shown, or cannot be set.
        """
        return _rates.read(self.rule, self.opt_state, self.rate)

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        state, rate = _rates.write(self.rule, self.opt_state, self.rate, value)
        if rate is not self.rate:
            self.rate = rate
        else:
            self.opt_state = state

    # what options remember

    @property
    def skipped(self) -> jax.Array:
        """How many updates were skipped, with `skip_nonfinite` or a loss scale (int32).

        Raises:
            ArgumentError: nothing is ever skipped.
        """
        if not self.options.skip_nonfinite:
            raise without("skipped", "skip_nonfinite=True")
        self._check_ready("skipped")
        return next(find(self.opt_state, Skipped)).number

    def averaged(self, params: M) -> M:
        """Return a model with the averages in place of the parameters; everything else is shared.

        Args:
            params: the model that is trained, or the tree of parameters; it stays as it is.

        Raises:
            ArgumentError: the optimizer was made without `ema`.

        Example:
            >>> import jax.numpy as jnp, treexlite as tx
            >>> params = {"x": jnp.array(4.0)}
            >>> optimizer = tx.Optimizer("sgd", learning_rate=1.0, ema=0.5).init(params)
            >>> for _ in range(2):
            ...     params = optimizer.update({"x": jnp.array(1.0)}, params)
            >>> float(params["x"]), float(optimizer.averaged(params)["x"])
            (2.0, 2.5)
        """
        result: M = with_named(params, self._averages(params))
        return result

    @contextmanager
    def swapped(self, model: M) -> Iterator[M]:
        """Give a model the averages while the block runs, and its own parameters back after it.

        Args:
            model: a module, changed in place. What the block assigns to its parameters is lost.

        Raises:
            ArgumentError: the optimizer was made without `ema`, or `model` is no module.

        Example:
            >>> import jax.numpy as jnp, treexlite as tx
            >>> model = tx.nn.Linear(1, use_bias=False).init(0, jnp.ones((1, 1)))
            >>> optimizer = tx.Optimizer("sgd", ema=0.9).init(model)
            >>> with optimizer.swapped(model):
            ...     y = model(jnp.ones((1, 1)))
        """
        if not has_module(model):
            raise ArgumentError(
                "Optimizer.swapped",
                expected="a module, to change it in place",
                received=describe(model),
                fix="Use `optimizer.averaged(params)` for a tree of arrays.",
            )
        with exchanged(model, self._averages(model)):
            yield model

    def scale_loss(self, loss: Any) -> Any:
        """Return the loss times the loss scale; the loss itself when there is none.

        Args:
            loss: what gradients are taken of. `update` divides them again.
        """
        return loss if self.loss_scale is None else self.loss_scale.scale(loss)

    # parts

    def _as_group(self, label: str) -> Source:
        """Return what a group of another optimizer takes over from this one.

        Args:
            label: the group, for errors.

        Raises:
            ArgumentError: this one has options that concern all groups together.
        """
        if self.options != NO_OPTIONS:
            raise ArgumentError(
                "Optimizer",
                expected="optimizers in groups to have options of their transformation only",
                received=f"the group {label!r} with {self.options}",
                fix="Give what happens around the step to the optimizer with the groups.",
            )
        return Source(self.rule, self.rate)

    def _fresh(self, infos: Infos) -> Any:
        """Return a new state for these parameters."""
        values = {path: info.value for path, info in infos.items()}
        transformation = self.rule.build(infos, self.rate)
        if self.options == NO_OPTIONS:
            return strongly_typed(transformation.init(values))
        step = self.options.step(transformation, infos, True)
        return strongly_typed(step.init(_arrays(values)))

    def _state_for(self, infos: Infos) -> Any:
        """Return the state of these parameters, with new entries for those not seen before."""
        if tuple(infos) == self.paths:
            return self.opt_state
        return restricted(self._fresh(infos), self.opt_state)

    def _updates(self, grads: Any, infos: Infos, with_params: bool, extra: Any) -> Any:
        values = {path: info.value for path, info in infos.items()} if with_params else None
        transformation = optax.with_extra_args_support(self.rule.build(infos, self.rate))
        return transformation.update(grads, self._state_for(infos), values, **extra)

    def _advanced(self, grads: Any, infos: Infos, finite: Any, extra: Any) -> Any:
        values = {path: info.value for path, info in infos.items()}
        step = self.options.step(self.rule.build(infos, self.rate), infos, finite)
        values = values if self.options == NO_OPTIONS else _arrays(values)
        return step.advance(grads, self._state_for(infos), values, extra)

    def _averages(self, params: Any) -> dict[str, Any]:
        if self.options.ema is None:
            raise without("averaged", "ema=0.999")
        self._check_ready("averaged")
        return averages_of(self.opt_state, parameters(params))

    def _check_ready(self, name: str) -> None:
        if is_lazy(self.opt_state):
            raise NotInitializedError(
                f"Optimizer.{name}",
                expected="an initialised optimizer",
                received="a call before `init`",
                fix="Call `optimizer = optimizer.init(model)` first.",
            )


def _arrays(values: dict[str, Any]) -> dict[str, Any]:
    return {path: jnp.asarray(value) for path, value in values.items()}
