"""The length-controlled win rate among a run's results: the number of `rt score alpaca-eval`, or why there is none."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import pytest
from pydantic import Field

from artifacts.errors import DigestError, MissingDataError
from artifacts.manifest import read_manifest
from artifacts.settings import Settings
from artifacts.stage import Stage
from paper_repro.columns import write_rows
from paper_repro.generate.schema import GENERATIONS, read_generations
from paper_repro.generate.schema import SCHEMA as REPLIES
from paper_repro.judge.schema import SCHEMA, VERDICTS, Opinion, verdict_row
from paper_repro.score import ScoreSettings, length_controlled, score
from paper_repro.score.records import score_file
from paper_repro.score.schema import read_results

METRIC = "length_controlled_win_rate"


class Preference(Settings):
    """As much of the judge's settings as records name."""

    parameters: dict[str, dict[str, str]] = Field(default_factory=lambda: {"model": {"name": "made up"}})


def condition(method, response_set="lima"):
    facts = {"base_model": "tiny", "model_size": 10, "response_set": response_set, "recipe": "paper"}
    return facts | {"method": method, "num_refusals": 0, "seed": 0}


ITS = condition("IT")


def generations(folder, facts, lengths, benchmark="alpaca-eval"):
    def work(settings, inputs, workspace):
        rows = [
            {
                "prompt_id": f"p{i}",
                "benchmark": benchmark,
                "subset": None,
                "prompt": f"Query {i}?",
                "response": "x" * length,
                "finish_reason": "eos",
                "num_tokens": length,
            }
            for i, length in enumerate(lengths)
        ]
        write_rows(workspace.path / GENERATIONS, rows, REPLIES)
        workspace.summary["condition"] = facts

    return Stage("generate", "generations", 1, Settings, work).run(Settings(), folder)[0]


def verdicts(folder, own, other, opinions):
    def work(settings, inputs, workspace):
        beside = zip(read_generations(own.path), read_generations(other.path), opinions, strict=True)
        rows = [
            verdict_row(row | {"against": against["response"]}, "preference-llm", opinion)
            for row, against, opinion in beside
        ]
        write_rows(workspace.path / VERDICTS, rows, SCHEMA)
        against = {"condition": other.summary["condition"], "generations": other.digest}
        workspace.summary.update(condition=own.summary["condition"], against=against)

    inputs = {"generations": own.path, "against": other.path}
    return Stage("judge", "verdicts", 1, Preference, work).run(Preference(), folder, inputs)[0]


