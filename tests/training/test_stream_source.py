"""What batches come from: who is asked where it is, and what is iterated again."""

from typing import Any

import numpy as np
import pytest

from tests.training.sources import Counting, Dataset, Loader, Numbers, endless, repeating
from treexlite._errors import ArgumentError
from treexlite.training._stream_source import Source, is_indexed
from treexlite.training._stream_state import Mark


def number(item: Any) -> int:
    return int(item[0][0])


def test_what_gives_batches_by_number() -> None:
    assert is_indexed("ab")
    assert not is_indexed(iter([]))
    two = type("Two", (), {"__len__": lambda _: 2, "__getitem__": lambda _, n: n})()
    assert list(Source("fit", two).iterate()) == [0, 1]


@pytest.mark.parametrize(
    ("given", "says", "spent"),
    [
        (Counting(0), True, False),
        (Dataset(0), True, False),
        (Numbers(), True, True),
        (lambda: Numbers(), True, False),
        (repeating(0), False, False),
        (endless(0), False, True),
    ],
)
def test_who_says_where_it_is_and_who_can_begin_again(given: Any, says: bool, spent: bool) -> None:
    source = Source("fit", given)
    source.iterate()
    assert (source.says_where, source.is_spent, source.is_iterator) == (says, spent, spent)
    assert (source.mark() is not None) == says


def test_iterators_are_not_asked_when_the_next_one_begins_anew() -> None:
    for given, state in ((Counting(0), 1), (Dataset(0), None)):
        source = Source("fit", given)
        next(source.iterate())
        assert source.mark(is_end=True) == Mark(state, True)


def test_an_iterator_goes_on_itself_and_an_iterable_in_its_next_one() -> None:
    for given, state in ((Dataset(0), bytes([2])), (Counting(0), 2)):
        source = Source("fit", given)
        first = source.iterate()
        next(first)
        left = source.resume(Mark(state))
        assert (left is first) == isinstance(given, Dataset)
        assert [number(item) for item in left] == [3, 4]


def test_a_function_may_return_the_same_object_or_another() -> None:
    loader = Loader(0)
    source = Source("fit", lambda: loader)
    source.iterate()
    assert source.takes(Mark({}, True))
    source = Source("fit", lambda: Loader(0))
    source.iterate()
    assert not source.takes(Mark({}, True))
    assert source.takes(Mark({}))


def test_the_generator_of_a_torch_loader_is_where_it_was() -> None:
    class Generator:
        def __init__(self, drawn: int) -> None:
            self.drawn = drawn

        def draw(self) -> int:
            self.drawn += 1
            return self.drawn

        def get_state(self) -> int:
            return self.drawn

        def set_state(self, state: int) -> None:
            self.drawn = state

    class Drawing:
        """Draws for each iteration, and again when it goes on within one, as torchdata's."""

        def __init__(self, drawn: int) -> None:
            self.generator, self.state = Generator(drawn), 0

        def __iter__(self) -> Any:
            return iter([self.generator.draw(), self.state])

        def state_dict(self) -> int:
            return 7

        def load_state_dict(self, state: int) -> None:
            self.state = state

    Drawing.__module__ = "torch.utils.data"
    first, second = (Source("fit", Drawing(drawn)) for drawn in (10, 20))
    first.iterate()
    for is_end in (False, True):
        second.iterate()
        left = second.resume(first.mark(is_end))
        mark = second.mark()
        assert mark is not None
        if is_end:  # the first one would go on with 12
            assert (list(left), mark.generator) == ([12, 7], 12)
        else:
            assert (list(left), mark.generator) == ([22, 7], 11)


def test_the_end_of_an_iteration_is_told() -> None:
    class Told:
        count = 0

        def on_epoch_end(self) -> None:
            self.count += 1

    told = Told()
    Source("fit", told).ended()
    Source("fit", [1]).ended()
    assert told.count == 1


def test_what_gives_no_batches_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"fit: expected `x` to be arrays, an iterable of bat"):
        Source("fit", lambda: 3).iterate()
    attributes = {"__len__": lambda _: 2, "__getitem__": lambda _, n: np.ones(n)}
    attributes["__module__"] = "torch.utils.data.dataset"  # type: ignore[assignment]  # a name
    with pytest.raises(ArgumentError, match=r"gives single examples.*DataLoader\("):
        Source("fit", type("TensorDataset", (), attributes)()).iterate()
