"""Losses between numbers."""

from tests.conformance.losses.rows.row import NUMBERS, OTHERS, LossRow
from treexlite import losses

ROWS = [
    LossRow(
        "MeanSquaredError",
        losses.MeanSquaredError,
        NUMBERS,
        OTHERS,
        losses.mean_squared_error,
        awkward=((NUMBERS, NUMBERS),),
    ),
]
