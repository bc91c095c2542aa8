"""`benchmarks/compile.py` runs, and counts what it says."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest

from tests.benchmarks.scripts import load

compile_ = load("compile")


def test_the_quick_tables_have_all_contenders(capsys: pytest.CaptureFixture[str]) -> None:
    compile_.main(["--quick"])
    printed = capsys.readouterr().out
    network = compile_.blocks(1)
    for title, names in (
        ("initialisation, depth 2", compile_.inits(network, True)),
        ("train step, depth 2", compile_.steps(network, True)),
    ):
        table = printed.split(f"\n{title}")[1].split("\n\n")[0]
        assert all(f"  {name} " in table for name in names)
        assert table.count(" 1.00 x") >= 2


def test_without_compiling_there_is_a_dash(capsys: pytest.CaptureFixture[str]) -> None:
    compile_.main(["--quick", "--no-compile", "--no-peers"])
    table = capsys.readouterr().out.split("train step, depth 2")[1]
    assert [line.split()[-1] for line in table.splitlines()[1:3]] == ["-", "-"]


def test_equations_of_inner_programs_count() -> None:
    def inner(x: Any) -> Any:
        return jnp.sin(x) * 2

    flat = jax.make_jaxpr(inner)(1.0).jaxpr
    nested = jax.make_jaxpr(lambda x: jax.jit(inner)(x) + 1)(1.0).jaxpr
    chosen = jax.make_jaxpr(lambda x: jax.lax.cond(x > 0, inner, inner, x))(1.0).jaxpr
    assert compile_.equations(flat) == 2
    assert compile_.equations(nested) == 4
    assert compile_.equations(chosen) >= 2 * 2 + 2


def test_our_step_is_no_longer_than_the_one_by_hand() -> None:
    costs = compile_.step_costs(compile_.blocks(4), False, False, 1, "wall")
    assert costs["treexlite"].equations <= 1.1 * costs["raw JAX"].equations


def test_initialisation_makes_the_same_arrays_as_raw_jax() -> None:
    inits = compile_.inits(compile_.blocks(2), False)
    sizes = [sum(leaf.size for leaf in jax.tree.leaves(init())) for init in inits.values()]
    assert sizes[0] == sizes[1] > 0
