"""Shardings are given to arguments, to modules by kind, and to outputs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax.sharding import PartitionSpec

import treexlite as tx
from tests._core.modules import Counter, Scale
from treexlite._errors import ArgumentError
from treexlite.transforms._pack import pack
from treexlite.transforms._shardings import matched, resolve

PREAMBLE = """
import jax, jax.numpy as jnp, numpy as np, pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P
import treexlite as tx

mesh = Mesh(np.array(jax.devices()).reshape(4, 2), ("data", "model"))
rows, columns = NamedSharding(mesh, P("data")), NamedSharding(mesh, P(None, "model"))
everywhere = NamedSharding(mesh, P())

class Layer(tx.Module):
    w: jax.Array = tx.Parameter.node()
    mean: jax.Array = tx.BatchStat.node()
    n: jax.Array = tx.State.node()

    def __init__(self):
        self.w, self.mean, self.n = jnp.ones((8, 4)), jnp.zeros((8, 4)), jnp.array(0)

    def step(self, x):
        self.w = self.w + x.sum()
        self.mean = self.mean + 1
        self.n = self.n + 1
        return x * 2

def same(array, sharding):
    return array.sharding.is_equivalent_to(sharding, array.ndim)

by_kind = {tx.Parameter: columns, tx.State: everywhere, tx.BatchStat: rows}
x = jnp.ones((8, 2))
"""
SCRIPTS = {
    "by kind, the most specific wins, and state keeps it": """
fast = tx.jit(Layer.step, in_shardings=(by_kind, rows))
layer, traces = Layer(), []
for n in range(1, 5):
    y = fast(layer, x)
    assert same(layer.w, columns) and same(layer.mean, rows) and same(layer.n, everywhere)
    assert (int(layer.n), float(layer.mean[0, 0])) == (n, n)
    traces.append(fast.cache_size())
assert traces[1] == traces[-1]  # JAX traces twice: for arrays without a mesh, and with one
""",
    "with donation": """
fast = tx.jit(Layer.step, in_shardings=(by_kind, rows), donate=True)
layer = Layer()
fast(layer, x)
before = layer.w
fast(layer, x)
assert before.is_deleted() and same(layer.w, columns) and int(layer.n) == 2
assert not x.is_deleted()
""",
    "one for all, and None": """
layer = Layer()
fast = tx.jit(lambda layer, x: layer.w + x.sum(), in_shardings=everywhere)
assert same(fast(layer, x), everywhere)
fast = tx.jit(lambda layer, x: x + 1, in_shardings=(None, rows))
assert same(fast(layer, x), rows)
""",
    "outputs": """
fast = tx.jit(
    lambda layer, x: (x, {"k": [x + 1, x + 2]}, layer.copy()),
    out_shardings=(rows, {"k": [None, columns]}, {tx.Parameter: columns}),
)
layer = Layer()
a, b, copy = fast(layer, x)
assert same(a, rows) and same(b["k"][1], columns) and same(copy.w, columns)
assert float(copy.w.sum()) == 32.0
fast = tx.jit(lambda layer: layer, out_shardings=by_kind)
assert fast(layer) is layer and same(layer.w, columns) and same(layer.mean, rows)
""",
    "bound methods do not count self": """
layer = Layer()
fast = tx.jit(layer.step, in_shardings=(rows,))
assert same(fast(x), rows) and int(layer.n) == 1

class Jitted(Layer):
    @tx.jit(in_shardings=(by_kind, None, rows), static_argnums=2, out_shardings=rows)
    def run(self, x, times, y):
        return self.step(x) * times + y

model = Jitted()
assert same(model.run(x, 3, x), rows) and same(model.w, columns) and int(model.n) == 1
""",
    "lower, trace and eval_shape": """
