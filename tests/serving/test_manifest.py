import dataclasses
import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export as jax_export

from treexlite.checkpoints._manifest import NewerVersionError
from treexlite.serving._manifest import (
    VERSION,
    described,
    manifest_of,
    require_agreement,
    signature,
)
from treexlite.serving._specs import ArraySpec

PARAMETERS = {"w": jnp.ones((3, 2))}


@pytest.fixture(scope="module")
def exported() -> jax_export.Exported:
    function = jax.jit(lambda parameters, x: {"y": x @ parameters["w"]})
    shapes = jax_export.symbolic_args_specs((PARAMETERS, jnp.ones((1, 3))), (None, "n, ..."))
    return jax_export.export(function)(*shapes)


def test_a_manifest_is_json_that_describes_the_program(exported: jax_export.Exported) -> None:
    manifest = json.loads(json.dumps(manifest_of(exported, ["n <= 8"])))
    found = described(manifest)
    float32 = np.dtype("float32")
    assert found.inputs == (ArraySpec(("n", 3), float32),)
    assert found.outputs == {"y": ArraySpec(("n", 2), float32)}
    assert (found.platforms, found.constraints) == (tuple(exported.platforms), ("n <= 8",))
    require_agreement(found, exported, PARAMETERS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "treexlite checkpoint"}, "without a program"),
        ({"version": 0}, "version=0"),
        ({"version": True}, "version=True"),
        ({"inputs": {}}, "without inputs"),
        ({"inputs": [3]}, "instead of a tree"),
        ({"outputs": {"set": []}}, "a 'set'"),
        ({"platforms": "cpu"}, "platforms='cpu'"),
        ({"platforms": [3]}, "platforms="),
        ({"constraints": None}, "constraints=None"),
    ],
)
def test_a_manifest_that_is_none_is_refused(
    change: Any, message: str, exported: jax_export.Exported
) -> None:
    with pytest.raises(ValueError, match=message):
        described({**manifest_of(exported), **change})


def test_no_manifest_at_all() -> None:
    with pytest.raises(ValueError, match="without a program"):
        described(None)


def test_a_newer_one_is_told_apart(exported: jax_export.Exported) -> None:
    with pytest.raises(NewerVersionError, match=f"version {VERSION + 1}"):
        described({**manifest_of(exported), "version": VERSION + 1})


@pytest.mark.parametrize(
    ("change", "parameters", "message"),
    [
        ({}, {}, "^parameters"),
        ({}, {"w": jnp.ones((3, 3))}, "^parameters"),
        ({}, {"w": jnp.ones((3, 2), jnp.bfloat16)}, "^parameters"),
        ({"inputs": ()}, PARAMETERS, "^inputs"),
        ({"inputs": (ArraySpec(("n", 4), np.dtype("float32")),)}, PARAMETERS, "^inputs"),
        ({"outputs": None}, PARAMETERS, "^outputs"),
        ({"platforms": ("tpu",)}, PARAMETERS, "^platforms"),
    ],
)
def test_a_program_has_to_agree_with_its_manifest(
    change: Any, parameters: Any, message: str, exported: jax_export.Exported
) -> None:
    description = described(manifest_of(exported))._replace(**change)
    with pytest.raises(ValueError, match=message):
        require_agreement(description, exported, parameters)


def test_a_program_has_to_be_for_one_device(exported: jax_export.Exported) -> None:
    several = dataclasses.replace(exported, nr_devices=4)
    with pytest.raises(ValueError, match="for 4 devices"):
        require_agreement(described(manifest_of(exported)), several, PARAMETERS)


def test_how_a_formula_is_written_does_not_matter(exported: jax_export.Exported) -> None:
    description = described(manifest_of(exported))
    other = (ArraySpec(("1*n", 3), np.dtype("float32")),)
    require_agreement(description._replace(inputs=other), exported, PARAMETERS)


def test_programs_of_another_signature_are_refused() -> None:
    exported = jax_export.export(jax.jit(lambda x: x))(jnp.ones(2))
    with pytest.raises(ValueError, match="does not take"):
        signature(exported)
