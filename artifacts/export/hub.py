"""A published artifact as a folder that the hub takes as it is; sent there only when asked to."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from artifacts.cite import BIB_NAME, CFF_NAME
from artifacts.errors import StageError, UserError, first_line
from artifacts.export.folders import needs, new_folder
from artifacts.files import write_text
from artifacts.manifest import Artifact
from artifacts.origins import hub_failures
from artifacts.portable import copy_artifact
from artifacts.publication import Publication, write_publication
from artifacts.publish_card import CARD, FRONT, hub_kind

TOKEN = "HF_TOKEN"  # noqa: S105 (the name of a variable, not a key)
_REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")


def write_hub_folder(artifact: Artifact, publication: Publication, out: Path) -> dict[str, Any]:
    """Write a published artifact as a repository of the hub: its files, and a card whose front matter names its tables.

    The card is read back by huggingface_hub, and the tables of a data set by datasets, as the hub would.

    Returns:
        `repo_type`, and `rows` by table for a data set.

    Raises:
        UserError: a library is not installed, or `out` cannot be used.
        StageError: the folder does not read back as what it is.
    """
    kind = hub_kind(publication.kind)
    with new_folder(out) as building:
        copy_artifact(artifact, building)
        for name in (CARD, CFF_NAME, BIB_NAME):
            write_text(building / name, (artifact.path / name).read_text(encoding="utf-8"))
        tables = _tables(artifact) if kind == "dataset" else {}
        names = _name_tables(building / CARD, tables)
        _check_card(building / CARD, kind)
        rows = _check_tables(building, names)
        write_publication(building, publication, artifact)  # the card names its tables now: other bytes
    return {"repo_type": kind, "rows": rows}


def push(folder: Path, repo: str, repo_type: str) -> str:
    """Send a folder to a private repository of the hub, made if there is none; the key is the variable HF_TOKEN.

    Returns:
        The address of the commit.

    Raises:
        UserError: no key, a name that is not OWNER/REPO, or the hub refuses.
    """
    token = os.environ.get(TOKEN)
    if not token:
        raise UserError(f"{TOKEN} is not set", fix="set it to a key that may write; nothing was sent")
    if not _REPO.fullmatch(repo):
        raise UserError("expected OWNER/REPO", where=repo)
    try:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import OfflineModeIsEnabled
    except ImportError:
        raise needs("huggingface_hub") from None
    hub = HfApi(token=token)
    try:
        hub.create_repo(repo, repo_type=repo_type, private=True, exist_ok=True)
        done = hub.upload_folder(repo_id=repo, folder_path=folder, repo_type=repo_type)
    except OfflineModeIsEnabled:
        raise UserError("HF_HUB_OFFLINE forbids the hub", fix="unset it; nothing was sent") from None
    except hub_failures() as error:
        raise UserError(f"the hub refuses: {first_line(error)}", where=repo) from None
    return str(done.commit_url)


def _tables(artifact: Artifact) -> dict[str, str]:
    """Name of each table to the files that it has."""
    found = {}
    for file in sorted(artifact.identity.outputs):
        folder, _, name = file.rpartition("/")
        if name.endswith(".parquet"):
            found[(folder or name).removesuffix(".parquet").replace("/", "-")] = (
                f"{folder}/*.parquet" if folder else file
            )
    return found


def _name_tables(path: Path, tables: Mapping[str, str]) -> list[str]:
    """Name the tables in a card's front matter, unless its stage did; returns their names."""
    match = FRONT.match(path.read_text(encoding="utf-8"))
    if match is None:
        raise StageError("the card has no front matter", where=str(path))
    front = yaml.safe_load(match[1])
    if tables and "configs" not in front:
        front["configs"] = [
            {"config_name": name, "data_files": [{"split": "train", "path": files}]} for name, files in tables.items()
        ]
        front["configs"][0]["default"] = True
        write_text(path, f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True)}---\n{match[2]}")
    return [config["config_name"] for config in front.get("configs", ())] if tables else []


def _check_card(path: Path, kind: str) -> None:
    try:
        from huggingface_hub import DatasetCard, ModelCard
    except ImportError:
        raise needs("huggingface_hub") from None
    data = (DatasetCard if kind == "dataset" else ModelCard).load(path).data
    if not data.license:
        raise StageError("huggingface_hub reads no licence from the card", where=str(path))


def _check_tables(folder: Path, names: Sequence[str]) -> dict[str, int]:
    """Rows by table, as `datasets` loads them from the folder."""
    if not names:
        return {}
    try:
        import datasets
    except ImportError:
        raise needs("datasets") from None
    quiet = datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        with tempfile.TemporaryDirectory() as cache:
            return {
                name: len(datasets.load_dataset(str(folder), name, split="train", cache_dir=cache)) for name in names
            }
    except (ValueError, datasets.exceptions.DatasetsError) as error:
        raise StageError(f"datasets does not load the folder: {error}", where=str(folder)) from error
    finally:
        if not quiet:
            datasets.enable_progress_bars()
