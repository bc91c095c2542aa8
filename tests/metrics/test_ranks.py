"""Sorting by score, with equal scores as one group."""

import jax.numpy as jnp
import numpy as np

from treexlite.metrics._ranks import by_score


def test_equal_scores_are_one_group_and_the_absent_come_last() -> None:
    scores = jnp.array([[1.0, 3.0, 3.0, 2.0, 9.0], [0.0, -0.0, -jnp.inf, jnp.inf, -jnp.inf]])
    present = jnp.array([[True, True, True, True, False], [True, True, True, True, False]])
    places = jnp.broadcast_to(jnp.arange(5), (2, 5))
    above, upto, (names,) = by_score(scores, present, places)
    np.testing.assert_array_equal(names, [[1, 2, 3, 0, 4], [3, 0, 1, 2, 4]])
    np.testing.assert_array_equal(above, [[0, 0, 2, 3, 4], [0, 1, 1, 3, 4]])
    np.testing.assert_array_equal(upto, [[2, 2, 3, 4, 5], [1, 3, 3, 4, 5]])


def test_no_items_are_no_ranks() -> None:
    above, upto, _ = by_score(jnp.zeros((2, 0)), jnp.zeros((2, 0), bool))
    assert above.shape == upto.shape == (2, 0)
