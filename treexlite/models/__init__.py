"""Reference models: known architectures, small enough to read, written with the layers of `tx.nn`.

What flows in: images `(batch, height, width, channels)` or token ids `(batch, time)`. What flows
out: logits, or what the model's docstring says. What may mutate: the state of the layers, and the
logs and keys that a model declares.

A model is a module like yours: copy its file and change it. `import treexlite` does not import this
room; write `from treexlite import models`.
"""

from treexlite.models._bert import BERT, BERTOutput
from treexlite.models._gpt import GPT
from treexlite.models._lenet import LeNet
from treexlite.models._lstm_lm import LSTMLanguageModel
from treexlite.models._mixer import MLPMixer
from treexlite.models._resnet import ResNet, resnet18, resnet34, resnet50
from treexlite.models._unet import UNet
from treexlite.models._vae import VAE
from treexlite.models._vit import ViT

__all__ = [
    "BERT",
    "GPT",
    "VAE",
    "BERTOutput",
    "LSTMLanguageModel",
    "LeNet",
    "MLPMixer",
    "ResNet",
    "UNet",
    "ViT",
    "resnet18",
    "resnet34",
    "resnet50",
]
