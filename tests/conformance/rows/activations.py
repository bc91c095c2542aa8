"""Activations with parameters."""

from tests.conformance.rows.layer import Layer

ROWS: list[Layer] = []
