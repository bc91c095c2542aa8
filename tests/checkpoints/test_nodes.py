from typing import Any

import pytest

import treexlite as tx
from tests.checkpoints.test_structure import Mixed
from treexlite.checkpoints import _nodes, _structure


def test_filters_may_know_paths_names_and_kinds() -> None:
    encoded = _structure.encode("save", Mixed())
    entries = {n: type("Entry", (), {"kind": encoded.kinds.get(n)})() for n in encoded.arrays}
    found = {info.path: (info.name, info.kind) for info in _nodes.infos(encoded.node, entries)}
    assert found["steps/0/w"] == ("w", tx.Parameter)
    with pytest.raises(ValueError, match="which is missing"):
        _nodes.infos(encoded.node, {})


def test_values_statics_and_other_names_are_listed() -> None:
    node = _structure.encode("save", {"m": Mixed(), "n": (1, {"x": "y"})}).node
    outside, inside = _nodes.values(node)
    assert outside == {"n/0": 1, "n/1/x": "y"}
    assert inside == {"m/s/a/0": 1, "m/s/a/1": 2.5, "m/steps/2": "a note"}
    assert _nodes.statics(node) == {"m/rate": 0.5}
    assert _nodes.aliases(node) == {"m/again": "m/steps/0"}


DEEP: Any = {"value": 1}
for _ in range(20_000):
    DEEP = {"tuple": [DEEP]}


@pytest.mark.parametrize(
    "node",
    [
        3,
        [],
        {"array": 3},
        {"again": 0},
        {"again": "x"},
        {"list": 3},
        {"dict": [[1]]},
        {"dict": [[[], {"value": 1}]]},
        {"fields": []},
        {"module": 1, "fields": {}, "static": []},
        {"module": 1},
        DEEP,
    ],
    ids=range(12),
)
def test_malformed_nodes_are_refused(node: Any) -> None:
    with pytest.raises(ValueError, match=r"a tree that is (malformed|nested)"):  # noqa: PT012
        _structure.decode(node, {}.__getitem__)
        _nodes.statics(node)
        _nodes.aliases(node)
        _nodes.infos(node, {})
