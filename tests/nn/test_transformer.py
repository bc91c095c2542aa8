"""Transformer: encoding then decoding, with masks in their places, and decoding with a cache."""

from typing import Any

import numpy as np

import treexlite as tx
from treexlite import nn

RNG = np.random.default_rng(0)
SOURCE = RNG.normal(size=(2, 5, 4)).astype(np.float32)
TARGET = RNG.normal(size=(2, 3, 4)).astype(np.float32)


def transformer(**options: Any) -> Any:
    return nn.Transformer(2, 8, 2, **options).init(0, (SOURCE, TARGET))


def test_it_encodes_then_decodes() -> None:
    model = transformer()
    y = tx.jit(lambda model: model.decoder(TARGET, model.encoder(SOURCE)))(model)
    np.testing.assert_allclose(tx.jit(model)(SOURCE, TARGET), y, rtol=1e-5, atol=1e-6)


def test_padding_of_the_source_is_hidden_from_both() -> None:
    model = transformer()
    mask = (np.arange(5) < 3)[None, None]
    run = tx.jit(model)
    y = run(SOURCE, TARGET, mask, None, mask)
    np.testing.assert_allclose(y, run(SOURCE[:, :3], TARGET), rtol=1e-4, atol=1e-5)


def test_the_number_of_layers() -> None:
    model: Any = nn.Transformer(2, 8, 2, num_decoder_layers=3, norm_first=False, final_norm=True)
    assert (model.encoder.layers.num, model.decoder.layers.num) == (2, 3)
    assert model.encoder.norm is not None
    assert nn.Transformer(2, 8, 2, norm_first=False).decoder.norm is None


def test_the_target_is_decoded_token_by_token() -> None:
    model = transformer()
    whole = tx.jit(model)(SOURCE, TARGET)
    context = tx.jit(model.encode)(SOURCE)
    nn.start_cache(model, 2, 3)
    step = tx.jit(model.decode)
    parts = [step(TARGET[:, t : t + 1], context) for t in range(3)]
    np.testing.assert_allclose(np.concatenate(parts, 1), whole, rtol=1e-4, atol=1e-5)
    nn.clear_cache(model)
    assert not list(model.fields(tx.Cache))
