"""Layouts: which arrays of a layer correspond to which of PyTorch's, and how their axes lie.

What flows in: the name of a layer of theirs. What flows out: a `Layout`, which turns arrays in both
directions. Nothing is mutated.

| layer | ours | PyTorch's |
|---|---|---|
| `linear` | kernel (in, out) | weight (out, in) |
| `conv` | kernel (*window, in / groups, out) | weight (out, in / groups, *window) |
| `conv_transpose` | kernel (*window, in / groups, out), mirrored | weight (in, out / groups, *window) |
| `norm` | scale, bias | weight, bias |
| `batch_norm` | scale, bias, mean, var, count | weight, bias, running_mean, running_var, num_batches_tracked |
| `embedding` | embedding | weight |
| `fused_linear` | several kernels (in, out) | one weight, their outputs one after the other |
| `lstm`, `gru` | input, recurrent, one bias | weight_ih, weight_hh, two biases |
"""  # noqa: E501  # a table

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

Arrays: TypeAlias = tuple[np.ndarray, ...]
Shapes: TypeAlias = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Link:
    """Some arrays of a layer of ours, and those of theirs that hold the same numbers.

    Attributes:
        ours: paths below the layer.
        theirs: names, in full.
        into: from their arrays, and the shapes of ours, to our arrays.
        back: from our arrays to theirs.
    """

    ours: tuple[str, ...]
    theirs: tuple[str, ...]
    into: Callable[[Arrays, Shapes], Arrays]
    back: Callable[[Arrays], Arrays]


@dataclass(frozen=True)
class Layout:
    """How a layer of ours corresponds to theirs; made by `linear`, `conv`, `norm` and others.

    Attributes:
        links: which arrays correspond. Arrays that a layer lacks, as a bias, are left out.
        unused: names of theirs that hold nothing we need.
    """

    links: tuple[Link, ...]
    unused: tuple[str, ...] = ()


def _one(
    ours: str,
    theirs: str,
    into: Callable[[np.ndarray], np.ndarray] = np.asarray,
    back: Callable[[np.ndarray], np.ndarray] = np.asarray,
) -> Link:
    return Link(
        (ours,), (theirs,), lambda arrays, _: (into(*arrays),), lambda arrays: (back(*arrays),)
    )


def array(
    name: str,
    into: Callable[[np.ndarray], np.ndarray] = np.asarray,
    back: Callable[[np.ndarray], np.ndarray] = np.asarray,
) -> Layout:
    """Return the layout of a single array; the path in the rules is that of the array.

    Args:
        name: of theirs, in full. In rules, the name alone is short for `array(name)`.
        into: from their array to ours.
        back: from our array to theirs.

    Example:
        >>> import treexlite as tx
        >>> layout = tx.interop.torch.array("cls_token", lambda x: x[0], lambda x: x[None])
        >>> layout.links[0].theirs
        ('cls_token',)
    """
    return Layout((_one("", name, into, back),))


def linear(name: str, *, transpose: bool = True) -> Layout:
    """Return the layout of a `Linear`: `torch.nn.Linear`, whose weight is our kernel transposed.

    Args:
        name: of their layer.
        transpose: False for the `Conv1D` of transformers' GPT-2, whose weight lies as ours.

    Example:
        >>> import treexlite as tx
        >>> [link.theirs for link in tx.interop.torch.linear("fc").links]
        [('fc.weight',), ('fc.bias',)]
    """
    turn = np.transpose if transpose else np.asarray
    return Layout((_one("kernel", f"{name}.weight", turn, turn), _one("bias", f"{name}.bias")))


