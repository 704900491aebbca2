"""What people, language models and lm-eval said of a run: tables of their own, nothing where nothing was measured."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

from artifacts.published_tables import CORE_BENCHMARKS
from paper_repro.capabilities.benchmarks import CORE
from paper_repro.report.judged import judged_sections
from paper_repro.report.names import called
from paper_repro.report.stage import ReportSettings, report
from paper_repro.report.table import to_csv
from paper_repro.score.schema import write_results


def measured(row, benchmark, judge, values):
    return [
        replace(row, benchmark=benchmark, judge=judge, metric=metric, value=value, low=None, high=None)
        for metric, value in values.items()
    ]


def rows_of(sections):
    tables = [table for section in sections for table in section.items]
    return {table.name: list(csv.DictReader(io.StringIO(to_csv(table)))) for table in tables}


def test_every_kind_of_verdict_has_a_table_and_aspects_that_do_not_apply_are_no_missing_numbers(results):
    untuned = results[0]
    aspects = dict.fromkeys(("helpfulness", "factuality", "clarity", "depth", "engagement", "mean_of_aspects"), 3.5)
    told = {"refusal_precision": None, "refusal_recall": 0.0, "refusal_f1": 0.0, "behaviour_accuracy": 0.5}
    made = [
        *measured(untuned, "just-eval-regular", "aspects-llm", aspects),
        *measured(untuned, "just-eval-safety", "safety-llm", {"safety": 2.25}),
        *measured(untuned, "infobench", "requirements-llm", {"requirements_rate": 0.4}),
        *measured(untuned, "alpaca-eval", "preference-llm", {"judged_win_rate": 0.6}),
        *measured(untuned, "alpaca-eval", "preference-llm", {"length_controlled_win_rate": 0.55}),
        *measured(untuned, "xstest", "refusal-llm", told),
        *measured(untuned, "mmlu", "lm-eval", {"accuracy": 0.25}),
        *measured(untuned, "gsm8k", "lm-eval", {"exact_match_strict": 0.0}),
    ]
    found = rows_of(judged_sections([*results, *made], []))
    assert list(found) == [
        "aspects",
        "judged_preference",
        "length_controlled",
        "requirements",
        "told_apart",
        "core_capabilities",
    ]
    assert [row["length_controlled_win_rate"] for row in found["length_controlled"]] == ["0.55"]
    quality = {row["benchmark"]: (row["depth"], row["safety"]) for row in found["aspects"]}
    assert quality == {"JustEval regular": ("3.50", ""), "JustEval safety": ("", "2.25")}
    (requirements,) = found["requirements"]
    assert (requirements["benchmark"], requirements["requirements_rate"]) == ("InFoBench", "0.40")
    (preference,) = found["judged_preference"]
    assert (preference["judged_win_rate"], preference["judged_tie_rate"]) == ("0.60", "missing")
    (apart,) = found["told_apart"]
    assert (apart["refusal_precision"], apart["refusal_recall"]) == ("missing", "0.00")
    core = {row["benchmark"]: (row["accuracy"], row["exact_match_strict"]) for row in found["core_capabilities"]}
    assert core == {"MMLU": ("0.25", ""), "GSM8K": ("", "0.00")}


def test_benchmarks_and_their_parts_have_the_papers_names_in_its_order(results):
    names = ["arc-challenge", "piqa", "arc", "gsm8k", "core", "mmlu-social-sciences", "mmlu-stem", "mmlu", "hellaswag"]
    made = [row for name in names for row in measured(results[0], name, "lm-eval", {"accuracy": 0.25})]
    found = [row["benchmark"] for row in rows_of(judged_sections(made, []))["core_capabilities"]]
    assert found == [
        "Average of the six",
        "MMLU",
        "MMLU social sciences",
        "MMLU STEM",
        "HellaSwag",
        "ARC",
        "ARC challenge",
        "GSM8K",
        "PIQA",
    ]
    assert {called(name) for name in CORE_BENCHMARKS} == {one.title for one in CORE}
    assert (called("my-own-set"), called("testbed-tasks")) == ("my-own-set", "testbed tasks")


def test_a_run_that_nobody_judged_so_has_no_such_sections(results):
    assert judged_sections(results, []) == []


def test_the_report_of_a_run_shows_ratings_of_people_and_how_far_they_agree(results, tmp_path):
    rated = measured(results[0], "alpaca-eval", "human-acceptability", {"human_acceptable_rate": 0.75})
    folder = tmp_path / "scores"
    folder.mkdir()
    write_results([*results, *rated], folder)
    numbers = {"items": 9, "ratings": 27, "alpha": None, "fleiss_kappa": 0.4, "pairs_agree": 0.8, "all_agree": 0.5}
    campaign = {"campaign": "c", "first": "one", "second": "two", "questions": {"preference": numbers}}
    (folder / "agreement.json").write_text(json.dumps([campaign]))
    made = report(ReportSettings(source="run", tables=(), figures=()), tmp_path / "report", [folder])
    (row,) = csv.DictReader((made.path / "agreement.csv").open(encoding="utf-8"))
    assert (row["second"], row["alpha"], row["fleiss_kappa"]) == ("two", "missing", "0.40")
    (human,) = csv.DictReader((made.path / "human_acceptability.csv").open(encoding="utf-8"))
    assert (human["human_acceptable_rate"], human["human_excellent_rate"]) == ("0.75", "missing")
    page = (made.path / "index.html").read_text(encoding="utf-8")
    assert "Ratings of people in this run" in page and "Verdicts of language models" not in page
