"""A campaign: one SQLite file with the items, the raters, their turns and everything they did."""

from __future__ import annotations

import hmac
import json
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifacts.digests import canonical_json, digest_json, digest_text
from artifacts.errors import InputError, UserError
from artifacts.files import atomic_path
from artifacts.store import rt_home
from paper_repro.annotate.assign import assign, rater_names
from paper_repro.annotate.guideline import guideline
from paper_repro.annotate.items import Item, left_out, read_items, read_pair
from paper_repro.annotate.settings import AnnotateSettings

DATABASE = "campaign.sqlite"
SCHEMA = 1
TABLES = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE items (
  id INTEGER PRIMARY KEY, prompt_id TEXT NOT NULL UNIQUE, a TEXT NOT NULL, b TEXT NOT NULL, flagged INTEGER NOT NULL
);
CREATE TABLE raters (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, token_digest TEXT NOT NULL UNIQUE);
CREATE TABLE turns (
  id INTEGER PRIMARY KEY,
  rater INTEGER NOT NULL REFERENCES raters,
  item INTEGER NOT NULL REFERENCES items,
  position INTEGER NOT NULL,
  swapped INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'rated', 'skipped')),
  revision INTEGER NOT NULL DEFAULT 0,
  first TEXT, second TEXT, preferred TEXT, comment TEXT,
  event INTEGER,
  UNIQUE (rater, position), UNIQUE (rater, item)
);
CREATE INDEX turns_by_state ON turns (rater, state, position);
CREATE INDEX turns_by_event ON turns (rater, event);
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT, turn INTEGER NOT NULL REFERENCES turns, revision INTEGER NOT NULL,
  action TEXT NOT NULL, answer TEXT, source TEXT NOT NULL, at TEXT NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class Rater:
    """A rater: number and pseudonym."""

    id: int
    name: str


