"""State dicts: loading one makes a layer the other layer, and the next calls too."""

import numpy as np
import pytest

from tests.conformance.catalogue import Layer, ids, sampled

SAMPLED = sampled(__name__)


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_a_loaded_layer_continues_as_the_saved_one(row: Layer) -> None:
    saved, loaded = row.build(seed=0), row.build(seed=1)
    saved(row.x)
    entries = {path: np.asarray(value) for path, value in saved.state_dict().items()}
    loaded.load_state_dict(entries)
    np.testing.assert_array_equal(loaded(row.x), saved(row.x))
    for path, value in saved.state_dict().items():
        np.testing.assert_array_equal(loaded.state_dict()[path], value)
        assert loaded.state_dict()[path].dtype == value.dtype


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_the_entries_come_in_the_order_of_the_fields(row: Layer) -> None:
    assert list(row.build().state_dict()) == list(row.fields)
