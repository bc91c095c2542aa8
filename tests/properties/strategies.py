"""Random module trees, and random programs over them.

A `Tree` description is turned into a module by `build`; a program is a list of operations, each of
which finds its target by walking the tree, so that it means something for every tree. All
arithmetic is a handful of integer operations, so that eager and compiled runs agree to the bit and
compiling is cheap.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np

import treexlite as tx


class Memory(tx.Cache):
    """A kind of the user's own."""


class Cell(tx.Module):
    """A leaf: one field of each sort."""

    w: jax.Array = tx.Parameter.node()
    s: jax.Array = tx.State.node()
    key: "jax.Array | None" = tx.Rng.node()
    memory: Any = Memory.node()
    label: Any = tx.static(default="cell")

    def __init__(self, value: int, *, random: bool = False) -> None:
        self.w = jnp.full((2,), float(value))
        self.s = jnp.array(value, jnp.int32)
        self.key = jnp.array([value, 7], jnp.int32) if random else None
        self.memory = {"z": jnp.array(value, jnp.int32), "a": jnp.array(2 * value, jnp.int32)}
        self.n = 0
        self.notes: list[Any] = []

    def __call__(self, x: jax.Array) -> jax.Array:
        if self.training and not self.frozen:
            self.s = self.s * 3 + x
        if self.key is not None:
            self.key = self.key * 5 + 1  # a cheap stand-in for splitting
            x = x + self.key[0]
        for value in self.memory.values():  # the order of the keys matters
            x = x * 2 + value
        return x + self.s + (self.n + len(self.notes))


@dataclasses.dataclass
class Pair:
    """A dataclass of the user's that holds modules."""

    first: Any
    name: str
    second: Any


class Branch(tx.Module):
    """An inner module: submodules in attributes and in containers of every sort."""

    total: jax.Array = tx.MetricState.node()

    def __init__(self, children: list[Any], shape: str) -> None:
        self.total = jnp.array(0, jnp.int32)
        self.scale = 1
        if shape == "list":
            self.children = [*children, "a note", jnp.abs]
        elif shape == "dict":
            self.children = {f"{chr(122 - i)}{i}": child for i, child in enumerate(children)}
        elif shape == "tuple":
            self.children = (*children, 3)
        elif shape == "nested":
            self.children = [{"inner": [children[0]]}, children[1:]]
        elif shape == "dataclass":
            self.children = Pair(children[0], "pair", children[1] if len(children) > 1 else None)
        else:
            for i, child in enumerate(children):
                setattr(self, f"child{i}", child)

    def __call__(self, x: jax.Array) -> jax.Array:
        for child in direct_children(self):
            x = child(x)
        self.total = self.total + x
        return x * self.scale


def direct_children(module: Any) -> list[Any]:
    """Return the modules right below `module`, in the order of attributes and containers."""
    found: list[Any] = []

    def look(value: Any) -> None:
        if isinstance(value, tx.Module):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            for item in value:
                look(item)
        elif isinstance(value, dict):
            for item in value.values():
                look(item)
        elif isinstance(value, Pair):
            look(value.first)
            look(value.second)

    for value in vars(module).values():
        look(value)
    return found


SHAPES = ("list", "dict", "tuple", "nested", "dataclass", "attributes")


@dataclasses.dataclass(frozen=True)
class Tree:
    """A description: a leaf (`children` empty) or a branch, frozen or not."""

    value: int
    shape: str
    children: tuple["Tree", ...]
    frozen: bool
    share: bool


def trees(sharing: bool, shape: str) -> st.SearchStrategy[Tree]:
    """Descriptions of up to about ten modules; the outermost has its children in a `shape`."""
    leaf = st.builds(
        Tree, st.integers(0, 5), st.just("leaf"), st.just(()), st.booleans(), st.booleans()
    )

    def grow(children: st.SearchStrategy[Tree], shapes: Any) -> st.SearchStrategy[Tree]:
        return st.builds(
            Tree,
            st.integers(0, 5),
            shapes,
            st.lists(children, min_size=1, max_size=3).map(tuple),
            st.booleans(),
            st.booleans() if sharing else st.just(False),
        )

    anything = st.recursive(leaf, lambda c: grow(c, st.sampled_from(SHAPES)), max_leaves=5)
    return grow(anything, st.just(shape))