@dataclass(frozen=True)
class Campaign:
    """An open campaign.

    Attributes:
        folder: Its folder.
        plan: Settings, digests and conditions of the two generations, version of the guideline: what decides it.
    """

    folder: Path
    plan: dict[str, Any]

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one state of the file throughout."""
        with closing(_connect(self.folder / DATABASE)) as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.rollback()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction of its own: all of it on disk when the block ends, nothing of it if the block fails."""
        with closing(_connect(self.folder / DATABASE)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def rater_of(self, token: str) -> Rater | None:
        """Whose link this is. Every rater's digest is compared, each in constant time, whether one fits or not."""
        given, found = digest_text(token), None
        with self.reading() as connection:
            for row in connection.execute("SELECT id, name, token_digest FROM raters ORDER BY id"):
                if hmac.compare_digest(given, row["token_digest"]):
                    found = Rater(row["id"], row["name"])
        return found

    def new_link(self, name: str) -> str:
        """A new secret for a rater; the old link is dead from then on.

        Raises:
            UserError: no rater of that name.
        """
        token = secrets.token_urlsafe(24)
        with self.writing() as connection:
            query = "UPDATE raters SET token_digest = ? WHERE name = ?"
            if connection.execute(query, (digest_text(token), name)).rowcount != 1:
                raise UserError(f"no rater is called '{name}'", fix=f"raters: {', '.join(self.raters())}")
        return token

    def raters(self) -> list[str]:
        """Pseudonyms, in order."""
        with self.reading() as connection:
            return [row["name"] for row in connection.execute("SELECT name FROM raters ORDER BY id")]


def start_campaign(
    settings: AnnotateSettings, a: Path, b: Path, folder: Path | None = None
) -> tuple[Campaign, dict[str, str]]:
    """Make a campaign, or find the one that was made of the same replies and settings.

    Args:
        settings: Who rates how much.
        a: Generations of the first system.
        b: Generations of the second.
        folder: Where the campaign is kept; by default a folder of RT_HOME named by what decides the campaign.

    Returns:
        The campaign, and the secret of each rater by pseudonym: no copy of a secret is kept, so of a campaign that was
        there already they are not known.

    Raises:
        UserError: the folder holds another campaign, or something else.
    """
    plan = plan_of(settings, a, b)
    folder = folder or default_folder(plan)
    path = folder / DATABASE
    if path.exists():
        campaign = open_campaign(folder)
        if campaign.plan != plan:
            differs = sorted(key for key in plan if campaign.plan.get(key) != plan[key])
            raise UserError(
                f"holds a campaign of another kind (differs in: {', '.join(differs)})",
                where=str(folder),
                fix="give another --dir; what was rated stays where it is",
            )
        return campaign, {}
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError("not empty, and no campaign", where=str(folder), fix="choose an empty or new folder")
    items = read_items(a, b, settings)
    tokens = {name: secrets.token_urlsafe(24) for name in rater_names(settings.raters)}
    with atomic_path(path) as temporary:
        _fill(temporary, plan, items, settings, tokens)
        temporary.chmod(0o600)
    return open_campaign(folder), tokens


def plan_of(settings: AnnotateSettings, a: Path, b: Path) -> dict[str, Any]:
    """What decides a campaign: nothing in it depends on where the generations lie."""
    systems = {}
    for name, artifact in zip("ab", read_pair(a, b), strict=True):
        systems[name] = {"generations": artifact.digest, "condition": artifact.summary["condition"]}
    counts = left_out(a, b) if settings.common_only else {"only_a": 0, "only_b": 0}
    return {
        "settings": settings.resolved(),
        "systems": systems,
        "left_out": counts,
        "guideline": guideline().version,
        "schema": SCHEMA,
    }


def default_folder(plan: dict[str, Any]) -> Path:
    """Where a campaign is kept unless told otherwise."""
    return rt_home() / "annotate" / f"campaign-{digest_json(plan)[:10]}"


def open_campaign(folder: Path) -> Campaign:
    """The campaign of a folder.

    Raises:
        InputError: no campaign, or one of another version of this package.
    """
    path = folder / DATABASE
    if not path.is_file():
        raise InputError("no campaign", where=str(folder), fix="rt annotate A B --dir DIR makes one")
    try:
        with closing(_connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            row = connection.execute("SELECT value FROM facts WHERE name = 'plan'").fetchone()
    except sqlite3.DatabaseError as error:
        raise InputError(f"not a campaign: {error}", where=str(path)) from None
    plan = json.loads(row["value"]) if row else {}
    if plan.get("schema") != SCHEMA:
        raise InputError(f"a campaign of schema {plan.get('schema')}, known is {SCHEMA}", where=str(path))
    return Campaign(folder, plan)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=20, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA synchronous = FULL")  # what a rater was told is saved survives a loss of power
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _fill(path: Path, plan: dict, items: list[Item], settings: AnnotateSettings, tokens: dict[str, str]) -> None:
    with closing(_connect(path)) as connection:
        connection.executescript(TABLES)
        connection.execute("BEGIN")
        connection.execute("INSERT INTO facts VALUES ('plan', ?)", (canonical_json(plan),))
        connection.executemany(
            "INSERT INTO items (id, prompt_id, a, b, flagged) VALUES (?, ?, ?, ?, ?)",
            (
                (number, item.a["prompt_id"], canonical_json(item.a), canonical_json(item.b), item.flagged)
                for number, item in enumerate(items, start=1)
            ),
        )
        connection.executemany(
            "INSERT INTO raters (id, name, token_digest) VALUES (?, ?, ?)",
            ((number, name, digest_text(token)) for number, (name, token) in enumerate(tokens.items(), start=1)),
        )
        connection.executemany(
            "INSERT INTO turns (rater, item, position, swapped) VALUES (?, ?, ?, ?)",
            (
                (turn.rater, turn.item + 1, turn.position, turn.swapped)
                for turn in assign([item.a["prompt_id"] for item in items], settings)
            ),
        )
        connection.commit()
