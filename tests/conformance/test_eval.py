"""Evaluation mode: the same input gives the same output, and nothing is written."""

import numpy as np
import pytest

from tests.conformance.catalogue import Layer, ids, sampled

SAMPLED = sampled(__name__)


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_evaluation_repeats_itself_and_writes_nothing(row: Layer) -> None:
    model = row.build()
    model(row.x)
    model = model.eval()
    before = model.state_dict()
    np.testing.assert_array_equal(model(row.x), model(row.x))
    after = model.state_dict()
    assert all(after[path] is value for path, value in before.items())


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_the_other_examples_of_a_batch_do_not_matter(row: Layer) -> None:
    model = row.build().eval()
    np.testing.assert_allclose(model(row.x[:1]), model(row.x)[:1], rtol=1e-5, atol=1e-6)
