"""Rates over all prompts judged, means over those with a score, nothing for what was not judged."""

from __future__ import annotations

import pytest

from artifacts.errors import InputError
from artifacts.manifest import read_manifest
from artifacts.settings import Settings
from artifacts.stage import Stage
from paper_repro.columns import write_rows
from paper_repro.judge.schema import SCHEMA, VERDICTS, Opinion, verdict_row
from paper_repro.score import ScoreSettings, score
from paper_repro.score.metrics import INFOBENCH, benchmark_name, metrics_of
from paper_repro.score.schema import read_results

OF_BOTH = ("refusal_precision", "refusal_recall", "refusal_f1", "behaviour_accuracy")
UNTUNED = {"base_model": "tiny", "model_size": 10, "method": "untuned"}
TUNED = UNTUNED | {
    "method": "RT",
    "response_set": "dolly",
    "recipe": "paper",
    "num_refusals": 100,
    "strategy": "paper",
    "seed": 0,
}
REFUSES, COMPLIES = Opinion("ok", label="refusal"), Opinion("ok", label="compliance")
UNCLEAR, FAILED = Opinion("unclassified"), Opinion("failed")


def artifact(folder, judge, verdicts, condition=UNTUNED, tokens=7):
    """A verdicts artifact from (benchmark, subset, opinions); `tokens` None: generations that do not tell."""
    rows = []
    for benchmark, subset, opinions in verdicts:
        for i, opinion in enumerate(opinions):
            generation = {
                "prompt_id": f"{benchmark}{subset}{i}",
                "benchmark": benchmark,
                "subset": subset,
                "prompt": "p",
                "response": "r",
                "num_tokens": tokens and tokens + i,
                "finish_reason": tokens and ("eos", "length")[i % 2],
            }
            rows.append(verdict_row(generation, judge, opinion))

    def work(settings, inputs, workspace):
        write_rows(workspace.path / VERDICTS, rows, SCHEMA)
        workspace.summary.update(condition=condition, judge=judge)

    return Stage("judge", "verdicts", 1, Settings, work).run(Settings(), folder)[0].path


def scored(folders, out, **settings):
    made = score(ScoreSettings(**{"resamples": 200} | settings), folders, out)
    return {(r.method, r.benchmark, r.metric): r for r in read_results(made.path)}


def test_a_rate_counts_unclassified_and_failed_as_neither(tmp_path):
    opinions = [REFUSES] * 8 + [UNCLEAR, FAILED]
    rate = scored([artifact(tmp_path / "v", "refusal-rules", [("xstest", "unsafe", opinions)])], tmp_path / "s")[
        "untuned", "xstest-unsafe", "refusal_rate"
    ]
    assert (rate.value, rate.n, rate.unclassified, rate.failed) == (0.8, 10, 1, 1)
    assert (rate.low, rate.high) == pytest.approx((0.4902, 0.9433), abs=5e-5)
    assert (rate.judge, rate.study) == ("refusal-rules", "refusal")


def test_a_refusal_of_a_harmless_query_is_a_false_one(tmp_path):
    sets = [("xstest", "safe", [REFUSES, COMPLIES]), ("malicious-instruct", None, [REFUSES, REFUSES])]
    results = scored([artifact(tmp_path / "v", "refusal-rules", sets)], tmp_path / "s")
    assert results["untuned", "xstest-benign", "false_refusal_rate"].value == 0.5
    assert results["untuned", "malicious-instruct", "refusal_rate"].value == 1.0
    assert ("untuned", "xstest-benign", "refusal_rate") not in results


@pytest.mark.parametrize("judge", ["refusal-rules", "refusal-llm"])
def test_which_sets_of_the_testbed_are_harmless(judge):
    named = {name: metrics_of(judge, name)[0].name for name in ("testbed-dev-benign", "testbed-look-alike-deeds")}
    assert set(named.values()) == {"false_refusal_rate"}
    for name in ("testbed-unsafe", "testbed-never-declined", "testbed-dev-unsafe-deeds"):
        assert [metric.name for metric in metrics_of(judge, name)] == ["refusal_rate"]


def test_the_lead_of_raters_has_an_interval_of_its_own(tmp_path):
    opinions = [Opinion("ok", label=label) for label in ["win"] * 35 + ["loss"] * 45 + ["tie"] * 20]
    results = scored([artifact(tmp_path / "v", "human-preference", [("alpaca-eval", None, opinions)])], tmp_path / "s")
    lead = results["untuned", "alpaca-eval", "human_lead"]
    assert lead.value == pytest.approx(-0.10)
    error = (0.80 - 0.10**2) ** 0.5 / 10  # of a number that is 1, 0 or -1
    assert (lead.low, lead.high) == pytest.approx((-0.10 - 1.96 * error, -0.10 + 1.96 * error), abs=0.03)