@pytest.fixture
def made(case, tmp_path, monkeypatch):
    """A function: RT against IT on the first `n` instructions, where the judge mostly likes the longer reply."""
    monkeypatch.setattr(length_controlled, "fetch", lambda name: SimpleNamespace(paths=(case.file,)))
    monkeypatch.setattr(length_controlled, "INSTRUCTIONS", case.n)

    def make(n=case.n, unread=(), every=10, benchmark="alpaca-eval", other=ITS):
        pairs = list(case.annotations("longer"))[:n]
        own = generations(tmp_path / "own", condition("RT"), [second for _, _, second in pairs], benchmark)
        reference = generations(tmp_path / "other", other, [first for _, first, _ in pairs], benchmark)
        said = [Opinion("ok", label="win" if preference > 1.5 else "loss") for preference, _, _ in pairs]
        said = [unread[i // every % len(unread)] if unread and i % every == 0 else one for i, one in enumerate(said)]
        return verdicts(tmp_path / "verdicts", own, reference, said)

    return make


def scored(folder, out):
    artifact = score(ScoreSettings(resamples=100, study="instructability"), [folder], out)
    return {row.metric: row for row in read_results(out)}, artifact


def test_it_is_the_number_of_the_command_with_its_interval_and_counts(made, case, tmp_path):
    folder = made(unread=(Opinion("unclassified"), Opinion("failed"))).path
    rows, artifact = scored(folder, tmp_path / "scores")
    alone = score_file("alpaca-eval", folder, ScoreSettings(resamples=100), gamed=case.file)["numbers"]
    (number,) = (one for one in alone if one["metric"] == METRIC)
    row = rows[METRIC]
    assert (row.value, row.low, row.high) == pytest.approx(tuple(number[x] / 100 for x in ("value", "low", "high")))
    assert row.low < row.value < row.high
    assert (row.n, row.unclassified, row.failed) == (case.n, 10, 10)
    assert (row.benchmark, row.judge, row.against) == ("alpaca-eval", "preference-llm", "method=IT")
    plain = rows["judged_win_rate"].value / (1 - 0.1)
    assert abs(row.value - 0.5) < abs(plain - 0.5), "what is due to length is taken out"
    assert "missing" not in artifact.summary


def test_the_other_system_is_named_by_where_it_differs(made, tmp_path):
    refined = made(other=condition("RT", "lima-plain"))
    assert scored(refined.path, tmp_path / "scores")[0][METRIC].against == "response_set=lima-plain"
    untuned = {"base_model": "tiny", "model_size": 10, "method": "untuned"}
    shutil.rmtree(refined.path)
    shutil.rmtree(tmp_path / "other")
    assert scored(made(other=untuned).path, tmp_path / "b")[0]["judged_win_rate"].against == "method=untuned"


@pytest.mark.parametrize("error", [MissingDataError, DigestError])
def test_without_the_gamed_answers_there_is_none_and_the_scores_say_why(made, tmp_path, monkeypatch, error):
    def fails(name):
        raise error("not here, or not the pinned one")

    folder = made().path
    with monkeypatch.context() as patch:
        patch.setattr(length_controlled, "fetch", fails)
        rows, artifact = scored(folder, tmp_path / "without")
    assert METRIC not in rows and rows["judged_win_rate"].value > 0
    assert artifact.summary["missing"] == {METRIC: {read_manifest(folder).digest[:12]: length_controlled.NO_GAMED}}
    # having the file later is another input: the scores are made again, not found up to date
    again = score(ScoreSettings(resamples=100, study="instructability"), [folder], tmp_path / "without", overwrite=True)
    assert METRIC in again.summary["metrics"]


def test_a_slice_gives_none_and_nothing_is_fetched_for_it(made, tmp_path, monkeypatch):
    folder = made(n=50).path
    monkeypatch.setattr(length_controlled, "fetch", lambda name: pytest.fail("not needed"))
    rows, artifact = scored(folder, tmp_path / "slice")
    assert METRIC not in rows
    assert list(artifact.summary["missing"][METRIC].values()) == ["50 of the benchmark's 200 instructions were judged"]


def test_a_file_of_other_instructions_gives_none(made, case, tmp_path):
    lines = case.file.read_text(encoding="utf-8").splitlines(keepends=True)
    case.file.write_text("".join(lines[: 1 + 150]), encoding="utf-8")
    rows, artifact = scored(made().path, tmp_path / "scores")
    assert METRIC not in rows
    assert list(artifact.summary["missing"][METRIC].values()) == ["200 replies, 150 instructions in df_gamed.csv"]


def test_replies_that_are_gone_give_none(made, tmp_path):
    folder = made().path
    shutil.move(tmp_path / "other", tmp_path / "gone")
    rows, artifact = scored(folder, tmp_path / "scores")
    assert METRIC not in rows
    assert list(artifact.summary["missing"][METRIC].values()) == [length_controlled.NO_REPLIES]


def test_nothing_readable_is_a_missing_number_with_its_counts(made, case, tmp_path):
    row = scored(made(unread=(Opinion("unclassified"),), every=1).path, tmp_path / "scores")[0][METRIC]
    assert (row.value, row.low, row.n, row.unclassified) == (None, None, case.n, case.n)


def test_other_benchmarks_have_no_such_rate_and_need_no_file(made, tmp_path, monkeypatch):
    monkeypatch.setattr(length_controlled, "fetch", lambda name: pytest.fail("not needed"))
    rows, artifact = scored(made(benchmark="just-eval").path, tmp_path / "scores")
    assert METRIC not in rows and "missing" not in artifact.summary
