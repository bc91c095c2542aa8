"""How many examples a property test tries."""

import os


def examples(usual: int) -> int:
    """The `max_examples` of a test; `TREEXLITE_MAX_EXAMPLES` overrides the `usual` number."""
    return int(os.environ.get("TREEXLITE_MAX_EXAMPLES") or usual)
