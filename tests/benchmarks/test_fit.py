"""`benchmarks/fit.py` runs, and everybody in it makes the same training."""

import importlib
from typing import Any

import numpy as np
import pytest

from tests.benchmarks.scripts import load

fit = load("fit")
fitting: Any = importlib.import_module("fitting")
MLP = (("dense", 8, 8), ("relu",), ("residual", 8), ("dense", 8, 10))
CNN = (("conv", 1, 4), ("relu",), ("pool",), ("flatten",), ("dense", 16, 10))


def small(network: Any, batch_size: int, streams: bool = False) -> Any:
    data = fitting.patterns(22, 16 if network is CNN else 8)
    if not streams:
        data = fitting.as_floats(data)
    if network is CNN:
        data = fitting.Data(data.x.reshape(-1, 4, 4, 1), data.y)
    return fitting.Case(network, data, batch_size, 2, streams)


def test_the_quick_table_has_all_contenders(capsys: pytest.CaptureFixture[str]) -> None:
    fit.main(["--quick", "--without-keras", "--case", "digits-1"])
    printed = capsys.readouterr().out
    for name in ("by hand, step by step", "by hand, compiled epoch", "tx.Trainer.fit"):
        assert f"  {name}" in printed
    assert "to by hand" in printed
    assert "to Keras" not in printed
    assert "did not learn" not in printed


@pytest.mark.parametrize("network", [MLP, CNN])
def test_the_loops_by_hand_and_ours_make_the_same_steps(network: Any) -> None:
    what = small(network, batch_size=22)  # all examples in each: their order plays no role
    found = {name: turn() for name, turn in fit.contenders(what, [], keras=False).items()}
    assert len(found) == 4
    for loss, accuracy in found.values():
        np.testing.assert_allclose(loss, found["by hand, step by step"][0], rtol=1e-5)
        assert accuracy == pytest.approx(found["by hand, step by step"][1])


def test_keras_makes_the_same_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    pytest.importorskip("keras")
    what = small(CNN, batch_size=22)
    found = {name: turn() for name, turn in fit.contenders(what, [2], keras=True).items()}
    assert len(found) == 6
    for loss, _ in found.values():
        np.testing.assert_allclose(loss, found["by hand, step by step"][0], rtol=1e-4)


def test_a_smaller_last_batch_trains_too() -> None:
    what = small(MLP, batch_size=5)
    assert what.num_steps == 5
    losses = [turn()[0] for turn in fit.by_hand.turns(what).values()]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    full = small(MLP, batch_size=5)._replace(data=fitting.Data(*(a[:20] for a in what.data)))
    assert next(iter(fit.by_hand.turns(full).values()))()[0] != losses[0]


def test_a_stream_by_hand_is_the_same_with_a_thread() -> None:
    found = [turn() for turn in fit.by_hand.turns(small(MLP, 5, streams=True)).values()]
    assert len(found) == 2
    assert found[0] == found[1]


def test_our_stream_learns() -> None:
    turn = fit.ours.turns(small(MLP, 5, streams=True))["tx.Trainer.fit"]
    assert turn()[0] > turn()[0]


def test_a_stream_visits_every_example_once_in_each_epoch() -> None:
    what = small(MLP, 5, streams=True)
    found = list(fitting.batches(what, 2))
    assert len(found) == 2 * what.num_steps
    expected = np.sort(what.data.x.astype(np.float32) / 255, axis=0)
    for epoch in (found[:5], found[5:]):
        np.testing.assert_array_equal(np.sort(np.concatenate([x for x, _ in epoch]), 0), expected)
    assert not np.array_equal(found[0][0], found[5][0])


@pytest.mark.parametrize("name", fit.CASES)
def test_the_first_arrays_fit_the_data(name: str) -> None:
    what = fitting.case(name, quick=True)
    params = fitting.initial(what.network)
    x = what.data.x[:2].astype(np.float32)
    assert fit.by_hand.apply(what.network, params, x).shape == (2, 10)
    model = fit.ours.model(what.network)
    fit.ours.fill(model, what)
    np.testing.assert_allclose(
        model(x), fit.by_hand.apply(what.network, params, x), rtol=1e-4, atol=1e-5
    )


def test_ratios_are_to_the_fastest_by_hand_and_who_did_not_learn_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    results = {
        "by hand, a": fit.Result([4.0, 4.0], [2.0, 1.0], 0.5),
        "by hand, b": fit.Result([2.0, 2.0], [2.0, 1.0], 0.5),
        "tx.Trainer.fit": fit.Result([3.0, 5.0], [2.0, 2.0], 0.5),
        "Keras, 1 at once": fit.Result([16.0, 16.0], [2.0, 1.0], 0.5),
        "Keras, 8 at once": fit.Result([8.0, 8.0], [2.0, 1.0], 0.5),
    }
    fit.report("title", results)
    printed = capsys.readouterr().out
    ours = next(line for line in printed.splitlines() if "tx.Trainer.fit" in line)
    assert [part for part in ours.split() if part.endswith("x")] == ["2.00x", "0.25x", "0.50x"]
    assert printed.count("did not learn") == 1
    assert "tx.Trainer.fit did not learn" in printed


def test_everybody_takes_a_turn_in_each_round() -> None:
    taken: list[str] = []

    def turn(name: str) -> tuple[float, float]:
        taken.append(name)
        return 1.0 / len(taken), 0.25

    turns = {name: lambda name=name: turn(name) for name in "ab"}
    results = fit.measure(turns, steps=2, rounds=2, clock="wall")
    assert taken == ["a", "b", "a", "b", "b", "a"]
    assert [len(result.times) for result in results.values()] == [2, 2]
    assert all(result.learned and result.accuracy == 0.25 for result in results.values())
