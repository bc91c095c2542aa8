"""Streams of numbered batches, of all kinds: with a state, without one, repeating or not."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

LENGTH = 2  # examples in a batch


def batch(number: int) -> tuple[np.ndarray, np.ndarray]:
    return np.full(LENGTH, number), np.zeros(LENGTH)


class Loader:
    """Its own order in each epoch, and goes on within an epoch, as torchdata's loader does."""

    def __init__(self, seed: int, length: int = 4) -> None:
        self.generator = np.random.default_rng(seed)
        self.length, self.order, self.read = length, None, 0
        self.order: Any = None

    def __iter__(self) -> Iterator[Any]:
        if self.order is None:
            self.order = self.generator.permutation(self.length)
        while len(self.order):
            number, self.order = self.order[0], self.order[1:]
            self.read += 1
            yield batch(number)
        self.order = None

    def state_dict(self) -> dict[str, Any]:
        return {"generator": self.generator.bit_generator.state, "order": self.order}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.generator.bit_generator.state = state["generator"]
        self.order = state["order"]


class Counting:
    """Begins the next epoch at once when it is asked behind the last batch of one."""

    def __init__(self, seed: int) -> None:
        self.next = 0

    def __iter__(self) -> Iterator[Any]:
        self.next %= 4
        while self.next < 4:
            self.next += 1
            yield batch(self.next)

    def state_dict(self) -> int:
        return self.next

    def load_state_dict(self, state: int) -> None:
        self.next = state


class Numbers:
    """An iterator with a state, as grain's are."""

    def __init__(self, length: int = 4) -> None:
        self.length, self.next = length, 0

    def __iter__(self) -> "Numbers":
        return self

    def __next__(self) -> Any:
        if self.next == self.length:
            raise StopIteration
        self.next += 1
        return batch(self.next)

    def get_state(self) -> bytes:
        return bytes([self.next])

    def set_state(self, state: bytes) -> None:
        (self.next,) = state


class Dataset:
    """Each iteration is an iterator with a state, as in grain."""

    def __init__(self, seed: int) -> None:
        pass

    def __iter__(self) -> Iterator[Any]:
        return Numbers()


class Forgetting:
    """Its own order in each epoch, and no state, as torch's loader."""

    def __init__(self, seed: int) -> None:
        self.generator = np.random.default_rng(seed)

    def __iter__(self) -> Iterator[Any]:
        return map(batch, self.generator.permutation(4))


class Sequence:
    """As Keras's `PyDataset`, which shuffles itself at the end of an epoch."""

    def __init__(self, seed: int) -> None:
        self.generator = np.random.default_rng(seed)
        self.order = np.arange(4)

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        return batch(self.order[index])

    def on_epoch_end(self) -> None:
        self.order = self.generator.permutation(4)


def repeating(seed: int) -> Callable[[], Iterator[Any]]:
    return lambda: map(batch, range(4))


def varying(seed: int) -> Callable[[], Iterator[Any]]:
    epochs = itertools.count()
    return lambda: map(batch, range(next(epochs), 10))


def same_loader(seed: int) -> Callable[[], Any]:
    loader = Loader(seed)
    return lambda: loader


def new_loader(seed: int) -> Callable[[], Any]:
    return lambda: Counting(seed)


def new_iterator(seed: int) -> Callable[[], Any]:
    return lambda: Numbers()


def endless(seed: int) -> Iterator[Any]:
    generator = np.random.default_rng(seed)
    return (batch(generator.integers(1000)) for _ in itertools.count())


def long(seed: int) -> Numbers:
    return Numbers(100)


WITH_STATE = [Loader, Counting, Dataset, same_loader, new_loader, new_iterator]
WITHOUT_STATE = [Forgetting, Sequence, repeating, varying]
ITERATORS = [long, endless]  # which have no epochs of their own
