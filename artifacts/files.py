"""Files that are either whole or absent, and readers that say where a file is wrong."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from artifacts.errors import InputError, StageError, UserError


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling of `path`; on success it is synced and renamed to `path`, else removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR)


@contextmanager
def disk_faults(folder: Path) -> Iterator[None]:
    """Turn what a disk refuses into our errors: no space, a folder or file that may not be written or read.

    Raises:
        StageError: no space is left.
        UserError: not allowed.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            fix = "make room, then run the same command again: what is done is kept"
            # of a copy the system names the file that was read
            raise StageError("the disk is full, or its quota is", where=str(folder), fix=fix) from error
        if error.errno in REFUSED:
            where = str(error.filename or folder)
            fix = "choose another place (--out, RT_HOME), or mend the permissions"
            raise UserError(f"cannot be used: {error.strerror}", where=where, fix=fix) from error
        raise


def write_text(path: Path, text: str) -> None:
    """Write `text` (UTF-8, line ends as given) atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON with sorted keys, atomically."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


def write_jsonl(path: Path, rows: Iterable[dict]) -> None:
    """Write one JSON object a line, atomically."""
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError("no such file", where=str(path)) from None
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 at byte {error.start}", where=str(path)) from None


def _value(text: str, path: Path, line: int) -> Any:
    """The value of JSON that begins at a line of a file."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON: {error.msg}", where=f"{path}:{line + error.lineno - 1}") from None


def read_json(path: Path) -> Any:
    """Read a JSON file; raises InputError naming file and line when it is absent or not JSON."""
    return _value(_text(path), path, 1)


def read_jsonl(path: Path) -> list[Any]:
    """Values of a JSONL file, blank lines left out; raises InputError naming file and line when one is not JSON."""
    # a line ends at \n alone: other separators may stand in a text
    lines = enumerate(_text(path).split("\n"), 1)
    return [_value(line, path, number) for number, line in lines if line.strip()]


class _UniqueKeyLoader(yaml.SafeLoader):
    """SafeLoader that refuses a key given twice, which YAML would silently overwrite."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise yaml.constructor.ConstructorError(None, None, "a key is a list or a mapping", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key '{key}' is given twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def read_yaml(path: Path) -> Any:
    """Read a YAML file with the safe loader; duplicate keys and syntax errors name file and line."""
    text = _text(path)
    try:
        return yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(f"not usable YAML: {error.problem}", where=f"{path}:{line}") from None
    except yaml.YAMLError as error:
        raise InputError(f"not usable YAML: {error}", where=str(path)) from None
