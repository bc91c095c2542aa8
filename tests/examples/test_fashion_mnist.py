"""`examples/fashion_mnist.py`, end to end on small files of the same format."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from tests.examples.scripts import load

pytest.importorskip("matplotlib")

fashion_mnist = load("fashion_mnist")


def idx(array: np.ndarray) -> bytes:
    """An array of bytes as the content of an IDX file."""
    sizes = np.array(array.shape, ">u4").tobytes()
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


def write(directory: Path, num_train: int = 256, num_test: int = 40) -> Path:
    """Write four files; each class has its own bright column. Half of the files are compressed."""
    rng = np.random.default_rng(0)
    for part, count in (("train", num_train), ("t10k", num_test)):
        labels = rng.integers(0, 10, count)
        images = rng.integers(0, 40, (count, 28, 28))
        images[np.arange(count), :, 2 * labels + 4] = 255
        (directory / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (directory / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels))
    return directory


def test_it_trains_saves_and_loads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory, out = write(tmp_path), tmp_path / "out"
    accuracy, same = fashion_mnist.main(
        [str(directory), "--quick", "--epochs", "3", "--seed", "1", "--out", str(out)]
    )
    assert accuracy > 0.3  # chance is 0.1
    assert same
    assert (out / "picture.png").read_bytes().startswith(b"\x89PNG")
    assert (out / "model.safetensors").stat().st_size > 10_000
    printed = capsys.readouterr().out
    assert "blocks/layers/0/conv" in printed
    assert "Epoch 3/3  " in printed
    assert "predicts the same as the trained one: True" in printed


def test_idx_files_are_read_compressed_or_not(tmp_path: Path) -> None:
    (images, labels), (test_images, _) = fashion_mnist.load_data(write(tmp_path))
    assert images.shape == (256, 28, 28)
    assert images.dtype == np.uint8
    assert (images.argmax(2)[:, 0] == 2 * labels + 4).all()
    assert test_images.shape == (40, 28, 28)


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as caught:
        fashion_mnist.main(arguments)
    assert caught.value.code == 2
    return capsys.readouterr().err


def test_absent_files_are_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = refused([str(tmp_path)], capsys)
    assert f"there is no train-images-idx3-ubyte or train-images-idx3-ubyte.gz in {tmp_path}" in (
        message
    )
    assert "sudo apt install dataset-fashion-mnist" in message
    assert "https://github.com/zalandoresearch/fashion-mnist" in message
    assert "DIRECTORY" in message


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"<html>", "is no IDX file of bytes"), (idx(np.ones((9, 2, 2)))[:-1], "is not complete")],
)
def test_damaged_files_are_explained(
    content: bytes, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (write(tmp_path) / "train-labels-idx1-ubyte").write_bytes(content)
    assert message in refused([str(tmp_path)], capsys)
    compressed = tmp_path / "train-images-idx3-ubyte.gz"
    compressed.write_bytes(compressed.read_bytes()[:100])
    assert "Fashion-MNIST could not be read" in refused([str(tmp_path)], capsys)
