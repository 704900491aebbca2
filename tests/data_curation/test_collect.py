"""collect: every pinned source with the rows that its upstream has, ids, and faults told."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest

from artifacts.errors import InputError, MissingDataError, SettingsError, UserError
from data_curation import collect as module
from data_curation.collect import CollectSettings, collect, rows_digest
from data_curation.records import SCHEMA, from_table, make_records
from data_curation.sources import SOURCES

# rows of each file, as the mirror's MANIFEST.json has them
FILES = {
    "dolly": "train/dolly_15k.jsonl.zst",
    "lima": "train/lima_train.jsonl",
    "alpaca": "train/alpaca_data.jsonl.zst",
    "alpaca-cleaned": "train/alpaca_cleaned_first5k.jsonl.zst",
    "safety-tuned-llamas": "train/safety_only_data_Instructions.json",
    "alpaca-eval": "eval/alpaca_eval.json",
    "xstest": "eval/xstest_prompts.csv",
    "malicious-instruct": "eval/MaliciousInstruct.txt",
    "advbench": "eval/advbench_harmful_behaviors.csv",
    "harmbench": "eval/harmbench_behaviors_text_all.csv",
    "just-eval": "eval/just_eval_instruct.jsonl",
    "infobench": "eval/infobench.jsonl",
}


@pytest.fixture
def file_as_pin(monkeypatch):
    """Make one file stand for the pin of any source."""

    def use(path):
        monkeypatch.setattr(module, "fetch", lambda name: SimpleNamespace(origin="mirror", paths=(path,)))
        return path

    return use


@pytest.mark.parametrize("name", SOURCES)
def test_every_row_of_the_mirror_is_collected(mirror, tmp_path, name):
    catalogue = {entry["file"]: entry for entry in json.loads((mirror / "MANIFEST.json").read_text())}
    artifact = collect(CollectSettings(source=name, rows="all"), tmp_path / "out")
    summary = artifact.summary
    assert (summary["rows_in"], summary["quarantined"]) == (catalogue[FILES[name]]["rows"], 0)
    assert summary["rows"] == summary["rows_in"] - sum(summary.get("left_out", {}).values())
    assert summary["sha256"] == catalogue[FILES[name]]["sha256"]
    assert (summary["pin"], summary["origin"]) == (name, "mirror")
    assert artifact.identity.kind == SOURCES[name].kind
    name = "data.parquet" if artifact.identity.kind == "corpus" else "prompts.parquet"
    table = pq.read_table(artifact.file(name))
    ids = table.column(0).to_pylist()
    assert len(set(ids)) == len(ids) == summary["rows"]


def test_lima_is_the_first_thousand_rows_unless_asked_for_all(mirror, tmp_path):
    summary = collect(CollectSettings(source="lima"), tmp_path / "paper").summary
    assert (summary["rows"], summary["first_exchange_only"]) == (1000, 0)
    summary = collect(CollectSettings(source="lima", rows="all"), tmp_path / "all").summary
    assert (summary["rows"], summary["first_exchange_only"]) == (1030, 30)


def test_xstest_prompts_know_whether_they_are_safe(mirror, tmp_path):
    artifact = collect(CollectSettings(source="xstest"), tmp_path / "out")
    assert artifact.summary["subsets"] == {"safe": 250, "unsafe": 200}
    assert set(pq.read_table(artifact.file("prompts.parquet")).column("benchmark").to_pylist()) == {"xstest"}


def test_the_default_number_of_rows_is_resolved_in_the_settings():
    assert CollectSettings(source="dolly").resolved() == {"source": "dolly", "rows": "all"}
    assert CollectSettings(source="lima").resolved() == {"source": "lima", "rows": 1000}
    assert CollectSettings(source="lima", rows=5).rows == 5


def test_an_unknown_source_is_refused_with_the_known_ones():
    with pytest.raises(UserError, match="no source is called 'dollly'"):
        CollectSettings(source="dollly")


def test_blank_outputs_stay_and_context_follows_the_instruction(tmp_path, file_as_pin):
    path = file_as_pin(tmp_path / "alpaca.jsonl")
    rows = [{"instruction": "I", "input": "C", "output": "R"}, {"instruction": "J", "input": "", "output": ""}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + "broken\n")
    artifact = collect(CollectSettings(source="alpaca"), tmp_path / "out")
    table = pq.read_table(artifact.file("data.parquet"))
    assert table.schema.equals(SCHEMA)
    assert [(r.row, r.instruction, r.response) for r in from_table(table)] == [(0, "I\n\nC", "R"), (1, "J", "")]
    assert [artifact.summary[key] for key in ("rows_in", "rows", "quarantined", "blank")] == [3, 2, 1, 1]
    (line,) = artifact.file("quarantine.jsonl").read_text().splitlines()
    assert json.loads(line)["line"] == 3


def test_prompts_one_a_line_without_a_last_line_end(tmp_path, file_as_pin):
    path = file_as_pin(tmp_path / "prompts.txt")
    path.write_bytes("First?\nSecond\u0085half?\n\nThird \xff".encode("utf-8") + b"\nbad \xff\nFirst?")
    artifact = collect(CollectSettings(source="malicious-instruct"), tmp_path / "out")
    table = pq.read_table(artifact.file("prompts.parquet"))
    assert table.column("prompt").to_pylist() == ["First?", "Second\u0085half?", "Third \u00ff", "First?"]
    assert len(set(table.column("prompt_id").to_pylist())) == 4
    entries = [json.loads(line) for line in artifact.file("quarantine.jsonl").read_text().split("\n") if line]
    assert [entry["line"] for entry in entries] == [3, 5]


def test_prompts_without_the_subset_they_need_are_quarantined(tmp_path, file_as_pin):
    path = file_as_pin(tmp_path / "xstest.csv")
    path.write_text("id,prompt,label\n1,Question?,safe\n2,Question?,\n3, ,unsafe\n")
    artifact = collect(CollectSettings(source="xstest"), tmp_path / "out")
    assert artifact.summary["subsets"] == {"safe": 1}
    assert artifact.summary["quarantined"] == 2


def test_a_prompt_file_with_nothing_usable_is_refused(tmp_path, file_as_pin):
    path = file_as_pin(tmp_path / "alpaca_eval.json")
    path.write_text('[{"prompt": "wrong column"}]')
    with pytest.raises(InputError, match="no text in column 'instruction'"):
        collect(CollectSettings(source="alpaca-eval"), tmp_path / "out")


def test_the_digest_of_the_rows_does_not_depend_on_their_order():
    rows = [(0, "I", "R"), (1, None, "S"), (2, "I", "R")]
    digest = rows_digest(make_records("a", rows))
    assert rows_digest(make_records("b", [(9, None, "S"), (3, "I", "R"), (4, "I", "R")])) == digest
    assert rows_digest(make_records("a", rows[:2])) != digest


def test_without_a_mirror_the_message_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.delenv("RT_MIRROR", raising=False)
    with pytest.raises(MissingDataError, match="RT_MIRROR"):
        collect(CollectSettings(source="lima"), tmp_path / "out")


def test_zero_rows_are_no_number_of_rows():
    from artifacts.settings import load_settings

    with pytest.raises(SettingsError, match="greater than 0"):
        load_settings(CollectSettings, source="lima", rows=0)
