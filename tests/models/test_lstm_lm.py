from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests.models.overfit import losses
from treexlite.errors import ArgumentError
from treexlite.models import LSTMLanguageModel

IDS = jax.random.randint(jax.random.key(0), (3, 12), 0, 11)


def test_it_learns_a_text() -> None:
    model = LSTMLanguageModel(11, features=16, dropout_rate=0.1).init(0, IDS)
    loss = tx.losses.CrossEntropy()
    found = losses(model, lambda m: loss(IDS[:, 1:], m(IDS[:, :-1])), steps=120, rate=3e-2)
    assert found[-1] < 0.3 < found[0]


def test_no_output_depends_on_later_tokens() -> None:
    model = LSTMLanguageModel(11, features=8).init(0, IDS)
    changed = model(IDS.at[:, 6:].set(0))
    assert jnp.allclose(changed[:, :6], model(IDS)[:, :6], atol=1e-6)


def test_token_by_token_equals_the_whole_text() -> None:
    model = LSTMLanguageModel(11, features=8).init(0, IDS).eval()
    whole = model(IDS)
    tx.nn.start_cache(model, 3)
    step = tx.jit(model)
    steps = [step(IDS[:, t : t + 1]) for t in range(12)]
    assert jnp.allclose(jnp.concatenate(steps, 1), whole, atol=1e-5)


def test_generating_equals_asking_again_for_each_token() -> None:
    model = LSTMLanguageModel(11, features=8).init(0, IDS)
    found = model.generate(IDS[:, :4], 6)
    ids = IDS[:, :4]
    for _ in range(6):
        ids = jnp.concatenate([ids, model.eval()(ids)[:, -1:].argmax(-1)], axis=1)
    assert (found == ids).all()
    assert model.training
    assert not model.caches().state_dict()


@pytest.mark.parametrize("num_layers", [0, -1, 1.5, "two"])
def test_a_number_of_layers_that_is_none_is_refused(num_layers: Any) -> None:
    with pytest.raises(ArgumentError, match="Model: expected `num_layers` to be an int"):
        LSTMLanguageModel(10, num_layers=num_layers)
