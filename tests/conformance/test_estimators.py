"""The estimators keep scikit-learn's own laws: the checks that it has for everybody's estimators.

A check fits small models, a tenth of a second each, and some fit many: those are left to
`make laws`. What both estimators are checked for, they are in turns; `make laws` checks both.
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


def generated() -> Iterator[tuple[int, str, Any]]:
    """Every check of each estimator: the estimator's number, the law, and the case of a test."""
    estimators = (
        tx.TrainerClassifier(linear, optimizer=tx.Optimizer("adam", 0.2), epochs=40),
        tx.TrainerRegressor(linear, optimizer=tx.Optimizer("sgd", 0.1), epochs=40),
    )
    for number, estimator in enumerate(estimators):
        for case in estimator_checks_generator(
            estimator, expected_failed_checks=EXPECTED_FAILED, mark="xfail"
        ):
            (estimator, check), marks = getattr(case, "values", case), getattr(case, "marks", ())
            law = getattr(check, "func", check).__name__  # some are partial functions
            options = [f"{k}={v}" for k, v in getattr(check, "keywords", {}).items()]
            # a name that is the same in all processes
            name = "-".join([type(estimator).__name__, law, *options])
            yield number, law, pytest.param(estimator, check, marks=marks, id=name)


def chosen() -> Iterator[Any]:
    """The cases that are run."""
    cases = list(generated())
    classified, regressed = ({law for number, law, _ in cases if number == n} for n in (0, 1))
    shared = sorted(classified & regressed)
    for number, law, case in cases:
        in_turn = law not in shared or shared.index(law) % 2 == number
        if ALL_LAWS or (law not in DEAR and in_turn):
            yield case


@pytest.mark.parametrize(("estimator", "check"), list(chosen()))
def test_an_estimator_passes_the_check(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)
