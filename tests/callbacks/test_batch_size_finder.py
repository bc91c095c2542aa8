"""Batches that double until the memory does not suffice."""

from typing import Any

import numpy as np
import pytest

import treexlite as tx
from tests.callbacks.fits import DATA, Line, line
from tests.training.models import arrays, assert_same
from treexlite._errors import ArgumentError
from treexlite.callbacks import BatchSizeFinder, _batch_size_finder


class Limited(tx.Trainer):
    """Has memory for 16 examples; a step takes 1 second, and 1 more for each 8 examples."""

    error: Exception = RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1 bytes.")
    now = 0.0

    def replay(self, state: Any, batch: Any) -> dict[str, Any]:
        if len(batch.x) > 16:
            raise self.error
        Limited.now += 1 + len(batch.x) / 8
        return {"loss": 1.0}


def limited(monkeypatch: pytest.MonkeyPatch, **options: Any) -> BatchSizeFinder:
    monkeypatch.setattr(_batch_size_finder.time, "perf_counter", lambda: Limited.now)
    finder = BatchSizeFinder(**options)
    trainer = Limited(Line(), loss="mse", optimizer="sgd")
    trainer.fit(*DATA, 4, 1, 0, callbacks=[finder])
    return finder


def test_sizes_double_up_to_the_largest_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    finder = limited(monkeypatch, min_size=2)
    assert [result.batch_size for result in finder.results] == [2, 4, 8, 16, 32]
    rates = [result.examples_per_second for result in finder.results]
    assert rates[-1] is None
    np.testing.assert_allclose(np.array(rates[:-1], float), [1.6, 8 / 3, 4, 16 / 3])
    assert finder.suggestion == 16


def test_a_smaller_size_that_is_nearly_as_fast_is_suggested(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert limited(monkeypatch, min_size=2, tolerance=0.7).suggestion == 8


def test_where_nothing_fits_nothing_is_suggested(monkeypatch: pytest.MonkeyPatch) -> None:
    finder = limited(monkeypatch, min_size=32)
    assert finder.results == [(32, None)]
    assert finder.suggestion is None


def test_a_memory_error_of_python_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Limited, "error", MemoryError())
    assert limited(monkeypatch, min_size=16).suggestion == 16


def test_other_errors_are_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Limited, "error", RuntimeError("INTERNAL: something else"))
    with pytest.raises(RuntimeError, match="something else"):
        limited(monkeypatch)


def test_real_steps_leave_the_trainer_as_it_was() -> None:
    trainer, untouched = line(), line()
    for one in (trainer, untouched):
        one.fit(*DATA, 4, 1, 0)
    finder = BatchSizeFinder(2, 9, num_steps=1)
    trainer.fit(*DATA, 4, 3, 0, callbacks=[finder])
    assert [result.batch_size for result in finder.results] == [2, 4, 8]
    assert finder.suggestion in (2, 4, 8)
    assert_same(arrays(trainer.state), arrays(untouched.state))


def test_training_may_go_on_as_without_it() -> None:
    trainer, plain = line(), line()
    plain.fit(*DATA, 4, 2, 0)
    finder = BatchSizeFinder(2, 4, 1, stop_training=False)
    trainer.fit(*DATA, 4, 2, 0, callbacks=[finder])
    assert_same(arrays(trainer.state), arrays(plain.state))


@pytest.mark.parametrize(
    "options", [{"min_size": 0}, {"max_size": 4}, {"num_steps": 0}, {"tolerance": 0}]
)
def test_arguments_are_checked(options: Any) -> None:
    with pytest.raises(ArgumentError, match=f"Finder: expected `{next(iter(options))}` to be a"):
        BatchSizeFinder(**options)


def test_a_share_is_at_most_one() -> None:
    with pytest.raises(
        ArgumentError, match="expected `tolerance` to be a share, at most 1, receiv"
    ):
        BatchSizeFinder(tolerance=1.5)
