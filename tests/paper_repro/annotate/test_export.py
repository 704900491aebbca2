"""Export: every assignment is accounted for, verdicts are by system, agreement is what the books say."""

from __future__ import annotations

import json

import pytest

from artifacts.errors import InputError, StageError, UserError
from artifacts.manifest import verify_outputs
from paper_repro.annotate import ratings
from paper_repro.annotate.agreement import agreement
from paper_repro.annotate.campaign import Rater
from paper_repro.annotate.export import export
from paper_repro.annotate.schema import ASSIGNMENT_COLUMNS, ASSIGNMENTS, EVENTS
from paper_repro.columns import read_rows
from paper_repro.judge import JudgeSettings, judge
from paper_repro.judge.schema import read_verdicts
from paper_repro.report.judged import judged_sections
from paper_repro.report.table import to_csv
from paper_repro.score import ScoreSettings, score
from paper_repro.score.agreement import read_agreements
from paper_repro.score.schema import read_results

RATERS = [Rater(n, f"rater-{n}") for n in (1, 2, 3)]


def rate_as(made, rater, opinion, comment=""):
    """Rate all open turns by `opinion(prompt) -> (level of a, level of b, a, b, tie)`; None skips the turn."""
    while turn := ratings.next_turn(made, rater):
        said = opinion(turn.prompt)
        if said is None:
            assert ratings.skip(made, rater, turn.position, turn.revision) == "saved"
            continue
        swapped = turn.responses[0].startswith("reply of two")
        level_a, level_b, better = said
        first, second = (level_b, level_a) if swapped else (level_a, level_b)
        places = {"a": "second", "b": "first"} if swapped else {"a": "first", "b": "second"}
        answer = ratings.Answer(first, second, places.get(better, "tie"), comment)
        assert ratings.rate(made, rater, turn.position, turn.revision, answer) == "saved"


def test_ratings_by_place_become_verdicts_by_system(campaign, tmp_path):
    made, _ = campaign(6, raters=2)
    rate_as(made, RATERS[0], lambda prompt: ("excellent", "not", "a"), comment="clear")
    rate_as(made, RATERS[1], lambda prompt: ("sufficient", "not", "tie"))
    out = export(made, tmp_path / "v")
    rows = read_rows(out["annotations"].file(ASSIGNMENTS), ASSIGNMENT_COLUMNS)
    assert {row["shown_first"] for row in rows} == {"a", "b"}, "both orders were shown"
    assert {(r["rater"], r["acceptability_a"], r["acceptability_b"], r["preferred"], r["comment"]) for r in rows} == {
        ("rater-1", "excellent", "not", "a", "clear"),
        ("rater-2", "sufficient", "not", "tie", None),
    }
    for system, expected in {
        "a": {("rater-1", "excellent", "win"), ("rater-2", "sufficient", "tie")},
        "b": {("rater-1", "not", "loss"), ("rater-2", "not", "tie")},
    }.items():
        verdicts = read_verdicts(out[system].path)
        assert len(verdicts) == 24
        by = {(v["rater"], v["prompt_id"], v["judge"]): v for v in verdicts}
        found = {
            (rater, v["label"], by[rater, prompt, "human-preference"]["label"])
            for (rater, prompt, name), v in by.items()
            if name == "human-acceptability"
        }
        assert found == expected
        assert {(json.loads(v["raw"])["comment"], v["rater"]) for v in verdicts} == {
            ("clear", "rater-1"),
            (None, "rater-2"),
        }
    assert out["a"].summary["condition"]["method"] == "RT"
    assert out["a"].summary["against"]["condition"]["method"] == "IT"
    ours, theirs = (read_verdicts(out[system].path)[0] for system in ("a", "b"))
    assert ours["response_digest"] == theirs["against_digest"] != ours["against_digest"]


def test_every_assignment_is_rated_skipped_or_open(campaign, tmp_path):
    made, _ = campaign(5, 2, raters=3, overlap=2)
    rate_as(made, RATERS[0], lambda prompt: None if prompt in ("ask 0", "ask 1") else ("excellent", "excellent", "tie"))
    turn = ratings.last_done(made, RATERS[0])
    ratings.undo(made, RATERS[0], turn.position, turn.revision)
    out = export(made, tmp_path / "v")
    summary = out["annotations"].summary
    assert summary["assignments"] == 10 == summary["rated"] + summary["skipped"] + summary["open"]
    assert summary["raters"]["rater-2"]["rated"] == 0 < summary["raters"]["rater-2"]["open"]
    assert summary["flagged"] == 2
    rows = read_rows(out["annotations"].file(ASSIGNMENTS), ASSIGNMENT_COLUMNS)
    opened = [row for row in rows if row["undone"]]
    assert [row["state"] for row in opened] == ["open"] and opened[0]["acceptability_a"] is None
    skipped = [row for row in rows if row["state"] == "skipped"]
    assert {row["prompt_id"] for row in skipped} <= {"p0000", "p0001"}
    verdicts = read_verdicts(out["a"].path)
    rated = {row["prompt_id"] for row in rows if row["state"] == "rated"}
    waiting = {row["prompt_id"] for row in rows if row["state"] == "open"} - rated
    decided = [row for row in skipped if row["prompt_id"] not in waiting]
    assert len(verdicts) == 2 * (summary["rated"] + len(decided))
    assert sum(v["status"] == "failed" for v in verdicts) == 2 * len(decided)
    events = [json.loads(line) for line in out["annotations"].file(EVENTS).read_text().splitlines()]
    assert [event["action"] for event in events].count("undone") == 1
    assert len(events) == summary["rated"] + summary["skipped"] + 2, "the act that was undone, and the undoing"


