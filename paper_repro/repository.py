"""Repositories of the hub that no pin names: their weights and tokenizers, by commit."""

from __future__ import annotations

from pathlib import Path

from artifacts.errors import MissingDataError, first_line
from artifacts.origins import hub_failures

# what is asked for: no pickles, no code
MODEL = ("*.json", "*.safetensors", "tokenizer.model", "*.txt", "*.jinja")
TOKENIZER = ("*token*.json", "config.json", "vocab.*", "merges.txt", "tokenizer.model", "*.jinja")


def fetched_repository(repo: str, revision: str | None, *, tokenizer_only: bool = False) -> Path:
    """Folder of a repository's weights and tokenizer in the hub's cache, fetched if need be.

    Args:
        repo: `owner/repo`.
        revision: Commit (40 hex digits); None for the newest.
        tokenizer_only: Leave the weights.

    Raises:
        MissingDataError: it cannot be had; the message says how to get it.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    where = f"{repo}@{revision}" if revision else repo
    patterns = list(TOKENIZER if tokenizer_only else MODEL)
    try:
        return Path(snapshot_download(repo, revision=revision, allow_patterns=patterns))
    except GatedRepoError:
        raise MissingDataError(
            "the repository is gated: its terms have to be accepted first",
            where=where,
            fix=f"accept them on the page of {repo} on the hub, then log in (hf auth login) with that account; "
            "or download the repository and use weights: path",
        ) from None
    except RevisionNotFoundError:
        fix = "give a commit that the repository has"
        raise MissingDataError("the hub has no such commit", where=where, fix=fix) from None
    except RepositoryNotFoundError:
        raise MissingDataError(
            "the hub shows no such repository: it does not exist, or is private, or this machine is not logged in",
            where=where,
            fix="check the name, and log in (hf auth login) if the repository is private",
        ) from None
    except hub_failures() as error:
        raise MissingDataError(
            f"cannot be had from the hub: {first_line(error)}",
            where=where,
            fix="allow the network (and accept the terms of a gated repository), or download the repository "
            "and use weights: path",
        ) from None


def repository_availability(repo: str, revision: str) -> str:
    """Whether weights of that commit are in the hub's cache, without any network: in words as of a pin's.

    Returns:
        `here: fetched before (hub)` or `to be downloaded: hub`.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(repo, revision=revision, local_files_only=True))
    except LocalEntryNotFoundError:
        return "to be downloaded: hub"
    # a snapshot may hold the tokenizer alone
    return "here: fetched before (hub)" if any(folder.glob("*.safetensors")) else "to be downloaded: hub"
