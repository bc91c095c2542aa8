"""How steps are dispatched, and what decides that it has to be looked at again."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite.training._cost import Cost
from treexlite.training._form import LOOP_FLOPS, Form, form_of, signature


@pytest.mark.parametrize(
    ("contents", "on_cpu", "on_gpu"),
    [
        (Cost(), Form.LOOPED, Form.LOOPED),
        (Cost(flops=2 * LOOP_FLOPS), Form.SINGLE, Form.LOOPED),
        (Cost(has_convolutions=True), Form.SINGLE, Form.LOOPED),
        (Cost(has_convolutions=True, has_callbacks=True), Form.CAREFUL, Form.CAREFUL),
    ],
)
def test_the_form_follows_from_the_program_and_the_platform(
    contents: Cost, on_cpu: Form, on_gpu: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert form_of(contents) is on_cpu
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert form_of(contents) is on_gpu


def test_signatures_are_equal_for_equal_traces_only() -> None:
    model = tx.nn.Linear(2).init(0, jnp.ones((1, 3)))
    usual = signature((model, np.ones(3, np.float32), 0))
    assert usual == signature((model.copy(), jnp.zeros(3), 5))
    others: list[Any] = [
        (model, np.ones(4, np.float32), 0),
        (model, np.ones(3, np.int32), 0),
        (model, np.ones(3, np.float32), 0.0),
        (model, (np.ones(3, np.float32),), 0),
        (model.eval(), np.ones(3, np.float32), 0),
        (model.freeze(), np.ones(3, np.float32), 0),
        (tx.nn.Linear(2, use_bias=False).init(0, jnp.ones((1, 3))), np.ones(3, np.float32), 0),
        (model.map(lambda array: array.astype(jnp.bfloat16)), np.ones(3, np.float32), 0),
    ]
    assert all(usual != signature(other) for other in others)
