"""`tx.grad` and `tx.value_and_grad`: gradients for parameters, mutations carried out.

The function is differentiated with respect to the chosen leaves of the chosen arguments; everything
else in the modules is a constant of the differentiation. What the function writes (running
statistics, keys, counters) leaves the trace as an auxiliary output and is committed afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax

from treexlite._context import current_init
from treexlite._core import _filters
from treexlite._core._choices import slot_infos
from treexlite._core._filters import Filter
from treexlite._core._graph import Walk, walk
from treexlite._core._nothing import Nothing
from treexlite._core._paths import FieldInfo, join, places, slot_numbers
from treexlite._core._registry import is_numeric
from treexlite._core._tree import is_differentiable, is_trainable
from treexlite._errors import ArgumentError
from treexlite.transforms._callable import Transform
from treexlite.transforms._lift import Inside, commit
from treexlite.transforms._pack import Packed, is_hole, pack


class Differentiated(Transform):
    """A function that also returns gradients; see `value_and_grad`."""

    name = "value_and_grad"

    def __init__(
        self,
        f: Any,
        argnums: int | Sequence[int],
        has_aux: bool,
        wrt: Filter | Sequence[Filter] | None,
        options: dict[str, Any],
    ) -> None:
        super().__init__(f)
        self.single = isinstance(argnums, int)
        self.argnums = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        self.has_aux = has_aux
        self.filters = (
            () if wrt is None else tuple(wrt) if isinstance(wrt, (tuple, list)) else (wrt,)
        )
        self.default = wrt is None
        self.options = options

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return `(value, gradients)`, or `((value, aux), gradients)`."""
        if current_init() is not None:
            self.function(*args, **kwargs)  # creates what is missing; the compiler drops the rest
        packed = pack(args, kwargs)
        positions = [self._position(n, len(args)) for n in self.argnums]
        chosen = [self._choose(packed, position) for position in positions]
        flat, treedef = jax.tree_util.tree_flatten(packed.leaves)
        numbers = sorted({number for choice in chosen for number in choice.numbers})
        plain_args, plain_kwargs = packed.arguments

        def inner(leaves: list[Any], arguments: list[Any]) -> Any:
            merged = list(flat)
            for number, leaf in zip(numbers, leaves, strict=True):
                merged[number] = leaf
            inside = Inside(packed.key, jax.tree_util.tree_unflatten(treedef, merged))
            replaced = list(plain_args)
            for position, argument in zip(positions, arguments, strict=True):
                replaced[position] = argument
            filled_args, filled_kwargs = inside.fill((tuple(replaced), plain_kwargs))
            output = self.function(*filled_args, **filled_kwargs)
            value, aux = self._split(output)
            payload, node = inside.close(aux)
            return value, (payload, node)

        (value, (payload, node)), (grads, argument_grads) = jax.value_and_grad(
            inner, argnums=(0, 1), has_aux=True, **self.options
        )([flat[n] for n in numbers], [plain_args[position] for position in positions])
        aux = commit(packed, payload, node.effect)
        by_number = dict(zip(numbers, grads, strict=True))
        results = tuple(
            choice.gradients(argument_grad, by_number)
            for choice, argument_grad in zip(chosen, argument_grads, strict=True)
        )
        return (value, aux) if self.has_aux else value, results[0] if self.single else results

    def _split(self, output: Any) -> tuple[Any, Any]:
        if not self.has_aux:
            return output, None
        if not (isinstance(output, tuple) and len(output) == 2):
            raise ArgumentError(
                self.name,
                expected="the function to return `(value, aux)`, because has_aux=True",
                received=f"a {type(output).__name__}",
                fix="Return a pair, or leave `has_aux` out.",
            )
        return output

    def _position(self, argnum: int, count: int) -> int:
        offset = self.num_known
        position = argnum + offset if argnum >= 0 else argnum + count
        if not offset <= position < count:
            raise ArgumentError(
                self.name,
                expected=f"`argnums` to name one of the {count - offset} positional arguments",
                received=f"argnums={argnum}",
                fix="Pass the argument to differentiate by position.",
            )
        return position

    def _choose(self, packed: Packed, position: int) -> _Choice:
        holes = [
            leaf
            for leaf in jax.tree_util.tree_leaves(packed.arguments[0][position], is_leaf=is_hole)
            if is_hole(leaf)
        ]
        choice = _Choice(packed, [hole.index for hole in holes])
        infos = choice.infos()
        if self.default:
            choice.chosen = [is_trainable(info) for info in infos]
        else:
            _filters.check_patterns(self.name, self.filters, infos)
            holds = _filters.All(*self.filters)
            choice.chosen = [holds(info) and is_differentiable(info) for info in infos]
        return choice


