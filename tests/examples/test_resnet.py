"""`examples/resnet.py` in short form: it learns kinds of clothes, and what looks alike."""

from pathlib import Path

import numpy as np
import pytest

from tests.examples.scripts import load

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

resnet = load("resnet")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, float], Path]:
    out = tmp_path_factory.mktemp("resnet")
    return resnet.main(["--quick", "--out", str(out)]), out


def test_it_learns_kinds_and_likeness(run: tuple[dict[str, float], Path]) -> None:
    results, _ = run
    assert results["network"] > 0.35  # 0.1 untrained
    assert results["nearest pixels"] > 0.7
    assert results["alike"] > 0.4  # 0.1 at random, up to 0.33 by untrained networks


def test_images_are_mirrored_in_training_only() -> None:
    x = np.arange(24.0, dtype=np.float32).reshape(4, 2, 3, 1)
    x = np.concatenate([x] * 8)
    flip = resnet.Flip().init(0, x)
    np.testing.assert_array_equal(flip.eval()(x), x)
    flip = flip.train()
    first, second = np.asarray(flip(x)), np.asarray(flip(x))
    mirrored = (first == x[:, :, ::-1]).all((1, 2, 3))
    assert 6 < mirrored.sum() < 26
    np.testing.assert_array_equal(first[~mirrored], x[~mirrored])
    assert not np.array_equal(first, second)


def test_without_the_clothes_there_are_digits_and_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def absent() -> None:
        raise FileNotFoundError("there is no train-images-idx3-ubyte")

    monkeypatch.setattr(resnet, "load_data", absent)
    (x, y), (x_test, y_test) = resnet.load_images(100, 50)
    assert x.shape == (100, 28, 28)
    assert x_test.shape == (50, 28, 28)
    assert x.dtype == np.uint8
    assert x.max() == 240
    assert set(y) == set(y_test) == set(range(10))
    printed = capsys.readouterr().out
    assert "NO FASHION-MNIST, so these are scikit-learn's digits: there is no train" in printed
    assert "sudo apt install dataset-fashion-mnist" in printed


def test_the_picture_is_there(run: tuple[dict[str, float], Path]) -> None:
    assert (run[1] / "picture.png").read_bytes().startswith(b"\x89PNG")