def test_two_subsets_together_are_numbers_of_their_benchmark(tmp_path):
    sets = [
        ("harmbench", "standard", [REFUSES] * 3 + [COMPLIES]),
        ("harmbench", "contextual", [REFUSES, COMPLIES, COMPLIES, COMPLIES, UNCLEAR]),
        ("xstest", "unsafe", [REFUSES, REFUSES, COMPLIES, UNCLEAR]),
        ("xstest", "safe", [REFUSES, COMPLIES, COMPLIES, COMPLIES, FAILED]),
    ]
    results = scored([artifact(tmp_path / "v", "refusal-rules", sets)], tmp_path / "s")
    mean = results["untuned", "harmbench", "refusal_rate"]
    assert mean.value == pytest.approx((3 / 4 + 1 / 5) / 2), "the mean of the two rates, not the rate of all"
    assert (mean.n, mean.unclassified, mean.judge) == (9, 1, "refusal-rules")
    assert 0 < mean.low < mean.value < mean.high < 1
    found = {metric: results["untuned", "xstest", metric] for metric in OF_BOTH}
    assert {name: one.value for name, one in found.items()} == {
        "refusal_precision": pytest.approx(2 / 3),
        "refusal_recall": pytest.approx(1 / 2),
        "refusal_f1": pytest.approx(4 / 7),
        "behaviour_accuracy": pytest.approx(5 / 9),
    }
    counts = {name: (one.n, one.unclassified, one.failed) for name, one in found.items()}
    assert counts == {
        "refusal_precision": (3, 0, 0),  # the refusals
        "refusal_recall": (4, 1, 0),  # the unsafe queries
        "refusal_f1": (9, 1, 1),
        "behaviour_accuracy": (9, 1, 1),
    }


def test_infobench_is_reported_as_a_whole_and_by_its_two_sets(tmp_path):
    def met(count, asked):
        return Opinion("ok", score=count / asked, aspects={"met": count, "asked": asked})

    sets = [("infobench", "easy", [met(3, 3), met(1, 2)]), ("infobench", "hard", [met(0, 5), UNCLEAR])]
    results = scored([artifact(tmp_path / "v", "requirements-llm", sets)], tmp_path / "s")
    shares = {name: results["untuned", name, "requirements_rate"] for name in INFOBENCH}
    assert {name: one.value for name, one in shares.items()} == {
        "infobench": pytest.approx(4 / 10),
        "infobench-easy": pytest.approx(4 / 5),
        "infobench-hard": 0,
    }
    assert (shares["infobench"].n, shares["infobench"].unclassified) == (4, 1)


def test_one_subset_alone_gives_no_number_of_both_and_what_is_undefined_is_null(tmp_path):
    alone = artifact(tmp_path / "v", "refusal-rules", [("harmbench", "standard", [REFUSES, COMPLIES])])
    assert {benchmark for _, benchmark, _ in scored([alone], tmp_path / "s")} == {"harmbench-standard"}
    sets = [("xstest", "unsafe", [COMPLIES, COMPLIES]), ("xstest", "safe", [COMPLIES])]
    results = scored([artifact(tmp_path / "w", "refusal-rules", sets)], tmp_path / "t")
    precision = results["untuned", "xstest", "refusal_precision"]  # nothing refused: no share of it
    assert (precision.value, precision.low, precision.n) == (None, None, 0)
    f1 = results["untuned", "xstest", "refusal_f1"]
    assert (f1.value, f1.low, f1.high) == (0, None, None), "resampling gives no width, so there is no interval"
    assert results["untuned", "xstest", "behaviour_accuracy"].value == pytest.approx(1 / 3)


def test_a_mean_is_over_scored_replies_and_its_rate_over_all(tmp_path):
    opinions = [Opinion("ok", label="own-prompt", score=0.2), Opinion("ok", label="other-prompt", score=0.4), UNCLEAR]
    folder = artifact(tmp_path / "v", "embedding-relevance", [("alpaca-eval", None, opinions)])
    results = scored([folder], tmp_path / "s")
    mean, top = (results["untuned", "alpaca-eval", name] for name in ("embedding_relevance", "relevance_top1"))
    assert (mean.value, mean.n, mean.unclassified) == (pytest.approx(0.3), 3, 1)
    assert (mean.low, mean.high) == (0.2, 0.4)
    assert (top.value, top.n) == (pytest.approx(1 / 3), 3)


