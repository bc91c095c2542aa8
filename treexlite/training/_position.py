"""`Position`: how far a training is. What may mutate: its numbers, by the loop."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Position:
    """Where training is, and where it goes on after `Trainer.restore`.

    Attributes:
        epoch: the epoch that is running, or the next one.
        batch: how many batches of it are done.
        step: how many steps were made in all.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0

    def begin(self, epoch: int) -> int:
        """Begin or continue an epoch; returns how many of its batches are done."""
        if epoch != self.epoch:
            self.epoch, self.batch = epoch, 0
        return self.batch

    def advance(self, count: int) -> None:
        """Take note of some steps."""
        self.batch += count
        self.step += count

    def end(self, epoch: int) -> None:
        """Take note of the end of an epoch."""
        self.epoch, self.batch = epoch + 1, 0