class _Choice:
    """The leaves of one argument that are differentiated.

    Attributes:
        roots: numbers of the modules in the argument.
        leaves: for each leaf of these modules its number among all leaves of the call.
        chosen: for each of them whether it is differentiated.
    """

    def __init__(self, packed: Packed, roots: list[int]) -> None:
        self.packed = packed
        self.roots = roots
        self.walks = [walk(packed.roots[root]) for root in roots]
        self.leaves = self._leaf_numbers()
        self.chosen: list[bool] = []

    def infos(self) -> list[FieldInfo]:
        """Return one `FieldInfo` for each leaf of the argument's modules."""
        return [
            info
            for root, found in zip(self.roots, self.walks, strict=True)
            for slot in slot_infos(self.packed.roots[root], found)
            for info in slot
        ]

    @property
    def numbers(self) -> list[int]:
        """The numbers of the chosen leaves."""
        return [n for n, keep in zip(self.leaves, self.chosen, strict=True) if keep]

    def _leaf_numbers(self) -> list[int]:
        starts: list[int] = []
        count = 0
        for leaf in self.packed.leaves:
            starts.append(count)
            count += _num_leaves(leaf)
        return [
            starts[slot] + offset
            for root, found in zip(self.roots, self.walks, strict=True)
            for slot, value in zip(self._slots(root, found), found.values(), strict=True)
            for offset in range(_num_leaves(value))
        ]

    def _slots(self, root: int, found: Walk) -> list[int]:
        """Return the number of each slot of one root among all slots of the call."""
        packed = self.packed
        if len(packed.walks) == len(packed.roots):
            start = sum(spec.num_slots for spec in packed.specs[:root])
            return list(range(start, start + found.spec.num_slots))
        joint = slot_numbers(packed.specs[0])  # the roots share modules: one walk over all of them
        return [joint[join(str(root), slot.path)] for slot in places(found.spec).slots]

    def gradients(self, argument: Any, by_number: dict[int, Any]) -> Any:
        """Return the argument's tree with gradients for the chosen leaves, `Nothing` for others."""
        remaining = iter(zip(self.leaves, self.chosen, strict=True))
        modules = {}
        for root, found in zip(self.roots, self.walks, strict=True):
            values = []
            for value in found.values():
                leaves, treedef = jax.tree_util.tree_flatten(value)
                taken = [next(remaining) for _ in leaves]
                grads = [by_number[n] if keep else Nothing for n, keep in taken]
                values.append(jax.tree_util.tree_unflatten(treedef, grads))
            modules[root] = found.spec.build(values).root
        return jax.tree_util.tree_map(
            lambda leaf: modules[leaf.index] if is_hole(leaf) else leaf,
            argument,
            is_leaf=is_hole,
        )


def _num_leaves(value: Any) -> int:
    return 1 if is_numeric(value) else len(jax.tree_util.tree_leaves(value))


class _GradientOnly(Differentiated):
    """The same without the value; see `grad`."""

    name = "grad"

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return the gradients, or `(gradients, aux)`."""
        value, gradients = super().run(args, kwargs)
        return (gradients, value[1]) if self.has_aux else gradients


def value_and_grad(
    f: Any = None,
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    wrt: Filter | Sequence[Filter] | None = None,
    **options: Any,
) -> Any:
    """Return a function that computes `f` and its gradients, and keeps what `f` changes.

    Args:
        f: returns a scalar, or `(scalar, aux)` with `has_aux`. Left out when used as a decorator.
        argnums: which positional arguments to differentiate: modules, or anything JAX takes. For a
            bound method or a module, the arguments are counted without `self`.
        has_aux: whether `f` returns a pair.
        wrt: filters (all must hold) that choose what in the modules is differentiated. Default:
            floating `Parameter` fields of modules that are not frozen. Frozen modules never get
            gradients.
        options: passed to `jax.value_and_grad` (`allow_int`, `holomorphic`).

    Returns:
        A function that returns `(value, gradients)`, or `((value, aux), gradients)`. The gradients
        of a module are a module of its type with `Nothing` where nothing was differentiated.

    Raises:
        ArgumentError: `argnums` names no argument, or `has_aux` and the result is no pair.
        PathError: a path pattern in `wrt` matches nothing.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> model = tx.nn.Linear(1).init(0, jnp.ones((1, 2)))
        >>> def loss_fn(model, x):
        ...     return model(x).sum()
        >>> loss, grads = tx.value_and_grad(loss_fn)(model, jnp.ones((3, 2)))
        >>> grads.bias
        Array([3.], dtype=float32)
    """

    def wrap(function: Any) -> Differentiated:
        return Differentiated(function, argnums, has_aux, wrt, options)

    return wrap if f is None else wrap(f)


def grad(
    f: Any = None,
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    wrt: Filter | Sequence[Filter] | None = None,
    **options: Any,
) -> Any:
    """Like `value_and_grad`, without the value.

    Returns:
        A function that returns the gradients, or `(gradients, aux)` with `has_aux`.

    Example:
        >>> import treexlite as tx
        >>> tx.grad(lambda x: x**2)(3.0)
        Array(6., dtype=float32, weak_type=True)
    """

    def wrap(function: Any) -> _GradientOnly:
        return _GradientOnly(function, argnums, has_aux, wrt, options)

    return wrap if f is None else wrap(f)