def fused_linear(
    name: str,
    parts: Sequence[str] = ("query", "key", "value"),
    *,
    transpose: bool = True,
    weight: str = ".weight",
    bias: str = ".bias",
) -> Layout:
    """Return the layout of several `Linear` layers that are one of theirs.

    Args:
        name: of their layer.
        parts: our layers, in the order in which their outputs follow each other there.
        transpose: as for `linear`.
        weight: how the name of their weight ends.
        bias: how the name of their bias ends.

    Example:
        >>> import treexlite as tx
        >>> layout = tx.interop.torch.fused_linear("attn.c_attn", transpose=False)
        >>> layout.links[0].ours
        ('query/kernel', 'key/kernel', 'value/kernel')
    """
    turn = np.transpose if transpose else np.asarray

    def into(arrays: Arrays, shapes: Shapes) -> Arrays:
        ends = np.cumsum([shape[-1] for shape in shapes])[:-1]
        return tuple(np.split(turn(arrays[0]), ends, -1))

    def back(arrays: Arrays) -> Arrays:
        return (turn(np.concatenate(arrays, -1)),)

    def link(ours: str, theirs: str) -> Link:
        return Link(tuple(f"{part}/{ours}" for part in parts), (name + theirs,), into, back)

    return Layout((link("kernel", weight), link("bias", bias)))


def multi_head_attention(name: str) -> Layout:
    """Return the layout of an attention layer: `torch.nn.MultiheadAttention`.

    Args:
        name: of their layer, whose queries, keys and values have one size.

    Example:
        >>> import treexlite as tx
        >>> layout = tx.interop.torch.multi_head_attention("self_attn")
        >>> [link.theirs[0] for link in layout.links][:2]
        ['self_attn.in_proj_weight', 'self_attn.in_proj_bias']
    """
    fused = fused_linear(name, weight=".in_proj_weight", bias=".in_proj_bias")
    out = (
        _one("out/kernel", f"{name}.out_proj.weight", np.transpose, np.transpose),
        _one("out/bias", f"{name}.out_proj.bias"),
    )
    return Layout(fused.links + out)


def conv(name: str) -> Layout:
    """Return the layout of a `Conv` or `DepthwiseConv`: `torch.nn.Conv1d`, `Conv2d`, `Conv3d`.

    Args:
        name: of their layer, which has as many groups as ours, or as many as channels.

    Example:
        >>> import treexlite as tx
        >>> tx.interop.torch.conv("conv1").links[0].theirs
        ('conv1.weight',)
    """

    def into(weight: np.ndarray) -> np.ndarray:
        return np.moveaxis(weight, (0, 1), (-1, -2))

    def back(kernel: np.ndarray) -> np.ndarray:
        return np.moveaxis(kernel, (-1, -2), (0, 1))

    return Layout((_one("kernel", f"{name}.weight", into, back), _one("bias", f"{name}.bias")))


def conv_transpose(name: str, *, groups: int = 1) -> Layout:
    """Return the layout of a `ConvTranspose`: `torch.nn.ConvTranspose2d` and its kin.

    Args:
        name: of their layer.
        groups: as for the layers.

    Example:
        >>> import treexlite as tx
        >>> tx.interop.torch.conv_transpose("up").links[0].theirs
        ('up.weight',)
    """

    def into(weight: np.ndarray) -> np.ndarray:
        cut = weight.reshape(groups, -1, *weight.shape[1:])  # (groups, in', out', *window)
        cut = np.moveaxis(cut, (0, 1, 2), (-2, -3, -1))  # (*window, in', groups, out')
        kernel = cut.reshape(*cut.shape[:-2], -1)
        return np.flip(kernel, tuple(range(kernel.ndim - 2)))

    def back(kernel: np.ndarray) -> np.ndarray:
        kernel = np.flip(kernel, tuple(range(kernel.ndim - 2)))
        cut = kernel.reshape(*kernel.shape[:-1], groups, -1)  # (*window, in', groups, out')
        cut = np.moveaxis(cut, (-2, -3, -1), (0, 1, 2))  # (groups, in', out', *window)
        return cut.reshape(-1, *cut.shape[2:])

    return Layout((_one("kernel", f"{name}.weight", into, back), _one("bias", f"{name}.bias")))


