"""`benchmarks/accuracy.py` runs, and compares what it says."""

import numpy as np
import pytest

from tests.benchmarks.scripts import load

accuracy = load("accuracy")


def test_the_quick_table_has_our_accuracies(capsys: pytest.CaptureFixture[str]) -> None:
    accuracy.main(["--quick", "--case", "mlp"])
    printed = capsys.readouterr().out
    assert "mlp, 60 test examples, 2 seeds" in printed
    assert "  tx.Trainer.fit" in printed


def test_training_and_test_examples_are_all_and_apart() -> None:
    what = accuracy.task("cnn", epochs=3, count=40)
    assert what.train.x.shape == (32, 8, 8, 1)
    assert what.test.x.shape == (8, 8, 8, 1)
    assert what.num_steps == 3
    rows = np.concatenate([what.train.x, what.test.x]).reshape(40, 64)
    expected = accuracy.digits(40).x
    np.testing.assert_array_equal(np.sort(rows, axis=0), np.sort(expected, axis=0))


def test_equal_samples_look_equal_and_different_ones_do_not() -> None:
    first = [0.90, 0.91, 0.92, 0.93, 0.94]
    assert "p = 1.00; difference of the means +0.0000" in accuracy.compare(first, first)
    found = accuracy.compare(first, [value - 0.1 for value in first])
    assert "p = 0.01; difference of the means +0.1000" in found


def test_only_two_samples_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    accuracy.report("title", {"ours": [0.5, 0.7]})
    assert "Mann-Whitney" not in capsys.readouterr().out
    accuracy.report("title", {"ours": [0.5, 0.7], "theirs": [0.5, 0.8]})
    printed = capsys.readouterr().out
    assert "0.6000   0.1414   0.5000   0.7000" in printed
    assert "Mann-Whitney" in printed
