"""Is it worth keeping keys and values while text is generated token by token?

Takes a small GPT-like stack (embedding, learned positions, `Repeated` blocks of attention and MLP,
a tied output) and generates tokens greedily after a prompt, in two ways: with `start_cache`, one
token a step; and by running the whole sequence, padded to its final length, again for every token.
Both steps are compiled once. Prints the seconds of each, and whether tokens and logits agree.

    python benchmarks/decoding.py                     # 256 tokens after a prompt of 16
    python benchmarks/decoding.py --tokens 64 --blocks 2
    python benchmarks/decoding.py --quick
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp

import treexlite as tx

WIDTH, HEADS, VOCABULARY, PROMPT, BATCH = 128, 4, 256, 16, 4


class Block(tx.Module):
    def __init__(self) -> None:
        self.attention = tx.nn.MultiHeadAttention(HEADS, causal=True)
        self.mlp = tx.nn.MLP([4 * WIDTH, WIDTH], activation=jax.nn.gelu)
        self.norms = [tx.nn.LayerNorm(), tx.nn.LayerNorm()]

    def __call__(self, x: jax.Array) -> jax.Array:
        x = x + self.attention(self.norms[0](x))
        return x + self.mlp(self.norms[1](x))


class Model(tx.Module):
    """From ids `(batch, time)` to logits `(batch, time, VOCABULARY)`."""

    def __init__(self, blocks: int, max_length: int) -> None:
        self.embed = tx.nn.Embed(VOCABULARY, WIDTH)
        self.positions = tx.nn.LearnedPositions(max_length)
        self.blocks = tx.nn.Repeated(Block(), blocks)
        self.norm = tx.nn.LayerNorm()

    def __call__(self, ids: jax.Array) -> jax.Array:
        x = self.blocks(self.positions(self.embed(ids)))
        return self.embed.attend(self.norm(x))


class Run(NamedTuple):
    """What one way of generating gave."""

    seconds: float
    tokens: jax.Array
    logits: jax.Array
    traces: int


def build(blocks: int, tokens: int) -> tuple[Any, jax.Array]:
    """Return a model with room for all tokens, and a prompt."""
    prompt = jax.random.randint(jax.random.key(1), (BATCH, PROMPT), 0, VOCABULARY)
    model: Any = Model(blocks, PROMPT + tokens).init(0, prompt).eval()
    return model, prompt


def cached(model: Any, prompt: jax.Array, tokens: int) -> Run:
    """Generate with a cache: the prompt at once, then one token a step."""
    traces: list[int] = []

    @tx.jit
    def step(model: Any, ids: jax.Array) -> tuple[jax.Array, jax.Array]:
        traces.append(1)
        logits = model(ids)[:, -1]
        return logits.argmax(-1)[:, None], logits

    def generate() -> tuple[jax.Array, jax.Array]:
        tx.nn.start_cache(model, BATCH, PROMPT + tokens)
        outputs = [step(model, prompt)]
        for _ in range(tokens - 1):
            outputs.append(step(model, outputs[-1][0]))
        return _join(outputs)

    run = _timed(generate, traces)
    tx.nn.clear_cache(model)
    return run


def recomputed(model: Any, prompt: jax.Array, tokens: int) -> Run:
    """Generate without one: everything again for every token, in an array of the final length."""
    traces: list[int] = []

    @tx.jit
    def step(model: Any, ids: jax.Array, length: jax.Array) -> tuple[jax.Array, ...]:
        traces.append(1)
        logits = jnp.take(model(ids), length - 1, axis=1)
        token = logits.argmax(-1)[:, None]
        return token, logits, jax.lax.dynamic_update_slice(ids, token, (0, length))

    def generate() -> tuple[jax.Array, jax.Array]:
        ids, outputs = jnp.pad(prompt, ((0, 0), (0, tokens))), []
        for n in range(tokens):
            token, logits, ids = step(model, ids, jnp.asarray(PROMPT + n))
            outputs.append((token, logits))
        return _join(outputs)

    return _timed(generate, traces)


def _join(outputs: Sequence[tuple[jax.Array, jax.Array]]) -> tuple[jax.Array, jax.Array]:
    tokens, logits = zip(*outputs, strict=True)
    return jnp.concatenate(tokens, 1), jnp.stack(logits, 1)


def _timed(generate: Any, traces: list[int]) -> Run:
    generate()  # compiles
    start = time.perf_counter()
    tokens, logits = jax.block_until_ready(generate())
    return Run(time.perf_counter() - start, tokens, logits, len(traces))


def report(blocks: int, tokens: int) -> None:
    """Print the table."""
    model, prompt = build(blocks, tokens)
    once, again = cached(model, prompt, tokens), recomputed(model, prompt, tokens)
    print(f"\n{blocks} blocks, {tokens} tokens{'seconds':>16s}{'ratio':>10s}{'traces':>10s}")
    for name, run in (("recomputed", again), ("cached", once)):
        ratio = again.seconds / run.seconds
        print(f"  {name:18s}{run.seconds:18.3f}{ratio:9.1f}x{run.traces:10d}")
    difference = float(jnp.abs(once.logits - again.logits).max())
    same = bool((once.tokens == again.tokens).all())
    print(f"  same tokens: {same}; largest difference of logits: {difference:.1e}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--blocks", type=int, default=4)
    parser.add_argument("--quick", action="store_true", help="2 blocks, 8 tokens")
    options = parser.parse_args(arguments)
    print(f"jax {jax.__version__}, {jax.devices()[0].platform}, {os.cpu_count()} cores")
    report(*((2, 8) if options.quick else (options.blocks, options.tokens)))


if __name__ == "__main__":
    main()