def norm(name: str) -> Layout:
    """Return the layout of a `LayerNorm`, `GroupNorm` or `RMSNorm`: weight and bias.

    Args:
        name: of their layer.

    Example:
        >>> import treexlite as tx
        >>> tx.interop.torch.norm("ln_1").links[0].theirs
        ('ln_1.weight',)
    """
    return Layout((_one("scale", f"{name}.weight"), _one("bias", f"{name}.bias")))


def batch_norm(name: str) -> Layout:
    """Return the layout of a `BatchNorm`: `torch.nn.BatchNorm2d` and its kin.

    Their `num_batches_tracked` is our `count`, which a layer with a fixed momentum has not.

    Args:
        name: of their layer.

    Example:
        >>> import treexlite as tx
        >>> tx.interop.torch.batch_norm("bn1").links[2].theirs
        ('bn1.running_mean',)
    """
    counter = f"{name}.num_batches_tracked"
    statistics = (
        _one("mean", f"{name}.running_mean"),
        _one("var", f"{name}.running_var"),
        _one("count", counter),
    )
    return Layout(norm(name).links + statistics, (counter,))


def embedding(name: str) -> Layout:
    """Return the layout of an `Embed` or `LearnedPositions`: `torch.nn.Embedding`.

    Args:
        name: of their layer.

    Example:
        >>> import treexlite as tx
        >>> tx.interop.torch.embedding("wte").links[0].theirs
        ('wte.weight',)
    """
    return Layout((_one("embedding", f"{name}.weight"),))


def lstm(name: str, *, layer: int = 0, reverse: bool = False) -> Layout:
    """Return the layout of an `LSTMCell`: one layer of `torch.nn.LSTM`, gates in the same order.

    Their two biases only ever occur as a sum, which is ours; on the way back it is the first one,
    and the second is 0.

    Args:
        name: of their module.
        layer: which of its layers.
        reverse: whether it is the one that reads backwards.

    Example:
        >>> import treexlite as tx
        >>> tx.interop.torch.lstm("rnn").links[2].theirs
        ('rnn.bias_ih_l0', 'rnn.bias_hh_l0')
    """
    kernels, biases = _recurrent(name, layer, reverse)

    def into(arrays: Arrays, shapes: Shapes) -> Arrays:
        return (arrays[0] + arrays[1],)

    def back(arrays: Arrays) -> Arrays:
        return arrays[0], np.zeros_like(arrays[0])

    return Layout((*kernels, Link(("input/bias",), biases, into, back)))


def gru(name: str, *, layer: int = 0, reverse: bool = False) -> Layout:
    """Return the layout of a `GRUCell` with `reset_after`: one layer of `torch.nn.GRU`.

    Their second bias of the candidate is our `recurrent_bias`; the other biases are sums, as in
    `lstm`.

    Args:
        name: of their module.
        layer: which of its layers.
        reverse: whether it is the one that reads backwards.

    Example:
        >>> import treexlite as tx
        >>> tx.interop.torch.gru("rnn").links[2].ours
        ('input/bias', 'recurrent_bias')
    """
    kernels, biases = _recurrent(name, layer, reverse)

    def into(arrays: Arrays, shapes: Shapes) -> Arrays:
        first, second = arrays
        gates = 2 * len(second) // 3  # those that reset and update; the rest is the candidate's
        together = np.concatenate([first[:gates] + second[:gates], first[gates:]])
        return together, second[gates:]

    def back(arrays: Arrays) -> Arrays:
        first, candidate = arrays
        zeros = np.zeros(len(first) - len(candidate), first.dtype)
        return first, np.concatenate([zeros, candidate])

    return Layout((*kernels, Link(("input/bias", "recurrent_bias"), biases, into, back)))


def _recurrent(name: str, layer: int, reverse: bool) -> tuple[tuple[Link, ...], tuple[str, str]]:
    end = f"l{layer}{'_reverse' if reverse else ''}"
    kernels = tuple(
        _one(f"{part}/kernel", f"{name}.weight_{their}_{end}", np.transpose, np.transpose)
        for part, their in (("input", "ih"), ("recurrent", "hh"))
    )
    return kernels, (f"{name}.bias_ih_{end}", f"{name}.bias_hh_{end}")
