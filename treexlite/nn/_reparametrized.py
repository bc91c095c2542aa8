"""What SpectralNorm and WeightNorm share: a layer that is called with other kernels than it stores.

What flows in and out: what the wrapped layer takes and returns. What may mutate: the wrapped
layer's own state, as in any call. Its kernels do not: the call runs on a copy that has the computed
kernels, and what else it changed is written back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax

from treexlite._core import Module, Parameter, static
from treexlite._core._filters import Filter, predicate
from treexlite._core._registry import is_module
from treexlite._errors import ArgumentError, NotInitializedError, describe
from treexlite.transforms import lift


class Reparametrized(Module):
    """Call a layer with kernels that are computed from those it stores.

    A subclass says what it keeps for each kernel (`_part`, a module), and how the kernel is
    computed (`_computed`).
    """

    layer: Module
    parts: dict[str, Any]  # by the path of the kernel in `layer`; filled by `init`
    which: Filter = static()

    def __init__(self, layer: Module, which: Filter) -> None:
        where = type(self).__name__
        if not is_module(layer):
            raise ArgumentError(
                where,
                expected="`layer` to be a module",
                received=f"layer={describe(layer)}",
                fix=f"Pass the layer itself, for example `{where}(tx.nn.Linear(8))`.",
            )
        predicate(which)
        self.layer = layer
        self.parts = {}
        self.which = which

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.initializing():
            output = self.layer(*args, **kwargs)  # creates the kernels; its values are not used
            self._create()
            return output
        self._check_created()
        kernels = {
            path: self._computed(self.parts[path], kernel).astype(kernel.dtype)
            for path, kernel in self._stored().items()
        }
        return _call_with(self.layer, kernels, args, kwargs)

    def kernels(self) -> dict[str, jax.Array]:
        """Return `{path in the layer: kernel}` as the layer is called with in evaluation mode."""
        self._check_created()
        model = self.eval()
        return {
            path: model._computed(model.parts[path], kernel).astype(kernel.dtype)
            for path, kernel in model._stored().items()
        }

    def _part(self) -> Module:
        raise NotImplementedError

    def _computed(self, part: Any, kernel: jax.Array) -> jax.Array:
        raise NotImplementedError

    def _stored(self) -> dict[str, jax.Array]:
        return {info.path: info.value for info in self.layer.fields(Parameter, self.which)}

    def _create(self) -> None:
        stored = self._stored()
        missing = {path: self._part() for path in stored if path not in self.parts}
        if missing:
            self.parts = {**self.parts, **missing}
        for path, kernel in stored.items():
            self.parts[path].create(kernel)

    def _check_created(self) -> None:
        if not self.parts:
            where = type(self).__name__
            raise NotInitializedError(
                where,
                expected="a layer that is initialised",
                received=f"a {where} around a {type(self.layer).__name__}, without its own state",
                fix="Call `init` first: it keeps what the inner layer has.",
            )


def _as_it_is(f: Callable[..., Any]) -> Callable[..., Any]:
    return f


@lift(_as_it_is)  # on copies of modules: what is written to them comes out, kernels put back do not
def _call_with(
    layer: Any, kernels: Mapping[str, jax.Array], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    own = {path: value for path, value in layer.state_dict().items() if path in kernels}
    layer.load_state_dict(kernels, strict=False)
    output = layer(*args, **kwargs)
    layer.load_state_dict(own, strict=False)
    return output