def build(tree: Tree) -> Any:
    """Make the module; a branch that shares has its first child twice."""
    if not tree.children:
        module: Any = Cell(tree.value, random=tree.value % 2 == 1)
    else:
        children = [build(child) for child in tree.children]
        if tree.share:
            children.append(children[0])
        module = Branch(children, tree.shape)
    return module.freeze(inplace=True) if tree.frozen else module


@dataclasses.dataclass(frozen=True)
class Op:
    """One operation: its name, which module it is about, and a number."""

    name: str
    target: int
    value: int


OPS = (
    "call",
    "write_state",
    "write_parameter",
    "swap_arrays",
    "detach",
    "count",
    "note",
    "relabel",
    "remember",
    "forget",
    "add_module",
    "append_module",
    "pop_module",
    "delete_module",
    "replace_module",
    "reset_field",
    "train",
    "eval",
    "freeze",
    "unfreeze",
)
SHARING_OPS = (*OPS, "alias", "alias_list", "swap_modules")


def programs(sharing: bool) -> st.SearchStrategy[list[Op]]:
    """Short sequences of operations."""
    names = st.sampled_from(SHARING_OPS if sharing else OPS)
    return st.lists(st.builds(Op, names, st.integers(0, 40), st.integers(0, 5)), max_size=6)


def run(root: Any, program: list[Op], x: Any) -> Any:
    """Run a program: mutate `root`, and return a number that depends on everything."""
    for op in program:
        modules = [module for _, module in root.modules()]
        x = APPLY[op.name](root, modules[op.target % len(modules)], modules, op.value, x)
    return root(x)


def _cell(module: Any, modules: list[Any]) -> Any:
    cells = [m for m in modules if isinstance(m, Cell)]
    return module if isinstance(module, Cell) else (cells[0] if cells else None)


def _call(root: Any, module: Any, modules: list[Any], value: int, x: Any) -> Any:
    return module(x + value)


def _write_state(root: Any, module: Any, modules: list[Any], value: int, x: Any) -> Any:
    if isinstance(module, Cell):
        module.s = module.s * 2 + value
    else:
        module.total = module.total + x
    return x


def _write_parameter(root: Any, module: Any, modules: list[Any], value: int, x: Any) -> Any:
    if isinstance(module, Cell):
        module.w = module.w + value
    return x


def _swap_arrays(root: Any, module: Any, modules: list[Any], value: int, x: Any) -> Any:
    cells = [m for m in modules if isinstance(m, Cell)]
    if len(cells) > 1:
        a, b = cells[0], cells[value % len(cells)]
        a.s, b.s = b.s, a.s
    return x


def _count(root: Any, module: Any, modules: list[Any], value: int, x: Any) -> Any:
    if isinstance(module, Cell):
        module.n += value
    else:
        module.scale = value
    return x


def _note(root: Any, module: Any, modules: list[Any], value: int, x: Any) -> Any:
    if isinstance(module, Cell):
        module.notes.append(value)
    return x


def _relabel(root: Any, module: Any, modules: list[Any], value: int, x: Any) -> Any:
    if isinstance(module, Cell):
        module.label = ("cell", value, np.arange(value))
    return x


def _remember(root: Any, module: Any, modules: list[Any], value: int, x: Any) -> Any:
    if isinstance(module, Cell):
        module.memory[f"m{value}"] = x + value
    return x


def _forget(root: Any, module: Any, modules: list[Any], value: int, x: Any) -> Any:
    if isinstance(module, Cell) and module.memory:
        module.memory.pop(next(iter(module.memory)))
    return x


def _add_module(root: Any, module: Any, modules: list[Any], value: int, x: Any) -> Any:
    setattr(module, f"late{value}", Cell(value))
    return x


def _append_module(root: Any, module: Any, modules: list[Any], value: int, x: Any) -> Any:
    children = getattr(module, "children", None)
    if isinstance(children, list):
        children.append(Cell(value))
    elif isinstance(children, dict):
        children[f"b{value}"] = Cell(value)
    return x


