"""`benchmarks/layers.py` runs, and no layer has more arithmetic than that of Flax NNX."""

import jax
import pytest

pytest.importorskip("flax.nnx", reason="flax is not installed (extra `flax`)")

from tests.benchmarks.scripts import load

layers = load("layers")

# What we compute in excess: {row: (FLOPs, what for)}.
IN_EXCESS = {
    "BatchNorm, evaluation": (2 * 32, "scale and bias are combined first, one entry a channel"),
    "Dropout": (40, "our key is split, theirs is folded with a counter; the same for any input"),
    "Embed": (2 * 16 * 64, "ids below 0 give NaN, where theirs count from the end"),
}


def test_the_quick_table_has_both_directions(capsys: pytest.CaptureFixture[str]) -> None:
    layers.main(["--quick", "--row", "Linear", "Dropout"])
    lines = capsys.readouterr().out.splitlines()[3:]
    assert [line.split()[0] for line in lines] == ["Linear", "Linear", "Dropout", "Dropout"]
    assert [line[31:43].strip() for line in lines] == ["forward", "and backward"] * 2


@pytest.mark.parametrize("row", layers.ROWS, ids=lambda row: row.name)
def test_both_sides_are_the_same_layer(row: layers.Row) -> None:
    """As many parameters, and an output of the same shape and dtype."""
    found = []
    for side in (layers.ours(row), layers.theirs(row)):
        y, _ = jax.eval_shape(side.pure, side.parameters, side.rest, row.input())
        size = sum(value.size for value in side.parameters)
        found.append((size, y.shape, y.dtype))
    assert found[0] == found[1]


@pytest.mark.parametrize("direction", layers.DIRECTIONS)
@pytest.mark.parametrize("row", layers.ROWS, ids=lambda row: row.name)
def test_no_layer_has_more_arithmetic(row: layers.Row, direction: str) -> None:
    ours, theirs = layers.written(row, direction)
    excess, _ = IN_EXCESS.get(row.name, (0, ""))
    assert ours <= theirs + excess
    assert ours > 0 or row.name == "Dropout, evaluation"


def test_ratios_of_nothing() -> None:
    assert layers.ratio(0, 0) == 1
    assert layers.ratio(1, 0) == float("inf")
    assert layers.ratio(1, 2) == 0.5
