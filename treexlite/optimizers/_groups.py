"""Groups of parameters that move by different rules, chosen by filters.

In: `{filter: rule}`; the first filter that holds decides. Out: one rule. Nothing mutates. The state
is one for each group, and each group sees its own parameters only, so that it costs what
an optimizer for that part would.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import optax

from treexlite._core._filters import Filter, predicate
from treexlite._core._paths import FieldInfo
from treexlite._errors import PathError
from treexlite.optimizers._transformation import Infos, Rule, Transformation, check_filter


@dataclasses.dataclass(frozen=True)
class Group:
    """The parameters that `filter` holds for and that no earlier group has; no rule: they stay."""

    label: str
    filter: Filter
    rule: Rule | None


class GroupedState(NamedTuple):
    """The state of each group, by its label."""

    groups: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Grouped:
    """The rule of a model whose parameters move by different rules."""

    groups: tuple[Group, ...]

    def build(self, infos: Infos, rate: Any) -> Transformation:
        members: dict[str, dict[str, FieldInfo]] = {group.label: {} for group in self.groups}
        for path, info in infos.items():
            members[self._of(info).label][path] = info
        transformations = {
            group.label: optax.with_extra_args_support(
                group.rule.build(members[group.label], rate.get(group.label))
            )
            for group in self.groups
            if group.rule is not None
        }
        return _side_by_side(transformations, {label: set(m) for label, m in members.items()})

    def moves(self, info: FieldInfo) -> bool:
        rule = self._of(info).rule
        return rule is not None and rule.moves(info)

    def check(self, infos: Infos) -> None:
        """Refuse patterns without a match, and parameters without a group.

        Raises:
            PathError: there is one; the error has the paths.
        """
        for group in self.groups:
            check_filter(group.filter, infos)
        missed = [info.path for info in infos.values() if self._find(info) is None]
        if missed:
            raise _without_group(missed)
        for group in self.groups:
            if group.rule is not None:
                group.rule.check(infos)

    def _find(self, info: FieldInfo) -> Group | None:
        return next((group for group in self.groups if predicate(group.filter)(info)), None)

    def _of(self, info: FieldInfo) -> Group:
        group = self._find(info)
        if group is None:
            raise _without_group([info.path])
        return group


def _without_group(paths: list[str]) -> PathError:
    shown = ", ".join(paths[:8]) + (", ..." if len(paths) > 8 else "")
    return PathError(
        "Optimizer",
        expected="a group for every parameter",
        received=f"none for {shown}",
        fix="Add a pattern for them, or `...: None` at the end: the rest does not move.",
    )


def _side_by_side(
    transformations: Mapping[str, Any], members: Mapping[str, set[str]]
) -> Transformation:
    """Run each transformation on the entries of its group."""

    def init(params: dict[str, Any]) -> GroupedState:
        parts = {label: _part(params, members[label]) for label in transformations}
        return GroupedState({label: transformations[label].init(parts[label]) for label in parts})

    def update(updates: Any, state: Any, params: Any = None, **extra: Any) -> Any:
        moved, groups = {}, dict(state.groups)
        for label, transformation in transformations.items():
            paths = members[label]
            if paths:  # a group of which nothing is trained now does not count the step either
                named = {name: _part(value, paths) for name, value in extra.items()}
                grads, own = _part(updates, paths), _part(params, paths)
                part, groups[label] = transformation.update(grads, groups[label], own, **named)
                moved.update(part)
        return {path: moved[path] for path in updates}, GroupedState(groups)

    return optax.GradientTransformationExtraArgs(init, update)


def _part(value: Any, paths: set[str]) -> Any:
    """Restrict what is by path; leave everything else."""
    if not isinstance(value, dict):
        return value
    return {path: item for path, item in value.items() if path in paths}
