"""Missing length-controlled win rates: what the scores say, and how to get the file that they lacked."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from artifacts.pins import load_pin
from artifacts.settings import Settings
from artifacts.stage import Stage
from paper_repro.report.build import build_report
from paper_repro.report.judged import judged_sections
from paper_repro.report.lacking import read_lacking
from paper_repro.report.stage import ReportSettings, report_inputs
from paper_repro.score.length_controlled import GAMED_PIN, METRIC, NO_GAMED
from paper_repro.score.schema import write_results
from tests.paper_repro.report.conftest import rate, tuned

SLICE = "50 of the benchmark's 805 instructions were judged"
PREFERS = replace(rate(tuned("RT", 0, None), "alpaca-eval", 0.4, "judged_win_rate"), judge="preference-llm")


class Nothing(Settings):
    """Settings of scores that were not computed."""


def scores(folder: Path, *reasons: str) -> Path:
    def write(settings, inputs, workspace):
        write_results([PREFERS], workspace.path)
        missing = {METRIC: {f"{index:012d}": reason for index, reason in enumerate(reasons)}}
        workspace.summary.update(study="instructability", **({"missing": missing} if reasons else {}))

    return Stage("score", "scores", 1, Nothing, write).run(Nothing(), folder, {})[0].path


def test_the_reason_is_the_scores_own_and_names_the_pin_and_the_ways_to_the_file(tmp_path):
    said = read_lacking([scores(tmp_path / "a", NO_GAMED, SLICE), scores(tmp_path / "b", SLICE)])[METRIC]
    assert said.count(SLICE) == said.count(NO_GAMED) == 1
    mirror, hub = load_pin(GAMED_PIN).origins
    for part in (GAMED_PIN, f"RT_MIRROR/{mirror.files[0].path}", hub.repo, hub.files[0].path, hub.revision[:7]):
        assert part in said
    assert GAMED_PIN not in read_lacking([scores(tmp_path / "c", SLICE)])[METRIC]  # it was not the file
    assert read_lacking([scores(tmp_path / "d"), tmp_path]) == {}


@pytest.mark.parametrize(("reasons", "pin"), [((NO_GAMED,), True), ((SLICE,), False)])
def test_the_report_says_it_wherever_the_rate_is_missing(tmp_path, reasons, pin):
    folder, out = scores(tmp_path / "scores", *reasons), tmp_path / "report"
    settings = ReportSettings(source="both", tables=(29,), figures=(9,))
    inputs = report_inputs(settings, [folder])
    out.mkdir()
    build_report(settings, inputs, dict.fromkeys(inputs, "0" * 64), out)
    rows = {row["item"]: row["run_where"] for row in csv.DictReader((out / "items.csv").open(encoding="utf-8"))}
    for name in ("Table 29", "Figure 9"):
        assert reasons[0] in rows[name] and (GAMED_PIN in rows[name]) is pin
    for name in ("table_29", "figure_09", "judged_preference"):
        assert reasons[0] in (out / f"{name}.md").read_text(encoding="utf-8")


def test_a_rate_of_some_pairs_stands_with_why_others_have_none(tmp_path):
    there = replace(PREFERS, metric=METRIC, against="method=IT")
    tables = {t.name: t for one in judged_sections([there], [scores(tmp_path / "s", NO_GAMED)]) for t in one.items}
    assert any(NO_GAMED in note for note in tables["length_controlled"].notes)
