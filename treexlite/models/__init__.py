"""Models: small, readable reference models, made of the layers in `treexlite.nn`.

What flows in and out is said by each model. They are here to be read, copied and changed, and to be
loaded with the weights of others: each is the published architecture, value by value. The room is
not imported by `import treexlite`; write `from treexlite import models`.
"""

from treexlite.models._bert import BERT, BERTOutput
from treexlite.models._gpt import GPT

__all__ = ["BERT", "GPT", "BERTOutput"]
