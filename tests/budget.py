"""How much the tests try: a part in `make test`, and everything in `make laws`, a part of CI."""

import os

ALL_LAWS = os.environ.get("TREEXLITE_LAWS") == "all"


def examples(usual: int) -> int:
    """The `max_examples` of a property: a fifth of the `usual` number unless all laws are run.

    `TREEXLITE_MAX_EXAMPLES` overrides both.
    """
    chosen = os.environ.get("TREEXLITE_MAX_EXAMPLES")
    return int(chosen) if chosen else usual if ALL_LAWS else min(usual, max(2, -(-usual // 5)))
