"""Random programs in which transformations are nested, and two ways to run them.

A program is a tuple of nodes: `Steps` of operations on modules, and transformations with programs
as bodies. `Eager` runs it with Python loops over steps and lanes, with Python's `if`, and with no
transformation but plain `jax.grad` over explicit arrays. `Lifted` runs it with `tx`. Both hand on a
number `x`, a float `f` (which is differentiated), and the modules that the program made on the way.

Loops and branches have one compiled program for all cases, so their bodies change data only
(`fixed`), or structure in a way that all cases agree on. Everything else may happen elsewhere.
"""

from __future__ import annotations

import dataclasses
import functools
import types
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import jax
import jax.numpy as jnp

import treexlite as tx
from tests.properties.strategies import APPLY, OPS, SHARING_OPS, Cell, Op

FIXED = ("call", "write_state", "swap_arrays", "remember_known", "advance_key", "flicker", "emit")
ON_PARAMETERS = ("write_parameter", "negate", "scale")
PASSED = ("plain", "dict", "list", "twice", "beside")
KNOWN = ("bound", "partial", "host")
NO_PARAMETER = tx.Not(tx.Parameter)


@dataclasses.dataclass(frozen=True)
class Steps:
    """Operations, one after the other."""

    ops: tuple[Op, ...]


@dataclasses.dataclass(frozen=True)
class Call:
    """`jit` or `remat` around a body."""

    kind: str
    passing: str
    body: tuple[Any, ...]


@dataclasses.dataclass(frozen=True)
class Grad:
    """`value_and_grad` around a body; then perhaps an update by the gradients."""

    passing: str
    update: bool
    body: tuple[Any, ...]


@dataclasses.dataclass(frozen=True)
class Loop:
    """`fori_loop` or `while_loop`."""

    kind: str
    passing: str
    count: int
    body: tuple[Any, ...]


@dataclasses.dataclass(frozen=True)
class Scan:
    """`scan` over numbers, and perhaps over stacked copies of the modules."""

    passing: str
    count: int
    reverse: bool
    rows: bool
    body: tuple[Any, ...]


@dataclasses.dataclass(frozen=True)
class Choice:
    """`cond` (two branches) or `switch`; what is `agreed` happens in every branch."""

    passing: str
    agreed: tuple[Op, ...]
    bodies: tuple[tuple[Any, ...], ...]


@dataclasses.dataclass(frozen=True)
class Lanes:
    """`vmap` over stacked copies (all of them, or all but the parameters), or over nothing."""

    flavour: str
    passing: str
    count: int
    fixed: bool
    parameters: bool
    body: tuple[Any, ...]


def _op_names(fixed: bool, parameters: bool) -> tuple[str, ...]:
    names = FIXED if fixed else (*FIXED, *SHARING_OPS)
    written = {"write_parameter"} if not parameters else set()
    names = tuple(name for name in names if name not in written)
    return (*names, *ON_PARAMETERS) if parameters else names


def _ops(names: tuple[str, ...], most: int) -> st.SearchStrategy[tuple[Op, ...]]:
    op = st.builds(Op, st.sampled_from(names), st.integers(0, 12), st.integers(0, 4))
    return st.lists(op, max_size=most).map(tuple)


