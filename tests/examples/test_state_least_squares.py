"""examples/state/least_squares.py: in-place descent reaches the least-squares solution."""

import numpy as np
import pytest

from tests.examples.scripts import load

example = load("state/least_squares")


def test_the_fit_is_near_the_line_that_made_the_points() -> None:
    model = example.fit()
    assert float(model.w) == pytest.approx(2.0, abs=0.03)
    assert float(model.b) == pytest.approx(-1.0, abs=0.03)


def test_the_fit_is_the_closed_form_solution() -> None:
    model = example.fit()
    w, b = np.polyfit(*example.points(), deg=1)
    assert float(model.w) == pytest.approx(w, abs=1e-4)
    assert float(model.b) == pytest.approx(b, abs=1e-4)


def test_a_step_is_that_of_numpy_and_changes_the_callers_model() -> None:
    x, y = example.points()
    model = example.Line()
    loss = example.train_step(model, x, y)
    assert float(loss) == pytest.approx(np.mean(y**2), rel=1e-5)
    assert float(model.w) == pytest.approx(0.1 * 2 * np.mean(x * y), rel=1e-5)
    assert float(model.b) == pytest.approx(0.1 * 2 * np.mean(y), rel=1e-5)
