"""Recurrent cells, and the loops over them."""

from tests.conformance.rows.layer import Layer

ROWS: list[Layer] = []
