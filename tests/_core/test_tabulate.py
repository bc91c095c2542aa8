import builtins
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests._core.modules import Counter, Dense, Net, Scale, X, make_net, untouched


def cells(text: str) -> list[list[str]]:
    """The table without its frame, one list of cells per line."""
    return [
        [cell.strip() for cell in line.strip("│").split("│")]
        for line in text.splitlines()
        if line.startswith("│")
    ]


def test_the_table_of_a_small_model() -> None:
    assert cells(make_net().tabulate(X)) == [
        ["path", "class", "output", "parameters", "state"],
        [".", "Net", "f32[2, 2]", "", ""],
        ["layers/0", "Dense", "f32[2, 3]", "w: f32[4, 3]", ""],
        ["", "", "", "b: f32[3]", ""],
        ["layers/1", "Dense", "f32[2, 2]", "w: f32[3, 2]", ""],
        ["", "", "", "b: f32[2]", ""],
        ["norm", "Norm", "f32[2, 2]", "scale: f32[2]", "mean: f32[2]"],
        ["total", "", "", "25 (100 B)", "2 (8 B)"],
    ]


def test_without_inputs_there_are_no_output_shapes() -> None:
    assert cells(make_net().tabulate())[0] == ["path", "class", "parameters", "state"]


def test_an_uninitialised_model_is_shown_as_it_would_become() -> None:
    model = Net()
    with untouched(model):
        assert cells(model.tabulate(X)) == cells(make_net().tabulate(X))
        assert cells(model.tabulate(jax.ShapeDtypeStruct(X.shape, X.dtype)))[1][2] == "f32[2, 2]"


def test_tabulating_changes_nothing() -> None:
    net = make_net()
    with untouched(net):
        net.tabulate(X)
        net.tabulate(depth=1)


def test_depth_folds_what_is_below() -> None:
    rows = cells(make_net().tabulate(X, depth=0))
    assert [row[0] for row in rows if row[0]] == ["path", ".", "total"]
    assert "layers/0/w: f32[4, 3]" in [row[3] for row in rows]
    rows = cells(make_net().tabulate(X, depth=1))
    assert [row[0] for row in rows if row[0]][1:4] == [".", "layers/0", "layers/1"]


def test_sizes_are_written_in_units_and_with_separators() -> None:
    footer = cells(Scale(jnp.ones((1000, 1000))).tabulate())[-1]
    assert footer == ["total", "", "1,000,000 (3.8 MiB)", "0"]


def test_frozen_parts_and_shared_parts_are_told() -> None:
    class Tied(tx.Module):
        def __init__(self) -> None:
            self.a = Scale().freeze()
            self.b = self.a

    rows = cells(Tied().tabulate())
    assert [row[:2] for row in rows] == [
        ["path", "class"],
        [".", "Tied"],
        ["a", "Scale (frozen)"],
        ["total", ""],
    ]


def test_inputs_may_be_several_and_outputs_trees() -> None:
    class Model(tx.Module):
        def __init__(self) -> None:
            self.layer, self.counter = Dense(2), Counter()

        def __call__(self, x: Any, y: Any) -> Any:
            self.counter.count()
            return {"sum": self.layer(x) + y, "more": (x, "text")}

    rows = cells(Model().tabulate((X, 1.0)))
    assert [row[2] for row in rows] == ["output", "f32[2, 4]", "f32[2, 2]", "f32[2, 2]", "", "", ""]


def test_the_table_is_a_text_in_a_notebook_too(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = make_net().tabulate(X)
    shell = type("ZMQInteractiveShell", (), {})()  # by its name rich knows that it is in Jupyter
    monkeypatch.setattr(builtins, "get_ipython", lambda: shell, raising=False)
    assert make_net().tabulate(X) == expected
