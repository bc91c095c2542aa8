from typing import Any

import jax.numpy as jnp
import pytest

import treexlite as tx
from tests._core.modules import Counter, Scale, make_net
from treexlite._errors import ArgumentError, PathError


class Model(tx.Module):
    key: Any = tx.Rng.node(1)
    log: Any = tx.LossLog.node(2.0)
    plain: Any = tx.node(3.0)
    stats: Any = tx.BatchStat.node()

    def __init__(self) -> None:
        self.stats = {"mean": jnp.array(4.0), "var": jnp.array(5.0)}
        self.layers = [Scale(6.0), Counter(7)]
        self.encoder = {"block": {"norm": Scale(8.0)}}


ALL = [
    "key",
    "log",
    "plain",
    "stats/mean",
    "stats/var",
    "layers/0/w",
    "layers/1/n",
    "encoder/block/norm/w",
]
PARAMETERS = ["layers/0/w", "encoder/block/norm/w"]
STATES = ["key", "stats/mean", "stats/var", "layers/1/n"]

CASES: list[tuple[Any, list[str]]] = [
    (..., ALL),
    (tx.Kind, [p for p in ALL if p != "plain"]),
    (type(None), ["plain"]),
    (tx.Parameter, PARAMETERS),
    (tx.State, STATES),
    (tx.ModelState, ["stats/mean", "stats/var"]),
    (tx.Rng, ["key"]),
    (tx.Log, ["log"]),
    ("key", ["key"]),
    ("stats/*", ["stats/mean", "stats/var"]),
    ("stats/m*", ["stats/mean"]),
    ("stats/v?r", ["stats/var"]),
    ("*/*", ["stats/mean", "stats/var"]),
    ("layers/*/w", ["layers/0/w"]),
    ("**", ALL),
    ("**/w", PARAMETERS),
    ("encoder/**", ["encoder/block/norm/w"]),
    ("encoder/**/w", ["encoder/block/norm/w"]),
    ("encoder/**/norm/w", ["encoder/block/norm/w"]),
    ("/layers/0/w/", ["layers/0/w"]),
    ("**/n", ["layers/1/n"]),
    (lambda info: info.name == "w", PARAMETERS),
    (lambda info: info.value is not None and info.kind is tx.LossLog, ["log"]),
    (lambda info: isinstance(info.module, Counter), ["layers/1/n"]),
    (tx.All(), ALL),
    (tx.All(tx.State, "stats/*"), ["stats/mean", "stats/var"]),
    (tx.Any(), []),
    (tx.Any(tx.Rng, tx.Log, "plain"), ["key", "log", "plain"]),
    (tx.Not(tx.State), [p for p in ALL if p not in STATES]),
    (tx.Not(...), []),
    (tx.Not(tx.Any(tx.State, tx.Parameter)), ["log", "plain"]),
    (tx.All(tx.Not("stats/mean"), tx.BatchStat), ["stats/var"]),
]


@pytest.mark.parametrize(("filter_", "paths"), CASES, ids=[str(n) for n in range(len(CASES))])
def test_a_filter_selects_these_paths(filter_: Any, paths: list[str]) -> None:
    assert list(Model().state_dict(filter_)) == paths


def test_several_filters_must_all_hold() -> None:
    assert list(Model().state_dict(tx.State, "stats/*", lambda info: "v" in info.path)) == [
        "stats/var"
    ]
    assert list(Model().state_dict(tx.Parameter, tx.State)) == []


@pytest.mark.parametrize("path", ["w", "layers/0", "stats", "layers/w", "*", "norm/w", "**/k"])
def test_patterns_match_whole_paths_only(path: str) -> None:
    if path == "*":
        assert list(Model().state_dict(path)) == ["key", "log", "plain"]
        return
    with pytest.raises(PathError, match="which matches none"):
        Model().filter(path)


def test_special_characters_of_regular_expressions_are_plain_in_patterns() -> None:
    class Odd(tx.Module):
        def __init__(self) -> None:
            self.named = {"a.b": Scale(), "a+b": Scale(), "(x)": Scale(), "a[0]": Scale()}

    for name in ("a.b", "a+b", "(x)", "a[0]"):
        assert list(Odd().state_dict(f"named/{name}/w")) == [f"named/{name}/w"]
    with pytest.raises(PathError, match="matches none"):
        Odd().filter("named/a?b?/w")


@pytest.mark.parametrize(
    "verb",
    [
        lambda m, p: m.filter(p),
        lambda m, p: m.map(abs, p),
        lambda m, p: list(m.fields(p)),
        lambda m, p: m.state_dict(p),
        lambda m, p: m.parameters(p),
        lambda m, p: tx.partition(m, tx.Parameter, p),
        lambda m, p: m.filter(tx.Not(p)),
        lambda m, p: m.filter(tx.Any(tx.State, tx.All(p))),
        lambda m, p: tx.grad(lambda m: m.layers[0].w, wrt=p)(m),
    ],
)
def test_a_pattern_that_matches_nothing_is_an_error_everywhere(verb: Any) -> None:
    with pytest.raises(PathError, match=r"'layers/9/w', which matches none") as caught:
        verb(Model(), "layers/9/w")
    assert "'layers/0/w'" in str(caught.value)


def test_the_error_lists_at_most_a_few_paths() -> None:
    class Many(tx.Module):
        def __init__(self) -> None:
            self.layers = [Scale() for _ in range(20)]

    with pytest.raises(PathError, match=r"'layers/7/w', \.\.\.; use"):
        Many().filter("nope")


@pytest.mark.parametrize("filter_", [3, None, ["a"], b"w"])
def test_what_is_no_filter_is_refused(filter_: Any) -> None:
    with pytest.raises(ArgumentError, match="a kind, a path pattern, a predicate"):
        Model().filter(filter_)


def test_filters_print_what_they_were_made_of() -> None:
    filter_ = tx.All(tx.Parameter, tx.Not("a/*"), tx.Any(..., tx.State))
    assert repr(filter_) == "All(Parameter, Not('a/*'), Any(Ellipsis, State))"


def test_a_filter_sees_the_module_that_has_the_field() -> None:
    net = make_net()
    net.layers[0].freeze(inplace=True)
    assert list(net.state_dict(tx.Parameter, lambda info: not info.module.frozen)) == [
        "layers/1/w",
        "layers/1/b",
        "norm/scale",
    ]
