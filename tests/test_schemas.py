"""docs/schemas.md names the columns that the code writes, file by file."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from data_curation import decisions, mix, records, rewrite
from data_curation.collect import PROMPT_SCHEMA
from data_curation.conflicts import Conflict
from data_curation.readers.rows import Quarantined
from paper_repro.annotate import schema as annotations
from paper_repro.capabilities import stage as capabilities
from paper_repro.columns import is_optional
from paper_repro.generate import schema as generations
from paper_repro.judge import schema as verdicts
from paper_repro.ranking import stage as ranking
from paper_repro.score.comparisons import Comparison
from paper_repro.testbed.sets import defects

TEXT = (Path(__file__).parents[1] / "docs" / "schemas.md").read_text(encoding="utf-8")
DATA_FILES = TEXT.partition("\n## Data files")[2].partition("\n## ")[0]
MAY_HAVE = "; may have "


def _names(cell):
    return re.findall(r"`([^`]+)`", cell)


def _documented():
    """(file, artifact) -> (columns, columns that may be lacking)."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in DATA_FILES.splitlines() if line[:3] == "| `"
    ]
    told = {}
    for artifact, files, columns in rows:
        always, _, sometimes = columns.partition(MAY_HAVE)
        for file in _names(files):
            assert (file, artifact) not in told, f"{file} of {artifact} is documented twice"
            told[file, artifact] = (_names(always), _names(sometimes))
    return told


def _columns(schema):
    return [f.name for f in schema if not is_optional(f)], [f.name for f in schema if is_optional(f)]


def _fields(kind):
    return [field.name for field in fields(kind)], []


WRITTEN = {
    ("data.parquet", "`corpus`, `curated`"): (records.SCHEMA.names, [records.QUALITY]),
    ("quarantine.jsonl", "`corpus`, `curated`"): _fields(Quarantined),
    ("labels.parquet", "`corpus` (dirty sets of the testbed)"): _columns(defects.LABELS),
    ("decisions.parquet", "`curated`"): _columns(decisions.DECISIONS),
    ("steps.parquet", "`curated`"): _columns(decisions.STEPS),
    ("rewrites.parquet", "`curated` (by `rt rewrite`)"): _columns(rewrite.SCHEMA),
    ("it.parquet", "`trainset`"): _columns(mix.SCHEMA),
    ("rt.parquet", "`trainset`"): ([name for name in mix.SCHEMA.names if name != "instruction"], []),
    ("conflicts.jsonl", "`trainset`"): _fields(Conflict),
    ("prompts.parquet", "`prompts`"): (PROMPT_SCHEMA.names, ["reference"]),
    ("generations.parquet", "`generations`"): _columns(generations.SCHEMA),
    ("ranking.parquet", "`ranking`"): _columns(ranking.SCHEMA),
    ("verdicts.parquet", "`verdicts`"): _columns(verdicts.SCHEMA),
    ("items.parquet", "`annotations`"): _columns(annotations.ITEM_COLUMNS),
    ("assignments.parquet", "`annotations`"): _columns(annotations.ASSIGNMENT_COLUMNS),
    ("comparisons.csv", "`scores`"): _fields(Comparison),
    ("items.parquet", "`scores` (by `rt capabilities`)"): _columns(capabilities.SCHEMA),
}


@pytest.mark.parametrize("key", WRITTEN, ids=lambda key: f"{key[0]} of {key[1]}")
def test_the_documented_columns_are_the_ones_written(key):
    assert _documented()[key] == WRITTEN[key]


def test_every_parquet_file_that_is_documented_is_compared_with_the_code():
    tables = {key for key in _documented() if key[0].endswith(".parquet")}
    assert tables - set(WRITTEN) == {("results.parquet", "`scores`")}  # in tests/paper_repro/score/test_schema.py


def test_no_command_has_two_rows():
    section = TEXT.partition("\n## What other commands print")[2].partition("\n## ")[0]
    commands = [line.split("|")[1].strip() for line in section.splitlines() if line[:6] == "| `rt "]
    assert len(commands) > 20 and len(set(commands)) == len(commands)