fast = tx.jit(Layer.step, in_shardings=(by_kind, rows))
layer = Layer()
compiled = fast.lower(layer, x).compile()
assert "sharding" in fast.lower(layer, x).as_text()
assert "sharding" in fast.trace(layer, x).lower().as_text()
assert fast.eval_shape(layer, x).shape == (8, 2) and int(layer.n) == 0
""",
    "modules in containers, shared modules and other shapes": """
fast = tx.jit(
    lambda pair, x: pair["a"].step(x) + pair["b"].w.sum(),
    in_shardings=({"a": by_kind, "b": None}, None),
)
layer = Layer()
for other in (Layer(), layer):
    fast({"a": layer, "b": other}, x)
    assert same(layer.w, columns)
fast({"a": layer, "b": Layer()}, jnp.ones(3))
assert int(layer.n) == 3
""",
    "new submodules get the sharding of their kind": """
def grow(layer):
    layer.part = Layer()

layer = Layer()
tx.jit(grow, in_shardings=(by_kind,))(layer)
assert same(layer.part.w, columns) and same(layer.part.mean, rows)
""",
}


# Runs each script in a namespace of its own, and says what it raised.
RUNNER = """
import json, sys, traceback

preamble, scripts = json.load(sys.stdin)
raised = {}
for name, script in scripts.items():
    try:
        exec(preamble + script, {"__name__": name})
        raised[name] = ""
    except Exception:
        raised[name] = traceback.format_exc()
print(json.dumps(raised))
"""


@pytest.fixture(scope="module")
def raised() -> dict[str, str]:
    """What each script raised, all of them in one process: JAX takes seconds to start."""
    # not in this one: the number of devices is fixed when JAX starts
    flags = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=8"
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", RUNNER],
        input=json.dumps([PREAMBLE, SCRIPTS]),
        cwd=Path(__file__).parents[2],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", SCRIPTS)
def test_on_eight_devices(name: str, raised: dict[str, str]) -> None:
    assert not raised[name], raised[name]


DEVICE = jax.sharding.SingleDeviceSharding(jax.devices()[0])


def test_trees_are_matched_as_prefixes() -> None:
    spec, tree = ({"b": "x", "a": None}, "y"), ({"a": 1, "b": [2, 3]}, (4, 5))
    assert matched("in", spec, tree) == [(1, None), (2, "x"), (3, "x"), (4, "y"), (5, "y")]
    two = PartitionSpec("a", "b")
    assert matched("in", two, [1, 2]) == [(1, two), (2, two)]


@pytest.mark.parametrize("spec", [("x",), ("x", ["y"]), ({"b": "x"}, None), (["x"], None)])
def test_what_does_not_correspond_is_refused(spec: Any) -> None:
    packed = pack((Scale(), [1, 2]), {})
    with pytest.raises(ArgumentError, match="jit: expected `in_shardings`"):
        resolve(spec, packed, (), 0)


def test_dicts_must_have_the_keys_of_the_argument() -> None:
    fast = tx.jit(lambda batch: batch["x"], in_shardings=({"y": DEVICE},))
    with pytest.raises(ArgumentError, match="`in_shardings` to be"):
        fast({"x": 1.0})
    fast = tx.jit(lambda: (1.0, 2.0), out_shardings=(DEVICE,))
    with pytest.raises(ArgumentError, match="`out_shardings` to be"):
        fast()


def test_data_and_modules_get_theirs() -> None:
    model = Scale()
    found = resolve(({tx.Parameter: "p"}, "x"), pack((model, Counter(), {"k": 1}), {}), (1,), 0)
    assert found.roots == ({tx.Parameter: "p"}, None)
    assert found.arguments[0][2] == {"k": "x"}
    assert found.data == ("p", None)


def test_another_structure_of_the_arguments_is_another_plan() -> None:
    fast = tx.jit(lambda model, x: jax.tree.leaves(x)[0] * model.w, in_shardings=(None, DEVICE))
    model = Scale(2.0)
    assert float(fast(model, 1.0)) == 2.0
    assert float(fast(model, {"k": jnp.ones(()), "l": 1})) == 2.0
