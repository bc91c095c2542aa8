"""The catalogue is complete, and says of each layer what is true."""

import collections

import pytest

import treexlite as tx
from tests.conformance.catalogue import FAMILIES, LAWS, LAYERS, SAMPLE, Layer, ids, sampled
from treexlite import nn


def test_every_layer_has_a_row() -> None:
    public = [getattr(nn, name) for name in nn.__all__]
    layers = {value for value in public if isinstance(value, type) and issubclass(value, tx.Module)}
    assert {row.layer_class for row in LAYERS} == layers


def test_names_are_unique() -> None:
    assert len({row.name for row in LAYERS}) == len(LAYERS)


@pytest.mark.parametrize("row", LAYERS, ids=ids)
def test_no_attribute_hides_a_verb_of_modules(row: Layer) -> None:
    """A field called `merge` would replace the method of that name."""
    for _, module in row.make().modules():
        assert not set(vars(module)) & set(dir(tx.Module)) - set(dir(object))


def test_the_sample_has_every_kind_of_data() -> None:
    rows = [row for row in LAYERS if row.name in SAMPLE]
    assert {row.name for row in rows} == SAMPLE
    kinds = {kind for row in LAYERS for kind in row.fields.values()}
    assert {kind for row in rows for kind in row.fields.values()} == kinds


def test_every_law_has_its_part_of_the_sample_and_every_row_its_laws() -> None:
    tried = collections.Counter(row.name for law in LAWS for row in sampled(law))
    assert set(tried) >= SAMPLE
    assert min(tried.values()) >= len(LAWS) // 6
    for law in LAWS:
        assert {row.name for row in FAMILIES} < {row.name for row in sampled(law)}


@pytest.mark.parametrize("row", LAYERS, ids=ids)
def test_the_data_of_a_layer_is_what_its_row_says(row: Layer) -> None:
    model = row.abstract()
    assert {info.path: info.kind for info in model.fields()} == row.fields
    assert all(issubclass(kind, tx.Kind) for kind in row.fields.values())
