"""`examples/multi_head.py` in short form: both outputs learn, each by its own loss."""

from pathlib import Path

import numpy as np
import pytest

from tests.examples.scripts import load

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

multi_head = load("multi_head")


def test_both_heads_learn(tmp_path: Path) -> None:
    logs = multi_head.main(["--quick", "--out", str(tmp_path)])
    assert logs["digit_accuracy"] > 0.7  # chance is 0.1
    assert logs["place_mae"] < 0.7  # 1.2 when every place is said to be the middle
    assert logs["loss"] == pytest.approx(logs["digit_loss"] + 0.2 * logs["place_loss"], rel=1e-4)
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_each_digit_is_where_its_target_says() -> None:
    (x, y), (_, y_test) = multi_head.load_data()
    assert len(x) == len(y["digit"]) == 1437
    assert len(y_test["place"]) == 360
    for picture, (row, column) in zip(x[:20], y["place"].astype(int), strict=False):
        outside = picture.copy()
        outside[row : row + 8, column : column + 8] = 0
        assert picture.sum() > 1
        np.testing.assert_array_equal(outside, 0)
