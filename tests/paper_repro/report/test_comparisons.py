"""Comparisons on the page: what was compared, in words, with interval, counts and both p-values."""

from __future__ import annotations

import shutil

import pytest

from paper_repro.report import ReportSettings, report
from paper_repro.report.comparisons import comparisons_table
from paper_repro.report.table import to_markdown
from paper_repro.score.comparisons import Comparison, write_comparisons

ONE = Comparison(
    study="refusal",
    base_model="Tiny-1M",
    response_set="dolly",
    recipe="paper",
    method=None,
    num_refusals=100,
    strategy="paper",
    learning_rate=None,
    factor="method",
    first="RT",
    second="IT",
    benchmark="xstest-unsafe",
    metric="refusal_rate",
    judge="refusal-rules",
    value_first=0.6,
    value_second=0.75,
    difference=-0.15,
    low=-0.25,
    high=-0.05,
    p=0.0123,
    p_holm=0.0492,
    test="mcnemar",
    prompts=200,
    seeds=1,
    unclassified=3,
)


def test_a_comparison_in_words_and_numbers():
    text = to_markdown(comparisons_table([ONE]))
    assert "XSTest unsafe" in text
    assert "dolly, 100 refusals (paper)" in text
    assert "RT less IT" in text
    assert "-0.150; [-0.250, -0.050]; n 200, unclassified 3" in text
    assert "0.0123" in text
    assert "0.0492" in text
    assert comparisons_table([]) is None


@pytest.mark.parametrize("with_them", [True, False])
def test_the_page_shows_the_comparisons_of_a_run(scores, tmp_path, rt_home, with_them):
    folder = tmp_path / "scores"
    shutil.copytree(scores, folder)
    if with_them:
        write_comparisons([ONE], folder)
    made = report(ReportSettings(source="run"), tmp_path / "report", scores=[folder])
    assert ("comparisons" in made.summary["items"]) is with_them
    assert ("RT less IT" in (made.path / "index.html").read_text()) is with_them