def test_a_prompt_is_failed_once_all_its_raters_skipped_it_and_not_before(campaign, tmp_path):
    made, _ = campaign(3, raters=2)
    rate_as(made, RATERS[0], lambda prompt: None if prompt in ("ask 0", "ask 1") else ("excellent", "not", "a"))

    def counted(name):
        out = export(made, tmp_path / name)
        results = read_results(score(ScoreSettings(resamples=100), [out["a"].path], tmp_path / f"s-{name}").path)
        (found,) = [(row.n, row.failed) for row in results if row.metric == "human_acceptable_rate"]
        return found, out["a"].summary["open"]

    assert counted("running") == ((1, 0), 3)
    rate_as(made, RATERS[1], lambda prompt: None if prompt == "ask 0" else ("excellent", "not", "a"))
    assert counted("done") == ((3, 1), 0)


def test_exports_of_the_same_state_are_the_same_and_earlier_ones_are_kept_unless_told(campaign, tmp_path):
    made, _ = campaign(2, raters=1)
    ratings.rate(made, RATERS[0], 1, 0, ratings.Answer("not", "not", "tie"))
    first, second = (export(made, tmp_path / name) for name in ("v", "w"))
    assert {k: v.digest for k, v in first.items()} == {k: v.digest for k, v in second.items()}
    ratings.rate(made, RATERS[0], 2, 0, ratings.Answer("not", "not", "tie"))
    with pytest.raises(UserError, match=r"differs in: inputs\.campaign"):
        export(made, tmp_path / "v")
    third = export(made, tmp_path / "v", overwrite=True)
    assert third["a"].digest != first["a"].digest and third["annotations"].summary["open"] == 0
    verify_outputs(third["b"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE turns SET first = 'excellent' WHERE position = 1", "not the one that was given last"),
        ("UPDATE turns SET state = 'rated' WHERE position = 2", "is rated, but what happened last is undone"),
        ("UPDATE turns SET swapped = 1 - swapped WHERE position = 2", "assigned, not there"),
        ("DELETE FROM turns WHERE position = 2", "assigned, not there"),
        (
            "INSERT INTO events (turn, revision, action, source, at) VALUES (1, 2, 'rated', 'page', '')",
            "revision 1 after 2",
        ),
    ],
)
def test_a_campaign_that_contradicts_itself_is_not_exported(campaign, tmp_path, change, said):
    made, _ = campaign(2, raters=1)
    ratings.rate(made, RATERS[0], 1, 0, ratings.Answer("not", "not", "tie"))
    with made.writing() as connection:
        connection.execute(change)
    with pytest.raises(StageError, match=said):
        export(made, tmp_path / "v")