def programs(
    depth: int, fixed: bool = False, parameters: bool = True, differentiated: bool = False
) -> st.SearchStrategy[tuple[Any, ...]]:
    """Programs in which up to `depth` transformations are nested.

    Args:
        depth: how many.
        fixed: whether the structure of modules must stay as it is.
        parameters: whether parameters may be written.
        differentiated: whether the program is inside a `Grad`, where `while_loop` is not possible.
    """
    steps = st.builds(Steps, _ops(_op_names(fixed, parameters), 3))
    if depth == 0:
        return st.tuples(steps)

    def inner(**changes: bool) -> st.SearchStrategy[tuple[Any, ...]]:
        now = {"fixed": fixed, "parameters": parameters, "differentiated": differentiated}
        return programs(depth - 1, **{**now, **changes})

    loop = inner(fixed=True)
    anyhow, passed = st.sampled_from(PASSED + KNOWN), st.sampled_from(PASSED)
    agreed = st.just(()) if fixed else _ops(OPS, 2)
    loops = st.just("fori") if differentiated else st.sampled_from(("fori", "while"))
    settled = (st.integers(1, 2), st.just(fixed), st.just(parameters))
    alone = inner(parameters=False)
    nodes = st.one_of(
        st.builds(Call, st.sampled_from(("jit", "remat")), anyhow, inner()),
        st.builds(
            Grad,
            passed,
            st.booleans() if parameters else st.just(False),
            inner(differentiated=True),
        ),
        st.builds(Loop, loops, anyhow, st.integers(0, 3), loop),
        st.builds(Scan, anyhow, st.integers(0, 3), st.booleans(), st.booleans(), loop),
        st.builds(Choice, anyhow, agreed, st.lists(loop, min_size=2, max_size=3).map(tuple)),
        st.builds(Lanes, st.just("stacked"), passed, *settled, inner()),
        st.builds(Lanes, st.just("kinds"), passed, *settled, alone),
        st.builds(Lanes, st.just("shared"), anyhow, *settled, inner()),
    )
    if depth > 1:
        return st.tuples(steps, nodes) | st.tuples(nodes, steps)
    return st.tuples(nodes) | st.tuples(steps, nodes) | st.tuples(nodes, nodes)


def cells(root: Any) -> list[Cell]:
    """Return all cells below `root`, shared ones once."""
    return [module for _, module in root.modules() if isinstance(module, Cell)]


def kid_of(root: Any) -> Any:
    """Return the last module below `root`: what the calls have as a second way in."""
    return [module for _, module in root.modules()][-1]


def apply_op(root: Any, op: Op, x: Any, f: Any) -> tuple[Any, Any]:
    """Run one operation."""
    modules = [module for _, module in root.modules()]
    module = modules[op.target % len(modules)]
    if op.name in APPLY:
        return APPLY[op.name](root, module, modules, op.value, x), f
    found = cells(root)
    if not found:
        return x, f
    cell = found[op.target % len(found)]
    if op.name == "emit":
        return x, f + cell.w.sum() * (op.value + 1)
    if op.name == "negate":
        cell.w = op.value - cell.w
    elif op.name == "scale":
        cell.w = cell.w * (cell.s % 3 - 1)
    elif op.name == "remember_known":
        for key in cell.memory:
            cell.memory[key] = cell.memory[key] + x
    elif op.name == "advance_key":
        cell.key = None if cell.key is None else cell.key * 3 + op.value
    elif op.name == "flicker":  # structure that changes and is restored
        cell.n += op.value
        cell.notes.append(op.value)
        x = x + cell.n + len(cell.notes)
        cell.notes.pop()
        cell.n -= op.value
    return x, f


def use_gradients(root: Any, gradients: list[Any], update: bool, x: Any) -> Any:
    """Let `x` and perhaps the parameters depend on gradients; None for what has none."""
    found = cells(root)
    for number, gradient in enumerate(gradients):
        if gradient is not None:
            gradient = jax.lax.stop_gradient(gradient)
            x = x * 3 + gradient.astype(jnp.int32).sum() * (number + 1)
            if update and number < len(found):
                found[number].w = found[number].w - gradient
    return x


def stack_parameters(module: Any, count: int) -> Any:
    """Return a copy in which the parameters of all cells have a leading axis."""
    module = module.copy()
    for cell in cells(module):
        cell.w = jnp.stack([cell.w] * count)
    return module


def share_parameters(module: Any) -> Any:
    """Return a copy of a stacked module in which the parameters are those of the first lane."""
    module = module.copy()
    for cell in cells(module):
        cell.w = cell.w[0]
    return module


