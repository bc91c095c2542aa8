from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import treexlite as tx
from tests.optimizers.models import MODEL, assert_close, gradients, make, named
from treexlite._errors import ArgumentError, PathError


def moved(optimizer: tx.Optimizer, steps: int = 2) -> dict[str, Any]:
    model = make()
    optimizer = optimizer.init(model)
    for _ in range(steps):
        optimizer.update(gradients(), model)
    return named(model)


def test_groups_have_the_numbers_of_multi_transform() -> None:
    ours = tx.Optimizer({"first/**": optax.adam(0.1), "*/w": "frozen", ...: optax.sgd(0.5)})
    labels = {"first/b": "adam", "first/w": "adam", "last/w": "none", "last/b": "sgd"}
    theirs = optax.multi_transform(
        {"adam": optax.adam(0.1), "sgd": optax.sgd(0.5), "none": optax.set_to_zero()},
        lambda params: {path: labels[path] for path in params},
    )
    assert_close(moved(ours), moved(tx.Optimizer(theirs)))


def test_the_first_pattern_that_matches_decides() -> None:
    one = moved(tx.Optimizer({"first/w": None, "first/**": "sgd", "**": None}))
    changed = [path for path, x in one.items() if not np.array_equal(x, named(MODEL)[path])]
    assert changed == ["first/b"]


def test_filters_may_be_kinds_and_predicates() -> None:
    class Slow(tx.Parameter):
        pass

    class Line(tx.Module):
        a: Any = Slow.node()
        b: Any = tx.Parameter.node()
        c: Any = tx.Parameter.node()

        def __init__(self) -> None:
            self.a = self.b = self.c = jnp.array(1.0)

    model = Line()
    rules = {Slow: optax.sgd(0.25), (lambda info: info.name == "b"): None, "...": optax.sgd(0.5)}
    optimizer = tx.Optimizer(rules).init(model)
    optimizer.update(model, model)
    assert (float(model.a), float(model.b), float(model.c)) == (0.75, 1.0, 0.5)


def test_a_group_may_have_options_of_its_transformation() -> None:
    rules = {"first/**": tx.Optimizer("sgd", 1.0, clip_value=0.25), ...: None}
    found = moved(tx.Optimizer(rules), steps=1)
    np.testing.assert_allclose(found["first/w"], named(MODEL)["first/w"] - 0.25, rtol=1e-6)


def test_a_group_has_no_options_that_concern_all() -> None:
    with pytest.raises(ArgumentError, match=r"the group 'first/\*\*' with Options"):
        tx.Optimizer({"first/**": tx.Optimizer("sgd", ema=0.9)})


def test_a_group_without_a_rule_has_no_state_and_counts_in_no_norm() -> None:
    model = make()
    optimizer = tx.Optimizer({"first/**": None, ...: "adam"}, clip_norm=1.0).init(model)
    assert optimizer.paths == ("last/b", "last/w")
    grads = {**gradients(), "first/w": jnp.full((4, 3), jnp.nan)}
    optimizer.update(grads, model)
    assert bool(jnp.isfinite(model.last.w).all())
    assert np.array_equal(model.first.w, MODEL.first.w)


def test_a_parameter_without_a_group_is_refused() -> None:
    with pytest.raises(PathError, match=r"a group for every .*none for last/w.*`\.\.\.: None`"):
        tx.Optimizer({"first/**": "sgd", "last/b": "sgd"}).init(make())


def test_a_parameter_that_appears_later_needs_a_group_too() -> None:
    model = make()
    optimizer = tx.Optimizer({"first/*": "sgd", "last/*": "sgd"}).init(model)
    model.extra = make().first
    with pytest.raises(PathError, match=r"received none for extra/"):
        optimizer.update({**gradients(), "extra/w": jnp.ones((4, 3))}, model)


def test_a_pattern_without_a_match_is_refused_with_close_paths() -> None:
    with pytest.raises(
        PathError, match=r"'lst/w', which matches none. The paths here are 'last/w'"
    ):
        tx.Optimizer({"lst/w": "sgd", ...: "adam"}).init(make())


def test_a_frozen_part_still_matches_its_pattern() -> None:
    model = make()
    model.first.freeze(inplace=True)
    optimizer = tx.Optimizer({"first/**": "adam", ...: "sgd"}).init(model)
    optimizer.update(gradients(), model)
    model.unfreeze(inplace=True)
    optimizer.update(gradients(), model)
    states = optimizer.opt_state.groups
    assert int(states["first/**"][0].count) == 1  # steps of which it had no part do not count
    assert not np.array_equal(model.first.w, MODEL.first.w)


def test_extra_arguments_reach_each_group_by_its_own_names() -> None:
    """A line search in one group sees the gradient of that group."""
    search = optax.scale_by_backtracking_linesearch(max_backtracking_steps=5)
    params = {"a": jnp.float32(4.0), "b": jnp.float32(3.0)}
    optimizer = tx.Optimizer({"a": optax.chain(optax.sgd(1.0), search), "b": None}).init(params)

    def f(params: Any) -> Any:
        return params["a"] ** 2 + params["b"] ** 2

    value, grads = tx.value_and_grad(f)(params)
    after = optimizer.update(grads, params, value=value, grad=grads, value_fn=f)
    assert float(f(after)) < float(value)
    assert float(after["b"]) == 3.0
