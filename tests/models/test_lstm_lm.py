from typing import Any

import jax
import numpy as np
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
    run = tx.jit(model)
    plain, changed = np.asarray(run(IDS)), np.asarray(run(IDS.at[:, 6:].set(0)))
    np.testing.assert_allclose(changed[:, :6], plain[:, :6], atol=1e-6)
    assert (changed[:, 6:] != plain[:, 6:]).any()


def test_token_by_token_equals_the_whole_text() -> None:
    model = LSTMLanguageModel(11, features=8).init(0, IDS).eval()
    whole = tx.jit(model)(IDS)
    tx.nn.start_cache(model, 3)
    step = tx.jit(model)
    ids = np.asarray(IDS)
    steps = [step(ids[:, t : t + 1]) for t in range(12)]
    np.testing.assert_allclose(np.concatenate(steps, 1), whole, atol=1e-5)


def test_generating_equals_asking_again_for_each_token() -> None:
    model = LSTMLanguageModel(11, features=8).init(0, IDS)
    found = model.generate(IDS[:, :4], 6)
    # As no output depends on later tokens, one call says what follows each of them.
    next_ones = np.asarray(tx.jit(model.eval())(found)).argmax(-1)
    np.testing.assert_array_equal(found[:, :4], IDS[:, :4])
    np.testing.assert_array_equal(found[:, 4:], next_ones[:, 3:-1])
    assert model.training
    assert not model.caches().state_dict()


@pytest.mark.parametrize("num_layers", [0, -1, 1.5, "two"])
def test_a_number_of_layers_that_is_none_is_refused(num_layers: Any) -> None:
    with pytest.raises(ArgumentError, match="Model: expected `num_layers` to be an int"):
        LSTMLanguageModel(10, num_layers=num_layers)