class Interpreter:
    """What both ways to run a program have in common."""

    def run(self, nodes: tuple[Any, ...], root: Any, x: Any, f: Any) -> tuple[Any, Any, Any]:
        """Return `(x, f, modules that were made)`; changes `root`."""
        made: tuple[Any, ...] = ()
        for node in nodes:
            x, f, more = getattr(self, type(node).__name__.lower())(node, root, x, f)
            made += more
        return x, f, made

    def body(self, node: Any, root: Any, kid: Any, x: Any, f: Any) -> tuple[Any, Any, Any]:
        """Run the body of a node, having written through the second way in."""
        if isinstance(kid, Cell):
            kid.s = kid.s + 1
        else:
            kid.total = kid.total + x
        return self.run(node.body, root, x, f)

    def steps(self, node: Steps, root: Any, x: Any, f: Any) -> tuple[Any, Any, Any]:
        """Run operations."""
        for op in node.ops:
            x, f = apply_op(root, op, x, f)
        return x, f, ()

    def lanes(self, node: Lanes, root: Any, x: Any, f: Any) -> tuple[Any, Any, Any]:
        """Run lanes: on stacked copies of `root`, or on `root` itself in all lanes."""
        numbers = x + jnp.arange(node.count, dtype=jnp.int32)
        if node.flavour == "shared":
            x, fs, made = self.mapped(node, root, x, f)
            return x * 3, fs.sum(), made
        many = tx.stack([root] * node.count)
        if node.flavour == "kinds":
            many = share_parameters(many)
        many, xs, fs, made = self.mapped(node, many, numbers, f)
        x, f = xs.sum(), fs.sum()
        if not node.fixed:
            return x, f, (*made, many)
        if node.flavour == "kinds":
            many = stack_parameters(many, node.count)
        last = tx.unstack(many)[-1]
        root.update(last if node.parameters else last.filter(NO_PARAMETER), inplace=True)
        return x, f, made

    def mapped(self, node: Lanes, root: Any, x: Any, f: Any) -> Any:
        """Run the lanes."""
        raise NotImplementedError


