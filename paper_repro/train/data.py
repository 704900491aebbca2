"""Training data: the file that a method reads, its sequences, and what was cut or masked away."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifacts.errors import DigestError, InputError
from artifacts.manifest import is_artifact, read_manifest
from paper_repro.rows import Row, read_rows
from paper_repro.sequences import TokenSequence, build_all
from paper_repro.train.settings import TrainSettings

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_KINDS = ("trainset", "curated", "corpus")
_COLUMNS = ("response_key", "instruction_key")
log = logging.getLogger("rt")


@dataclass(frozen=True)
class TrainingData:
    """Sequences to train on, in the set's order, without those that have nothing to train.

    Attributes:
        sequences: What is trained.
        counts: Facts for the summary: rows, truncated, fully masked, straddling, tokens, loss-bearing tokens.
    """

    sequences: list[TokenSequence]
    counts: dict[str, int]


def check_trainset(settings: TrainSettings, trainset: Path) -> None:
    """Refuse settings without effect on a set, and a file without the artifact that it belongs to.

    Raises:
        InputError: names of columns for a folder, whose columns are known; or a file of an artifact, which alone does
            not tell what is in it (refusals, recipe), so that the model would be recorded as another condition.
    """
    named = [key for key in _COLUMNS if getattr(settings, key) != TrainSettings.model_fields[key].default]
    if trainset.is_dir() and named:
        raise InputError(
            f"column names are for plain files; this set has response/instruction ({', '.join(named)} given)",
            where=str(trainset),
            fix="leave the names out, or give the file of rows itself",
        )
    owner = _owner(trainset.resolve()) if trainset.is_file() else None
    if owner is not None:
        raise InputError(
            "belongs to an artifact, whose manifest says what it holds",
            where=str(trainset),
            fix=f"give the folder: {owner} (--method chooses the file)",
        )


def _owner(file: Path) -> Path | None:
    """The artifact with training data of which a file is an output, or a part of one."""
    for folder in file.parents[:2]:
        if not is_artifact(folder):
            continue
        try:
            identity = read_manifest(folder).identity
        except DigestError:
            raise
        except InputError:  # somebody else's manifest.json
            continue
        if identity.kind in _KINDS and file.relative_to(folder).as_posix() in identity.outputs:
            return folder
    return None


def training_file(trainset: Path, method: str) -> Path:
    """The file that `method` reads in a mixed set, a curated set, any folder of the same layout, or the file itself.

    Raises:
        InputError: an IT request on a set without instructions, or a folder that is no training set.
    """
    if trainset.is_file():
        return trainset
    if is_artifact(trainset):
        kind = read_manifest(trainset).identity.kind
        if kind not in _KINDS:
            raise InputError(f"a '{kind}' artifact holds no training data", where=str(trainset))
    names = {name for name in ("rt.parquet", "it.parquet", "data.parquet") if (trainset / name).exists()}
    if f"{method}.parquet" in names:
        return trainset / f"{method}.parquet"
    if "data.parquet" in names:
        return trainset / "data.parquet"
    if method == "it" and "rt.parquet" in names:
        raise InputError(
            "this set has no instructions, so IT is impossible",
            where=str(trainset),
            fix="use method: rt, or mix a set from a source with instructions",
        )
    raise InputError("no training set (no rt.parquet, it.parquet or data.parquet)", where=str(trainset))


def condition_facts(trainset: Path, name: str | None) -> dict[str, Any]:
    """What the training set says about the condition: response_set, recipe, num_refusals, strategy.

    A mixed set knows all of it; other data is a response set without refusals mixed in, under its own name.
    """
    summary = read_manifest(trainset).summary if is_artifact(trainset) else {}
    condition = summary.get("condition") or {
        "response_set": summary.get("response_set") or summary.get("source") or _plain_name(trainset),
        # a corpus is as its source gave it; of other data nobody knows
        "recipe": summary.get("recipe") or ("paper" if "source" in summary else None),
        "num_refusals": 0,
        "strategy": None,
    }
    return condition | ({"response_set": name} if name else {})


def _plain_name(path: Path) -> str:
    return path.stem if path.is_file() else path.name


def load_data(tokenizer: PreTrainedTokenizerBase, trainset: Path, settings: TrainSettings) -> TrainingData:
    """Read the rows and build their sequences; raises InputError if all are blank or nothing is left to train."""
    path = training_file(trainset, settings.method)
    keys = {"response_key": settings.response_key, "instruction_key": settings.instruction_key}
    rows = read_rows(path, needs_instruction=settings.method == "it", **(keys if path == trainset else {}))
    _check_blank(path, rows)
    pairs = [(row.instruction, row.response) for row in rows]
    options = {"masking": settings.masking, "max_length": settings.max_length, "loss_on": settings.loss_on}
    built = list(build_all(tokenizer, settings.method, pairs, **options))
    kept = [sequence for sequence in built if sequence.predicted]
    if not kept:
        raise InputError("no row has a token to train", where=str(path), fix="raise max_length")
    counts = {
        "rows": len(built),
        "rows_truncated": sum(sequence.truncated for sequence in built),
        "rows_fully_masked": len(built) - len(kept),
        "rows_straddling_marker": sum(sequence.straddles for sequence in built),
        "tokens": sum(len(sequence.input_ids) for sequence in kept),
        "loss_tokens": sum(sequence.predicted for sequence in kept),
    }
    return TrainingData(kept, counts)


def _check_blank(path: Path, rows: list[Row]) -> None:
    """Tell of responses without a word, from which a model learns to say nothing; refuse a set of nothing else."""
    blank = sum(not row.response.strip() for row in rows)
    if blank == len(rows):
        raise InputError(
            "every response is blank, so there is nothing to learn",
            where=str(path),
            fix="give rows with responses; is response_key the right column?",
        )
    if blank:
        log.warning(
            "%s: %d of %d responses are blank; the model is trained to say nothing there", path, blank, len(rows)
        )
