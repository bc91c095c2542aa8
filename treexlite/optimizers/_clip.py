"""Clipping of gradients, before the transformation sees them.

In: gradients by path, of the parameters that are trained now: frozen ones never count in a norm.
Out: gradients that are not larger. Nothing mutates.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import optax

from treexlite._core._paths import FieldInfo
from treexlite.optimizers._transformation import Infos, Rule, Transformation


@dataclasses.dataclass(frozen=True)
class Clipped:
    """A rule that sees clipped gradients: first each entry, then the norm over everything.

    Args:
        rule: what moves the parameters.
        norm: no norm of all gradients together is larger; None leaves it.
        value: no entry is larger in absolute value; None leaves them.
    """

    rule: Rule
    norm: float | None
    value: float | None

    def build(self, infos: Infos, rate: Any) -> Transformation:
        clips = [] if self.value is None else [optax.clip(self.value)]
        clips += [] if self.norm is None else [clip_by_global_norm(self.norm)]
        return optax.chain(*clips, self.rule.build(infos, rate))

    def moves(self, info: FieldInfo) -> bool:
        return self.rule.moves(info)

    def check(self, infos: Infos) -> None:
        self.rule.check(infos)


def without_clips(rule: Rule) -> Rule:
    """Return what is behind the clipping, if there is any."""
    return rule.rule if isinstance(rule, Clipped) else rule


def clip_by_global_norm(limit: float) -> Transformation:
    """As `optax.clip_by_global_norm`, and in float32 at least.

    Squares of gradients in float16 overflow from 256 on; those here do not.
    """

    def update(updates: Any, params: Any = None) -> Any:
        leaves = [jnp.asarray(g) for g in jax.tree.leaves(updates)]
        wide = [g.astype(jnp.promote_types(g.dtype, jnp.float32)) for g in leaves]
        norm = jnp.sqrt(sum((jnp.sum(jnp.square(jnp.abs(g))) for g in wide), jnp.float32(0)))

        def clipped(g: jax.Array) -> jax.Array:
            return jnp.where(norm < limit, g, (g / norm * limit).astype(g.dtype))

        return jax.tree.map(clipped, updates)

    return optax.stateless(update)
