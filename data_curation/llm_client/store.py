"""Answers kept on disk by their key: an SQLite file that a killed process cannot spoil."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from artifacts.errors import InputError, StageError
from artifacts.store import rt_home
from data_curation.llm_client.requests import Answer, Failure, Request
from data_curation.llm_client.settings import ModelSettings

VERSION = 1
_MARK = 0x52544C4D  # application_id: this is a file of ours
_AT_ONCE = 10_000  # keys in one query
_TABLES = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, model TEXT NOT NULL, settings TEXT NOT NULL, messages TEXT NOT NULL, sample INTEGER NOT NULL,
    prompt_bytes INTEGER NOT NULL, text TEXT NOT NULL, finish_reason TEXT NOT NULL, reported_model TEXT,
    prompt_tokens INTEGER, completion_tokens INTEGER, tries INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS failures (
    number INTEGER PRIMARY KEY, time TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, key TEXT NOT NULL, model TEXT NOT NULL,
    settings TEXT NOT NULL, messages TEXT NOT NULL, sample INTEGER NOT NULL, reason TEXT NOT NULL,
    detail TEXT NOT NULL, tries INTEGER NOT NULL
);
"""


def default_store() -> Path:
    """The file that all runs share: `llm/answers.sqlite` below RT_HOME."""
    return rt_home() / "llm" / "answers.sqlite"


class AnswerStore:
    """Answers by key, each with the exact messages that were sent; failures in a log beside them.

    Every answer is committed when it comes. In SQLite's write-ahead mode a killed process loses nothing committed, and
    several processes may use one file. Failures are never read back as answers: what failed is asked again.
    The file must lie on a local disk (write-ahead mode needs shared memory).
    """

    def __init__(self, path: Path):
        self.path = path
        with self._told():
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(path.with_name(path.name + ".lock")):
                # autocommit: each statement is one transaction; one thread at a time uses it, not always the same
                self._database = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
                self._open()

    def _open(self) -> None:
        mark, version = (
            self._database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
        )
        empty = self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        if not empty and (mark, version) != (_MARK, VERSION):
            self._database.close()
            raise InputError(
                "not a store of answers of this version", where=str(self.path), fix="choose another file, or remove it"
            )
        self._database.execute("PRAGMA journal_mode=WAL")
        # safe against a killed process; a power cut may cost the last answers, never the file
        self._database.execute("PRAGMA synchronous=NORMAL")
        if empty:
            marks = f"PRAGMA application_id={_MARK}; PRAGMA user_version={VERSION};"
            self._database.executescript(f"BEGIN IMMEDIATE; {_TABLES} {marks} COMMIT;")

    def __enter__(self) -> AnswerStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.DatabaseError, OSError) as error:
            fault = InputError if "not a database" in str(error) else StageError
            raise fault(
                f"the store of answers cannot be used: {error}",
                where=str(self.path),
                fix="choose another file, free space on its disk, or remove it (what was answered is then asked again)",
            ) from None

    def find(self, keys: Iterable[str]) -> dict[str, Answer]:
        """The answers there are, by key."""
        wanted = list(dict.fromkeys(keys))
        found: dict[str, Answer] = {}
        with self._told():
            for first in range(0, len(wanted), _AT_ONCE):
                rows = self._database.execute(
                    "SELECT key, text, finish_reason, reported_model, prompt_tokens, completion_tokens FROM answers "
                    "WHERE key IN (SELECT value FROM json_each(?))",
                    (json.dumps(wanted[first : first + _AT_ONCE]),),
                )
                found |= {key: Answer(*values) for key, *values in rows}
        return found

    def keep(self, key: str, model: ModelSettings, request: Request, answer: Answer, tries: int) -> Answer:
        """Commit an answer; the first one of a key stays.

        Returns:
            The answer that stands: another one where another process has answered the same request meanwhile.
        """
        values = (answer.text, answer.finish_reason, answer.model, answer.prompt_tokens, answer.completion_tokens)
        with self._told():
            done = self._database.execute(
                f"INSERT OR IGNORE INTO answers VALUES ({','.join('?' * 12)})",  # noqa: S608
                (*_what(key, model, request), request.bytes, *values, tries),
            )
        return answer if done.rowcount else self.find([key])[key]

    def log_failure(self, key: str, model: ModelSettings, request: Request, failure: Failure, tries: int) -> None:
        """Commit that a request has failed."""
        with self._told():
            self._database.execute(
                "INSERT INTO failures (key, model, settings, messages, sample, reason, detail, tries) "
                "VALUES (?,?,?,?,?,?,?,?)",
                (*_what(key, model, request), failure.reason, failure.detail, tries),
            )

    def messages(self, key: str) -> list[list[str]] | None:
        """The messages whose answer is kept under a key, exactly as they were sent; None if none is."""
        with self._told():
            row = self._database.execute("SELECT messages FROM answers WHERE key = ?", (key,)).fetchone()
        return None if row is None else json.loads(row[0])

    def token_rate(self, model: str) -> tuple[float, int] | None:
        """Tokens a byte of the prompts that a model has answered, and how many there are; None if none is known."""
        with self._told():
            tokens, size, count = self._database.execute(
                "SELECT sum(prompt_tokens), sum(prompt_bytes), count(*) FROM answers "
                "WHERE model = ? AND prompt_tokens > 0 AND prompt_bytes > 0",
                (model,),
            ).fetchone()
        return (tokens / size, count) if count else None


def _what(key: str, model: ModelSettings, request: Request) -> tuple[str, str, str, str, int]:
    """The columns that say what was asked."""
    messages = json.dumps([list(message) for message in request.messages], ensure_ascii=False)
    return key, model.name, json.dumps(model.resolved(), sort_keys=True), messages, request.sample
