"""For the API reference: reads the `Example:` sections of our docstrings as examples.

The parser of Google-style docstrings knows `Examples:` only; under the singular it would take the
prompts for quotations.
"""

import re
from typing import Any

import griffe


class ExampleSections(griffe.Extension):
    """Renames the sections before docstrings are parsed."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        if obj.docstring is not None:
            value = obj.docstring.value
            obj.docstring.value = re.sub(r"^( *)Example:$", r"\1Examples:", value, flags=re.M)
