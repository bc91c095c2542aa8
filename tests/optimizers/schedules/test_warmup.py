from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax

from treexlite.optimizers import schedules

STEPS = jnp.arange(20)


def test_linear_warmup_is_that_of_optax() -> None:
    ours = jax.vmap(schedules.linear_warmup(0.5, 7, start=0.1))(STEPS)
    theirs = jax.vmap(optax.warmup_constant_schedule(0.1, 0.5, 7))(STEPS)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_the_inverse_root_has_its_peak_after_the_warm_up() -> None:
    rates = jax.vmap(schedules.inverse_sqrt(0.5, 5))(STEPS)
    expected = [0.5 * min(n / 5, (5 / n) ** 0.5 if n else 1) for n in range(20)]
    np.testing.assert_allclose(rates, expected, rtol=1e-6)
    assert int(rates.argmax()) == 5


def test_noam_is_the_formula_of_the_paper() -> None:
    rates = jax.vmap(schedules.noam(64, 5, scale=2.0))(STEPS)
    expected = [2 * 64**-0.5 * min(n**-0.5, n * 5**-1.5) for n in range(1, 21)]
    np.testing.assert_allclose(rates, expected, rtol=1e-6)
