"""What users hold data in."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import DataError
from treexlite.training._leaves import SparseRows, as_leaf, is_array_like

scipy_sparse = pytest.importorskip("scipy.sparse")  # comes with the extra `examples`


class Frame:
    """Stands for pandas: an object with `__array__`."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.ones((3, 2))


class Tensor:
    """Stands for torch: an array that has to leave its graph and its device."""

    def detach(self) -> "Tensor":
        return self

    def cpu(self) -> np.ndarray:
        return np.ones((4, 2), np.float32)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise TypeError("call detach and cpu first")


def test_arrays_of_other_packages_become_numpy() -> None:
    assert as_leaf("fit", "x", Frame()).shape == (3, 2)
    assert as_leaf("fit", "x", Tensor()).dtype == np.float32
    assert as_leaf("fit", "x", [1, 2]).tolist() == [1, 2]
    array = jnp.ones(3)
    assert as_leaf("fit", "x", array) is array


def test_typed_keys_are_data() -> None:
    keys = jax.random.split(jax.random.key(0), 3)
    assert as_leaf("fit", "x", keys) is keys


def test_sparse_rows_become_dense_when_they_are_taken() -> None:
    dense = np.arange(12.0).reshape(4, 3) * (np.arange(12).reshape(4, 3) % 2)
    leaf = as_leaf("fit", "x", scipy_sparse.coo_matrix(dense))
    assert isinstance(leaf, SparseRows)
    assert (leaf.shape, leaf.ndim, len(leaf), leaf.nbytes) == ((4, 3), 2, 4, 96)
    np.testing.assert_array_equal(leaf[np.array([2, 0])], dense[[2, 0]])
    np.testing.assert_array_equal(np.asarray(leaf[1:]), dense[1:])
    assert np.asarray(leaf, np.float32).dtype == np.float32


def test_what_is_an_array_and_what_is_not() -> None:
    sparse = scipy_sparse.csr_matrix(np.eye(2))
    assert all(map(is_array_like, [np.ones(2), jnp.ones(2), Frame(), Tensor(), sparse]))
    assert not any(map(is_array_like, [[1.0], iter([1.0]), None, "data", {"a": 1}]))


@pytest.mark.parametrize("leaf", [1.0, "data", np.array(["a"]), jnp.ones(()), [None]])
def test_what_has_no_axis_or_no_numbers_is_refused(leaf: Any) -> None:
    with pytest.raises(DataError, match="fit: expected `x` to be an array of numbers whose first"):
        as_leaf("fit", "x", leaf)


@pytest.mark.parametrize(
    ("name", "fix"), [("RaggedTensor", r"`ragged\.to_tensor\(\)`"), ("SparseTensor", "SciPy")]
)
def test_tensors_that_are_no_arrays_are_refused(name: str, fix: str) -> None:
    with pytest.raises(DataError, match=rf"expected `x` to be an array of numbers .*{fix}"):
        as_leaf("fit", "x", type(name, (), {})())


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_whole_numbers_that_would_be_cut_down_are_refused(dtype: Any) -> None:
    largest = np.array([0, np.iinfo(np.dtype(dtype).name.replace("64", "32")).max], dtype)
    assert as_leaf("fit", "x", largest) is largest
    for too_large in (largest + dtype(1), scipy_sparse.csr_matrix((largest + dtype(1))[None])):
        with pytest.raises(DataError, match=r"fit: expected `x` to fit into u?int32, .*Number"):
            as_leaf("fit", "x", too_large)


def test_whole_numbers_below_the_smallest_one_are_refused() -> None:
    with pytest.raises(DataError, match="from -2147483649 to 0"):
        as_leaf("fit", "x", np.array([0, -(2**31) - 1]))


class BFloat16(Tensor):
    """Stands for a torch tensor that NumPy has no dtype for."""

    dtype = "torch.bfloat16"

    def cpu(self) -> Any:
        return self

    def float(self) -> np.ndarray:
        return np.array([0.5, 1.0], np.float32)


def test_tensors_in_half_precision_stay_what_they_are() -> None:
    leaf = as_leaf("fit", "x", BFloat16())
    assert (leaf.dtype, leaf.tolist()) == (jnp.bfloat16, [0.5, 1.0])
