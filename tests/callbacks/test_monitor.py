"""Watching a number: which way is better, and whether it got better."""

from typing import Any

import numpy as np
import pytest

import treexlite as tx
from tests.callbacks.fits import new_line
from treexlite._errors import ArgumentError
from treexlite._names import snake_case
from treexlite.callbacks import MonitorCallback


@pytest.mark.parametrize(
    ("name", "larger"),
    [
        ("loss", False),
        ("val_loss", False),
        ("val_accuracy", True),
        ("head/accuracy", True),
        ("accuracy_1", True),
        ("zero_one_loss", False),
        ("dice_loss", False),
        ("dice_score", True),
        ("brier_score", False),
        ("r2_score", True),
        ("f1", True),
        ("word_error_rate", False),
        ("explained_variance", True),
        ("mean_squared_error", False),
        ("my_score", True),
    ],
)
def test_names_tell_which_way_is_better(name: str, larger: bool) -> None:
    assert MonitorCallback(name).larger_is_better() is larger


NEUTRAL = {"Metric", "Metrics", "Mean", "Sum", "Min", "Max", "Std", "Variance", "ConfusionMatrix"}
NEUTRAL |= {"MultilabelConfusionMatrix", "AuxLosses", "AuxMetrics", "Losses", "LossAndLogs"}


CLASSES = [name for name in tx.metrics.__all__ if isinstance(getattr(tx.metrics, name), type)]


@pytest.mark.parametrize("name", sorted(set(CLASSES) - NEUTRAL))
def test_the_name_of_every_metric_tells(name: str) -> None:
    smaller = ("error", "loss", "brier", "perplexity", "distance")
    wanted = not any(word in snake_case(name) for word in smaller)
    assert MonitorCallback(snake_case(name)).larger_is_better() is wanted


def test_a_name_that_does_not_tell_is_refused_before_training() -> None:
    monitor = MonitorCallback("temperature")
    message = r"MonitorCallback: expected to know whether more or less of 'temperature' is better"
    with pytest.raises(ArgumentError, match=message):
        monitor.on_train_begin()
    assert MonitorCallback("temperature", mode="max").larger_is_better()


def test_an_attribute_of_the_metric_tells_before_its_name() -> None:
    class Odd(tx.metrics.Mean):
        higher_is_better = True

    monitor = MonitorCallback("val_error")
    monitor.set_trainer(new_line(metrics={"error": Odd()}))
    assert monitor.larger_is_better()


def test_improvements_are_larger_than_min_delta() -> None:
    smaller = MonitorCallback("loss", min_delta=0.1)
    larger = MonitorCallback("loss", mode="max", min_delta=-0.1)
    assert [smaller.improves(value, 1.0) for value in (0.8, 0.95, 1.2)] == [True, False, False]
    assert [larger.improves(value, 1.0) for value in (0.8, 1.05, 1.2)] == [False, False, True]


def test_nan_is_never_an_improvement() -> None:
    monitor = MonitorCallback("loss")
    assert not monitor.improves(float("nan"), None)
    assert monitor.improves(1.0, None)


def test_the_number_may_be_missing() -> None:
    monitor = MonitorCallback("loss")
    assert monitor.value_in({"loss": np.float32(0.5)}) == 0.5
    assert monitor.value_in({}) is None
    assert monitor.value_in(None) is None


def test_several_numbers_are_refused() -> None:
    with pytest.raises(ArgumentError, match="expected 'loss' to be one number, received array of"):
        MonitorCallback("loss").value_in({"loss": np.ones(2)})


def test_arguments_are_checked() -> None:
    with pytest.raises(ArgumentError, match="`mode` to be one of 'auto', 'min', 'max', received"):
        MonitorCallback("loss", mode="lower")
    with pytest.raises(ArgumentError, match="expected `monitor` to be the name of a number among"):
        MonitorCallback(3)  # type: ignore[arg-type]
    value: Any = "a"
    with pytest.raises(ArgumentError, match="expected `min_delta` to be a number, received"):
        MonitorCallback("loss", min_delta=value)
