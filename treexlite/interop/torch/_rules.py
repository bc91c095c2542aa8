"""Rules: where the layers of a model are in PyTorch's names.

What flows in: `{path: layout}`. What flows out: the same with other names, and names filled in for
a path. Nothing is mutated.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from treexlite._errors import ArgumentError
from treexlite.interop.torch._layouts import Layout, Link, array

STACKED = "#"
_BLANK = re.compile(r"\{([+-]\d+)?\}")


@dataclass(frozen=True)
class Rules:
    """Which layers of a model correspond to which of PyTorch's.

    A path may have `*` for any part of it, and a name says where that goes: `{}` repeats what the
    star stood for, `{+1}` and `{-1}` count from another number. `#` in a name is the number of a
    layer, where ours has the layers stacked along the first axis of its arrays. Of several paths
    that fit, the longest counts.

    Args:
        layouts: `{path of a layer: layout}`, or `{path of an array: name}`.
        tied: names that hold the same array as another one: `{name: other name}`. They are written,
            and may be absent; one that differs is refused, because the model has one array only.
        ignored: names that hold nothing we need, with `*` for anything.

    Raises:
        ArgumentError: a name has more or fewer blanks than its path has stars.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> bridge = tx.interop.torch
        >>> model = tx.nn.MLP([4, 2]).init(0, jnp.ones((1, 3)))
        >>> rules = bridge.Rules({"layers/*": bridge.linear("fc{+1}")})
        >>> sorted(bridge.to_torch_state_dict(model, rules))
        ['fc1.bias', 'fc1.weight', 'fc2.bias', 'fc2.weight']
    """

    layouts: Mapping[str, Layout | str]
    tied: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for path, layout in self.entries.items():
            for link in layout.links:
                for name in link.theirs:
                    _check(path, name)
        object.__setattr__(self, "layouts", MappingProxyType(dict(self.layouts)))
        object.__setattr__(self, "tied", MappingProxyType(dict(self.tied)))

    @property
    def entries(self) -> dict[str, Layout]:
        """The layouts, with one for each name that stands alone."""
        return {
            path: array(layout) if isinstance(layout, str) else layout
            for path, layout in self.layouts.items()
        }

    def prefixed(self, prefix: str, path: str = "") -> Rules:
        """Return rules for a model that is a part of a larger one.

        Args:
            prefix: what their names begin with then, such as `"bert."`.
            path: where the model is in ours, such as `"backbone"`.

        Example:
            >>> import treexlite as tx
            >>> bridge = tx.interop.torch
            >>> rules = bridge.Rules({"norm": bridge.norm("ln")}).prefixed("bert.", "backbone")
            >>> rules.layouts["backbone/norm"].links[0].theirs
            ('bert.ln.weight',)
        """
        return Rules(
            {
                "/".join(filter(None, (path, old))): _with_names(layout, prefix.__add__)
                for old, layout in self.entries.items()
            },
            {prefix + name: prefix + other for name, other in self.tied.items()},
            tuple(prefix + name for name in self.ignored),
        )

    def __or__(self, other: Rules) -> Rules:
        """Return the rules of both; where both have a path, the other's."""
        return Rules(
            {**self.layouts, **other.layouts},
            {**self.tied, **other.tied},
            self.ignored + other.ignored,
        )


def as_rules(rules: Rules | Mapping[str, Layout | str]) -> Rules:
    """Return rules, also for a plain mapping of layouts."""
    return rules if isinstance(rules, Rules) else Rules(rules)


def _with_names(layout: Layout, rename: Callable[[str], str]) -> Layout:
    def renamed(link: Link) -> Link:
        return dataclasses.replace(link, theirs=tuple(map(rename, link.theirs)))

    return Layout(tuple(map(renamed, layout.links)), tuple(map(rename, layout.unused)))


def _check(path: str, name: str) -> None:
    stars, blanks = path.count("*"), len(_BLANK.findall(name))
    if stars != blanks:
        raise ArgumentError(
            "Rules",
            expected=f"a blank `{{}}` in the name for each `*` in the path, {stars}",
            received=f"{blanks} in {path!r}: {name!r}",
            fix='Write for example {"stages/*/layers/*/conv*": conv("layer{+1}.{}.conv{}")}.',
        )


def filled(name: str, found: tuple[str, ...]) -> str:
    """Return a name with its blanks filled in.

    Raises:
        ArgumentError: a blank counts from another number, and there is none.
    """
    rest = iter(found)

    def fill(blank: re.Match[str]) -> str:
        text, shift = next(rest), blank.group(1)
        if shift is None:
            return text
        if not text.isdigit():
            raise ArgumentError(
                "Rules",
                expected=f"a number where {name!r} has {blank.group()}",
                received=repr(text),
                fix="Write `{}` where a star stands for a word.",
            )
        return str(int(text) + int(shift))

    return _BLANK.sub(fill, name)


def pattern(path: str) -> re.Pattern[str]:
    """Return what a path with stars fits; a star stays within one part of it."""
    return re.compile("([^/]*)".join(map(re.escape, path.split("*"))))
