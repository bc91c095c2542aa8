"""`tx.jit`: compile a function; whatever it changes in its modules is changed afterwards.

The compiled function is flat: `flat(plan, arguments, *leaves)`. The plan (the structure of the
modules and the static arguments) is a static argument compared by identity, because equal
structures are interned to one object. What the function did to structure comes out as an `Effect`
in the output's treedef, which JAX keeps beside each compiled entry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, overload

import jax

from treexlite._context import current_init
from treexlite._errors import ArgumentError
from treexlite.transforms._callable import Transform, takes_arguments
from treexlite.transforms._donation import distinct, usable
from treexlite.transforms._history import History
from treexlite.transforms._lift import Inside, commit
from treexlite.transforms._pack import Packed, pack
from treexlite.transforms._refusal import explained
from treexlite.transforms._shapes import shapes
from treexlite.transforms._shardings import Shardings, constrain, constrain_output, resolve
from treexlite.transforms._static_arguments import StaticArguments, Statics, restore

_MAX_PLANS = 1024
_REFUSED = {
    "donate_argnums": "Use `donate=True`: it donates the state of modules, never the batch.",
    "donate_argnames": "Use `donate=True`: it donates the state of modules, never the batch.",
}


class Plan:
    """All that is known about a call before its arrays; compared by identity.

    Attributes:
        key: how the modules are built (`Packed.key`).
        statics: the static arguments.
        donated: slots whose buffers are given to the compiled function.
        shardings: of the arguments, if the user gave some.
        compiled: the compiled function without donation.
        call: the compiled function; set when the first trace has shown what can be donated.
    """

    __slots__ = ("call", "compiled", "donated", "key", "shardings", "statics")

    def __init__(self, key: Any, statics: Statics) -> None:
        self.key = key
        self.statics = statics
        self.donated: tuple[int, ...] = ()
        self.shardings: Shardings | None = None
        self.compiled: Any = None
        self.call: Any = None


class Program:
    """What is compiled: the user's function, with modules taken apart around it.

    It does not know the `Jitted` that it belongs to. JAX keeps the function below a compiled one in
    a way that the garbage collector does not see through, so a cycle would live forever.

    Attributes:
        function: the user's.
        history: where each trace is recorded.
        out_shardings: what the user gave.
    """

    def __init__(self, function: Callable[..., Any], history: History, out_shardings: Any) -> None:
        self.function, self.history, self.out_shardings = function, history, out_shardings

        def flat(plan: Plan, arguments: Any, *leaves: Any) -> Any:
            return self.trace(plan, arguments, leaves)

        flat.__name__ = flat.__qualname__ = getattr(function, "__name__", "function")
        self.flat = flat

    def trace(self, plan: Plan, arguments: Any, leaves: tuple[Any, ...]) -> Any:
        """Run the function on traced data; returns what `Inside.close` does."""
        self.history.add(plan.key[0], plan.statics, arguments, leaves)
        inside = Inside(plan.key, leaves)
        args, kwargs = restore(inside.fill(arguments), plan.statics)
        output = self.function(*args, **kwargs)
        if plan.shardings is not None:
            old = set(map(id, inside.leaves))
            for root, sharding in zip(inside.roots, plan.shardings.roots, strict=True):
                constrain(root, sharding, old)
        if self.out_shardings is not None:
            output = constrain_output(output, self.out_shardings)
        return inside.close(output, force=plan.donated)


class Jitted(Transform):
    """A compiled function; see `jit`."""

    name = "jit"

    def __init__(
        self,
        f: Any,
        static_argnums: int | Sequence[int] | None,
        static_argnames: str | Sequence[str] | None,
        donate: bool,
        in_shardings: Any,
        out_shardings: Any,
        options: dict[str, Any],
    ) -> None:
        super().__init__(f)
        self.static = StaticArguments(
            self.name, self.function, static_argnums, static_argnames, self.num_known
        )
        self.donate = donate
        self.in_shardings, self.out_shardings = in_shardings, out_shardings
        self.options = options
        self._prepare_calls()

    def _prepare_calls(self) -> None:
        self._plans: dict[Any, Plan] = {}
        self.history = History(self.function, self.num_known)

        self._program = Program(self.function, self.history, self.out_shardings)
        self._compiled: Any = self._jit(Plan(None, ()))

    def __set_name__(self, owner: type, name: str) -> None:
        super().__set_name__(owner, name)
        self._program.function = self.function

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what was compiled: a pickled or deep-copied function compiles again."""
        compiled = ("_plans", "history", "_program", "_compiled")
        return {name: value for name, value in vars(self).items() if name not in compiled}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._prepare_calls()

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the compiled function, and write what it changed into the modules."""
        if current_init() is not None:
            return self.function(*args, **kwargs)  # inside `init`: already traced and compiled
        self.history.calls += 1
        packed, plan = self._prepare(args, kwargs)
        call = plan.call or self._choose(packed, plan)
        leaves = packed.leaves
        if plan.donated and not packed.arrays_unchanged():
            leaves = distinct(packed, plan.donated)
        try:
            payload, node = call(plan, packed.arguments, *leaves)
        except TypeError as error:
            raise explained(error, self.function, packed) from None
        except (RuntimeError, ValueError) as error:
            if "donate" not in str(error):
                raise
            payload, node = call(plan, packed.arguments, *distinct(packed, plan.donated))
        return commit(packed, payload, node.value, uniform=True)

    def _prepare(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Packed, Plan]:
        statics: Statics = ()
        if self.static:
            args, kwargs, statics = self.static.split(args, kwargs)
        packed = pack(args, kwargs)
        key: Any = (packed.key, statics)
        if self.in_shardings is not None:
            key = (*key, jax.tree_util.tree_structure(packed.arguments))
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= _MAX_PLANS:
                self._plans.pop(next(iter(self._plans)))
            plan = Plan(packed.key, statics)
            plan.compiled = self._compiled
            if self.in_shardings is not None:
                known = self.num_known
                plan.shardings = resolve(
                    self.in_shardings,
                    packed,
                    tuple(n for n, _ in statics if isinstance(n, int)),
                    known,
                )
                plan.compiled = self._jit(plan)
            self._plans[key] = plan
        return packed, plan

    def _choose(self, packed: Packed, plan: Plan) -> Callable[..., Any]:
        """Decide how `plan` is called: for donation, trace once to learn which slots change."""
        if self.donate:
            outputs = self._trace(packed, plan).out_info
            plan.donated = usable(packed.leaves, outputs[1].value.consumed, outputs)
            plan.call = self._jit(plan)
        else:
            plan.call = plan.compiled
        call: Callable[..., Any] = plan.call
        return call

    def _jit(self, plan: Plan) -> Any:
        """Compile for one plan."""
        options = dict(self.options)
        if plan.donated:
            options["donate_argnums"] = tuple(n + 2 for n in plan.donated)
        if plan.shardings is not None:
            options["in_shardings"] = (plan.shardings.arguments, *plan.shardings.data)
        return jax.jit(self._program.flat, static_argnums=0, **options)

    def _trace(self, packed: Packed, plan: Plan) -> Any:
        try:
            return plan.compiled.trace(plan, packed.arguments, *packed.leaves)
        except TypeError as error:
            raise explained(error, self.function, packed) from None

    @takes_arguments
    def trace(self, *args: Any, **kwargs: Any) -> Any:
        """Trace for these arguments without running; returns JAX's `Traced`. Changes no module."""
        return self._trace(*self._prepare((*self.args, *args), {**self.kwargs, **kwargs}))

    @takes_arguments
    def lower(self, *args: Any, **kwargs: Any) -> Any:
        """Lower for these arguments without running; returns JAX's `Lowered`. Changes no module."""
        packed, plan = self._prepare((*self.args, *args), {**self.kwargs, **kwargs})
        try:
            call: Any = plan.call or self._choose(packed, plan)
            return call.lower(plan, packed.arguments, *packed.leaves)
        except TypeError as error:
            raise explained(error, self.function, packed) from None

    @takes_arguments
    def eval_shape(self, *args: Any, **kwargs: Any) -> Any:
        """Return the output with `jax.ShapeDtypeStruct`s for arrays. Changes no module."""
        packed, plan = self._prepare((*self.args, *args), {**self.kwargs, **kwargs})
        return shapes(packed, *self._trace(packed, plan).out_info)

    def cache_size(self) -> int:
        """Return how many times the function was traced since the last `clear_cache`."""
        return self.history.count

    def clear_cache(self) -> None:
        """Forget everything that was traced and compiled."""
        self._plans.clear()
        self._compiled.clear_cache()
        self.history.clear()


