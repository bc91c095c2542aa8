"""The optimizers that have a name, and the rates they have when none is given.

In: a name. Out: the function that makes an optax transformation. What mutates: the table, by
`register`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import optax
import optax.contrib

from treexlite._names import Registry

Factory: TypeAlias = Callable[..., optax.GradientTransformation]


def _of_contrib(*names: str) -> dict[str, Factory]:
    """Return what `optax.contrib` has of these names; older versions lack some."""
    contrib = vars(optax.contrib)
    return {name: contrib[name] for name in names if name in contrib}


REGISTRY: Registry[Any] = Registry(
    "optimizers",
    "an optimizer",
    {
        "adabelief": optax.adabelief,
        "adadelta": optax.adadelta,
        "adafactor": optax.adafactor,
        "adagrad": optax.adagrad,
        "adam": optax.adam,
        "adamax": optax.adamax,
        "adamaxw": optax.adamaxw,
        "adamw": optax.adamw,
        "adan": optax.adan,
        "amsgrad": optax.amsgrad,
        "fromage": optax.fromage,
        "lamb": optax.lamb,
        "lars": optax.lars,
        "lbfgs": optax.lbfgs,
        "lion": optax.lion,
        "nadam": optax.nadam,
        "nadamw": optax.nadamw,
        "novograd": optax.novograd,
        "radam": optax.radam,
        "rmsprop": optax.rmsprop,
        "rprop": optax.rprop,
        "sgd": optax.sgd,
        "sign_sgd": optax.sign_sgd,
        "sm3": optax.sm3,
        "yogi": optax.yogi,
        **_of_contrib(
            "ademamix",
            "adopt",
            "dadapt_adamw",
            "madgrad",
            "muon",
            "prodigy",
            "schedule_free_adamw",
            "schedule_free_sgd",
        ),
    },
)

_RATES: dict[Any, float] = {optax.sgd: 0.01}
_RATE = 0.001


def find(where: str, name: str) -> Factory:
    """Return the function that a name stands for; case does not matter.

    Raises:
        UnknownNameError: nothing has that name; close ones are listed.
    """
    lower = name.lower()
    return REGISTRY.find(lower if lower in REGISTRY.names else name, where)


def default_rate(factory: Factory, default: Any) -> Any:
    """Return the rate of a factory whose own default is `default`: that, or else Keras's.

    optax's `None` stands for no rate at all in optimizers that find their own (L-BFGS by a line
    search); Adadelta and Adafactor have Keras's.
    """
    if factory is optax.lbfgs:
        return None
    return _RATES.get(factory, _RATE) if default is None else default
