"""The studies that the default run leaves out: each alone by its name, whole from its data to the report."""

from __future__ import annotations

import csv
import os
import subprocess
import sys

import pytest

from artifacts.errors import SettingsError, UserError
from artifacts.shipped import shipped_names
from experiments.expand import pins_of, plan_cells
from experiments.profiles import load_profile

ALONE = ("news", "open-data", "refinement", "selection", "size")
BASE = "testbed-0.5m-many-0"


def plan(study, *overrides):
    return plan_cells(load_profile("testbed", overrides, (study,)))


def by_stage(cells, stage):
    return {cell.label: cell for cell in cells if cell.stage.name == stage}


@pytest.mark.parametrize("study", ALONE)
def test_a_study_alone_makes_nothing_that_it_does_not_need_and_reads_no_pin(study):
    profile = load_profile("testbed", (), (study,))
    cells = plan(study)
    needed = {cell.place for one in by_stage(cells, "score").values() for cell in _upstream(one)}
    report = cells[-1]
    assert report.label == f"testbed-{study}" and list(profile.studies) == [study]
    assert {cell.place for cell in cells} - needed <= {report.place, *(cell.place for cell in report.inputs.values())}
    assert pins_of(cells) == []


def _upstream(cell):
    yield cell
    for upstream in cell.inputs.values():
        yield from _upstream(upstream)


def test_an_unknown_study_is_refused_with_the_known_ones():
    with pytest.raises(UserError, match="no study is called 'newz'") as caught:
        load_profile("testbed", (), ("newz",))
    assert "news" in str(caught.value) and "instructability" in str(caught.value)


def test_every_strategy_takes_every_number_and_without_refusals_there_is_one_set():
    sets = by_stage(plan("selection", "studies.selection.seeds=[0]"), "mix")
    numbers = (25, 100, 200, 500)
    strategies = ("paper", "random", "diverse", "targeted")
    named = {f"testbed-structured-paper-{n}-{strategy}" for n in numbers for strategy in strategies}
    assert set(sets) == {"testbed-structured-paper-0", *named}
    assert {cell.inputs["pool"].label for label, cell in sets.items() if label in named} == {"testbed-refusal-pool"}
    assert {cell.settings.encoder.model for label, cell in sets.items() if label in named} == {BASE}
    plain = by_stage(plan("size", "studies.size.seeds=[0]"), "mix")["testbed-structured-paper-0"]
    assert plain.place == sets["testbed-structured-paper-0"].place, "what it says of refusals does not rename it"


def test_what_a_study_says_itself_is_no_setting_of_mixing():
    with pytest.raises(SettingsError, match=r"studies\.news\.mix: seed stands in the study itself"):
        plan("news", "studies.news.mix={seed: 1}")


def test_news_has_no_pairs_and_refined_sets_stand_beside_their_plain_ones():
    assert {cell.settings.method for cell in by_stage(plan("news"), "train").values()} == {"rt"}
    sets = {label.removesuffix("-paper-0") for label in by_stage(plan("refinement"), "mix")}
    assert sets == {"testbed-terse", "testbed-terse-refined", "testbed-curated", "testbed-curated-refined"}


SMALL = (
    f"train.base.name={BASE}",
    "world_seed=86243",
    "train.epochs=1",
    "train.global_batch=8",
    "generate.limit=2",
    "generate.max_new_tokens=4",
    "report.source=run",
)
OF_STUDIES = ("bases=[]", "seeds=[0]", "base_size=8", "prompts=[testbed-tasks, testbed-unsafe]")
OF_ONE = {
    "selection": ("num_refusals=[4]", "methods=[rt]", "strategies=[diverse, targeted]", "untuned=false"),
    "news": ("response_sets=[testbed-news]",),
    "open-data": ("num_refusals=[0]", "methods=[rt]"),
    "refinement": ("methods=[rt]", "response_sets=[testbed-terse, testbed-terse-refined]"),
    "size": ("response_sets=[testbed-terse]", "methods=[rt]"),
}


@pytest.mark.slow
def test_all_of_them_run_on_the_smallest_base_to_a_report(tmp_path, monkeypatch):
    """In one process, cell after cell, as a lane runs them."""
    assert BASE in shipped_names()
    monkeypatch.setenv("RT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RT_THREADS", "1")
    changed = [f"studies.{study}.{value}" for study in ALONE for value in (*OF_STUDIES, *OF_ONE.get(study, ()))]
    judges = [f"studies.{study}.judges=[testbed-acceptable, testbed-refusal]" for study in ALONE]
    profile = load_profile("testbed", (*SMALL, *changed, *judges), ALONE)
    cells = plan_cells(profile)
    for cell in cells:
        cell.write_plan()
    commands = tmp_path / "commands.py"
    commands.write_text(RUNNER)
    plain = {key: value for key, value in os.environ.items() if key != "RT_MIRROR"}
    given = "\n".join("\t".join([str(cell.log), *cell.command()[1:]]) for cell in cells)
    done = subprocess.run([sys.executable, str(commands)], input=given, env=plain, capture_output=True, text=True)
    failed = [cell.log.read_text()[-2000:] for cell in cells if not cell.is_done() and cell.log.exists()]
    assert done.returncode == 0, "\n".join(failed) or done.stderr
    results = list(csv.DictReader(next(cells[-1].folder.parent.parent.glob("score/selection-*/results.csv")).open()))
    tried = {row["strategy"] for row in results if row["metric"] == "refusal_rate"}
    assert tried == {"diverse", "targeted"}
    made = {path.name for path in cells[-1].folder.iterdir()}
    assert {f"testbed_{name}.csv" for name in ("selection", "news", "refinement", "open_data", "sizes_means")} <= made


RUNNER = """
import sys
from pathlib import Path
from experiments.lane import run_logged
from paper_repro.cli import application

commands = application()
for line in sys.stdin.read().splitlines():
    log, *command = line.split("\t")
    if run_logged(commands, command, Path(log)):
        sys.exit(1)
"""
