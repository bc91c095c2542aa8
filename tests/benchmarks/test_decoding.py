"""`benchmarks/decoding.py` runs, and both ways generate the same."""

import numpy as np
import pytest

from tests.benchmarks.scripts import load

decoding = load("decoding")


def test_the_quick_table_has_both_ways(capsys: pytest.CaptureFixture[str]) -> None:
    decoding.main(["--quick"])
    printed = capsys.readouterr().out
    assert "  recomputed" in printed
    assert "  cached" in printed
    assert "same tokens: True" in printed


def test_the_cache_changes_nothing_and_traces_prompt_and_step_once() -> None:
    model, prompt = decoding.build(2, 6)
    once = decoding.cached(model, prompt, 6)
    again = decoding.recomputed(model, prompt, 6)
    np.testing.assert_array_equal(once.tokens, again.tokens)
    np.testing.assert_allclose(once.logits, again.logits, atol=1e-4)
    assert (once.traces, again.traces) == (2, 1)
