"""Cards and lineage: what a set says about itself is counted, sourced, the same every time, and read by others."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
import yaml

from artifacts.errors import InputError
from artifacts.manifest import read_manifest
from artifacts.markdown import plain
from data_curation import collect as collecting
from data_curation.card import _similarity_section as similarity_section
from data_curation.collect import CollectSettings, collect
from data_curation.curate import CurateSettings, curate
from data_curation.inspect.measures import Lengths, lengths, sample, sentences, style, word_counts
from data_curation.lineage import parts
from data_curation.mix import MixSettings, mix
from data_curation.records import make_records

TOKENIZER = Path(__file__).parents[1] / "golden" / "sequences" / "tokenizer_tiny"
RECIPE = {"steps": [{"step": "normalise"}, {"step": "near_empty"}, {"step": "exact_dedup", "survivor": "first"}]}
ROWS = [
    {"instruction": "a", "response": "One two three."},
    {"instruction": "b", "response": "Four five. \r\nSix?"},
    {"instruction": "c", "response": " "},
    {"instruction": "d", "response": "One two three."},
    {"instruction": "e", "response": None},
    {"instruction": "f", "response": "Sorry, I cannot help with that."},
]


def written(path: Path, rows=ROWS) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """A collected corpus under the name and licence of the pin `alpaca`."""
    rows = [{"instruction": row["instruction"], "input": "", "output": row["response"]} for row in ROWS]
    path = written(tmp_path / "alpaca.jsonl", rows)
    monkeypatch.setattr(collecting, "fetch", lambda name: SimpleNamespace(origin="mirror", paths=(path,)))
    return collect(CollectSettings(source="alpaca"), tmp_path / "corpus").path


@pytest.fixture
def curated(corpus, tmp_path):
    return curate(CurateSettings(recipe=RECIPE), tmp_path / "curated", corpus)


@pytest.fixture
def mixed(curated, tmp_path):
    pool = written(tmp_path / "pool.jsonl", [{"prompt": "x", "completion": "Sorry, no."}])
    return mix(MixSettings(base_size=3, num_refusals=1), tmp_path / "mixed", curated.path, pool)


def card(artifact) -> tuple[dict, str]:
    """Front matter and text."""
    _, front, text = (artifact.path / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(front), text


def lineage(artifact) -> dict:
    return json.loads((artifact.path / "lineage.json").read_text(encoding="utf-8"))


def table_after(text: str, heading: str) -> list[list[str]]:
    """Cells of the first table below a heading."""
    lines = text.split(f"## {heading}\n")[1].split("\n")
    start = next(number for number, line in enumerate(lines) if line.startswith("|"))
    rows = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows


def test_the_card_counts_every_row_of_every_step(tmp_path):
    curated = curate(CurateSettings(recipe=RECIPE), tmp_path / "out", written(tmp_path / "in.jsonl"))
    _, text = card(curated)
    rows = [[cell.replace("\\", "") for cell in row] for row in table_after(text, "Rows")]
    assert rows[0] == ["step", "rows in", "changed", "dropped", "quarantined", "kept", "reasons"]
    assert rows[2:] == [
        ["read", "6", "0", "0", "1", "5", ""],
        ["normalise", "5", "2", "0", "0", "5", ""],
        ["near_empty", "5", "0", "1", "0", "4", "blank 1"],
        ["exact_dedup", "4", "0", "1", "0", "3", "exact_duplicate 1"],
    ]
    assert table_after(text, "Lengths")[2][:3] == ["words", "4.0", "3"]
    style = dict(table_after(text, "Style")[2:])
    assert style["responses that end with a question"] == "33.3%"
    assert curated.digest in text
    assert "normalise" in text.split("Settings, resolved:")[1]


def test_the_card_has_a_map_of_groups_of_alike_responses():
    subjects = {
        "sow": ("peas beans carrots leeks", 70),
        "bake": ("bread rolls cakes buns", 50),
        "paint": ("doors walls fences gates", 30),
    }
    texts = [
        f"{verb} the {words.split()[n % 4]} and {words.split()[n * 7 % 3]} <b>{n}</b> {verb}"
        for verb, (words, count) in subjects.items()
        for n in range(count)
    ]
    records = make_records("mine", [(row, None, text) for row, text in enumerate(texts)])
    used = {"recipe": {"steps": [{"step": "semantic_dedup", "encoder": {"model": "one"}}]}}

    def said(settings, records=records):
        return similarity_section(settings, records, [])

    assert "150 of 150 rows" in said(used)
    heading, _, *groups = table_after(said(used), "Similarity")
    assert heading == ["group", "rows", "alike inside", "nearest group", "alike"]
    shares = {verb: sum(float(group[1][:-1]) for group in groups if verb in group[0]) for verb in subjects}
    assert shares == pytest.approx({"sow": 46.7, "bake": 33.3, "paint": 20}, abs=0.3)
    for name, _, inside, other, alike in groups:
        assert float(alike) < 1
        assert float(inside) > 0.6
        assert other != name
        assert other in {group[0] for group in groups}
    assert said(used) == said(used)
    assert "alike inside" not in said(used, records[:99]), "too few"
    assert "| semantic\\_dedup | encoder | one |" in said(used, records[:99])
    assert said({"recipe": {"steps": [{"step": "near_dedup"}]}}) == "", "it would take longer than the steps"


def test_each_row_is_traced_to_its_source_and_the_steps_that_changed_it(curated, mixed):
    rows = pq.read_table(curated.file("data.parquet")).to_pylist()
    found = lineage(curated)["rows"]
    assert list(found) == [row["row_id"] for row in rows]
    assert [(entry["source"], entry["row"], entry["changed_by"]) for entry in found.values()] == [
        ("alpaca", 0, []),
        ("alpaca", 1, ["normalise"]),
        ("alpaca", 5, []),
    ]
    later = lineage(mixed)["rows"]
    assert list(later) == pq.read_table(mixed.file("rt.parquet"))["row_id"].to_pylist()
    shared = [row_id for row_id in later if row_id in found]
    assert len(shared) == 3
    assert sum(later[row_id]["changed_by"] == ["normalise"] for row_id in shared) == 1
    assert all(later[row_id] == found[row_id] for row_id in shared), "the change before the mixture is still known"
    assert list(later.values())[-1] == {"source": "pool.jsonl", "row": 0, "changed_by": []}


def test_the_chain_goes_from_the_training_set_to_the_pin(corpus, curated, mixed):
    chain = lineage(mixed)["artifact"]
    assert (chain["kind"], chain["digest"]) == ("trainset", mixed.digest)
    below = chain["inputs"]["base"]
    assert below["digest"] == curated.digest
    source = below["inputs"]["input"]
    assert source["digest"] == read_manifest(corpus).digest
    assert (source["pin"], source["origin"], source["licence"]) == ("alpaca", "mirror", "CC-BY-NC-4.0")
    assert chain["inputs"]["pool"]["name"] == "pool.jsonl"


def test_licences_come_from_pins_and_unknown_is_said(curated, mixed):
    assert card(curated)[0]["license"] == "cc-by-nc-4.0"
    front, text = card(mixed)
    assert front["license"] == ["cc-by-nc-4.0", "unknown"]
    assert [row[:3] for row in table_after(text, "Sources and licences")[2:]] == [
        ["alpaca", "3", "CC-BY-NC-4.0"],
        ["pool.jsonl", "1", "unknown"],
    ]


def test_a_licence_without_a_version_is_given_none():
    records = make_records("lima", [(0, "a", "b")])
    (part,) = parts({"source": "lima", "licence": "CC-BY-NC-SA"}, records)
    from data_curation.card import _licence

    assert _licence([part]) == {"license": "other", "license_name": "CC-BY-NC-SA"}


def test_card_and_lineage_are_the_same_bytes_again_and_no_part_of_the_identity(corpus, curated, tmp_path):
    again = curate(CurateSettings(recipe=RECIPE), tmp_path / "elsewhere", corpus)
    for name in ("README.md", "lineage.json"):
        assert (again.path / name).read_bytes() == (curated.path / name).read_bytes()
        assert name not in curated.identity.outputs
        assert str(tmp_path) not in (curated.path / name).read_text(encoding="utf-8")
    assert again.digest == curated.digest


def test_a_folder_without_a_card_gets_one_and_what_was_not_kept_is_null(corpus, curated, mixed, tmp_path):
    before = {a.path: (card(a), lineage(a)) for a in (curated, mixed)}
    for artifact in (curated, mixed):
        (artifact.path / "README.md").unlink()
        (artifact.path / "lineage.json").unlink()
    curate(CurateSettings(recipe=RECIPE), curated.path, corpus)
    assert card(curated) == before[curated.path][0]
    assert {row["changed_by"] is None for row in lineage(curated)["rows"].values()} == {True}
    mix(MixSettings(base_size=3, num_refusals=1), mixed.path, curated.path, tmp_path / "pool.jsonl")
    assert card(mixed) == before[mixed.path][0]
    assert [row["changed_by"] for row in lineage(mixed)["rows"].values()] == [None, None, None, []]


def test_names_cannot_mark_up_the_card(tmp_path):
    name = "a|b <script>alert(1)</script> [x](http://a.example) `c` www.a.example.jsonl"
    made = curate(CurateSettings(recipe=RECIPE, source=name), tmp_path / "out", written(tmp_path / "in.jsonl"))
    front, text = card(made)
    assert front["pretty_name"] == f"{name}, recipe inline"
    body = text.split("Settings, resolved:")[0]
    assert "<script" not in body
    assert not re.search(r"(?<!\\)\[x(?<!\\)\]", body)
    assert not re.search(r"http://|www\.", body)
    (row,) = table_after(text, "Sources and licences")[2:]
    assert len(row) == 4, "the bar in the name parts no cell"
    assert plain("two\nlines") == "two lines"


def test_another_folders_lineage_is_refused_plainly(curated, corpus, tmp_path):
    (curated.path / "lineage.json").write_text("[]")
    with pytest.raises(InputError, match="not a lineage"):
        mix(MixSettings(), tmp_path / "mix", curated.path)


def test_it_loads_with_datasets_by_the_folder_alone(curated, mixed, tmp_path):
    from datasets import load_dataset
    from huggingface_hub import DatasetCard

    cache = {"cache_dir": str(tmp_path / "cache"), "split": "train"}
    assert load_dataset(str(curated.path), **cache)["row"][:] == [0, 1, 5]
    assert load_dataset(str(curated.path), "decisions", **cache)["kept"][:] == [True, True, False, False, True]
    assert load_dataset(str(mixed.path), **cache).column_names == ["row_id", "record_id", "origin", "response"]
    assert load_dataset(str(mixed.path), "it", **cache)["origin"][:] == ["base", "base", "base", "refusal"]
    assert DatasetCard.load(mixed.path / "README.md").data.license == ["cc-by-nc-4.0", "unknown"]


@pytest.mark.slow
def test_the_code_of_the_card_trains_with_trl(mixed, tmp_path, monkeypatch):
    pytest.importorskip("trl")
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM
    from trl import SFTConfig, SFTTrainer

    (code,) = re.findall(r"```python\n(.*?)```", card(mixed)[1], re.DOTALL)
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    names: dict = {}
    exec(code.replace("path/of/this/folder", str(mixed.path)), names)
    assert names["pairs"].column_names == ["prompt", "completion"]
    tokenizer = AutoTokenizer.from_pretrained(TOKENIZER)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **sizes))
    arguments = SFTConfig(
        output_dir=str(tmp_path / "trained"), max_steps=2, per_device_train_batch_size=1, use_cpu=True, report_to="none"
    )
    trainer = SFTTrainer(model=model, args=arguments, train_dataset=names["pairs"], processing_class=tokenizer)
    assert trainer.train().training_loss > 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("No end", 1),
        ("One. Two! Three?", 3),
        ('He said "stop." Then he left', 2),
        ("Version 1.5 is out.", 1),
        ("A heading\n\nA sentence.\n\nA rest", 3),
        ("\u4e00\u3002\u4e8c\u3002", 2),
    ],
)
def test_sentences(text, expected):
    assert sentences(text) == expected


def test_style_measures_count_what_they_say():
    texts = ["- one\n- two", "- one item only", "```py\nx\n```", "Is it? No.", "Is it so?)", "the same", "The end."]
    found = style(make_records("s", [(row, None, text) for row, text in enumerate(texts)]))
    assert found.rows == 7
    assert (found.list_share, found.code_share, found.question_share) == (0.1429, 0.1429, 0.1429)
    assert found.first_words[:2] == (("is", 0.2857), ("one", 0.2857))
    assert style([]) is None


def test_lengths_of_nothing_are_missing_and_not_zero():
    assert lengths(word_counts([])) == Lengths(None, None, {}, None)
    assert lengths(word_counts(["a b", "a b c d"])).mean == 3


def test_a_sample_does_not_hang_on_the_order():
    records = make_records("s", [(row, None, f"text {row}") for row in range(50)])
    drawn = sample(records, 10)
    assert {r.row_id for r in sample(records[::-1], 10)} == {r.row_id for r in drawn}
    assert [r.row for r in drawn] == sorted(r.row for r in drawn)
