"""Results that come with the package: shown as such, and put there study by study."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from statistics import mean

import pytest

from artifacts import shipped_pins
from artifacts.errors import DigestError, InputError, UserError
from artifacts.manifest import read_manifest, write_manifest
from artifacts.settings import Settings
from artifacts.shipped import CARD, shipped_folder, shipped_names
from artifacts.stage import Stage
from paper_repro.report import ReportSettings, report, testbed_ship
from paper_repro.report.stage import SHIPPED_RESULTS, fixed_inputs
from paper_repro.report.testbed import PARTS, make_sections
from paper_repro.report.testbed_cards import read_cards
from paper_repro.report.testbed_cells import MEASURES, parse_base, read_cells
from paper_repro.report.testbed_claims import check_testbed_claims
from paper_repro.report.testbed_figures import instructability_drawing
from paper_repro.report.testbed_ship import ship_results as ship
from paper_repro.report.testbed_shipped import Shipped, as_shipped, read_shipped
from paper_repro.score.schema import sort_key, write_results

SETTINGS = ReportSettings(source="run", tables=(), figures=())
ROOT = Path(__file__).resolve().parents[4]
FACTS = {"date": "2026-11-30", "commit": "abcdef0123456789", "machine": "2 cores"}


def shipped_of(results, *parts: set[str]) -> Shipped:
    """Shipped results of one run, or of one run for each part and one for the rest."""
    studies = {result.study for result in results}
    runs = [run for run in (*parts, studies.difference(*parts)) if run]
    made = [FACTS | {"studies": sorted(run), "date": f"2026-11-{30 - day}"} for day, run in enumerate(runs)]
    return Shipped(results, {"profile": "testbed-full", "runs": made})


class Made(Settings):
    """Of a stage that stands for tuning or scoring."""

    study: str
    shift: float = 0.0


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """Where results are shipped to, empty; pins are not written."""
    folder = tmp_path / "shipped"
    monkeypatch.setattr(testbed_ship, "SHIPPED_RESULTS", folder)
    monkeypatch.setattr(testbed_ship, "write_pin", lambda name: pinned.append(name))
    pinned: list[str] = []
    return folder


@pytest.fixture
def run(testbed_results, tmp_path):
    """Makes the report of a run of some studies: tuned, scored, reported."""

    def tune(settings, inputs, workspace):
        (workspace.path / "weights").write_text(settings.study)

    def score(settings, inputs, workspace):
        rows = [row for row in testbed_results if row.study == settings.study]
        workspace.summary["study"] = settings.study
        write_results([replace(row, n=row.n + int(settings.shift)) for row in rows], workspace.path)

    def make(*studies: str, shift: float = 0.0, version: int = 4) -> Path:
        folder = tmp_path / f"run-{len(list(tmp_path.iterdir()))}"
        scores = []
        for study in studies:
            settings = Made(study=study, shift=shift)
            model, _ = Stage("train", "model", version, Made, tune, packages=("pydantic",), threaded=True).run(
                settings, folder / "train" / study
            )
            made, _ = Stage("score", "scores", 8, Made, score).run(
                settings, folder / "score" / study, {"model": model.path}
            )
            clean(made.path), clean(model.path)
            scores.append(made.path)
        made = report(SETTINGS, folder / "report", scores)
        return made.path

    return make


def ship_results(folder: Path, **options) -> Path:
    return ship(folder, "testbed-full", **options)


def clean(folder: Path, commit: str = "abcdef0123456789") -> None:
    """Let it be made by this commit, whatever the state of the checkout that tests it."""
    artifact = read_manifest(folder)
    artifact.provenance["commit"] = commit
    write_manifest(artifact)


def test_shipped_results_are_shown_where_a_run_made_fewer_and_marked(made_up, level, testbed_results, cards):
    own = made_up(level, sizes=("2m",))
    sections, summary = make_sections(own, cards, {}, shipped_of(testbed_results))
    shipped = [section for section in sections if section.id.startswith("shipped-")]
    # the run has every refusal and every style in context: only sizes are missing
    assert [one.id for one in shipped] == ["shipped-testbed", "shipped-testbed-causes", "shipped-claims-testbed"]
    assert all("not made by this run" in one.paragraphs[0] and "2026-11-30" in one.paragraphs[0] for one in shipped)
    for item in (item for one in shipped for item in one.items):
        assert item.name.startswith("shipped_")
        assert item.title.endswith("(shipped)")
        assert item.source.startswith("shipped results (profile testbed-full, ")
        assert "made on 2026-11-30 by abcdef012345 on 2 cores" in item.source
    assert summary["claims_testbed"]["not run"] == 1
    assert summary["claims_testbed_shipped"]["not run"] == 0


def test_a_shipped_section_tells_of_the_runs_of_its_own_studies(testbed_results, cards):
    shipped = shipped_of(testbed_results, {"formats"}, {"refusal", "declines"})
    said = {one.id: one.paragraphs[0] for one in make_sections([], cards, {}, shipped)[0] if one.paragraphs}
    assert said["shipped-testbed-causes"].count("made on") == 2  # the formats', and the rest
    own = "profile testbed-full, made on 2026-11-29 by abcdef012345 on 2 cores."
    assert said["shipped-testbed-refusals"].endswith(own), "of one run, so its studies need no names"
    assert "declines, refusal made on 2026-11-29" in said["shipped-claims-testbed"]
    assert said["shipped-claims-testbed"].count("made on") == 3
    same = Shipped(
        testbed_results, {**shipped.facts, "runs": [FACTS | {"studies": one["studies"]} for one in shipped.runs]}
    )
    assert same.words().count("made on") == 1, "runs of one day, commit and machine are told together"
    halves = [one | {"commit": f"{one['commit']}, {'9' * 16}"} for one in shipped.runs]
    assert " by abcdef012345 and 999999999999 on" in Shipped(testbed_results, {**shipped.facts, "runs": halves}).words()


def test_the_full_run_itself_needs_nothing_shipped(testbed_results, cards):
    sections, _ = make_sections(testbed_results, cards, {}, shipped_of(testbed_results))
    assert not [section for section in sections if section.id.startswith("shipped")]


def test_without_a_run_the_shipped_results_stand_alone(testbed_results, cards):
    sections, summary = make_sections([], cards, {}, shipped_of(testbed_results))
    ran = {result.study for result in testbed_results}
    assert {one.id for one in sections} == {
        *(f"shipped-{part.id}" for part in PARTS if ran.intersection(part.studies)),
        "shipped-claims-testbed",
        "testbed-bases",
    }
    assert "claims_testbed" not in summary


def test_a_shipped_figure_bears_the_words(cells):
    plain = instructability_drawing(cells)
    marked = as_shipped(plain, "shipped results")
    words = [{text.get_text() for text in item.draw().texts} for item in (plain, marked)]
    assert words[1] - words[0] == {"shipped results, not of this run"}


def test_the_cards_and_shipped_results_are_inputs_of_a_testbed_report(testbed_card_files, tmp_path, monkeypatch):
    monkeypatch.setattr("artifacts.shipped.SHIPPED", testbed_card_files[0].parent.parent)
    monkeypatch.setattr("paper_repro.report.stage.SHIPPED_RESULTS", tmp_path)
    found = fixed_inputs(ReportSettings(source="run", testbed=True))
    assert found.pop("shipped-testbed") == tmp_path
    assert sorted(found.values()) == sorted(testbed_card_files)
    assert fixed_inputs(ReportSettings(source="run")) == {}


def test_what_is_shipped_is_what_the_scores_hold_with_how_they_were_made(run, place, testbed_results):
    assert ship_results(run("formats", "corpora")) == place
    shipped = read_shipped(place)
    assert shipped.results == sorted(
        (row for row in testbed_results if row.study in ("formats", "corpora")), key=sort_key
    )
    (made,) = shipped.runs
    assert shipped.facts["profile"] == "testbed-full"
    assert made["studies"] == ["corpora", "formats"]
    assert made["cells"] == {"score": 2, "train": 2}
    assert made["versions"] == {"score": 8, "train": 4}
    assert set(made["packages"]) == {"pydantic"}
    assert made["threads"] >= 1
    assert made["commit"] == "abcdef0123456789"
    assert set(made["scores"]) == {"corpora", "formats"}
    assert str(place.parent) not in (place / "run.json").read_text()


def test_a_second_run_replaces_its_own_studies_and_leaves_the_others(run, place):
    ship_results(run("formats", "corpora"))
    before = read_shipped(place)
    ship_results(run("corpora", "refusal", shift=7))
    after = read_shipped(place)
    assert [one["studies"] for one in after.runs] == [["corpora", "refusal"], ["formats"]]
    rows = {study: [row for row in after.results if row.study == study] for study in ("formats", "corpora")}
    assert rows["formats"] == [row for row in before.results if row.study == "formats"]
    assert [row.n for row in rows["corpora"]] == [row.n + 7 for row in before.results if row.study == "corpora"]
    assert {study: digest for one in after.runs for study, digest in one["scores"].items()}.keys() == {
        "corpora",
        "refusal",
        "formats",
    }
    ship_results(run("refusal"), alone=True)
    assert {row.study for row in read_shipped(place).results} == {"refusal"}


def test_studies_of_other_versions_do_not_stand_in_one_table(run, place):
    ship_results(run("formats"))
    newer = run("corpora", version=5)
    with pytest.raises(UserError, match="formats were made with other versions: train"):
        ship_results(newer)
    assert {row.study for row in read_shipped(place).results} == {"formats"}
    ship_results(newer, alone=True)
    assert {row.study for row in read_shipped(place).results} == {"corpora"}


def test_what_cannot_be_traced_is_not_shipped(run, place, monkeypatch, tmp_path):
    monkeypatch.setenv("RT_HOME", str(tmp_path / "home"))
    folder = run("formats")
    clean(folder.parent / "train" / "formats", "abc-dirty")
    with pytest.raises(UserError, match="in no commit"):
        ship_results(folder)
    shutil.rmtree(folder.parent / "train")
    with pytest.raises(InputError, match="1 things that it was made from are gone"):
        ship_results(folder)
    shutil.rmtree(folder.parent / "score")
    with pytest.raises(InputError, match="scores that this report was made from are gone"):
        ship_results(folder)
    assert not place.exists()


def test_changed_scores_are_not_shipped(run, place):
    folder = run("formats")
    with (folder.parent / "score" / "formats" / "results.parquet").open("ab") as file:
        file.write(b" ")
    with pytest.raises(DigestError):
        ship_results(folder)


def test_other_models_results_are_not_the_testbeds(run, place, testbed_results, monkeypatch):
    folder = run("formats")
    monkeypatch.setattr(testbed_ship, "parse_base", lambda name: None)
    with pytest.raises(InputError, match="without results of the testbed"):
        ship_results(folder)


def test_broken_shipped_results_are_refused(tmp_path, testbed_results):
    facts = dict(shipped_of(testbed_results).facts)
    with pytest.raises(InputError, match="no such file"):
        read_shipped(tmp_path)
    write_results(testbed_results, tmp_path)
    for broken in ({}, [], facts | {"runs": facts["runs"][:0]}, {"runs": [FACTS | {"studies": ["formats"]}]}):
        (tmp_path / "run.json").write_text(json.dumps(broken))
        with pytest.raises(InputError, match="other studies than the results"):
            read_shipped(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps(facts))
    assert read_shipped(tmp_path).facts == facts


def test_the_shipped_run_compares_as_many_as_each_claim_is_about():
    """A claim's `of` is its number of comparisons in a full run, and a full run is what is shipped."""
    shipped = read_shipped(SHIPPED_RESULTS)
    cards = read_cards(shipped_folder(name) / CARD for name in shipped_names())
    outcomes = check_testbed_claims(read_cells(shipped.results), cards, {})
    assert {one.claim.id: one.cells for one in outcomes} == {one.claim.id: one.claim.comparison.of for one in outcomes}


