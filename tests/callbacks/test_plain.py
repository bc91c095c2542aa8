"""Logs as JSON."""

import json

import jax.numpy as jnp
import numpy as np

from treexlite.callbacks._plain import as_json, as_plain


def test_arrays_become_numbers_and_lists() -> None:
    assert as_plain({"a": jnp.float32(0.5), "b": np.array([[1, 2]]), "c": None}) == {
        "a": 0.5,
        "b": [[1, 2]],
        "c": None,
    }
    assert as_plain((1, True, "x")) == [1, True, "x"]
    assert as_plain({1: object}) == {"1": "<class 'object'>"}


def test_what_json_has_no_number_for_is_a_string_that_reads_back() -> None:
    text = as_json({"a": float("nan"), "b": float("inf"), "c": np.array([-np.inf, 1.0])})
    found = json.loads(text, parse_constant=lambda name: 1 / 0)
    assert found == {"a": "NaN", "b": "Infinity", "c": ["-Infinity", 1.0]}
    assert np.isnan(float(found["a"]))
    assert float(found["c"][0]) == -np.inf


def test_floats_keep_every_bit() -> None:
    value = 0.1 + 0.2
    assert json.loads(as_json({"a": value}))["a"] == value
