"""What `import treexlite` imports, and what comes when it is used."""

import subprocess
import sys
from typing import Any

import pytest

import treexlite as tx
from treexlite._late import HOMES, ROOMS
from treexlite.interop._lazy import LAZY


def run(program: str) -> list[str]:
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.split()


def test_the_kernel_alone_is_imported_first_and_the_rest_when_it_is_used() -> None:
    names = (*ROOMS, *HOMES)
    program = f"""
import sys, treexlite as tx
print(*[name for name in {ROOMS} if "treexlite." + name in sys.modules], "|")
assert set({names}) <= set(dir(tx))
tx.nn.Linear
print("treexlite.nn" in sys.modules, "treexlite.training" in sys.modules)
for name in [name for name in {names} if name not in {tuple(LAZY)}]:
    assert getattr(tx, name) is getattr(tx, name)
from treexlite import *
print(Optimizer is tx.optimizers.Optimizer, Trainer is tx.training.Trainer, "Trainer" in vars(tx))
"""
    assert run(program) == ["|", "True", "False", "True", "True", "True"]


@pytest.mark.parametrize("name", [name for name in HOMES if name not in LAZY])
def test_a_late_name_is_that_of_its_room(name: str) -> None:
    assert getattr(tx, name) is getattr(getattr(tx, HOMES[name]), name)


def test_every_public_name_is_there() -> None:
    assert set(tx.__all__) <= set(dir(tx))
    assert all(hasattr(tx, name) for name in tx.__all__)


def test_a_name_that_nobody_has_is_refused_as_python_does() -> None:
    with pytest.raises(
        AttributeError, match="module 'treexlite' has no attribute 'Trainr'"
    ) as info:
        tx.Trainr  # noqa: B018  # looking it up is the test
    error: Any = info.value
    assert (error.name, error.obj) == ("Trainr", tx)
