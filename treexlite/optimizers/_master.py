"""Master copies: parameters in half precision that are updated in float32.

In: the step, and the dtype of the copies. Out: a step. The state has the copies. A parameter that
was assigned in between, so that it is no longer its copy rounded, begins anew from its own value.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp

from treexlite.optimizers._step import Named, Step


class Mastered(NamedTuple):
    """The copies by path, of the parameters that are narrower, and the state of the step."""

    masters: Named
    inner: Any


def mastered(step: Step, dtype: Any) -> Step:
    """Return the step that is made on copies, of which the parameters are the rounded values."""

    def init(params: Named) -> Mastered:
        wide = {path: _wide(value, dtype) for path, value in params.items()}
        masters = {path: wide[path] for path, value in params.items() if _is_narrow(value, dtype)}
        return Mastered(masters, step.init(wide))

    def advance(grads: Named, state: Mastered, params: Named, extra: dict[str, Any]) -> Any:
        wide = dict(params)
        for path, master in state.masters.items():
            same = master.astype(params[path].dtype) == params[path]
            wide[path] = jnp.where(same, master, params[path].astype(master.dtype))
        grads = {path: _wide(grad, dtype) for path, grad in grads.items()}
        new, inner = step.advance(grads, state.inner, wide, extra)
        masters = {path: new[path] for path in state.masters}
        narrow = {path: jnp.asarray(x, jnp.result_type(params[path])) for path, x in new.items()}
        return narrow, Mastered(masters, inner)

    return Step(init, advance)


def _is_narrow(value: Any, dtype: Any) -> bool:
    own = jnp.result_type(value)
    return bool(own != dtype and jnp.promote_types(own, dtype) == dtype)


def _wide(value: Any, dtype: Any) -> Any:
    return jnp.asarray(value, dtype) if _is_narrow(value, dtype) else value
