"""GPT and BERT against `transformers`, with the same weights: values to 1e-4, gradients to 1e-5.

Nothing is downloaded: the weights are random, and all of them are moved away from what they start
with, so that no bias is 0. At full size, values alone.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.conformance.catalogue import sum_of
from tests.parity.compare import assert_close
from treexlite import models
from treexlite.interop import torch as bridge

torch = pytest.importorskip("torch", reason="torch is not installed (extra `torch`)")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

Arrays = Mapping[str, Any]


def shaken(model: Any) -> Any:
    """Return the model in evaluation mode, with noise on every parameter."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def gradients_of(model: Any) -> dict[str, np.ndarray]:
    return {name: parameter.grad.numpy() for name, parameter in model.named_parameters()}


def by_our_names(theirs: Arrays, ours: tx.Module, rules: bridge.Rules) -> dict[str, Any]:
    """Their arrays, or gradients, in the layout of ours."""
    holder = ours.copy()
    bridge.from_torch_state_dict(holder, theirs, rules)
    return dict(holder.state_dict())


def gpt_pair(config: Any) -> tuple[models.GPT, Any]:
    theirs = shaken(transformers.GPT2LMHeadModel(config))
    ours = models.GPT(
        config.vocab_size,
        config.n_embd,
        num_layers=config.n_layer,
        num_heads=config.n_head,
        max_length=config.n_positions,
    ).init(0, jax.ShapeDtypeStruct((1, 1), jnp.int32))
    bridge.from_torch_state_dict(ours, theirs.state_dict(), bridge.GPT2)
    return ours.eval(), theirs


def bert_pair(config: Any) -> tuple[models.BERT, Any]:
    theirs = shaken(transformers.BertModel(config))
    ours = models.BERT(
        config.vocab_size,
        config.hidden_size,
        num_layers=config.num_hidden_layers,
        num_heads=config.num_attention_heads,
        hidden=config.intermediate_size,
        max_length=config.max_position_embeddings,
    ).init(0, jax.ShapeDtypeStruct((1, 1), jnp.int32))
    bridge.from_torch_state_dict(ours, theirs.state_dict(), bridge.BERT)
    return ours.eval(), theirs


def small_gpt() -> tuple[models.GPT, Any]:
    return gpt_pair(
        transformers.GPT2Config(vocab_size=31, n_positions=16, n_embd=24, n_layer=3, n_head=4)
    )


def ids_for(vocabulary: int, batch: int, time: int) -> np.ndarray:
    """Without id 0 where there are more than two: BERT gives it no gradient in PyTorch."""
    ids = np.random.default_rng(0).integers(vocabulary > 2, vocabulary, (batch, time))
    return ids.astype(np.int32)


def as_tensor(array: Any) -> Any:
    return torch.tensor(np.array(array)).long()


def test_gpt2_of_full_size() -> None:
    ours, theirs = gpt_pair(transformers.GPT2Config())
    assert sum(value.size for value in ours.state_dict().values()) == 124_439_808
    ids = ids_for(50257, 1, 9)
    with torch.no_grad():
        expected = theirs(as_tensor(ids)).logits
    assert_close(tx.jit(ours)(ids), expected, 1e-4)


@pytest.mark.parametrize("kind", ["GPT2LMHeadModel", "GPT2Model"])
def test_gpt2_goes_through_files_both_ways(kind: str, tmp_path: Path) -> None:
    ours, whole = small_gpt()
    rules = bridge.GPT2 if kind == "GPT2LMHeadModel" else bridge.GPT2_BODY
    theirs = whole if kind == "GPT2LMHeadModel" else whole.transformer
    theirs.save_pretrained(tmp_path)
    again = tx.eval_shape(ours.copy)
    bridge.load_safetensors(tmp_path / "model.safetensors", again, rules)
    for path, value in ours.state_dict().items():
        np.testing.assert_array_equal(again.state_dict()[path], value)
    ours.embed.embedding += 0.5
    bridge.save_safetensors(tmp_path / "model.safetensors", ours, rules)
    read = getattr(transformers, kind).from_pretrained(tmp_path)
    weights = bridge.to_torch_state_dict(ours, rules)
    given = read.state_dict()
    assert given.keys() == weights.keys()
    for name, value in weights.items():
        np.testing.assert_array_equal(given[name].numpy(), value)


def test_gpt_with_gradients() -> None:
    ours, theirs = small_gpt()
    ids = ids_for(31, 2, 7)
    expected = theirs(as_tensor(ids)).logits
    (expected * torch.linspace(-1, 1, expected.numel()).reshape(expected.shape)).sum().backward()
    assert_close(ours(ids), expected)
    gradients = tx.jit(tx.grad(lambda model: sum_of(model(ids))))(ours).state_dict()
    wanted = by_our_names(gradients_of(theirs), ours, bridge.GPT2)
    assert gradients.keys() == wanted.keys()
    for path, gradient in wanted.items():
        assert_close(gradients[path], gradient)


def test_gpt_writes_the_same_tokens() -> None:
    ours, theirs = small_gpt()
    ids = ids_for(31, 2, 5)
    expected = theirs.generate(
        as_tensor(ids), attention_mask=as_tensor(ids * 0 + 1), max_new_tokens=9, do_sample=False,
        pad_token_id=0, eos_token_id=None,
    )  # fmt: skip
    np.testing.assert_array_equal(ours.generate(ids, 9), expected)


@pytest.mark.parametrize("full", [True, False], ids=["full", "small"])
def test_bert(full: bool) -> None:
    config = transformers.BertConfig(
        **({} if full else {"vocab_size": 31, "hidden_size": 24, "num_hidden_layers": 3,
                            "num_attention_heads": 4, "intermediate_size": 50}),
    )  # fmt: skip
    ours, theirs = bert_pair(config)
    ids, types = ids_for(config.vocab_size, 2, 7), ids_for(2, 2, 7)
    valid = np.array([[True] * 7, [True] * 4 + [False] * 3])
    expected = theirs(as_tensor(ids), as_tensor(valid), as_tensor(types))
    found = tx.jit(ours)(ids, types, valid)
    tokens = np.where(valid[..., None], found.tokens, 0)  # the others are nobody's business
    shown = expected.last_hidden_state * torch.tensor(valid)[..., None]
    assert_close(tokens, shown, 1e-4 if full else 1e-5)
    assert_close(found.pooled, expected.pooler_output, 1e-4 if full else 1e-5)
    if full:
        return

    def loss(model: Any) -> jax.Array:
        output = model(ids, types, valid)
        return sum_of(output.tokens * valid[..., None]) + sum_of(output.pooled)

    pooled = expected.pooler_output
    loss_of_theirs = (shown * torch.linspace(-1, 1, shown.numel()).reshape(shown.shape)).sum()
    loss_of_theirs += (pooled * torch.linspace(-1, 1, pooled.numel()).reshape(pooled.shape)).sum()
    loss_of_theirs.backward()
    gradients = tx.jit(tx.grad(loss))(ours).state_dict()
    wanted = by_our_names(gradients_of(theirs), ours, bridge.BERT)
    assert gradients.keys() == wanted.keys()
    for path, gradient in wanted.items():
        assert_close(gradients[path], gradient)
