"""Prepares docstrings for the API reference, before they are parsed.

The parser of Google-style docstrings knows `Examples:` only; under our singular it would take the
prompts for quotations. Names of treexlite in docstrings become links.
"""

import re
from typing import Any

import griffe

from docs.tools.crosslinks import link_names


class Docstrings(griffe.Extension):
    """Rewrites the docstring of every object."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        if obj.docstring is not None:
            text = re.sub(r"(?m)^( *)Example:$", r"\1Examples:", obj.docstring.value)
            obj.docstring.value = link_names(text)
