import json
import zlib
from typing import Any

import pytest

from treexlite.checkpoints._manifest import (
    Entry,
    Manifest,
    NewerVersionError,
    from_json,
    is_data_file,
    name_problem,
    seal,
    to_json,
    unseal,
)

ENTRY = Entry("a/w", "float32", (2, 3), weak=True, kind="Parameter", checksums=("0123abcd",))
KEY = Entry("key", "uint32", (2,), form="key", impl="threefry2x32", checksums=("00000000",))
DATA = "arrays-0123456789abcdef.safetensors"
MANIFEST = Manifest({e.name: e for e in (ENTRY, KEY)}, {"extra": (1, None)}, DATA, {"jax": "1"})


def sealed(**changes: Any) -> str:
    """A manifest with other content, and the checksum that goes with it."""
    content = {**json.loads(seal(MANIFEST))["manifest"], **changes}
    return resealed(content)


def resealed(content: Any) -> str:
    return to_json(
        {"checksum": f"{zlib.crc32(to_json(content).encode()):08x}", "manifest": content}
    )


def with_entry(**changes: Any) -> str:
    entry = {**json.loads(seal(MANIFEST))["manifest"]["arrays"][0], **changes}
    return sealed(arrays=[entry])


def test_a_manifest_comes_back() -> None:
    assert unseal(seal(MANIFEST)) == MANIFEST
    assert unseal(seal(MANIFEST).encode()) == MANIFEST


def test_it_says_what_wrote_it() -> None:
    written_by = unseal(seal(Manifest({}, {}))).written_by
    assert set(written_by) == {"treexlite", "jax", "jaxlib", "numpy", "python"}


def test_a_changed_letter_is_noticed() -> None:
    with pytest.raises(ValueError, match="a manifest of checksum"):
        unseal(seal(MANIFEST).replace("a/w", "a/v"))


def test_a_newer_version_is_told_apart_from_damage() -> None:
    with pytest.raises(NewerVersionError, match="version 2, written by"):
        unseal(sealed(version=2, arrays="of another form"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Expecting value"),
        (b"\xff", "utf-8"),
        ("[1]", "no manifest"),
        ('{"checksum": 1}', "no manifest"),
        ('{"a": 1, "a": 2}', "the name 'a' twice"),
        ('{"a": NaN}', "NaN, which is no JSON"),
        ("[" * 100_000, "nested too deeply"),
        (resealed([]), "of another format"),
        (sealed(format="zip"), "of another format"),
        (sealed(version="1"), "version='1'"),
        (sealed(version=0), "version=0"),
        (sealed(arrays=3), "malformed"),
        (sealed(arrays=[{"name": "a"}]), "malformed"),
        (sealed(arrays=[3]), "malformed"),
        (sealed(plain=[]), "no dict"),
        (sealed(plain={"$call": 1}), "instead of plain data"),
        (sealed(data="../arrays"), "no name that we give"),
        (sealed(written_by=None), "malformed"),
        (with_entry(name="../../etc/passwd"), "means a directory"),
        (with_entry(name="/etc/passwd"), "with an empty part"),
        (with_entry(name="__metadata__"), "reserves"),
        (with_entry(name=3), "no name"),
        (with_entry(shape=[-1]), r"shape \[-1\]"),
        (with_entry(shape=[1.5]), "shape"),
        (with_entry(shape=[True]), "shape"),
        (with_entry(shape="ab"), "shape"),
        (with_entry(checksums=["xyz"]), "checksums"),
        (with_entry(checksums="00000000"), "checksums"),
        (with_entry(form="pickle"), "form 'pickle'"),
        (with_entry(form="key"), "impl=None"),
        (with_entry(impl="rbg"), "impl='rbg'"),
        (with_entry(weak=1), "other types"),
        (with_entry(kind=3), "other types"),
        (with_entry(more=3), "malformed"),
        (sealed(arrays=json.loads(seal(MANIFEST))["manifest"]["arrays"][:1] * 2), "twice"),
    ],
)
def test_what_is_wrong_is_said(text: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        unseal(text)


@pytest.mark.parametrize("name", ["a", "a/b", ".", "..a", "a.b/c d", "é", "@extra/w"])
def test_names_that_may_be(name: str) -> None:
    assert name_problem(name) is None


@pytest.mark.parametrize("name", ["", "/", "/a", "a/", "a//b", "..", "a/../b", "./a", "a\0b", None])
def test_names_that_may_not_be(name: Any) -> None:
    assert name_problem(name)


@pytest.mark.parametrize(
    "name", [None, 3, "arrays-.safetensors", "x/arrays-0123456789abcdef.safetensors", "arrays-0"]
)
def test_only_our_own_names_are_data_files(name: Any) -> None:
    assert is_data_file(DATA)
    assert not is_data_file(name)


def test_json_is_as_short_as_can_be() -> None:
    assert to_json({"a": [1, 2.0]}) == '{"a":[1,2.0]}'
    assert from_json(b'{"a":[1,2.0]}') == {"a": [1, 2.0]}
