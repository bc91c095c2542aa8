"""States of streams: copies that a checkpoint can hold, or the reason why it cannot."""

import random
from collections import OrderedDict
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite._errors import CheckpointError
from treexlite.checkpoints import Checkpoint
from treexlite.training._stream_state import Keeper, Mark, Refusal, check_savable, keeper_of


class Holding:
    """A stream whose state is what it holds."""

    def __init__(self, held: Any = None) -> None:
        self.held = held

    def state_dict(self) -> Any:
        return self.held

    def load_state_dict(self, state: Any) -> None:
        self.held = state


class Half:
    def get_state(self) -> Any:
        return 1


def keeper(held: Any) -> Keeper:
    return Keeper(Holding(held), "state_dict", "load_state_dict")


def through_a_checkpoint(state: Any, folder: Path) -> Any:
    """Save a state and load it into another stream; returns what that holds."""
    tx.save(folder / "run", {}, extra=keeper(state).state())
    other = Holding()
    with Checkpoint(folder / "run") as checkpoint:
        Keeper(other, "state_dict", "load_state_dict").load("fit", checkpoint.extra)
    return other.held


def test_who_can_say_where_it_is() -> None:
    assert keeper_of(Holding()) is not None
    assert [keeper_of(other) for other in (Half(), iter([]), [1])] == [None] * 3


def test_a_state_is_a_copy_both_ways() -> None:
    live = {"seen": [1], "order": np.arange(3)}
    state = keeper(live).state()
    live["seen"].append(2)  # type: ignore[attr-defined]  # a list
    live["order"][0] = 9
    given = Holding()
    Keeper(given, "state_dict", "load_state_dict").load("fit", state)
    given.held["seen"].append(3)
    given.held["order"][0] = 8
    assert state["seen"] == [1]
    assert state["order"].tolist() == [0, 1, 2]


def test_plain_data_keeps_its_types(tmp_path: Path) -> None:
    state = {"a": (1, 2.5, None, b"x"), 3: ["y", True], "n": np.int64(3), "m": np.array([True])}
    found = through_a_checkpoint(OrderedDict(state), tmp_path)
    assert found == state
    assert [type(part) for part in found.values()] == [tuple, list, np.int64, np.ndarray]
    assert isinstance(through_a_checkpoint(jnp.ones(2), tmp_path), type(jnp.ones(2)))


def test_generators_go_on(tmp_path: Path) -> None:
    for bits in (np.random.PCG64(0), np.random.MT19937(0), np.random.Philox(0)):
        found = type(bits)(1)
        found.state = through_a_checkpoint(bits.state, tmp_path)
        expected = np.random.Generator(bits).random(3)
        np.testing.assert_array_equal(np.random.Generator(found).random(3), expected)
    dice, other = random.Random(1), random.Random(2)
    other.setstate(through_a_checkpoint(dice.getstate(), tmp_path))
    assert other.random() == dice.random()


def test_tensors_come_back_as_tensors(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    generator, other = torch.Generator().manual_seed(3), torch.Generator()
    (state,) = through_a_checkpoint([generator.get_state()], tmp_path)
    other.set_state(state)
    expected = torch.rand(3, generator=generator)
    assert torch.equal(torch.rand(3, generator=other), expected)


@pytest.mark.parametrize(
    ("held", "received"),
    [
        ({"a": {"file": open}}, r"function open.* at `state/a/file`"),
        ([1, {2}], r"\{2\} \(a set\) at `state/1`"),
        ({("a",): 1}, r"at `state`"),
        ({"names": np.array(["a"])}, r"dtype <U1 at `state/names`"),
        ({"objects": np.array([None])}, r"dtype object at `state/objects`"),
        ({"time": np.datetime64("2020")}, r"dtype datetime64\[Y\] at `state/time`"),
    ],
)
def test_what_only_pickle_could_hold_is_refused_when_it_is_saved(held: Any, received: str) -> None:
    state = keeper(held).state()
    assert isinstance(state, Refusal)
    message = (
        r"Trainer.save: expected the training stream to say where it is with arrays and plain data "
        rf".*received .*{received}. .*Let its `state_dict` .* nothing is ever pickled"
    )
    with pytest.raises(CheckpointError, match=message):
        check_savable("Trainer.save", "training", state)


def test_a_stream_that_does_not_say_it_after_all_can_be_trained_on() -> None:
    class Broken(Holding):
        def state_dict(self) -> Any:
            raise NotImplementedError("not with workers")

    state = Keeper(Broken(), "state_dict", "load_state_dict").state()
    message = "received NotImplementedError: not with workers, from `state_dict`. Let its"
    with pytest.raises(CheckpointError, match=message) as caught:
        check_savable("Trainer.save", "validation", state)
    assert isinstance(caught.value.__cause__, NotImplementedError)


def test_a_mark_can_be_saved() -> None:
    check_savable("Trainer.save", "training", {"a": 1})
    assert Mark(**Mark({"a": 1}, True)._asdict()) == Mark({"a": 1}, True)


def test_a_state_that_is_not_taken_is_refused() -> None:
    class Picky(Holding):
        def load_state_dict(self, state: Any) -> None:
            raise KeyError("position")

    with pytest.raises(
        CheckpointError,
        match=r"fit: expected a stream whose `load_state_dict` takes .* KeyError: 'position', from "
        ".*Picky.*Pass the same stream as when the training was saved",
    ):
        Keeper(Picky(), "state_dict", "load_state_dict").load("fit", 3)