def test_the_readme_tells_the_shipped_rates_of_refusal():
    """What it says of the longer run are that run's means over bases and seeds, in whole per cent."""
    shipped = [result for result in read_shipped(SHIPPED_RESULTS).results if result.study == "refusal"]

    def rates(method: str, measure: str, count: int) -> dict[tuple[str, str], int]:
        """By size and response set."""
        found = defaultdict(list)
        for one in shipped:
            condition = (one.method, (one.benchmark, one.metric), one.num_refusals)
            if condition == (method, MEASURES[measure], count):
                found[parse_base(one.base_model).size, one.response_set].append(one.value)
        assert len(found) == 9
        return {key: round(100 * mean(values)) for key, values in found.items()}

    it, rt, many = rates("IT", "unsafe", 100), rates("RT", "unsafe", 100), rates("RT", "unsafe", 300)
    small = ("0.5m", "testbed-structured")
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"IT refuses {min(it.values())} to {max(it.values())} % of the unsafe requests on every size" in text
    assert f"as many look-alikes ({it[small]} and {rates('IT', 'look_alike', 100)[small]} %)" in text
    assert f"RT {min(rt.values())} to {max(rt.values())} %, and with 300 of them at most {max(many.values())} %" in text


def test_shipped_results_are_pinned():
    folders = [path for path in shipped_pins.RESULTS.iterdir() if path.is_dir()]
    assert {f"results-{path.name}" for path in folders} <= set(shipped_pins.shipped_things())
