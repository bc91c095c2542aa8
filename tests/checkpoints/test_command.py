from pathlib import Path

import jax.numpy as jnp
import pytest

import treexlite as tx
from treexlite.checkpoints._command import run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tx.save(tmp_path / "a", {"w": jnp.ones(2)})
    tx.save(tmp_path / "b", {"w": jnp.zeros(2)})
    return tmp_path


def test_inspect_shows_a_checkpoint(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", str(folder / "a")]) == 0
    assert "w  float32[2]  8 B" in capsys.readouterr().out


def test_diff_tells_by_its_status(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", str(folder / "a"), str(folder / "a")]) == 0
    assert "the same to the bit" in capsys.readouterr().out
    assert run(["diff", str(folder / "a"), str(folder / "b")]) == 1
    assert "2 of 2 values" in capsys.readouterr().out


def test_verify_reads_everything(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", str(folder / "a")]) == 0
    assert "1 arrays, all as they were saved" in capsys.readouterr().out
    file = next((folder / "a").glob("arrays-*"))
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert run(["verify", str(folder / "a")]) == 2
    found = capsys.readouterr()
    assert "at w: expected bytes with the checksum" in found.err
    assert not found.out


@pytest.mark.parametrize("words", [["inspect", "nowhere"], ["diff", "nowhere", "no"]])
def test_what_is_not_there_is_told(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 2
    assert "FileNotFoundError" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["remove", "x"], ["diff", "x"]])
def test_other_words_are_refused_with_the_usage(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        run(words)
    assert caught.value.code == 2
    assert "python -m treexlite" in capsys.readouterr().err