def _pop_module(root: Any, module: Any, modules: list[Any], value: int, x: Any) -> Any:
    children = getattr(module, "children", None)
    if isinstance(children, list) and children:
        children.pop(0)
    return x


def _delete_module(root: Any, module: Any, modules: list[Any], value: int, x: Any) -> Any:
    for name, child in list(vars(module).items()):
        if isinstance(child, tx.Module):
            delattr(module, name)
            break
    return x


def _replace_module(root: Any, module: Any, modules: list[Any], value: int, x: Any) -> Any:
    for name, child in list(vars(module).items()):
        if isinstance(child, tx.Module):
            setattr(module, name, Branch([Cell(value)], "list"))
            break
    return x


def _reset_field(root: Any, module: Any, modules: list[Any], value: int, x: Any) -> Any:
    if isinstance(module, Cell):
        module.key = None if value % 2 else jnp.array([value, 3], jnp.int32)
    return x


def _alias(root: Any, module: Any, modules: list[Any], value: int, x: Any) -> Any:
    cell = _cell(modules[value % len(modules)], modules)
    if cell is not None and all(below is not module for _, below in cell.modules()):
        module.alias = cell
    return x


def _swap_modules(root: Any, module: Any, modules: list[Any], value: int, x: Any) -> Any:
    names = [n for n, v in vars(module).items() if isinstance(v, tx.Module)]
    if len(names) > 1:
        a, b = getattr(module, names[0]), getattr(module, names[-1])
        setattr(module, names[0], b)
        setattr(module, names[-1], a)
    return x


def _alias_list(root: Any, module: Any, modules: list[Any], value: int, x: Any) -> Any:
    children = getattr(module, "children", None)
    if isinstance(children, (list, dict)):
        module.again = children
    return x


def _detach(root: Any, module: Any, modules: list[Any], value: int, x: Any) -> Any:
    children = getattr(module, "children", None)
    if isinstance(children, list) and children and isinstance(children[0], Cell):
        cell = children.pop(0)
        cell.s = cell.s + value
        cell.n += 1
        module.last = cell
    return x


def _mode(name: str) -> Any:
    def apply(root: Any, module: Any, modules: list[Any], value: int, x: Any) -> Any:
        getattr(module, name)(inplace=True)
        return x

    return apply


APPLY: dict[str, Any] = {
    "call": _call,
    "write_state": _write_state,
    "write_parameter": _write_parameter,
    "swap_arrays": _swap_arrays,
    "alias_list": _alias_list,
    "detach": _detach,
    "count": _count,
    "note": _note,
    "relabel": _relabel,
    "remember": _remember,
    "forget": _forget,
    "add_module": _add_module,
    "append_module": _append_module,
    "pop_module": _pop_module,
    "delete_module": _delete_module,
    "replace_module": _replace_module,
    "reset_field": _reset_field,
    "alias": _alias,
    "swap_modules": _swap_modules,
    "train": _mode("train"),
    "eval": _mode("eval"),
    "freeze": _mode("freeze"),
    "unfreeze": _mode("unfreeze"),
}


def dump(value: Any, seen: dict[int, int] | None = None) -> Any:
    """Describe a module completely: classes, modes, statics, containers, arrays, sharing."""
    seen = {} if seen is None else seen
    if isinstance(value, tx.Module):
        if id(value) in seen:
            return ("again", seen[id(value)])
        seen[id(value)] = len(seen)
        modes = (value.training, value.frozen)
        attributes = {name: dump(item, seen) for name, item in vars(value).items()}
        return (type(value).__name__, modes, sorted(attributes.items(), key=lambda kv: kv[0]))
    if isinstance(value, (jax.Array, np.ndarray)):
        assert not isinstance(value, jax.core.Tracer), "a tracer leaked"
        array = np.asarray(value)
        return ("array", array.dtype.str, array.shape, array.tolist())
    if isinstance(value, dict):
        return ("dict", [(k, dump(v, seen)) for k, v in value.items()])
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, [dump(v, seen) for v in value])
    if isinstance(value, Pair):
        return ("Pair", dump(value.first, seen), value.name, dump(value.second, seen))
    return value
