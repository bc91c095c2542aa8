"""Where treexlite meets other packages; so far scikit-learn, whose estimators `sklearn` has.

What flows in and out: what the other package uses. What may mutate: each folder says. Names are
imported when they are first used, because the package that they need may not be installed;
`treexlite` itself offers the same names and finds them here.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from treexlite.interop.sklearn import TrainerClassifier, TrainerRegressor
else:
    from treexlite.interop._lazy import __getattr__ as __getattr__

__all__ = ["TrainerClassifier", "TrainerRegressor"]
