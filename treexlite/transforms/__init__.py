"""Transformations that keep what you mutate.

What flows in: functions over modules. What flows out: functions with the same signature that run
under a JAX transformation. What may mutate: the modules that are passed in, after the
transformation has succeeded. `_lift` is the only place where state crosses a JAX boundary.
"""

from treexlite.transforms._autodiff import grad, value_and_grad
from treexlite.transforms._branches import cond, switch
from treexlite.transforms._custom_jvp import custom_jvp
from treexlite.transforms._custom_vjp import custom_vjp
from treexlite.transforms._explain import explain_retrace
from treexlite.transforms._foreign import lift, preserve_state
from treexlite.transforms._jacobian import hessian, jacfwd, jacrev
from treexlite.transforms._jit import jit
from treexlite.transforms._loops import fori_loop, while_loop
from treexlite.transforms._pmap import pmap
from treexlite.transforms._products import jvp, vjp
from treexlite.transforms._remat import checkpoint, remat
from treexlite.transforms._scan import scan
from treexlite.transforms._shapes import eval_shape, make_jaxpr
from treexlite.transforms._shard_map import shard_map
from treexlite.transforms._vmap import vmap

__all__ = [
    "checkpoint",
    "cond",
    "custom_jvp",
    "custom_vjp",
    "eval_shape",
    "explain_retrace",
    "fori_loop",
    "grad",
    "hessian",
    "jacfwd",
    "jacrev",
    "jit",
    "jvp",
    "lift",
    "make_jaxpr",
    "pmap",
    "preserve_state",
    "remat",
    "scan",
    "shard_map",
    "switch",
    "value_and_grad",
    "vjp",
    "vmap",
    "while_loop",
]
