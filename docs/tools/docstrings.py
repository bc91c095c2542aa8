"""Prepares docstrings for the API reference, before they are parsed.

The parser of Google-style docstrings knows `Examples:` only; under our singular it would take the
prompts for quotations. Names of treexlite in docstrings become links. What a room
says to those who read its files is left out.
"""

import re
from typing import Any

import griffe

from docs.tools.crosslinks import link_names

TO_READERS_OF_FILES = re.compile(r"\n\n(?:Read `_|Each file )(?:.+\n?)+")


class Docstrings(griffe.Extension):
    """Rewrites the docstring of every object."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        if obj.docstring is not None:
            text = re.sub(r"(?m)^( *)Example:$", r"\1Examples:", obj.docstring.value)
            if obj.is_module:
                text = TO_READERS_OF_FILES.sub("", text)
            obj.docstring.value = link_names(text)
