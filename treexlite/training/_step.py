"""The compiled programs of a trainer: what happens to a batch, and to a chunk of batches.

What flows in: the state, examples on the device, and row numbers of batches. What flows out:
numbers, still on the device. What may mutate: the state and the averages, as `tx.jit` carries out
what the trainer's `train_step`, `eval_step` and `predict_step` write.

A chunk of batches runs in one dispatch, as a compiled loop whose number of steps is an argument. So
one program serves chunks of any length, and their length changes no bit of the result. How steps
are dispatched is read off the trace of the step, see `Form`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import Module
from treexlite._errors import ShapeError, StructureError
from treexlite.training._averages import Averages
from treexlite.training._checks import (
    advised,
    check_names,
    check_parts,
    check_rows,
    checked,
    parts,
    trained,
)
from treexlite.training._cost import cost
from treexlite.training._data import Batch, take
from treexlite.training._default_steps import DefaultSteps, has_default_steps
from treexlite.training._feed import Chunk
from treexlite.training._form import Form, form_of, signature
from treexlite.training._heads import batch_weight
from treexlite.training._held import in_mode
from treexlite.training._numbers import as_numbers
from treexlite.training._objective import objective
from treexlite.training._records import Records
from treexlite.training._state import TrainState, references, restore
from treexlite.training._weakly import Weakly
from treexlite.transforms import fori_loop, jit

Counters = tuple[Averages, Records | None]
Modules = dict[str, Module]


class Programs:
    """The steps of one trainer, compiled.

    Args:
        steps: the trainer.
        donate: whether training over a data set reuses the memory of the state. Single batches
            (`train_on_batch`) never do, because their callers look at the state in between; nor
            does evaluation, which changes little.
        eagerly: run the steps as they are, uncompiled.

    Attributes:
        averages: the means over the batches since `start`.
        records: what each step since the last reading logged, when that is recorded.
        names: what the steps of each mode log.
        forms: how the steps of each mode are dispatched.
    """

    def __init__(self, steps: DefaultSteps, donate: bool, eagerly: bool = False) -> None:
        self.steps = steps
        self.averages = Averages()
        self.records: Records | None = None
        self.names: dict[str, tuple[str, ...]] = {}
        self.forms: dict[str, Form] = {}
        self._known_preds: tuple[Any, Any] | None = None
        self._donate, self._eagerly = donate, eagerly
        self._set_aside: list[tuple[Module, dict[str, Any]]] = []
        self._placement, self._layout = steps.placement, steps.placement.layout
        self._build()

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what says that programs are traced: a copy has none, and it cannot be saved."""
        return {**vars(self), "_prepared": {}, "_known_preds": None}

    def refresh(self) -> None:
        """Make the programs anew, if since then other arrays are in parts."""
        if self._layout != self._placement.layout:
            self._layout = self._placement.layout
            self._build()

    def _build(self) -> None:
        donate, eagerly = self._donate, self._eagerly
        self._prepared: dict[str, Any] = {}  # what was traced last, see `prepare`

        def compiled(function: Any, donate: bool = False) -> Any:
            return function if eagerly else jit(function, donate=donate)

        self.looped = {
            "train": compiled(partial(Weakly(self._loop), "train"), donate),
            "test": compiled(partial(Weakly(self._loop), "test")),
        }
        self.single = {
            "train": compiled(partial(Weakly(self._single), "train"), donate),
            "test": compiled(partial(Weakly(self._single), "test")),
        }
        self.careful = {
            "train": compiled(partial(Weakly(self._single), "train")),
            "test": compiled(partial(Weakly(self._single), "test")),
        }
        self.predict = compiled(Weakly(self._predict))
        self.train_batch = compiled(Weakly(self._train_batch))
        self.evaluate_batch = compiled(Weakly(self._evaluate_batch))
        self.predict_batch = compiled(Weakly(self._predict_batch))
        self._compute = jit(_compute)
        self._start = jit(Weakly(self._begin))
        self._outputs = jit(Weakly(self._preds))

    def start(self, state: TrainState) -> None:
        """Begin a pass over a data set: forget metrics and averages."""
        self._start(self.averages, state.metrics)

    @contextlib.contextmanager
    def aside(self, state: TrainState) -> Iterator[None]:
        """Let the block have metrics and averages of its own: afterwards they are as before."""
        outside = self._set_aside
        modules = (self.averages, *state.metrics.values())
        before = [pair for module in modules for pair in references(module)]
        self._set_aside = outside or before
        try:
            yield
        finally:
            self._set_aside = outside
            restore(before)

    @contextlib.contextmanager
    def with_means_of_epoch(self) -> Iterator[None]:
        """Put back for a while what is set aside, to save it."""
        present = [(member, dict(vars(member))) for member, _ in self._set_aside]
        restore(self._set_aside)
        try:
            yield
        finally:
            restore(present)

    def _begin(self, averages: Averages, metrics: Mapping[str, Any]) -> None:
        for counter in (averages, *metrics.values()):
            counter.reset()
        paths = {f"state/metrics/{name}": metric for name, metric in metrics.items()}
        self._placement.constrain({"averages": averages, **paths})

    def prepare(self, mode: str, modules: Mapping[str, Any], chunk: Chunk) -> None:
        """Trace the steps of a mode without running them, and decide how they are dispatched.

        All mistakes that shapes and dtypes show are raised here, except those of steps that were
        overridden and run eagerly: they find them in their first batch.

        Args:
            mode: "train" or "test".
            modules: the state, as "state", and the modules in attributes of the trainer, or ones
                with shapes in place of arrays. They are not changed.
            chunk: arrays or shapes.
        """
        self.refresh()
        held = {name: module for name, module in modules.items() if name != "state"}
        counters = self._counters(mode)
        self._placement.place_whole(modules_of(counters))
        arguments = (modules["state"], held, counters, chunk.data, chunk.rows, chunk.first)
        found = signature(arguments)
        if self._prepared.get(mode) != found:
            self._prepared.pop(mode, None)
            self.forms[mode] = self._traced(mode, arguments, chunk.count)
            self._prepared[mode] = found

    def _traced(self, mode: str, arguments: tuple[Any, ...], count: Any) -> Form:
        """Trace what will run, and return its form."""
        if self._eagerly:
            if has_default_steps(self.steps):  # steps of one's own may look at values
                jit(self.single[mode]).eval_shape(*arguments)
            return Form.EAGER
        form = self._form(mode, (*arguments, count))
        if form is not Form.LOOPED:
            program = self.single if form is Form.SINGLE else self.careful
            program[mode].trace(*arguments)
        return form

    def _form(self, mode: str, arguments: tuple[Any, ...]) -> Form:
        try:
            return form_of(cost(self.looped[mode].trace(*arguments).jaxpr))
        except (StructureError, ShapeError) as error:
            if error.where != "fori_loop":
                raise
            return Form.SINGLE  # the step changes the structure of the state

    def _arguments(self, mode: str, state: TrainState, chunk: Chunk) -> tuple[Any, ...]:
        counters = self._counters(mode)
        return state, self.steps.held(), counters, chunk.data, chunk.rows, chunk.first

    def _counters(self, mode: str) -> Counters:
        return self.averages, self.records if mode == "train" else None

    def is_looped(self, mode: str) -> bool:
        """Whether one dispatch may have several steps."""
        return self.forms[mode] is Form.LOOPED

    def run(self, mode: str, state: TrainState, chunk: Chunk) -> jax.Array:
        """Make the steps of a chunk.

        Returns:
            An array that is ready when they are done.

        Raises:
            Exception: what a step raised; the state is as before it.
        """
        form = self.forms[mode]
        token: jax.Array
        arguments = self._arguments(mode, state, chunk)
        if form is Form.LOOPED:
            token = self.looped[mode](*arguments, chunk.count)
        elif form is Form.SINGLE:
            token = self.single[mode](*arguments)
        else:
            token = self._run_carefully(mode, arguments)
        return token

    def _run_carefully(self, mode: str, arguments: Any) -> jax.Array:
        state, held, counters = arguments[:3]
        modules = [state, *held.values(), *modules_of(counters)]
        before = [references(module) for module in modules]
        try:
            done: jax.Array = jax.block_until_ready(self.careful[mode](*arguments))
        except BaseException:
            for members in before:
                restore(members)
            raise
        return done

    def read(self, mode: str, state: TrainState) -> dict[str, Any]:
        """Wait for the device, and return `{name: value}` over all batches since `start`.

        This is the only place where training waits.
        """
        return self.reading(mode, state)()

    def reading(self, mode: str, state: TrainState) -> Callable[[], dict[str, Any]]:
        """Return a function that does what `read` does now, however many steps are made until then.

        The numbers are computed on the device at once; only calling the function waits for it.
        """
        results = self._compute(self.averages, state.metrics)
        names, metrics = self.names.get(mode, ()), tuple(state.metrics)

        def read() -> dict[str, Any]:
            means, computed = fetch(results)
            averaged = sorted(name for name in names if name not in computed)
            values = {**computed, **dict(zip(averaged, means, strict=False))}
            first = [name for name in ("loss", *metrics) if name in names]
            rest = [name for name in averaged if name not in first]
            return as_numbers({name: values[name] for name in (*first, *rest)})

        return read

    def read_records(self, state: TrainState) -> dict[str, list[float]]:
        """Wait for the device, return what each step since the last call logged, and forget it."""
        if self.records is None:
            return {}
        names = sorted(set(self.names["train"]) - set(state.metrics))
        rows, count = fetch((self.records.rows, self.records.count))
        self.records.reset()
        columns = rows[:count].T
        return {name: columns[place].tolist() for place, name in enumerate(names)}

    def logged(self, validates: bool) -> list[str] | None:
        """Return the names in the logs of an epoch; None while eager steps have not told them."""
        names = self.names
        if not {"train", *(["test"] if validates else [])} <= names.keys():
            return None
        validated = [f"val_{name}" for name in names["test"]] if validates else []
        return [*names["train"], *validated]

    def shapes_of_preds(self, model: Module, batch: Batch) -> Any:
        """Return the shapes of what `loss_fn` predicts, for shapes of a model and of a batch."""
        found = signature((model, batch))
        if self._known_preds is None or self._known_preds[0] != found:
            self._known_preds = found, self._outputs.eval_shape(model, batch)
        return self._known_preds[1]

    def _preds(self, model: Module, batch: Batch) -> Any:
        with in_mode(model, training=False):
            return objective(self.steps.loss_fn, model, batch)[1].preds

    def _loop(
        self,
        mode: str,
        state: TrainState,
        held: Modules,
        counters: Counters,
        data: Batch,
        rows: Any,
        first: Any,
        count: Any,
    ) -> jax.Array:
        """Make `count` steps, as one compiled loop."""

        def body(index: jax.Array, carry: Any) -> Any:
            state, held, counters = carry
            self._step(mode, state, held, counters, take(data, rows, index))
            return carry

        fori_loop(first, first + count, body, (state, held, counters))
        return _token(counters)

    def _single(
        self,
        mode: str,
        state: TrainState,
        held: Modules,
        counters: Counters,
        data: Batch,
        rows: Any,
        first: Any,
    ) -> jax.Array:
        """Make one step."""
        self._step(mode, state, held, counters, take(data, rows, first))
        return _token(counters)

    def _step(
        self, mode: str, state: TrainState, held: Modules, counters: Counters, batch: Batch
    ) -> None:
        """Make one step, and add what it returned to the averages; metrics count by themselves."""
        step = self._train_batch if mode == "train" else self._evaluate_batch
        logs = step(state, held, batch)
        names = self.names.setdefault(mode, tuple(logs))  # known when this has been traced
        check_names(mode, names, tuple(logs))
        averaged = {k: v for k, v in logs.items() if k not in state.metrics}
        averages, records = counters
        averages.update(averaged, batch_weight(self.steps.loss, batch))
        if records is not None:
            records.update(averaged)
        self._placement.constrain_whole(modules_of(counters))

    def _train_batch(self, state: TrainState, held: Modules, batch: Batch) -> dict[str, Any]:
        before = parts(state)
        with self._inside(state, held, training=True):
            logs = self.steps.train_step(state, self._placement.split(batch))
        check_parts("train_step", before, parts(state))
        state.step = state.step + 1
        self._placement.constrain({"state": state, **held})
        return checked("train_step", logs)

    def _evaluate_batch(self, state: TrainState, held: Modules, batch: Batch) -> dict[str, Any]:
        before = parts(state), trained(state)
        with self._inside(state, held, training=False):
            logs = self.steps.eval_step(state, self._placement.split(batch))
        check_parts("eval_step", before[0], parts(state))
        check_parts("eval_step", before[1], trained(state))
        self._placement.constrain({"state": state, **held})
        return checked("eval_step", logs)

    def _predict_batch(self, state: TrainState, held: Modules, batch: Batch) -> Any:
        with self._inside(state, held, training=False):
            outputs = self.steps.predict_step(state, self._placement.split(batch))
        self._placement.constrain({"state": state, **held})
        return outputs

    def _predict(self, state: TrainState, held: Modules, data: Batch, rows: Any, first: Any) -> Any:
        batch = take(data, rows, first)
        outputs = self._predict_batch(state, held, batch)
        check_rows(outputs, batch)
        return outputs

    @contextlib.contextmanager
    def _inside(self, state: TrainState, held: Modules, training: bool) -> Iterator[None]:
        """Run a step: in its mode, with its own modules in the attributes of the trainer."""
        compiled = not self._eagerly
        with in_mode(state.model, training), self.steps.inside(state, held, compiled), advised():
            yield


def modules_of(counters: Counters) -> list[Module]:
    """Return the counters that there are."""
    return [counter for counter in counters if counter is not None]


def _token(counters: Counters) -> jax.Array:
    return jnp.sum(counters[0].weight)


def _compute(averages: Averages, metrics: Mapping[str, Any]) -> tuple[jax.Array, dict[str, Any]]:
    """Compute what is logged, in memory of its own: later steps take over that of the state."""
    results = averages.compute(), {name: metric.compute() for name, metric in metrics.items()}
    copies: tuple[jax.Array, dict[str, Any]] = jax.tree_util.tree_map(jnp.copy, results)
    return copies


def fetch(tree: Any) -> Any:
    """Wait until the device has computed `tree`, and return it as NumPy arrays."""
    return jax.device_get(tree)