def _stacked(made: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    return tuple(tx.stack(modules) for modules in zip(*made, strict=True))


class Eager(Interpreter):
    """Python loops, Python branches, and no transformation."""

    def call(self, node: Call, root: Any, x: Any, f: Any) -> tuple[Any, Any, Any]:
        """Run a body as it is."""
        return self.body(node, root, kid_of(root), x, f)

    def grad(self, node: Grad, root: Any, x: Any, f: Any) -> tuple[Any, Any, Any]:
        """Differentiate a run on a copy, then run on `root`."""
        trained = [not cell.frozen for cell in cells(root)]

        def loss(parameters: list[Any]) -> Any:
            twin = root.copy()
            for cell, trains, w in zip(cells(twin), trained, parameters, strict=True):
                cell.w = w if trains else cell.w
            return self.body(node, twin, kid_of(twin), x, f)[1]

        gradients = jax.grad(loss)([cell.w for cell in cells(root)])
        x, f, made = self.body(node, root, kid_of(root), x, f)
        known = [g if trains else None for g, trains in zip(gradients, trained, strict=True)]
        return use_gradients(root, known, node.update, x), f, made

    def loop(self, node: Loop, root: Any, x: Any, f: Any) -> tuple[Any, Any, Any]:
        """Run the body several times."""
        for number in range(node.count):
            x, f, _ = self.body(node, root, kid_of(root), x + number, f)
        return x, f, ()

    def scan(self, node: Scan, root: Any, x: Any, f: Any) -> tuple[Any, Any, Any]:
        """Run the body for each row, and stack the rows again."""
        rows = [root.copy() for _ in range(node.count)] if node.rows else []
        total = jnp.array(0, jnp.int32)
        numbers = range(node.count)
        for number in reversed(numbers) if node.reverse else numbers:
            if node.rows:
                x = x + rows[number](x)
            x, f, _ = self.body(node, root, kid_of(root), x + number, f)
            total = total + x * (number + 1)
        if rows:
            root.update(rows[-1].filter(NO_PARAMETER), inplace=True)
        return x + total, f, ()

    def choice(self, node: Choice, root: Any, x: Any, f: Any) -> tuple[Any, Any, Any]:
        """Run the chosen branch."""
        number = int(x % len(node.bodies))
        x, f, _ = self.steps(Steps(node.agreed), root, x, f)
        return self.body(_Branch(node.bodies[number]), root, kid_of(root), x, f)

    def mapped(self, node: Lanes, root: Any, x: Any, f: Any) -> Any:
        """Run the lanes one by one."""
        if node.flavour == "shared":
            x, f, made = self.body(node, root, kid_of(root), x, f)
            return x, jnp.stack([f] * node.count), _stacked([made] * node.count)
        many = stack_parameters(root, node.count) if node.flavour == "kinds" else root
        lanes = tx.unstack(many)
        results = [self.body(node, lane, kid_of(lane), x[n], f) for n, lane in enumerate(lanes)]
        many = tx.stack(lanes)
        xs, fs, made = zip(*results, strict=True)
        shared = share_parameters(many) if node.flavour == "kinds" else many
        return shared, jnp.stack(xs), jnp.stack(fs), _stacked(list(made))


@dataclasses.dataclass(frozen=True)
class _Branch:
    body: tuple[Any, ...]


class Host(tx.Module):
    """A module whose call is a function of another module."""

    def __init__(self, function: Callable[..., Any], inner: Any) -> None:
        self.function = function
        self.inner = inner

    def __call__(self, *args: Any) -> Any:
        return self.function(self.inner, *args)


def place(passing: str, root: Any) -> tuple[Any, ...]:
    """Return what a function is called with, so that it finds `root`, and a second way in."""
    ways = {
        "plain": lambda: (root,),
        "dict": lambda: ({"root": root, "kid": kid_of(root)},),
        "list": lambda: ([kid_of(root), (root, None)],),
        "twice": lambda: (root, kid_of(root)),
        "beside": lambda: (Cell(2), root),  # a module that shares nothing with the others
    }
    return ways[passing]() if passing in ways else ()


def find(passing: str, args: tuple[Any, ...]) -> tuple[Any, Any]:
    """Undo `place`."""
    if passing == "dict":
        return args[0]["root"], args[0]["kid"]
    if passing == "list":
        return args[0][1][0], args[0][0]
    if passing == "beside":
        return args[1], kid_of(args[1])
    return args if passing == "twice" else (args[0], kid_of(args[0]))


def attach(passing: str, function: Callable[..., Any], root: Any) -> Any:
    """Make `root` a part of the function, or leave it to the arguments."""
    if passing == "bound":
        return types.MethodType(function, root)
    if passing == "partial":
        return functools.partial(function, root)
    if passing == "host":
        return Host(function, root)
    return functools.partial(function, None)


class Lifted(Interpreter):
    """The transformations of `tx`."""

    def __init__(self) -> None:
        self.functions: dict[Any, Any] = {}

    def function(self, node: Any, style: str, make: Callable[[], Any]) -> Any:
        """Return the function of a node, the same one each time, so that it is not traced again."""
        return self.functions.setdefault((node, style), make())

    def _called(self, node: Any, passing: str) -> Any:
        """Return the body as a function of `(own, *placed, x, f)`."""

        def function(own: Any, *args: Any) -> Any:
            *placed, x, f = args
            root, kid = find(passing, tuple(placed)) if own is None else (own, kid_of(own))
            return self.body(node, root, kid, x, f)

        return self.function(node, "call", lambda: function)

    def call(self, node: Call, root: Any, x: Any, f: Any) -> tuple[Any, Any, Any]:
        """Run `tx.jit` or `tx.remat`."""
        transform = {"jit": tx.jit, "remat": tx.remat}[node.kind]
        function = self._called(node, node.passing)
        if node.passing in KNOWN:
            output = transform(attach(node.passing, function, root))(x, f)
        else:
            lifted = self.function(
                node, "lifted", lambda: transform(attach(node.passing, function, None))
            )
            output = lifted(*place(node.passing, root), x, f)
        return output  # type: ignore[no-any-return]

    def grad(self, node: Grad, root: Any, x: Any, f: Any) -> tuple[Any, Any, Any]:
        """Run `tx.value_and_grad`."""
        function = attach(node.passing, self._called(node, node.passing), None)

        def loss(*args: Any) -> Any:
            x, f, made = function(*args)
            return f, (x, made)

        frozen = [cell.frozen for cell in cells(root)]
        placed = place(node.passing, root)
        argnums = tuple(range(len(placed)))
        (f, (x, made)), gradients = tx.value_and_grad(loss, argnums, has_aux=True)(*placed, x, f)
        of_root, _ = find(node.passing, gradients)
        known = [None if cell.w is tx.Nothing else cell.w for cell in cells(of_root)]
        assert [g is None for g in known] == frozen
        return use_gradients(root, known, node.update, x), f, made

    def _carried(self, node: Any, finish: Callable[..., Any]) -> Any:
        """Return the body as a function of `(own, number, (*placed, x, f))`."""

        def function(own: Any, number: Any, carry: Any) -> Any:
            *placed, x, f = carry
            root, kid = find(node.passing, tuple(placed)) if own is None else (own, kid_of(own))
            x, f, _ = self.body(node, root, kid, x + number, f)
            return finish((*placed, x, f))

        return function

    def loop(self, node: Loop, root: Any, x: Any, f: Any) -> tuple[Any, Any, Any]:
        """Run `tx.fori_loop` or `tx.while_loop`."""
        body = self._carried(node, lambda carry: carry)
        start = (*place(node.passing, root), x, f)
        if node.kind == "fori":
            step = attach(node.passing, body, root)
            *_, x, f = tx.fori_loop(0, node.count, step, start)
        else:

            def counted(own: Any, carry: Any) -> Any:
                return (carry[0] + 1, body(own, carry[0], carry[1]))

            step = attach(node.passing, counted, root)
            count = jnp.array(0, jnp.int32)
            _, (*_, x, f) = tx.while_loop(lambda c: c[0] < node.count, step, (count, start))
        return x, f, ()

    def scan(self, node: Scan, root: Any, x: Any, f: Any) -> tuple[Any, Any, Any]:
        """Run `tx.scan`."""

        def step(own: Any, carry: Any, slices: Any) -> Any:
            number, row = slices
            *placed, x, f = carry
            if row is not None:
                x = x + row(x)
            body = self._carried(node, lambda carry: (carry, carry[-2] * (number + 1)))
            return body(own, number, (*placed, x, f))

        rows = tx.stack([root] * node.count) if node.rows and node.count else None
        start = (*place(node.passing, root), x, f)
        slices = (jnp.arange(node.count, dtype=jnp.int32), rows)
        function = attach(node.passing, step, root)
        (*_, x, f), ys = tx.scan(function, start, slices, reverse=node.reverse)
        if rows is not None:
            root.update(tx.unstack(rows)[-1].filter(NO_PARAMETER), inplace=True)
        return x + ys.sum(), f, ()

    def choice(self, node: Choice, root: Any, x: Any, f: Any) -> tuple[Any, Any, Any]:
        """Run `tx.cond` or `tx.switch`."""

        def branch(body: tuple[Any, ...]) -> Any:
            def function(own: Any, *args: Any) -> Any:
                *placed, x, f = args
                root = find(node.passing, tuple(placed))[0] if own is None else own
                x, f, _ = self.steps(Steps(node.agreed), root, x, f)
                x, f, _ = self.body(_Branch(body), root, kid_of(root), x, f)
                return x, f

            return attach(node.passing, function, root)

        branches = [branch(body) for body in node.bodies]
        args = (*place(node.passing, root), x, f)
        number = x % len(branches)
        if len(branches) == 2:
            x, f = tx.cond(number == 1, branches[1], branches[0], *args)
        else:
            x, f = tx.switch(number, branches, *args)
        return x, f, ()

    def mapped(self, node: Lanes, root: Any, x: Any, f: Any) -> Any:
        """Run `tx.vmap`."""
        placed = place(node.passing, root)
        function = attach(node.passing, self._called(node, node.passing), root)
        axes = {"stacked": 0, "kinds": {tx.Parameter: None, ...: 0}, "shared": None}[node.flavour]
        shared = node.flavour == "shared"
        x_axis = None if shared else 0
        beside = node.passing == "beside"
        roots = [None if beside and n == 0 else axes for n in range(len(placed))]
        in_axes = (*roots, x_axis, None)
        xs, fs, made = tx.vmap(
            function, in_axes=in_axes, out_axes=(x_axis, 0, 0), axis_size=node.count
        )(*placed, x, f)
        return (xs, fs, made) if shared else (root, xs, fs, made)
