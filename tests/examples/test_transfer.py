"""`examples/transfer.py` in short form: what was learned on other digits helps with few labels."""

from pathlib import Path

import numpy as np
import pytest

from tests.examples.scripts import load

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

transfer = load("transfer")


def test_the_transferred_network_is_ahead(tmp_path: Path) -> None:
    results, moved = transfer.main(["--quick", "--out", str(tmp_path)])
    assert moved == []  # the frozen body, its running statistics included
    assert results["then body free"] > 0.5  # chance is 0.2
    assert results["then body free"] > results["linear model on pixels"] + 0.1
    assert results["then body free"] > results["network from scratch"]
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_the_few_labels_are_not_in_the_test_and_the_first_task_is_another() -> None:
    (x, y), (few, few_labels), (test, test_labels) = transfer.load_data(3, seed=1)
    assert x.shape[1:] == few.shape[1:] == (12, 12, 1)
    np.testing.assert_array_equal(np.unique(y), np.arange(20))
    assert len(few) == 15
    assert len(few) + len(test) == 896
    for labels in (few_labels, test_labels):
        np.testing.assert_array_equal(np.unique(labels), np.arange(5))


def test_a_digit_is_whole_wherever_it_is_placed() -> None:
    images = 16 * np.ones((50, 64))
    pictures = transfer.place(images, np.random.default_rng(0))
    np.testing.assert_array_equal(pictures.sum(axis=(1, 2, 3)), 64)
    assert len(np.unique(pictures.argmax(axis=1).max(axis=1))) == 5
