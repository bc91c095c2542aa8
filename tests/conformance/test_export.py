"""Every reference model travels: exported, loaded and called at other sizes, it computes the same.

Half of the models are tried in `make test`, with parameters beside the program; all of them, and
with parameters inside, when all laws are run.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.budget import ALL_LAWS
from tests.conformance.catalogue import LAYERS, Layer, ids, sampled
from treexlite import models
from treexlite._errors import ShapeError
from treexlite.serving._program import build
from treexlite.serving._symbols import symbolic

IDS = jnp.arange(12).reshape(2, 6) % 7
IMAGES = jax.random.uniform(jax.random.key(0), (2, 8, 8, 3))
LARGE = jax.random.uniform(jax.random.key(0), (2, 32, 32, 3))

_PATCHES: Any = {"image_size": 8, "patch_size": 4, "features": 8, "num_layers": 2}
_BLOCKS: Any = {"num_layers": 2, "num_heads": 2, "max_length": 8, "dropout_rate": 0.1}

CASES: dict[str, tuple[Callable[[], Any], jax.Array]] = {
    "GPT": (lambda: models.GPT(7, 8, **_BLOCKS), IDS),
    "LSTMLanguageModel": (lambda: models.LSTMLanguageModel(7, features=8, num_layers=1), IDS),
    "VAE": (lambda: models.VAE((8, 8, 3), 2, hidden=[8]), IMAGES),
    "LeNet": (lambda: models.LeNet(4), jnp.ones((2, 28, 28, 1))),
    "resnet18": (lambda: models.resnet18(4, width=4, small_images=True), IMAGES),
    "BERT": (lambda: models.BERT(7, 8, **_BLOCKS), IDS),
    "MLPMixer": (
        lambda: models.MLPMixer(4, tokens_hidden=4, channels_hidden=8, **_PATCHES),
        IMAGES,
    ),
    "UNet": (lambda: models.UNet(2, features=(4, 6)), IMAGES),
    "ViT": (lambda: models.ViT(4, num_heads=2, dropout_rate=0.1, **_PATCHES), IMAGES),
    "resnet34": (lambda: models.resnet34(4, width=2, small_images=True), IMAGES),
    "resnet50": (lambda: models.resnet50(4, width=2), LARGE),
}
TRIED = list(CASES) if ALL_LAWS else list(CASES)[:4]


def plain(output: Any) -> Any:
    """A namedtuple is a class, which the other process has not."""
    return tuple(output) if isinstance(output, tuple) else output


def test_every_reference_model_has_a_case() -> None:
    parts = {"BERTOutput", "ResNet"}  # what BERT returns, and what `resnet18` and others build
    assert set(CASES) == set(models.__all__) - parts


@pytest.mark.parametrize("place", ["beside", "inside"] if ALL_LAWS else ["beside"])
@pytest.mark.parametrize("name", TRIED)
def test_an_exported_model_computes_the_same(name: str, place: Any, tmp_path: Path) -> None:
    make, x = CASES[name]
    model = tx.jit(lambda: make().init(0, x))().eval()
    path = tmp_path / "model.safetensors"
    tx.export(model, x, path, call=lambda m, x: plain(m(x)), parameters=place)
    exported = tx.load_exported(path)
    for size in (1, 3):
        batch = jnp.concatenate([x, x])[:size]
        found, expected = exported(batch), plain(tx.jit(lambda m, x: m(x))(model, batch))
        assert jax.tree.structure(found) == jax.tree.structure(expected)
        for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


ROWS = [row for row in sampled(__name__) if row.name != "MoE with a capacity"]
# The room of an expert follows from the number of tokens, by a formula that symbols have not.
ONE_SIZE = next(row for row in LAYERS if row.name == "MoE with a capacity")


@pytest.mark.parametrize("row", ROWS, ids=ids)
def test_a_layer_is_one_program_for_all_batches(row: Layer) -> None:
    model = row.build()
    model = (model if model.initialized else model.init(0, row.x)).eval()
    inputs = symbolic((jax.ShapeDtypeStruct(row.x.shape, row.x.dtype),), "batch, ...", ())
    program = build(model, inputs, lambda model, x: model(x), None, False, False)
    found = program.exported.call(program.parameters, row.x[:1])
    np.testing.assert_allclose(found, model(row.x[:1]), rtol=1e-4, atol=1e-5)


def test_a_layer_that_needs_a_known_batch_is_exported_for_one(tmp_path: Path) -> None:
    model, path = ONE_SIZE.build().init(0, ONE_SIZE.x), tmp_path / "model"
    with pytest.raises(ShapeError, match="Export it for a fixed batch size, `shapes=None`"):
        tx.export(model, ONE_SIZE.x, path)
    tx.export(model, ONE_SIZE.x, path, shapes=None)
    found = tx.load_exported(path)(ONE_SIZE.x)
    np.testing.assert_allclose(found, model.eval()(ONE_SIZE.x), rtol=1e-4, atol=1e-5)


def test_texts_of_any_length_continue(tmp_path: Path) -> None:
    """Decoding with a cache is a program too: the cache begins and ends within a call."""
    model = models.GPT(7, 8, **_BLOCKS).init(0, IDS)
    path = tmp_path / "model"
    tx.export(
        model,
        IDS,
        path,
        call=lambda model, ids: model.generate(ids, 2),
        shapes="batch, time",
        constraints=["time <= 6"],
    )
    ids = IDS[:1, :4]
    np.testing.assert_array_equal(tx.load_exported(path)(ids), model.generate(ids, 2))
