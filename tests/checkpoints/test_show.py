from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from rich.console import Console

import treexlite as tx
from tests._core.modules import Scale
from treexlite._errors import CheckpointError
from treexlite.checkpoints import _format
from treexlite.checkpoints._checkpoint import Checkpoint
from treexlite.checkpoints._compare import Difference
from treexlite.checkpoints._show import changes, clean, contents, readable


def shown(renderable: Any) -> str:
    console = Console(width=200, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(renderable)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def inspected(path: Path) -> str:
    with Checkpoint(path) as checkpoint, checkpoint.suspicion():
        return shown(contents(checkpoint))


def test_paths_types_kinds_sizes_and_totals_are_shown(tmp_path: Path) -> None:
    model = Scale(1.0)
    model.note = "a note that is much longer than fits on a line"
    mesh = jax.sharding.Mesh(jax.devices()[:2], ("x",))
    spread = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("x"))
    tree = {
        "model": [model, model],
        "key": jax.random.key(0),
        "plain": (1, "x"),
        "spread": jax.device_put(jnp.ones(4), spread),
        "half": tx.filter(model, tx.State),
        "mixed": ({"a": jnp.zeros((0, 2))},),
    }
    tx.save(tmp_path / "x", tree, extra={"epoch": 3})
    first, *lines = inspected(tmp_path / "x").splitlines()
    assert str(tmp_path) in first
    assert "jax 0" in first
    assert lines[0] == "├── model"
    assert lines[1] == "│   ├── 0  Scale(note='a note that is much ...)"
    assert lines[2] == "│   │   └── w  float32[]  4 B  Parameter"
    assert "│   └── 1  shared, see above" in lines
    assert "├── key  key<threefry2x32>[]  8 B" in lines
    assert "├── plain  (1, 'x')" in lines
    assert "├── spread  float32[4]  16 B  ('x',) over x=2" in lines
    assert "│   └── w  Nothing" in lines
    assert "    └── epoch  3" in lines
    assert lines[-1].split() == ["in", "all", "4", "7", "28", "B"]


def test_a_tree_that_is_one_array_is_shown(tmp_path: Path) -> None:
    tx.save(tmp_path / "x", jnp.ones(3))
    assert "└── float32[3]  12 B" in inspected(tmp_path / "x")


def test_a_module_at_the_top_is_named(tmp_path: Path) -> None:
    tx.save(tmp_path / "x", Scale(1.0))
    assert "Scale()" in inspected(tmp_path / "x")


def test_an_extra_that_lies_is_refused(tmp_path: Path) -> None:
    plain = {"tree": {"value": 1}, "extra": {"array": "nowhere"}}
    _format.write(tmp_path / "x", {}, plain)
    with pytest.raises(CheckpointError, match="which is missing"):
        inspected(tmp_path / "x")


def test_a_terminal_obeys_no_name(tmp_path: Path) -> None:
    tx.save(tmp_path / "x", {"\x1b[31mred [bold]": jnp.ones(1)})
    text = inspected(tmp_path / "x")
    assert "\\x1b[31mred [bold]  float32[1]" in text
    assert clean("a\nb") == "a\\nb"
    assert "\\x1b [b]" in shown(changes([Difference("\x1b [b]", "1", "2", "another value")]))


def test_no_changes_are_told_too() -> None:
    assert shown(changes([])) == "the same to the bit"


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (3e12, "3.0 TB"), (2e15, "2000.0 TB")],
)
def test_sizes_are_for_people(size: float, text: str) -> None:
    assert readable(size) == text
