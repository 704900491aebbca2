"""Response ranking on models whose answer is known: one without any preference, and one that learnt its pairs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import typer
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM
from typer.testing import CliRunner

from artifacts.errors import InputError
from paper_repro.cli.rank import register
from paper_repro.models import ModelSource
from paper_repro.ranking import RankSettings, rank
from paper_repro.ranking.likelihood import log_probabilities, response_sequences
from paper_repro.ranking.pairs import Pair, chosen_pairs, mismatched, usable_pairs
from paper_repro.ranking.stage import measures
from paper_repro.rows import Row
from paper_repro.sequences import build

TINY = Path(__file__).resolve().parents[2] / "golden" / "sequences" / "tokenizer_tiny"
NUMBERS = ["one", "two", "three", "four", "five", "six"]
PAIRS = [(f"Count to {word}.", ", ".join(NUMBERS[: place + 1]) + ".") for place, word in enumerate(NUMBERS)]


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(TINY)


def tiny_model(tokenizer, spread: float) -> LlamaForCausalLM:
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = LlamaConfig(vocab_size=len(tokenizer), bos_token_id=0, eos_token_id=1, initializer_range=spread, **sizes)
    return LlamaForCausalLM(config).eval()


def saved(model, tokenizer, folder: Path) -> ModelSource:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return ModelSource(name=str(folder), weights="path")


@pytest.fixture(scope="module")
def indifferent(tokenizer, tmp_path_factory) -> ModelSource:
    """A model whose head is 0: every token has the same probability."""
    model = tiny_model(tokenizer, 0.1)
    torch.nn.init.zeros_(model.lm_head.weight)
    return saved(model, tokenizer, tmp_path_factory.mktemp("models") / "indifferent")


@pytest.fixture(scope="module")
def taught(tokenizer, tmp_path_factory) -> ModelSource:
    """A model that learnt the pairs by heart."""
    model = tiny_model(tokenizer, 0.1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    rows = [build(tokenizer, "it", *pair) for pair in PAIRS]
    for _ in range(60):
        for row in rows:
            model(torch.tensor([row.input_ids]), labels=torch.tensor([row.labels])).loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    return saved(model, tokenizer, tmp_path_factory.mktemp("models") / "taught")


def file_of(folder: Path, pairs) -> Path:
    path = folder / "pairs.jsonl"
    path.write_text("".join(json.dumps({"instruction": i, "response": r}) + "\n" for i, r in pairs))
    return path


def test_without_preference_the_shorter_response_wins_in_total_and_nothing_per_token(indifferent, tokenizer, tmp_path):
    artifact = rank(RankSettings(base=indifferent), file_of(tmp_path, PAIRS), tmp_path / "out")
    rows = pd.read_parquet(artifact.file("ranking.parquet"))
    each = np.log(len(tokenizer))
    assert np.allclose(rows["log_probability"], -each * rows["tokens"], rtol=1e-6)
    assert np.allclose(rows["mismatched_log_probability"], -each * rows["mismatched_tokens"], rtol=1e-6)
    shorter = (rows["tokens"] < rows["mismatched_tokens"]).mean()
    summary = artifact.summary
    assert summary["total"]["rate"] == pytest.approx(shorter) and 0 < shorter < 1
    assert abs(summary["per_token"]["margin"]) < 1e-6
    assert summary["condition"]["method"] == "untuned" and summary["condition"]["base_model"] == "indifferent"


def test_a_model_that_learnt_the_pairs_ranks_every_right_response_first(taught, tmp_path):
    artifact = rank(RankSettings(base=taught, mismatches=3), file_of(tmp_path, PAIRS), tmp_path / "out")
    summary = artifact.summary
    assert (summary["pairs"], summary["comparisons"]) == (6, 18)
    for name in ("total", "per_token"):
        assert summary[name]["rate"] == 1.0 and summary[name]["ties"] == 0
        assert summary[name]["low"] == pytest.approx(0.609666, abs=1e-6)  # Wilson, 6 of 6
        assert 0 < summary[name]["margin_low"] <= summary[name]["margin"] <= summary[name]["margin_high"]


def test_the_wrong_responses_of_a_taught_model_are_the_likelier_ones_where_pairs_are_crossed(taught, tmp_path):
    crossed = [(PAIRS[0][0], PAIRS[1][1]), (PAIRS[1][0], PAIRS[0][1])]
    artifact = rank(RankSettings(base=taught), file_of(tmp_path, crossed), tmp_path / "out")
    assert artifact.summary["total"]["rate"] == artifact.summary["per_token"]["rate"] == 0.0


def test_log_probabilities_are_those_of_the_response_alone(taught, tokenizer):
    from paper_repro.models import load_base

    model, (instruction, response) = load_base(taught), PAIRS[3]
    sequences = response_sequences(tokenizer, [PAIRS[0], (instruction, response)], 1000)
    assert tokenizer.decode(sequences[1].trained) == response
    sums, counts = log_probabilities(model, sequences, 4096)
    prompt = tokenizer(f"<|user|>\n{instruction}\n<|assistant|>\n")["input_ids"]
    answer = sequences[1].input_ids[len(prompt) :]
    with torch.no_grad():
        logits = model(torch.tensor([sequences[1].input_ids])).logits[0].double().log_softmax(-1)
    expected = sum(logits[len(prompt) + place - 1, token].item() for place, token in enumerate(answer))
    assert counts[1] == len(answer) and sums[1] == pytest.approx(expected, rel=1e-4)
    alone, _ = log_probabilities(model, sequences, 1)  # a pass each
    assert np.allclose(sums, alone, rtol=1e-4)


def test_pairs_and_their_wrong_responses_do_not_depend_on_the_order_of_the_file(taught, tmp_path):
    given = [Pair(place, *pair) for place, pair in enumerate(PAIRS)]
    turned = [Pair(place, *pair) for place, pair in enumerate(PAIRS[::-1])]
    first, second = (chosen_pairs(pairs, 4, seed=0) for pairs in (given, turned))
    assert [p.instruction for p in first] == [p.instruction for p in second]
    assert [p.instruction for p in chosen_pairs(given, 4, seed=1)] != [p.instruction for p in first]
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    files = [file_of(tmp_path / name, pairs) for name, pairs in (("a", PAIRS), ("b", PAIRS[::-1]))]
    results = [rank(RankSettings(base=taught), file, tmp_path / f"out-{file.parent.name}").summary for file in files]
    assert results[0] == results[1]


def test_a_response_that_would_be_right_is_never_the_wrong_one():
    pairs = [Pair(0, "a", "x"), Pair(1, "a", "y"), Pair(2, "b", "x"), Pair(3, "c", "z")]
    assert mismatched(pairs, 1) == [[3], [2], [3], [0]]
    with pytest.raises(InputError, match="row 0 has only 1"):
        mismatched(pairs, 2)


def test_rows_in_are_pairs_and_what_was_left_out(indifferent, tmp_path):
    rows = [*PAIRS, PAIRS[0], ("Say nothing.", "  "), ("Say much.", "one " * 90)]
    artifact = rank(RankSettings(base=indifferent, max_length=80, limit=None), file_of(tmp_path, rows), tmp_path / "o")
    s = artifact.summary
    assert (s["rows_repeated"], s["rows_without_response"], s["rows_too_long"]) == (1, 1, 1)
    assert s["rows"] == s["pairs"] + 3 == 9
    assert usable_pairs([Row("a", "b"), Row("a", "b")])[1]["rows_repeated"] == 1


def test_ties_count_half():
    row = {"place": 0, "mismatched_place": 1, "tokens": 2, "mismatched_tokens": 1}
    rows = [
        row | {"log_probability": -2.0, "mismatched_log_probability": -2.0},  # total tied; per token -1 against -2
        row | {"log_probability": -1.0, "mismatched_log_probability": -2.0},
    ]
    found = measures(rows, 2)
    assert found["total"]["rate"] == 0.75 and found["total"]["ties"] == 1
    assert found["per_token"]["rate"] == 1.0 and found["per_token"]["margin"] == pytest.approx(1.25)


@pytest.mark.parametrize("given", [{}, {"base": ModelSource(name="testbed-2m-many-0", weights="shipped")}])
def test_exactly_one_model(given, tmp_path):
    with pytest.raises(InputError, match=r"no model is given|both a model"):
        rank(RankSettings(**given), tmp_path, tmp_path / "out", model=tmp_path if given else None)


def test_the_command_prints_numbers_with_their_intervals_and_finds_them_again(taught, tmp_path, monkeypatch):
    monkeypatch.setenv("RT_HOME", str(tmp_path / "home"))
    application = typer.Typer()
    register(application)
    application.callback()(lambda: None)
    command = ["rank", str(file_of(tmp_path, PAIRS)), "--base", taught.name]
    first = json.loads(CliRunner().invoke(application, [*command, "--json"]).stdout)
    assert (first["kind"], first["up_to_date"], first["summary"]["pairs"]) == ("ranking", False, 6)
    again = CliRunner().invoke(application, command).stdout
    assert "up to date" in again and "6 of 6 rows" in again
    assert re.search(r"whole response +100\.0%  \[61\.0%, 100\.0%\]", again)


def test_a_shipped_base_ranks(tmp_path):
    base = ModelSource(name="testbed-0.5m-many-0", weights="shipped")
    summary = rank(RankSettings(base=base), file_of(tmp_path, PAIRS), tmp_path / "out").summary
    assert summary["condition"]["base_model"] == "testbed-0.5m-many-0" and summary["pairs"] == 6


def test_a_folders_name_is_not_in_the_digest_which_does_not_know_it(indifferent, tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        rows = [{"row_id": f"{i}", "instruction": f"q {i}", "response": f"a {i}"} for i in range(4)]
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / name / "it.parquet")
    made = [rank(RankSettings(base=indifferent), tmp_path / name, tmp_path / f"r-{name}") for name in ("one", "other")]
    assert made[0].digest == made[1].digest