@overload
def jit(f: Callable[..., Any], **options: Any) -> Jitted: ...
@overload
def jit(f: None = None, **options: Any) -> Callable[[Callable[..., Any]], Jitted]: ...
def jit(
    f: Any = None,
    *,
    static_argnums: int | Sequence[int] | None = None,
    static_argnames: str | Sequence[str] | None = None,
    donate: bool = False,
    in_shardings: Any = None,
    out_shardings: Any = None,
    **options: Any,
) -> Any:
    """Compile `f`; what it changes in its modules is changed afterwards, as if it had run eagerly.

    Works on functions, on methods in class bodies, on bound methods and on modules. Modules may be
    anywhere in the arguments. A returned module that was an argument comes back as that same
    object.

    Args:
        f: what to compile; left out when used as `@tx.jit(donate=True)`.
        static_argnums: positions of arguments that are part of the program (compared by content).
        static_argnames: names of such keyword arguments.
        donate: give the memory of the modules' changed arrays to the result. Arrays that do not
            change survive, and so does everything that is not a module. Other references to a
            changed array (`w = model.kernel` before the call) are deleted, as in JAX.
        in_shardings: one sharding for all arguments, or a tuple with one (or a prefix tree of some)
            for each positional argument that is not static, as in `jax.jit`. For a module a
            sharding for all of its data, or `{kind: sharding}`, where the most specific kind
            counts. None leaves an argument as it is. What the function writes to a module keeps
            the module's sharding.
        out_shardings: the same for what the function returns.
        options: passed to `jax.jit` (`compiler_options`, `inline`, `keep_unused`, ...).

    Returns:
        A callable with `.lower`, `.trace`, `.eval_shape`, `.cache_size` and `.clear_cache`.

    Raises:
        NodeValueError: a field of data, or an argument that is not static, holds something that is
            no array.
        ArgumentError: an option of `jax.jit` that has another form here, a static argument that
            the function does not have, or one that holds a module or a traced value.
        StructureError: the shardings do not correspond to the arguments or the output.

    Example:
        >>> import jax, jax.numpy as jnp, treexlite as tx
        >>> class Counter(tx.Module):
        ...     n: jax.Array = tx.State.node()
        ...
        ...     def __init__(self):
        ...         self.n = jnp.array(0)
        ...
        ...     @tx.jit
        ...     def count(self):
        ...         self.n += 1
        ...         return self.n
        >>> counter = Counter()
        >>> int(counter.count()), int(counter.count()), int(counter.n)
        (1, 2, 2)
    """
    for name in options:
        if name in _REFUSED:
            raise ArgumentError(
                "jit",
                expected="options of `jax.jit` that have a meaning for modules",
                received=f"{name}={options[name]!r}",
                fix=_REFUSED[name],
            )

    def wrap(function: Any) -> Jitted:
        return Jitted(
            function, static_argnums, static_argnames, donate, in_shardings, out_shardings, options
        )

    return wrap if f is None else wrap(f)