def test_scores_count_every_prompt_once_and_skipped_ones_as_failed(campaign, pair, tmp_path):
    made, _ = campaign(4, 1, raters=3)
    opinions = {
        "ask 1": ("excellent", "not", "a"),
        "ask 2": ("sufficient", "not", "tie"),
        "ask 3": ("not", "excellent", "b"),
    }
    rate_as(made, RATERS[0], opinions.get)
    rate_as(made, RATERS[1], opinions.get)
    rate_as(made, RATERS[2], lambda prompt: ("excellent", "not", "a") if prompt == "ask 3" else None)
    out = export(made, tmp_path / "v")
    rules = judge(JudgeSettings(), tmp_path / "zulu-rt", tmp_path / "rules").path
    made = score(ScoreSettings(resamples=200), [out["a"].path, out["b"].path, rules], tmp_path / "s")
    found = {(r.method, r.benchmark, r.metric): r for r in read_results(made.path)}
    alpaca = {(method, name): row for (method, benchmark, name), row in found.items() if benchmark == "alpaca-eval"}
    # shares of a prompt's raters: 1, 1, 1/3
    assert alpaca["RT", "human_acceptable_rate"].value == pytest.approx((1 + 1 + 1 / 3) / 3)
    assert alpaca["RT", "human_excellent_rate"].value == pytest.approx((1 + 0 + 1 / 3) / 3)
    assert alpaca["RT", "human_sufficient_rate"].value == pytest.approx(1 / 3)
    rates = [alpaca["RT", f"human_{name}_rate"].value for name in ("win", "tie", "loss")]
    assert rates == pytest.approx([(1 + 0 + 1 / 3) / 3, 1 / 3, (2 / 3) / 3])
    assert [alpaca["IT", f"human_{name}_rate"].value for name in ("loss", "tie", "win")] == pytest.approx(rates)
    row = alpaca["RT", "human_acceptable_rate"]
    assert (row.n, row.failed, row.judge) == (3, 0, "human-acceptability") and row.low < row.value < row.high
    skipped = found["RT", "advbench", "human_acceptable_rate"]
    assert (skipped.value, skipped.n, skipped.failed) == (None, 1, 1), "missing, not 0"
    assert alpaca["RT", "response_tokens"].n == 3, "from the other judge's verdicts, once a prompt"
    (agreed,) = read_agreements(made.path)  # one campaign, though both systems' verdicts tell of it
    assert ("RT" in agreed.first, "IT" in agreed.second) == (True, True)
    assert agreed.questions == out["annotations"].summary["agreement"]
    assert (made.summary["campaigns"], agreed.questions["preference"]["items"]) == (1, 3)
    shown = dict(
        zip(("people", "judged", "told-apart"), judged_sections(read_results(made.path), [made.path]), strict=False)
    )
    acceptable, preferred, table = shown["people"].items
    row = next(row for row in acceptable.rows if "RT" in row and "AlpacaEval" in row)
    assert [cell.value for cell in row[-3:]] == pytest.approx([7 / 9, 4 / 9, 1 / 3])
    assert "missing" in to_csv(acceptable), "AdvBench, which everybody skipped"
    assert len(preferred.rows) == 4
    kappas = {row[2]: row[6] for row in table.rows}
    assert kappas["preference"] == pytest.approx(agreed.questions["preference"]["fleiss_kappa"])
    assert list(shown) == ["people"], "nobody else judged"


def test_scores_without_people_have_no_agreement(campaign, pair, tmp_path):
    rules = judge(JudgeSettings(), tmp_path / "zulu-rt", tmp_path / "rules").path if campaign(2, 1) else None
    made = score(ScoreSettings(resamples=200), [rules], tmp_path / "s")
    assert read_agreements(made.path) == [] and made.summary["campaigns"] == 0
    (tmp_path / "s" / "agreement.json").write_text('[{"campaign": "x"}]')
    with pytest.raises(InputError, match="not agreement of raters"):
        read_agreements(tmp_path / "s")


# ---- agreement ----


def table(*raters):
    """Ratings from one string a rater; '.' is none."""
    items = range(len(raters[0]))
    return {
        f"item {i:02}": {f"r{n}": given[i] for n, given in enumerate(raters) if given[i] != "."}
        for i in items
        if any(given[i] != "." for given in raters)
    }


def test_alpha_is_krippendorffs_own_example():
    # Krippendorff 2011, section E: four observers, twelve units, missing data
    ratings = table("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
    found = agreement(ratings, "12345", ordinal=True)
    assert found["alpha_nominal"] == pytest.approx(0.743, abs=5e-4)
    assert found["alpha"] == pytest.approx(0.815, abs=5e-4)
    assert (found["items"], found["single"]) == (11, 1)


def test_kappa_is_fleiss_formula_and_percentages_are_counted():
    # ten subjects, fourteen raters, five categories: the table of Fleiss 1971 as textbooks print it, kappa 0.210
    counts = [
        (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
        (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
    ]  # fmt: skip
    ratings = {
        str(i): {f"r{n}": label for n, label in enumerate("".join(c * k for c, k in zip("abcde", row, strict=True)))}
        for i, row in enumerate(counts)
    }
    found = agreement(ratings, "abcde", ordinal=False)
    assert found["fleiss_kappa"] == pytest.approx(0.210, abs=5e-4)
    assert (found["fleiss_items"], found["fleiss_raters"], found["all_agree"]) == (10, 14, 0.1)
    assert agreement(table("aab", "aba", "aaa"), "ab", ordinal=False)["pairs_agree"] == pytest.approx(
        (1 + 1 / 3 + 1 / 3) / 3
    )


def test_agreement_that_is_not_defined_is_missing():
    alone = agreement(table("ab"), "ab", ordinal=True)
    assert [alone[name] for name in ("alpha", "fleiss_kappa", "pairs_agree", "all_agree")] == [None] * 4
    assert (alone["items"], alone["single"]) == (0, 2)
    same = agreement(table("aa", "aa"), "ab", ordinal=True)
    assert (same["alpha"], same["fleiss_kappa"], same["pairs_agree"]) == (None, None, 1.0), "no variation, no alpha"
    mixed = agreement(table("ab.", "abb", "..b"), "ab", ordinal=False)
    assert (mixed["fleiss_items"], mixed["fleiss_raters"], mixed["alpha"]) == (3, 2, 1.0)
