"""Digests and files: equal values, equal digests; a file is whole or absent."""

from __future__ import annotations

import hashlib

import pytest

from artifacts.digests import canonical_json, digest_file, digest_json, digest_text
from artifacts.errors import InputError
from artifacts.files import atomic_path, read_json, read_jsonl, read_yaml, write_json, write_jsonl


def test_canonical_json_does_not_depend_on_key_order():
    assert canonical_json({"b": 1, "a": [1.5, None, "é"]}) == '{"a":[1.5,null,"é"],"b":1}'
    assert digest_json({"a": 1, "b": 2}) == digest_json({"b": 2, "a": 1})


def test_canonical_json_refuses_what_json_cannot_say():
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"loss": float("nan")})


def test_text_and_file_digests_are_plain_sha256(tmp_path):
    path = tmp_path / "x"
    path.write_bytes("naïve".encode())
    assert digest_file(path) == digest_text("naïve") == hashlib.sha256("naïve".encode()).hexdigest()


def test_lone_surrogates_are_told_apart():
    assert digest_text("\ud800") != digest_text("\ud801")


def test_a_write_that_fails_leaves_the_old_file_and_no_rubbish(tmp_path):
    path = tmp_path / "value.json"
    write_json(path, {"a": 1})
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert read_json(path) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["value.json"]


def test_jsonl_keeps_unicode_line_separators_inside_a_line(tmp_path):
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, [{"t": "a\u2028b\x85c"}, {"t": "d"}])
    assert path.read_bytes().count(b"\n") == 2
    assert read_jsonl(path) == [{"t": "a\u2028b\x85c"}, {"t": "d"}]


@pytest.mark.parametrize(
    ("read", "content", "message"),
    [
        (read_json, b'{"a":\n 1,}', r"x:2: not JSON"),
        (read_json, b"\xff\xfe", r"x: not UTF-8 at byte 0"),
        (read_json, None, "no such file"),
        (read_jsonl, b'{"a": 1}\n\n{"a"\n', r"x:3: not JSON"),
        (read_jsonl, b"{}\n\xff\xfe", r"x: not UTF-8 at byte 3"),
        (read_jsonl, None, "no such file"),
        (read_yaml, b"a: [1\nb: 2", r"x:2: not usable YAML"),
        (read_yaml, b"\xff\xfe", r"x: not UTF-8 at byte 0"),
    ],
)
def test_an_unreadable_file_says_where(tmp_path, read, content, message):
    path = tmp_path / "x"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read(path)
