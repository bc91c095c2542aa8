"""What the rules know about a file of the package: its room, what it imports, which names it binds.

The files are parsed, never imported, so a rule holds or breaks whatever is installed.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

PACKAGE = "treexlite"


@dataclass(frozen=True)
class Import:
    """One imported name: `from module import name`, or `import module` with `name` None."""

    module: str
    name: str | None
    line: int
    in_function: bool
    for_typing: bool

    @property
    def top(self) -> str:
        """The package that is imported from."""
        return self.module.partition(".")[0]


@dataclass(frozen=True)
class Source:
    """A file of the package; `path` is relative to the package's folder."""

    path: Path
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed file."""
        return ast.parse(self.text, str(self.path))

    @property
    def is_door(self) -> bool:
        """Whether the file is the `__init__` of a folder."""
        return self.path.name == "__init__.py"

    @property
    def module(self) -> str:
        """The dotted name under which the file is imported."""
        parts = self.path.with_suffix("").parts
        return ".".join((PACKAGE, *(parts[:-1] if self.is_door else parts)))

    @property
    def room(self) -> str:
        """The folder, or the file at the top, that decides what may be imported."""
        return self.path.parts[0].removesuffix(".py")

    @cached_property
    def imports(self) -> list[Import]:
        """Everything that the file imports, wherever the statement stands."""
        package = self.module if self.is_door else self.module.rpartition(".")[0]
        return list(_imports(self.tree, package))

    @cached_property
    def bound(self) -> set[str]:
        """The names that the file binds when it is imported."""
        return set(_bound(self.tree.body))

    @cached_property
    def lazy(self) -> set[str]:
        """The names that type checkers find here, and programs through an imported `__getattr__`.

        They need a package that may be missing, so `import *` must not ask for them.
        """
        return {
            name
            for node in self.tree.body
            if isinstance(node, ast.If) and "__getattr__" in set(_bound(node.orelse))
            for name in _bound(node.body)
        }

    @cached_property
    def exported(self) -> list[str] | None:
        """The content of `__all__`; None when it is absent or not written out."""
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                try:
                    return [str(name) for name in ast.literal_eval(node.value)]
                except ValueError:
                    return None
        return None


def sources(root: Path) -> dict[str, Source]:
    """Every file of the package in a repository, by module name."""
    folder = root / PACKAGE
    paths = sorted(folder.rglob("*.py"))
    found = [_source(path.relative_to(folder), path.read_text("utf-8")) for path in paths]
    return {source.module: source for source in found}


@cache
def _source(path: Path, text: str) -> Source:
    """Make one source of a file and its content, so that all rules together parse it once."""
    return Source(path, text)


def targets(source: Source, modules: dict[str, Source]) -> Iterator[tuple[Import, str]]:
    """What `source` imports of the package itself: each import with the module that it reaches."""
    for item in source.imports:
        if item.top == PACKAGE:
            submodule = f"{item.module}.{item.name}"
            yield item, submodule if submodule in modules else item.module


def _imports(
    node: ast.AST, package: str, in_function: bool = False, for_typing: bool = False
) -> Iterator[Import]:
    match node:
        case ast.Import():
            for alias in node.names:
                yield Import(alias.name, None, node.lineno, in_function, for_typing)
        case ast.ImportFrom():
            module = _absolute(node, package)
            for alias in node.names:
                yield Import(module, alias.name, node.lineno, in_function, for_typing)
        case ast.If(test=ast.Name("TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
            for child in node.body:
                yield from _imports(child, package, in_function, for_typing=True)
            for child in node.orelse:
                yield from _imports(child, package, in_function, for_typing)
        case _:
            in_function = in_function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            for child in ast.iter_child_nodes(node):
                yield from _imports(child, package, in_function, for_typing)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    """The module that `from ... import` names, with leading dots resolved in `package`."""
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    base = parts[: len(parts) - node.level + 1]
    return ".".join([*base, node.module] if node.module else base)


def _bound(nodes: list[ast.stmt]) -> Iterator[str]:
    pending: list[ast.AST] = list(nodes)
    while pending:
        match node := pending.pop():
            case ast.Import() | ast.ImportFrom():
                names = (alias.asname or alias.name.partition(".")[0] for alias in node.names)
                yield from (name for name in names if name != "*")
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.Name(ctx=ast.Store()):
                yield node.id
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                pass  # the names inside are its own
            case _:
                pending += ast.iter_child_nodes(node)
