"""PyTorch and Hugging Face: the weights of a model by their names, in their layouts.

What flows in: a module, `Rules`, and a state dict or a `.safetensors` file. What flows out: the
same numbers on the other side. What may mutate: the module that is loaded into, whole or not at
all.

Nothing here imports torch: arrays are NumPy's, and a tensor is asked to become one. `_rules` says
what rules are, `_layouts` how the arrays of a layer correspond, `_match` which of them a model has,
`_state_dict` and `_files` do the work, `_models` has rules that are ready.
"""

from treexlite.interop.torch._files import load_safetensors, save_safetensors
from treexlite.interop.torch._layouts import (
    Layout,
    array,
    batch_norm,
    conv,
    conv_transpose,
    embedding,
    fused_linear,
    gru,
    linear,
    lstm,
    multi_head_attention,
    norm,
)
from treexlite.interop.torch._models import (
    BERT,
    GPT2,
    GPT2_BODY,
    RESNET_TORCHVISION,
    RESNET_TRANSFORMERS,
    VIT_HUB,
    VIT_TORCHVISION,
    VIT_TRANSFORMERS,
)
from treexlite.interop.torch._rules import Rules
from treexlite.interop.torch._state_dict import (
    TransferReport,
    from_torch_state_dict,
    to_torch_state_dict,
)

__all__ = [
    "BERT",
    "GPT2",
    "GPT2_BODY",
    "RESNET_TORCHVISION",
    "RESNET_TRANSFORMERS",
    "VIT_HUB",
    "VIT_TORCHVISION",
    "VIT_TRANSFORMERS",
    "Layout",
    "Rules",
    "TransferReport",
    "array",
    "batch_norm",
    "conv",
    "conv_transpose",
    "embedding",
    "from_torch_state_dict",
    "fused_linear",
    "gru",
    "linear",
    "load_safetensors",
    "lstm",
    "multi_head_attention",
    "norm",
    "save_safetensors",
    "to_torch_state_dict",
]
