"""`examples/linear_regression.py` in short form: training ends where the exact solvers do."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.examples.scripts import load

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

linear_regression = load("linear_regression")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, dict[str, float]], Path]:
    out = tmp_path_factory.mktemp("linear_regression")
    return linear_regression.main(["--quick", "--out", str(out)]), out


def test_coefficients_are_those_of_exact_solvers(run: tuple[Any, Path]) -> None:
    results, _ = run
    for name, limit in {"least squares": 0.1, "ridge": 0.001, "median": 4}.items():
        assert results[name]["distance"] < limit
        assert (
            results[name]["largest"] > 25
        )  # the distance of an untrained model, whose kernel is 0


def test_the_line_says_something_about_unseen_patients(run: tuple[Any, Path]) -> None:
    for row in run[0].values():
        assert row["r2"] > 0.3  # 0 for the mean, below -3 for an untrained model
        assert row["mae"] < 48  # 58 for the median


def test_the_penalty_is_what_makes_the_difference(run: tuple[Any, Path]) -> None:
    assert run[0]["ridge"]["largest"] < run[0]["least squares"]["largest"] - 5


def test_the_path_begins_at_zero_and_ends_at_the_model() -> None:
    x = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]], np.float32)
    model, path = linear_regression.fit(
        x, x @ np.array([2.0, -1.0], np.float32), "mse", "sgd", 3, 0
    )
    assert path.shape == (3, 2)
    assert 0 < np.abs(path[0]).max() < np.abs(path[2]).max()
    np.testing.assert_array_equal(path[2], model.kernel[:, 0])


def test_the_picture_is_there(run: tuple[Any, Path]) -> None:
    assert (run[1] / "picture.png").read_bytes().startswith(b"\x89PNG")
