"""The estimators keep scikit-learn's own laws: the checks that it has for everybody's estimators.

A check fits small models, a tenth of a second each, and some fit many: those are left to
`make laws`.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("sklearn")

from sklearn.utils.estimator_checks import estimator_checks_generator

import treexlite as tx
from tests.budget import ALL_LAWS

# The laws that do not hold, and why.
EXPECTED_FAILED = {
    "check_do_not_raise_errors_in_init_or_set_params": "it passes the name of `**options` as a "
    "keyword, and a keyword that means nothing is refused at once, as Python does elsewhere",
    "check_sample_weight_equivalence_on_dense_data": "it asks for 1e-7, and we compute in float32; "
    "`test_a_weight_of_two_is_an_example_twice` asks for 1e-5",
}
# They fit many models, or some of different shapes, each of which compiles.
DEAR = {
    "check_class_weight_classifiers",
    "check_classifier_data_not_an_array",
    "check_classifiers_classes",
    "check_classifiers_multilabel_representation_invariance",
    "check_classifiers_train",
    "check_dtype_object",
    "check_estimators_dtypes",
    "check_estimators_nan_inf",
    "check_estimators_overwrite_params",
    "check_fit_idempotent",
    "check_fit_score_takes_y",
    "check_n_features_in_after_fitting",
    "check_pipeline_consistency",
    "check_regressor_data_not_an_array",
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weights_not_an_array",
    "check_supervised_y_2d",
}


def linear(num_outputs: int) -> tx.Module:
    return tx.nn.Linear(num_outputs)


def checks() -> Iterator[Any]:
    """Every check of each estimator, under a name that is the same in all processes."""
    for estimator in (
        tx.TrainerClassifier(linear, optimizer=tx.Optimizer("adam", 0.2), epochs=40),
        tx.TrainerRegressor(linear, optimizer=tx.Optimizer("sgd", 0.1), epochs=40),
    ):
        generated = estimator_checks_generator(
            estimator, expected_failed_checks=EXPECTED_FAILED, mark="xfail"
        )
        for case in generated:
            (estimator, check), marks = getattr(case, "values", case), getattr(case, "marks", ())
            law = getattr(check, "func", check).__name__  # some are partial functions
            options = [f"{k}={v}" for k, v in getattr(check, "keywords", {}).items()]
            if ALL_LAWS or law not in DEAR:
                name = "-".join([type(estimator).__name__, law, *options])
                yield pytest.param(estimator, check, marks=marks, id=name)


@pytest.mark.parametrize(("estimator", "check"), list(checks()))
def test_an_estimator_passes_the_check(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)
