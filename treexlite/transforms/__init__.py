"""Transformations that keep what you mutate.

What flows in: functions over modules. What flows out: functions with the same signature that run
under a JAX transformation. What may mutate: the modules that are passed in, after the
transformation has succeeded. `_lift` is the only place where state crosses a JAX boundary.
"""

from treexlite.transforms._autodiff import grad, value_and_grad
from treexlite.transforms._explain import explain_retrace
from treexlite.transforms._jit import jit

__all__ = ["explain_retrace", "grad", "jit", "value_and_grad"]
