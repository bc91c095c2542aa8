import jax
import jax.numpy as jnp

import treexlite as tx
from tests._core.modules import Scale
from treexlite._core._record import version_of


class Model(tx.Module):
    w: jax.Array = tx.Parameter.node()

    def __init__(self) -> None:
        self.w = jnp.ones(2)
        self.k = 1
        self.child = Scale()


def test_an_array_that_replaces_an_array_keeps_the_version() -> None:
    model = Model()
    before = version_of(model)
    model.w = jnp.zeros(5)
    model.w = model.w + 1
    assert version_of(model) == before


def test_everything_else_gives_a_new_version_that_nobody_has_had() -> None:
    model = Model()
    seen = {version_of(model), version_of(Model())}
    for change in (
        lambda: setattr(model, "k", 1),
        lambda: setattr(model, "w", [jnp.ones(2)]),
        lambda: setattr(model, "child", Scale()),
        lambda: setattr(model, "new", 1),
        lambda: delattr(model, "new"),
        lambda: delattr(model, "w"),
        lambda: model.eval(inplace=True),
        lambda: model.freeze(inplace=True),
    ):
        change()
        assert version_of(model) not in seen
        seen.add(version_of(model))


def test_modules_that_jax_rebuilds_have_versions_of_their_own() -> None:
    model = Model()
    versions = {version_of(jax.tree.map(lambda x: x, model)) for _ in range(3)}
    assert len(versions | {version_of(model)}) == 4


def test_the_record_is_not_among_the_attributes() -> None:
    assert set(vars(Model())) == {"w", "k", "child"}
