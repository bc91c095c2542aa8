"""What batches come from, iteration after iteration, and where it is.

In: the user's iterable, iterator or function. Out: iterators of what it gives. What may mutate: the
position of the user's object, also by `resume`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from treexlite._errors import ArgumentError, describe
from treexlite.training._stream_state import Keeper, Mark, keeper_of


def is_indexed(x: Any) -> bool:
    """Whether `x` gives batches by number."""
    return hasattr(x, "__len__") and hasattr(x, "__getitem__")


class Source:
    """The user's object, iterated again and again.

    Args:
        where: the method that names itself in errors.
        given: an iterable, or a function that returns one.

    Attributes:
        is_spent: whether it can be iterated once only.
        says_where: whether it has a state, after `iterate`.
    """

    def __init__(self, where: str, given: Any) -> None:
        self._where, self._given = where, given
        self.is_spent = False
        self._opened: Any = None  # what is iterated: the given object, or what a function returned
        self._iterator: Iterator[Any] = iter(())
        self._is_kept_outside = False
        self._keeper: Keeper | None = None
        self._generator: Keeper | None = None

    @property
    def says_where(self) -> bool:
        """Whether the object, or its iterators, can say where they are."""
        return self._keeper is not None

    @property
    def is_iterator(self) -> bool:
        """Whether the user gave an iterator, which gives its batches once."""
        return self.is_spent or isinstance(self._given, Iterator)

    def iterate(self) -> Iterator[Any]:
        """Begin the next iteration.

        Raises:
            ArgumentError: the object gives no batches.
        """
        self._opened = self._open()
        return self._started()

    def ended(self) -> None:
        """Tell the object that an iteration is over, as Keras tells a `PyDataset`."""
        if callable(told := getattr(self._given, "on_epoch_end", None)):
            told()

    def mark(self, is_end: bool = False) -> Mark | None:
        """Return where the object is, None when it cannot say that.

        Args:
            is_end: whether an iteration has just ended. Iterators are not asked then, since the
                next one begins at the beginning.
        """
        if self._keeper is None:
            return None
        keeps = self._is_kept_outside or not is_end
        generator = None if self._generator is None else self._generator.state()
        return Mark(self._keeper.state() if keeps else None, is_end, generator)

    def takes(self, mark: Mark) -> bool:
        """Whether `resume` has something to do: not where the first iteration just goes on."""
        return not mark.is_end or (mark.state is not None and self._is_lasting())

    def resume(self, mark: Mark) -> Iterator[Any]:
        """Go to where an object of the same kind was, and return what is left of its iteration.

        Raises:
            CheckpointError: the object does not take the state.
        """
        assert self._keeper is not None
        self._keeper.load(self._where, mark.state)
        if not self._is_kept_outside:
            return self._iterator
        left = self._started()
        if mark.generator is not None and self._generator is not None:
            self._generator.load(self._where, mark.generator)
            if mark.is_end:  # its order was drawn already
                left = self._started()
        return left

    def _is_lasting(self) -> bool:
        """Whether the next iteration will be one of the same object."""
        return self._opened is self._given or self._open() is self._opened

    def _open(self) -> Any:
        opened: Any = self._given
        if callable(opened) and not hasattr(opened, "__iter__"):
            opened = opened()
        if not hasattr(opened, "__iter__") and not is_indexed(opened):
            raise ArgumentError(
                self._where,
                expected="`x` to be arrays, an iterable of batches, or a function that returns one",
                received=f"x={describe(opened)}",
                fix="Pass for example a generator of (x, y), or a function that starts one.",
            )
        if not hasattr(opened, "__iter__"):
            self._refuse_examples(opened)
        return opened

    def _started(self) -> Iterator[Any]:
        opened = self._opened
        if not hasattr(opened, "__iter__"):
            return (opened[index] for index in range(len(opened)))
        iterator: Iterator[Any] = iter(opened)
        self.is_spent = iterator is self._given
        # An iterable goes before its iterator: torchdata's iterators have the methods as well, and
        # only its loaders act on them.
        outside = keeper_of(opened) if iterator is not opened else None
        self._is_kept_outside = outside is not None
        self._keeper = outside or keeper_of(iterator)
        # Torchdata's loader draws orders and seeds from one generator, and keeps it without the
        # last seed.
        is_torch = any(base.__module__.startswith("torch.") for base in type(opened).__mro__)
        self._generator = keeper_of(getattr(opened, "generator", None)) if is_torch else None
        if not self._is_kept_outside:  # nobody else holds it while the next one reads on
            self._iterator = iterator
        return iterator

    def _refuse_examples(self, opened: Any) -> None:
        """Refuse a torch `Dataset`, which gives single examples by number.

        Raises:
            ArgumentError: it is one.
        """
        if any(base.__module__.startswith("torch.utils.data") for base in type(opened).__mro__):
            raise ArgumentError(
                self._where,
                expected="`x` to give batches",
                received=f"x={describe(opened)}, a torch `Dataset`, which gives single examples",
                fix="Wrap it: `torch.utils.data.DataLoader(dataset, batch_size=32)`.",
            )
