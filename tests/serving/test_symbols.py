from typing import Any

import jax
import jax.numpy as jnp
import pytest

from treexlite._errors import ArgumentError
from treexlite.serving._symbols import symbolic

X = jax.ShapeDtypeStruct((2, 6), jnp.float32)
SCALAR = jax.ShapeDtypeStruct((), jnp.float32)


def sizes(inputs: Any, shapes: Any, constraints: Any = ()) -> Any:
    found = symbolic(inputs, shapes, constraints)
    return jax.tree.map(lambda spec: ",".join(map(str, spec.shape)), found)


@pytest.mark.parametrize(
    ("inputs", "shapes", "expected"),
    [
        ((X, {"a": X, "s": SCALAR}), "n, ...", ("n,6", {"a": "n,6", "s": ""})),
        ((X, X), ("n, ...", None), ("n,6", "2,6")),
        ((X,), ("n, 3*t",), ("n,3*t",)),
        (({"a": X, "b": X},), ({"a": "n, ...", "b": "m, ..."},), ({"a": "n,6", "b": "m,6"},)),
        ((X, None), None, ("2,6", None)),
        ((), "n, ...", ()),
    ],
)
def test_sizes_that_can_be_any(inputs: Any, shapes: Any, expected: Any) -> None:
    assert sizes(inputs, shapes) == expected


def test_constraints_hold_for_the_sizes() -> None:
    (spec,) = symbolic((X,), "n, t", ["t <= 9"])
    assert spec.shape[1] <= 9
    symbolic((X,), "n, t", ["mod(n, 2) == 0", "max(n, t) <= 9"])


@pytest.mark.parametrize(
    ("shapes", "constraints", "message"),
    [
        ("n, t, u", (), "shapes='n, t, u'"),
        ("n, 7", (), "shapes="),
        ("n, (", (), "shapes="),
        (("n, ...", "n, ..."), (), "an entry for each of 1 inputs"),
        (["n, ..."], (), "an entry for each of 1 inputs"),
        (3, (), "an entry for each"),
        ("n, ...", ["n <"], r"constraints=\['n <'\]"),
        ("n, ...", [3], "constraints="),
        ("n, ...", "n <= 3", "no list of texts"),
        ("n, ...", None, "no list of texts"),
        ("n, ...", ["t <= 3"], "'t <= 3' speaks of other sizes than n"),
        (None, ["t <= 3"], "other sizes than none"),
    ],
)
def test_what_is_no_shape_is_refused(shapes: Any, constraints: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=r"export: expected `shapes` and `constraints`") as e:
        symbolic((X,), shapes, constraints)
    assert e.match(message)
