"""The rules of the house, as functions from a repository's root to the places that break them.

In: the path of a repository that holds `treexlite/` and `tests/`. Out: one line per broken rule,
naming the file and what to do; an empty list when the rule holds. `tests/test_architecture.py` runs
every rule on this repository, and on small bad trees that the rule has to refuse.
"""

import ast
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

from tests.architecture.sources import PACKAGE, Source, sources, targets

MAX_LINES = 400

# A file imports from its own room and from rooms on a lower rung. The lowest rung is one room.
RUNGS: tuple[tuple[str, ...], ...] = (
    (
        "_errors",
        "errors",
        "_arguments",
        "_typing",
        "_config",
        "_context",
        "_kernels",
        "_names",
        "_samples",
    ),
    ("_core",),
    ("transforms",),
    ("nn", "losses", "metrics", "regularizers", "constraints", "optimizers"),
    ("checkpoints", "inspect", "models"),
    ("callbacks", "serving"),
    ("training",),
    ("interop",),
    ("_late",),
    ("__init__",),
    ("__main__",),
)

# Which files may import a package: a file, or a folder with everything in it.
FENCES: dict[str, tuple[str, ...]] = {
    "treeo": ("_core/_treeo.py",),
    "optax": ("optimizers/", "losses/"),
    "equinox": ("interop/",),
    "flax": ("interop/",),
    "haiku": ("interop/",),
    "torch": ("interop/",),
}

# Packages that only an extra installs, imported inside the functions that need them.
OPTIONAL: dict[str, str] = {
    "grain": "extra `grain`",
    "matplotlib": "extra `plot`",
    "orbax": "extra `orbax`",
    "pandas": "what `History.to_pandas` returns",
    "tensorboardX": "extra `tensorboard`",
}

# Files that import something else inside a function: (path, reason).
LOCAL_IMPORTS: tuple[tuple[str, str], ...] = ()

# Files that have no test file of their own: (path, reason).
UNMIRRORED: tuple[tuple[str, str], ...] = ()


def ladder(root: Path) -> list[str]:
    """A file imports from its own room and from lower rungs, except for annotations alone."""
    modules = sources(root)
    problems = []
    for source in modules.values():
        here = _rung(source.room)
        if here is None:
            problems.append(
                f"{source.path}: `{source.room}` has no rung; give it one in RUNGS of "
                "tests/architecture/rules.py"
            )
            continue
        for item, target in targets(source, modules):
            room = target.split(".")[1] if "." in target else "__init__"
            there = _rung(room)
            if item.for_typing or there is None:
                continue  # a room without a rung is reported at its own file
            same_room = room == source.room or here == there == 0
            if there > here or (there == here and not same_room):
                problems.append(
                    f"{source.path}:{item.line}: {source.room} (rung {here}) imports {target} "
                    f"(rung {there}); import from lower rungs, or move what is needed down"
                )
    return problems


def _rung(room: str) -> int | None:
    return next((rung for rung, rooms in enumerate(RUNGS) if room in rooms), None)


def fences(root: Path) -> list[str]:
    """A fenced package is imported behind its fence only, and JAX's private modules nowhere."""
    problems = []
    for source in sources(root).values():
        path = source.path.as_posix()
        for item in source.imports:
            allowed = FENCES.get(item.top, (path,))
            if not any(path == a or (a.endswith("/") and path.startswith(a)) for a in allowed):
                places = " or ".join(allowed)
                problems.append(
                    f"{path}:{item.line}: imports {item.top}, which belongs in {places}"
                )
            if (item.module, item.name) == ("jax", "_src"):
                problems.append(f"{path}:{item.line}: imports JAX's private modules")
        problems += [
            f"{path}:{number}: names JAX's private modules; use public ones"
            for number, line in enumerate(source.text.splitlines(), 1)
            if "jax._src" in line
        ]
    return problems


def dependencies(root: Path) -> list[str]:
    """Importing a file outside `interop` imports nothing but the runtime dependencies."""
    declared = _project(root)["dependencies"]
    installed = {re.split(r"[^\w.-]", line)[0].replace("-", "_") for line in declared}
    known = {PACKAGE, "__future__", *sys.stdlib_module_names, *installed}
    return [
        f"{source.path}:{item.line}: imports {item.top}, which is no runtime dependency; import it "
        "inside the function that needs it"
        for source in sources(root).values()
        if source.room != "interop"
        for item in source.imports
        if item.top not in known and not item.in_function and not item.for_typing
    ]


def _project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]


def local_imports(root: Path) -> list[str]:
    """Imports stand at the top of a file, apart from optional packages and listed files."""
    listed = {path for path, _ in LOCAL_IMPORTS}
    return [
        f"{source.path}:{item.line}: imports {item.module} inside a function; move it to the top"
        for source in sources(root).values()
        if source.room != "interop" and source.path.as_posix() not in listed
        for item in source.imports
        if item.in_function and item.top not in OPTIONAL
    ]


