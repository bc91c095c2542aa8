"""Metrics by name."""

import pytest

from treexlite import metrics
from treexlite._errors import UnknownNameError
from treexlite._names import snake_case
from treexlite.metrics import Accuracy, Mean, Metric, get
from treexlite.metrics._registry import REGISTRY


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("accuracy", Accuracy),
        ("acc", Accuracy),
        ("mean", Mean),
        ("mse", metrics.MeanSquaredError),
        ("rmse", metrics.RootMeanSquaredError),
        ("mae", metrics.MeanAbsoluteError),
        ("mape", metrics.MeanAbsolutePercentageError),
        ("msle", metrics.MeanSquaredLogarithmicError),
        ("r2", metrics.R2Score),
        ("var", metrics.Variance),
        ("pearson", metrics.PearsonCorrelation),
    ],
)
def test_names_stand_for_metrics_with_default_options(name: str, metric: type[Metric]) -> None:
    found = get(name)
    assert type(found) is metric
    assert repr(found) == repr(metric())


def test_each_call_makes_a_new_metric() -> None:
    assert get("accuracy") is not get("accuracy")


def test_every_metric_is_known_under_its_own_name() -> None:
    classes = map(REGISTRY.find, REGISTRY.names)
    assert {snake_case(metric.__name__) for metric in classes} <= set(REGISTRY.names)


def test_an_unknown_name_is_refused_with_the_close_ones() -> None:
    message = (
        r"metrics\.get: expected the name of a metric \(one of 'acc', 'accuracy', .*\), "
        r"received 'acuracy'\. Did you mean 'accuracy'"
    )
    with pytest.raises(UnknownNameError, match=message):
        get("acuracy")
