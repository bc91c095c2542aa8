"""Linear maps, low-rank and quantised ones, stacks of them."""

import treexlite as tx
from tests.conformance.rows.layer import FEATURES, IMAGES, WEIGHTS, Layer, Staged
from treexlite import nn

ROWS = [
    Layer("Linear", lambda **d: nn.Linear(3, **d), FEATURES, WEIGHTS, has_dtype=True),
    Layer(
        "Linear without bias",
        lambda **d: nn.Linear(3, use_bias=False, **d),
        IMAGES,
        {"kernel": tx.Parameter},
        has_dtype=True,
    ),
    Layer(
        "MLP",
        lambda **d: nn.MLP([4, 3], activation="tanh", **d),
        FEATURES,
        {f"layers/{n}/{name}": kind for n in (0, 1) for name, kind in WEIGHTS.items()},
        has_dtype=True,
    ),
    Layer(
        "MLP with dropout",
        lambda **d: nn.MLP([4, 3], dropout_rate=0.5, **d),
        FEATURES,
        {
            **{f"layers/{n}/{name}": kind for n in (0, 1) for name, kind in WEIGHTS.items()},
            "dropout/key": tx.Rng,
        },
    ),
    Layer(
        "LinearGeneral",
        lambda **d: nn.LinearGeneral((2, 3), axis=(-1, -3), **d),
        IMAGES,
        WEIGHTS,
        has_dtype=True,
    ),
    Layer(
        "Einsum",
        lambda **d: nn.Einsum("...hc,hcd->...dh", {"d": 3}, bias_axes="d", **d),
        IMAGES,
        WEIGHTS,
        has_dtype=True,
    ),
    Layer(
        "Bilinear",
        lambda **d: Staged(nn.Bilinear(3, **d), lambda layer, x: layer(x, x[..., ::-1] + 1)),
        FEATURES,
        {f"layer/{name}": kind for name, kind in WEIGHTS.items()},
        has_dtype=True,
    ),
    Layer(
        "Scale",
        lambda **d: nn.Scale(axes=(-1, -2), scale_init="normal", **d),
        IMAGES,
        {"scale": tx.Parameter},
        has_dtype=True,
    ),
    Layer("Bias", lambda **d: nn.Bias(**d), FEATURES, {"bias": tx.Parameter}, True, random=False),
    Layer(
        "LoRA",
        lambda **d: nn.LoRA(4, 2, alpha=3.0, b_init="normal", **d),
        FEATURES,
        {"a": nn.LoRAParameter, "b": nn.LoRAParameter},
        has_dtype=True,
    ),
    Layer(
        "LoRALinear",  # `b` is zero by default, and `a` then has no gradient
        lambda **d: nn.LoRALinear(nn.Linear(3, **d), 2, b_init="normal"),
        FEATURES,
        {**WEIGHTS, "lora/a": nn.LoRAParameter, "lora/b": nn.LoRAParameter},
        has_dtype=True,
    ),
    # Its dtypes are not those of a trained layer: int8 and float32, and the output is as the input.
    Layer(
        "QuantizedLinear",
        lambda: nn.QuantizedLinear(3),
        FEATURES,
        dict.fromkeys(("kernel", "scale", "bias"), tx.ModelState),
    ),
    Layer(
        "QuantizedLinear with quantised inputs",
        lambda: nn.QuantizedLinear(3, quantize_inputs=True),
        FEATURES,
        dict.fromkeys(("kernel", "scale", "bias"), tx.ModelState),
    ),
]
