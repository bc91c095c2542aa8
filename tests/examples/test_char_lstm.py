"""`examples/char_lstm.py` in short form: the LSTM is less surprised than letter frequencies are."""

from pathlib import Path

import numpy as np
import pytest

from tests.examples.scripts import load

pytest.importorskip("matplotlib")

char_lstm = load("char_lstm")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, float], Path]:
    out = tmp_path_factory.mktemp("char_lstm")
    return char_lstm.main(["--quick", "--out", str(out)]), out


def test_it_has_learned_more_than_how_frequent_characters_are(
    run: tuple[dict[str, float], Path],
) -> None:
    bits, _ = run  # an untrained one needs as much as when all characters are alike
    assert bits["all characters alike"] > 6.5
    assert bits["LSTM"] < bits["counts after 0 characters"] - 0.3
    assert bits["counts after 1 character"] < bits["counts after 0 characters"]


def test_there_is_a_picture(run: tuple[dict[str, float], Path]) -> None:
    assert (run[1] / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_targets_are_what_comes_after_the_inputs() -> None:
    x, y = char_lstm.rows_of(np.arange(23), 5)
    assert x.shape == (4, 5)
    np.testing.assert_array_equal(x.ravel(), np.arange(20))
    np.testing.assert_array_equal(y, x + 1)


def test_counts_are_blended_with_those_of_shorter_contexts() -> None:
    bits = char_lstm.count_bits("aab", "bab", num_tokens=4, longest=1)
    a = (2 + 2 / 4) / (3 + 2)  # two kinds were seen, in three places
    b = (1 + 2 / 4) / (3 + 2)
    assert bits[0] == pytest.approx(-np.log2([a, b]).mean())
    assert bits[1] == pytest.approx(-np.log2([a, (1 + 2 * b) / (2 + 2)]).mean())


def test_no_paragraph_is_there_twice() -> None:
    paragraphs = char_lstm.load_text().split("\n\n")
    assert len(paragraphs) == len(set(paragraphs)) > 1000
