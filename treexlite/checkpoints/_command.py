"""The commands `inspect`, `diff` and `verify`.

In: the words after `python -m treexlite`. Out: an exit status; text on standard output, errors on
standard error. Nothing is mutated.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from treexlite._errors import CheckpointError
from treexlite.checkpoints import _show
from treexlite.checkpoints._checkpoint import Checkpoint
from treexlite.checkpoints._compare import differences

SAME, DIFFERENT, FAILED = 0, 1, 2


def run(words: Sequence[str]) -> int:
    """Run a command.

    Args:
        words: the command and the checkpoints.

    Returns:
        The exit status: 0, or 1 when two checkpoints differ, or 2 when one cannot be trusted.
    """
    chosen = vars(_parser().parse_args(words))
    command = chosen.pop("command")
    try:
        return int(_COMMANDS[command](Console(soft_wrap=True), **chosen))
    except CheckpointError as error:
        Console(stderr=True, soft_wrap=True).print(str(error), style="red", markup=False)
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m treexlite", description="Look into checkpoints.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    inspect = commands.add_parser("inspect", help="show paths, shapes, dtypes, kinds and sizes")
    inspect.add_argument("checkpoint", metavar="CHECKPOINT")
    diff = commands.add_parser("diff", help="show what differs; the exit status is 1 if anything")
    diff.add_argument("first", metavar="FIRST")
    diff.add_argument("second", metavar="SECOND")
    verify = commands.add_parser("verify", help="read every byte, and compare checksums")
    verify.add_argument("checkpoint", metavar="CHECKPOINT")
    return parser


def _inspect(console: Console, checkpoint: str) -> int:
    with Checkpoint(checkpoint) as opened, opened.suspicion():
        console.print(_show.contents(opened))
    return SAME


def _diff(console: Console, first: str, second: str) -> int:
    with Checkpoint(first) as left, Checkpoint(second) as right:
        found = differences(left, right)
    console.print(_show.changes(found))
    return DIFFERENT if found else SAME


def _verify(console: Console, checkpoint: str) -> int:
    with Checkpoint(checkpoint) as opened:
        opened.verify()
        count = len(opened.reader.entries)
    console.print(f"{checkpoint}: {count:,} arrays, all as they were saved", markup=False)
    return SAME


_COMMANDS: dict[str, Any] = {"inspect": _inspect, "diff": _diff, "verify": _verify}
