"""Frozen parameters stay bit for bit, whatever is frozen, unfrozen and optimized in which order."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import treexlite as tx
from tests.budget import examples
from tests.optimizers.models import PATHS, gradients, make, named, with_option

OPTIONS = st.sampled_from(["clip", "accumulate", "skip", "ema", "lookahead", "all"])
PARTS = st.sampled_from(["first", "last", "all"])
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("freeze"), PARTS),
        st.tuples(st.just("unfreeze"), PARTS),
        st.tuples(st.just("update"), st.sampled_from([1.0, -3.0])),
        st.tuples(st.just("spoil"), st.just("first/w")),
    ),
    min_size=4,
    max_size=10,
)


def part(model: Any, name: str) -> Any:
    return model if name == "all" else getattr(model, name)


def frozen_paths(model: Any) -> list[str]:
    parts = {"first": model.first, "last": model.last}
    return [path for path in PATHS if parts[path.split("/")[0]].frozen]


@given(OPTIONS, st.booleans(), ACTIONS)
@settings(max_examples=examples(25))
def test_frozen_parameters_stay_bit_for_bit(
    option: str, starts_frozen: bool, actions: list[tuple[str, Any]]
) -> None:
    model = make()
    model.first.freeze(starts_frozen, inplace=True)
    optimizer = with_option(option).init(model)
    for action, argument in actions:
        if action in ("freeze", "unfreeze"):
            part(model, argument).freeze(action == "freeze", inplace=True)
            continue
        before, frozen = named(model), frozen_paths(model)
        state = optimizer.state_dict(tx.OptState)
        grads = gradients(argument if action == "update" else 1.0)
        if action == "spoil" and optimizer.options.skip_nonfinite:
            grads[argument] = jnp.full_like(grads[argument], jnp.nan)
        optimizer.update(grads, model)
        for path, value in named(model).items():
            assert bool(jnp.isfinite(value).all())
            if path in frozen:
                assert np.asarray(value).tobytes() == np.asarray(before[path]).tobytes()
        kept = {p: x for p, x in state.items() if any(p.endswith(f"/{path}") for path in frozen)}
        after = optimizer.state_dict(tx.OptState)
        assert all(np.array_equal(x, after[path]) for path, x in kept.items())
