"""Attention and what is built of it."""

from tests.conformance.rows.layer import Layer

ROWS: list[Layer] = []
