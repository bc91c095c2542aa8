from __future__ import annotations

import jax
import jax.numpy as jnp

import treexlite as tx
from tests.transforms.stateful import Stateful, assert_same
from treexlite.transforms._chosen import Argument, Chosen
from treexlite.transforms._pack import pack


def chosen(*arguments: object) -> Chosen:
    packed = pack(arguments, {})
    found = [Argument(packed, n) for n in range(len(arguments))]
    for argument in found:
        paths = [info.path for info in argument.infos(packed)]
        numbers = {n for n, path in zip(argument.leaves, paths, strict=True) if path == "w"}
        argument.choose_numbers(numbers)
    return Chosen(found, packed.arguments[0], single=False)


def test_values_become_modules_again() -> None:
    choice = chosen(Stateful(), {"x": 1.0})
    assert choice.numbers == [0]
    module, plain = choice.assemble([jnp.ones(3)], [*_plain(choice)])
    assert type(module) is Stateful
    assert module.key is tx.Nothing
    assert_same(module.w, jnp.ones(3))
    assert plain == {"x": 0}


def _plain(choice: Chosen) -> list[object]:
    return [
        jax.tree.unflatten(structure, range(structure.num_leaves)) for structure in choice.plain
    ]


def test_a_shared_module_is_chosen_once() -> None:
    model = Stateful()
    choice = chosen(model, [model])
    assert choice.numbers == [0]
    one, (two,) = choice.assemble([jnp.ones(3)], [*_plain(choice)])
    assert_same(one.w, two.w)
