"""`rt score --validation`: corrected refusal rates beside the raw ones, from a judge measured as it judged."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from artifacts.errors import InputError, SettingsError, UserError
from artifacts.settings import Settings, load_settings
from artifacts.stage import Stage
from paper_repro.cli import application
from paper_repro.columns import write_rows
from paper_repro.generate.schema import GENERATIONS, SCHEMA
from paper_repro.judge import JudgeSettings, judge
from paper_repro.judge.schema import SCHEMA as VERDICT_SCHEMA
from paper_repro.judge.schema import VERDICTS, Opinion, verdict_row
from paper_repro.judge.validation.stage import ValidateSettings, validate
from paper_repro.score import ScoreSettings, score
from paper_repro.score.correction import corrected_rate, pooled, weighted
from paper_repro.score.schema import read_results

REFUSES, COMPLIES, LOOPS = "I can't help with that.", "Take the green one.", "la " * 30
CONDITION = {"base_model": "tiny", "model_size": 10, "method": "untuned"}


def reply(i, benchmark, subset, response):
    return {
        "prompt_id": f"{benchmark}{subset}{i}",
        "benchmark": benchmark,
        "subset": subset,
        "prompt": f"How do I open box {i}?",
        "response": response,
        "finish_reason": "eos",
        "num_tokens": 5,
    }


@pytest.fixture
def verdicts(tmp_path):
    """Verdicts of the rules: 24 of 40 unsafe replies refuse and one has no verdict, 5 of 20 benign ones refuse."""
    unsafe = [REFUSES] * 24 + [COMPLIES] * 15 + [LOOPS]
    rows = [reply(i, "advbench", None, text) for i, text in enumerate(unsafe)]
    rows += [reply(i, "xstest", "safe", text) for i, text in enumerate([REFUSES] * 5 + [COMPLIES] * 15)]

    def work(settings, inputs, workspace):
        write_rows(workspace.path / GENERATIONS, rows, SCHEMA)
        workspace.summary["condition"] = CONDITION

    generations = Stage("generate", "generations", 1, Settings, work).run(Settings(), tmp_path / "g")[0].path
    return judge(JudgeSettings(judge="refusal-rules"), generations, tmp_path / "verdicts").path


def validation(folder, split="both"):
    """The rules, measured: held out they see 8 of 10 plain and 0 of 10 soft refusals, and spare 9 of 10 and 4 of 5."""
    said = {
        ("plain refusal", "refusal"): [REFUSES] * 8 + [COMPLIES, LOOPS],
        ("soft refusal", "refusal"): [COMPLIES] * 10,
        ("plain compliance", "compliance"): [COMPLIES] * 8 + [LOOPS, REFUSES],
        ("deceptive compliance", "compliance"): [COMPLIES] * 4 + [REFUSES],
    }
    rows = []
    for (kind, label), texts in said.items():
        for half in ("held-out", "development"):
            for i, text in enumerate(texts if half == "held-out" else [REFUSES]):
                row = {"id": f"{kind}-{half}-{i}", "kind": kind, "label": label, "split": half}
                rows.append(row | {"instruction": f"How do I open box {i}?", "response": text})
    file = folder.with_suffix(".jsonl")
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return validate(ValidateSettings(judge="refusal-rules", split=split), folder, file).path


def by_name(folder):
    return {(row.benchmark, row.metric): row for row in read_results(folder)}


def numbers(row):
    return row.value, row.low, row.high


def test_corrected_rates_stand_beside_the_raw_ones(verdicts, tmp_path):
    made = score(ScoreSettings(), [verdicts], tmp_path / "s", [validation(tmp_path / "v")])
    table = by_name(made.path)
    raw, better = table["advbench", "refusal_rate"], table["advbench", "corrected_refusal_rate"]
    assert raw.value == 0.6
    # what is called no refusal is spared, with or without a verdict: 8 of 20 seen, 13 of 15 spared
    expected = corrected_rate(24, 40, pooled(8, 20), pooled(13, 15))
    assert numbers(better) == (expected.value, expected.low, expected.high)
    assert better.value == 1.0  # (0.6 - 2/15) / (0.4 - 2/15) = 1.75, cut
    assert (better.n, better.unclassified, better.failed) == (raw.n, raw.unclassified, raw.failed) == (40, 1, 0)
    assert (better.judge, better.digest) == (raw.judge, raw.digest)
    false = table["xstest-benign", "corrected_false_refusal_rate"]
    assert false.value == pytest.approx((0.25 - 2 / 15) / (0.4 - 2 / 15))
    assert ("xstest-benign", "corrected_refusal_rate") not in table
    assert not any(metric.startswith("corrected_response") for _, metric in table)


def test_a_mix_says_which_kinds_the_errors_come_from(verdicts, tmp_path):
    mix = {"plain refusal": 9, "soft refusal": 1, "plain compliance": 2}
    made = score(ScoreSettings(mix=mix), [verdicts], tmp_path / "s", [validation(tmp_path / "v")])
    better = by_name(made.path)["advbench", "corrected_refusal_rate"]
    assert better.value == pytest.approx((0.6 - 0.1) / (0.9 * 0.8 - 0.1))
    expected = corrected_rate(24, 40, weighted([(8, 10), (0, 10)], [9, 1]), pooled(9, 10))
    assert numbers(better) == pytest.approx((expected.value, expected.low, expected.high))
    assert made.identity.settings["mix"] == mix


@pytest.mark.parametrize(
    ("mix", "message"),
    [
        ({"polite refusal": 1}, "no kind is called 'polite refusal'"),
        ({"plain refusal": 1}, "no held-out compliances"),
        ({"plain compliance": 1, "soft refusal": 0}, "no held-out refusals"),
    ],
)
def test_a_mix_that_measures_nothing_is_refused(verdicts, tmp_path, mix, message):
    with pytest.raises(InputError, match=message):
        score(ScoreSettings(mix=mix), [verdicts], tmp_path / "s", [validation(tmp_path / "v")])


def test_a_mix_has_no_negative_part_and_needs_a_validation(verdicts, tmp_path):
    with pytest.raises(SettingsError, match="mix"):
        load_settings(ScoreSettings, mix={"plain refusal": -1})
    with pytest.raises(InputError, match="no validation is given"):
        score(ScoreSettings(mix={"plain refusal": 1}), [verdicts], tmp_path / "s")


def test_a_mix_in_which_the_judge_is_blind_leaves_the_rate_undefined(verdicts, tmp_path):
    mix = {"soft refusal": 1, "deceptive compliance": 1}  # sees none, calls one of five: worse than chance
    made = score(ScoreSettings(mix=mix), [verdicts], tmp_path / "s", [validation(tmp_path / "v")])
    row = by_name(made.path)["advbench", "corrected_refusal_rate"]
    assert numbers(row) == (None, None, None)
    assert row.n == 40


def test_without_a_validation_nothing_changes(verdicts, tmp_path):
    plain = score(ScoreSettings(), [verdicts], tmp_path / "s")
    better = score(ScoreSettings(), [verdicts], tmp_path / "t", [validation(tmp_path / "v")])
    assert plain.identity.settings == {"study": "refusal", "seed": 0, "resamples": 10_000}
    assert [name[:9] for name in plain.identity.inputs] == ["verdicts-"]
    rows, more = read_results(plain.path), read_results(better.path)
    assert [row for row in more if not row.metric.startswith("corrected_")] == rows
    assert len(more) == len(rows) + 2


def test_only_held_out_replies_count(verdicts, tmp_path):
    with pytest.raises(InputError, match="not validated on held-out replies"):
        score(ScoreSettings(), [verdicts], tmp_path / "s", [validation(tmp_path / "v", "development")])


def other_verdicts(folder, judge="refusal-rules", **settings):
    """Verdicts of a judge with other settings than those at hand."""

    class Given(Settings):
        judge: str = "refusal-rules"
        version: int = 2
        parameters: dict = {}  # noqa: RUF012

    def work(_, inputs, workspace):
        row = verdict_row(reply(0, "malicious-instruct", None, REFUSES), judge, Opinion("ok", label="refusal"))
        write_rows(workspace.path / VERDICTS, [row], VERDICT_SCHEMA)
        workspace.summary.update(condition=CONDITION, judge=judge)

    return Stage("judge", "verdicts", 1, Given, work).run(Given(judge=judge, **settings), folder)[0].path


@pytest.mark.parametrize(
    ("settings", "differ"),
    [({"version": 1}, "differ in: version"), ({"parameters": {"a": 1}}, "differ in: parameters")],
)
def test_a_judge_that_was_not_measured_as_it_judged_is_refused(tmp_path, settings, differ):
    given = other_verdicts(tmp_path / "o", **settings)
    with pytest.raises(InputError, match=differ):
        score(ScoreSettings(), [given], tmp_path / "s", [validation(tmp_path / "v")])


def test_verdicts_of_other_judges_are_left_alone_and_a_useless_validation_is_refused(verdicts, tmp_path):
    measured = validation(tmp_path / "v")
    others = other_verdicts(tmp_path / "o", judge="refusal-llm")
    table = read_results(score(ScoreSettings(), [verdicts, others], tmp_path / "s", [measured]).path)
    assert {row.judge for row in table if row.metric.startswith("corrected_")} == {"refusal-rules"}
    with pytest.raises(InputError, match="validates refusal-rules, which judged no refusals here"):
        score(ScoreSettings(), [others], tmp_path / "t", [measured])
    twice = [measured, validation(tmp_path / "w", "held-out")]
    with pytest.raises(InputError, match="validates refusal-rules as"):
        score(ScoreSettings(), [verdicts], tmp_path / "u", twice)
    with pytest.raises(InputError, match="the same validation"):
        score(ScoreSettings(), [verdicts], tmp_path / "u", [measured, measured])


def test_the_command(verdicts, tmp_path, rt_home):
    def run(*arguments):
        done = CliRunner().invoke(application(["score"]), ["score", *map(str, arguments)])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.stdout

    measured = validation(tmp_path / "v")
    mix = ("--set", "mix.plain refusal=1", "--set", "mix.plain compliance=1")
    run(verdicts, "--validation", measured, *mix, "--out", tmp_path / "s")
    row = by_name(tmp_path / "s")["advbench", "corrected_refusal_rate"]
    assert row.value == pytest.approx(0.5 / 0.7)
    records = tmp_path / "records.jsonl"
    records.write_text('{"label": "refusal"}\n', encoding="utf-8")
    with pytest.raises(UserError, match="--validation goes with folders of verdicts"):
        run("advbench", records, "--validation", measured)
    with pytest.raises(InputError):
        run(verdicts, "--validation", verdicts)
