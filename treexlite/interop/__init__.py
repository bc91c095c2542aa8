"""Where treexlite meets other packages: scikit-learn's estimators, PyTorch's weights, Orbax.

What flows in and out: what the other package uses. What may mutate: each folder says. Names of
`sklearn` are imported when they are first used, because the package that they need may not be
installed; `treexlite` itself offers the same names and finds them here. `torch` works without its
package, and `orbax` imports its own inside the functions that need it.
"""

from typing import TYPE_CHECKING

from treexlite.interop import orbax, torch

if TYPE_CHECKING:
    from treexlite.interop.sklearn import TrainerClassifier, TrainerRegressor
else:
    from treexlite.interop._lazy import __getattr__ as __getattr__

__all__ = ["TrainerClassifier", "TrainerRegressor", "orbax", "torch"]
