"""`examples/char_gpt.py` in short form: the GPT is less surprised than without any learning."""

from pathlib import Path

import numpy as np
import pytest

from tests.examples.scripts import load

pytest.importorskip("matplotlib")

char_gpt = load("char_gpt")


def test_it_learns_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results, bits = char_gpt.main(["--quick", "--out", str(tmp_path)])
    assert results["GPT"] < 5.5  # 6.6 when it is untrained
    assert results["GPT"] == pytest.approx(bits.mean())
    assert bits.shape == (char_gpt.TIME,)
    assert results["counts"] < 5
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().out.count("\ndef ") >= 4


def test_the_modules_are_read_once_and_divided() -> None:
    train, test = char_gpt.load_text(20)
    code = np.array(list(char_gpt.ALPHABET))
    assert "def " in "".join(code[train])
    assert 0.02 < len(test) / len(train) < 0.5
    assert max(train.max(), test.max()) < len(char_gpt.ALPHABET)


def test_targets_are_what_comes_after_the_inputs() -> None:
    x, y = char_gpt.windows(np.arange(200), np.array([0, 135]))
    assert x.shape == (2, char_gpt.TIME)
    np.testing.assert_array_equal(x[:, 0], [0, 135])
    np.testing.assert_array_equal(y, x + 1)


def test_pairs_that_follow_a_rule_cost_nothing() -> None:
    ids = np.array([0, 1, 2] * 5000)
    assert char_gpt.count_bits(ids, ids) == pytest.approx(0, abs=0.01)