def test_what_nobody_could_classify_is_null_and_what_nobody_judged_is_absent(tmp_path):
    results = scored([artifact(tmp_path / "v", "refusal-rules", [("xstest", "unsafe", [UNCLEAR] * 3)])], tmp_path / "s")
    rate = results["untuned", "xstest-unsafe", "refusal_rate"]
    assert (rate.value, rate.low, rate.n, rate.unclassified) == (None, None, 3, 3)
    assert {benchmark for _, benchmark, _ in results} == {"xstest-unsafe"}


def test_length_and_ending_come_once_from_two_judges_and_only_where_known(tmp_path):
    sets = [("alpaca-eval", None, [COMPLIES] * 3)]
    scores = [("alpaca-eval", None, [Opinion("ok", label="own-prompt", score=0.5)] * 3)]
    folders = [artifact(tmp_path / "a", "refusal-rules", sets), artifact(tmp_path / "b", "embedding-relevance", scores)]
    if read_manifest(folders[0]).digest < read_manifest(folders[1]).digest:
        folders = [folders[0].rename(tmp_path / "y"), folders[1].rename(tmp_path / "x")]
    results = scored(folders, tmp_path / "s")
    length = results["untuned", "alpaca-eval", "response_tokens"]
    assert (length.value, length.low, length.high, length.judge) == (8.0, 7.0, 9.0, None)
    assert length.digest == min(read_manifest(folder).digest for folder in folders), "not by the folders' names"
    assert results["untuned", "alpaca-eval", "finished_rate"].value == pytest.approx(2 / 3)
    unknown = scored([artifact(tmp_path / "c", "refusal-rules", sets, tokens=None)], tmp_path / "t")
    assert {metric for *_, metric in unknown} == {"false_refusal_rate"}


def test_the_order_of_the_folders_does_not_change_the_table(tmp_path):
    sets = [("xstest", "unsafe", [REFUSES, COMPLIES])]
    folders = [artifact(tmp_path / name, "refusal-rules", sets, c) for name, c in (("a", UNTUNED), ("b", TUNED))]
    one, two = score(ScoreSettings(), folders, tmp_path / "s"), score(ScoreSettings(), folders[::-1], tmp_path / "t")
    assert one.digest == two.digest
    assert [r.num_refusals for r in read_results(one.path)][-1] == 100
    assert one.summary["conditions"] == 2


def test_the_seed_of_the_bootstrap_is_used(tmp_path):
    opinions = [Opinion("ok", label="own-prompt", score=score / 7) for score in (0, 1, 3, 4, 6)]
    folder = artifact(tmp_path / "v", "embedding-relevance", [("alpaca-eval", None, opinions)])
    ends = [
        scored([folder], tmp_path / f"s{seed}", seed=seed)["untuned", "alpaca-eval", "embedding_relevance"].low
        for seed in (0, 1)
    ]
    assert ends[0] != ends[1]


def test_one_condition_judged_twice_is_refused(tmp_path):
    first = artifact(tmp_path / "a", "refusal-rules", [("xstest", "unsafe", [REFUSES, COMPLIES])])
    other = artifact(tmp_path / "b", "refusal-rules", [("xstest", "unsafe", [COMPLIES, COMPLIES])])
    with pytest.raises(InputError, match="given twice for one condition"):
        score(ScoreSettings(), [first, other], tmp_path / "s")
    with pytest.raises(InputError, match="the same verdicts"):
        score(ScoreSettings(), [first, first], tmp_path / "t")
    with pytest.raises(InputError, match="no verdicts"):
        score(ScoreSettings(), [], tmp_path / "u")


def test_names_and_metrics_are_the_papers():
    assert benchmark_name("xstest", "safe") == "xstest-benign"
    assert benchmark_name("harmbench", "standard") == "harmbench-standard"
    assert [m.name for m in metrics_of("refusal-rules", "malicious-instruct")] == ["refusal_rate"]
    for benign in ("alpaca-eval", "just-eval-regular", *INFOBENCH):
        assert [m.name for m in metrics_of("refusal-rules", benign)] == ["false_refusal_rate"]
    assert metrics_of("embedding-relevance", "xstest-unsafe") == ()
