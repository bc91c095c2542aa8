import pytest

import treexlite as tx

PARENTS = [
    (tx.Parameter, tx.Kind),
    (tx.State, tx.Kind),
    (tx.Rng, tx.State),
    (tx.MetricState, tx.State),
    (tx.OptState, tx.State),
    (tx.ModelState, tx.State),
    (tx.BatchStat, tx.ModelState),
    (tx.Cache, tx.ModelState),
    (tx.Log, tx.Kind),
    (tx.LossLog, tx.Log),
    (tx.MetricLog, tx.Log),
]


@pytest.mark.parametrize(("kind", "parent"), PARENTS)
def test_kinds_form_the_documented_tree(kind: type, parent: type) -> None:
    assert kind.__bases__ == (parent,)


@pytest.mark.parametrize("kind", [kind for kind, _ in PARENTS])
def test_every_kind_declares_nodes_and_statics(kind: type) -> None:
    node, static = kind.node(), kind.static()
    assert (node.metadata["node"], node.metadata["kind"]) == (True, kind)
    assert (static.metadata["node"], static.metadata["kind"]) == (False, kind)
    assert kind.field(node=True).metadata["node"] is True


def test_a_users_kind_is_selected_with_its_parents() -> None:
    class Ema(tx.BatchStat):
        pass

    class Model(tx.Module):
        ema: float = Ema.node(1.0)
        w: float = tx.Parameter.node(2.0)

    model = Model()
    for kind in (Ema, tx.BatchStat, tx.ModelState, tx.State, tx.Kind):
        assert model.filter(kind).ema == 1.0
    assert model.filter(tx.Parameter).ema is tx.Nothing
    assert model.filter(Ema).w is tx.Nothing