def cycles(root: Path) -> list[str]:
    """No module reaches itself through imports, not even through those inside functions."""
    modules = sources(root)
    graph = {
        name: {t for item, t in targets(source, modules) if not item.for_typing and t in modules}
        for name, source in modules.items()
    }
    return [
        f"import cycle among {', '.join(group)}; move what they share down"
        for group in _strong_components(graph)
        if len(group) > 1 or group[0] in graph[group[0]]
    ]


def _strong_components(graph: dict[str, set[str]]) -> list[list[str]]:
    """Tarjan's algorithm: the groups of nodes that reach each other."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    components: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in sorted(graph[node]):
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            start = stack.index(node)
            components.append(sorted(stack[start:]))
            del stack[start:]

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return components


def doors(root: Path) -> list[str]:
    """Every folder has an `__init__`, and its `__all__` holds exactly its public names.

    Names that are imported when they are first used may be absent.
    """
    modules = sources(root)
    problems = _without_init(root, PACKAGE, "so that it is a package with a door")
    for source in modules.values():
        if not source.is_door:
            continue
        problems += _missing_names(source, modules)
        exported = source.exported
        if exported is None:
            problems.append(f"{source.path}: needs `__all__`, a list or tuple of string literals")
            continue
        public = {name for name in source.bound - source.lazy if not name.startswith("_")}
        public -= {"annotations", "TYPE_CHECKING"}
        problems += [
            f"{source.path}: __all__ names {name!r}, which the file does not bind"
            for name in sorted(set(exported) - source.bound)
        ]
        problems += [
            f"{source.path}: {name!r} is public here, and missing in __all__"
            for name in sorted(public - set(exported))
        ]
        problems += [
            f"{source.path}: __all__ names {name!r} twice"
            for name in sorted({name for name in exported if exported.count(name) > 1})
        ]
    return problems


def _missing_names(source: Source, modules: dict[str, Source]) -> list[str]:
    """The names that a door imports from our own files and that are not there."""
    problems = []
    for item, target in targets(source, modules):
        if item.name == "*":
            problems.append(f"{source.path}:{item.line}: imports *; a door names what it offers")
        elif item.name and target == item.module:
            origin = modules.get(target)
            if origin is None or item.name not in origin.bound:
                problems.append(f"{source.path}:{item.line}: {item.module} has no {item.name!r}")
    return problems


def _without_init(root: Path, top: str, why: str) -> list[str]:
    folders = sorted({path.parent for path in (root / top).rglob("*.py")})
    return [
        f"{folder.relative_to(root)}: needs an __init__.py, {why}"
        for folder in folders
        if not (folder / "__init__.py").exists()
    ]


def front_door(root: Path) -> list[str]:
    """`treexlite/__init__.py` holds imports, `__all__` and the declared version, and no logic."""
    door = sources(root).get(PACKAGE)
    if door is None:
        return ["__init__.py: missing"]
    problems = []
    version = None
    for node in door.tree.body:
        match node:
            case ast.Import() | ast.ImportFrom() | ast.Expr(ast.Constant()):
                pass
            case ast.If(ast.Name("TYPE_CHECKING")) if _imports_only(node.body + node.orelse):
                pass
            case ast.Assign([ast.Name("__all__")]):
                pass
            case ast.Assign([ast.Name("__version__")], ast.Constant(str(version))):
                pass
            case _:
                problems.append(
                    f"__init__.py:{node.lineno}: only imports, __all__ and a literal __version__"
                )
    declared = _project(root)["version"]
    if version != declared:
        problems.append(f"__init__.py: __version__ is {version}, pyproject.toml says {declared}")
    return problems


def _imports_only(nodes: list[ast.stmt]) -> bool:
    return all(isinstance(node, ast.Import | ast.ImportFrom) for node in nodes)


def mirrors(root: Path) -> list[str]:
    """`treexlite/room/_x.py` is tested in `tests/room/test_x.py`, and test folders are packages."""
    exempt = {path for path, _ in UNMIRRORED}
    files = [source.path for source in sources(root).values() if not source.is_door]
    problems = []
    for path in files:
        test = Path("tests") / path.parent / f"test_{path.name.removeprefix('_')}"
        if not path.name.startswith("_"):
            problems.append(f"{path}: folders are public, files private; call it _{path.name}")
        if path.as_posix() not in exempt and not (root / test).exists():
            problems.append(f"{path}: has no {test}")
    problems += [
        f"{path}: there is no such file; drop it from UNMIRRORED"
        for path in sorted(exempt - {path.as_posix() for path in files})
    ]
    return problems + _without_init(root, "tests", "so that test files may share a name")


def shape(root: Path) -> list[str]:
    """Every file says what it is for, and is short enough to be read at once."""
    problems = []
    for source in sources(root).values():
        lines = len(source.text.splitlines())
        if not ast.get_docstring(source.tree):
            problems.append(f"{source.path}: needs a docstring that says what the file is for")
        if lines > MAX_LINES:
            problems.append(f"{source.path}: {lines} lines, {MAX_LINES} are allowed; split it")
    return problems


RULES = (
    ladder,
    fences,
    dependencies,
    local_imports,
    cycles,
    doors,
    front_door,
    mirrors,
    shape,
)
