"""Deduplication against a reference set, who survives, and what the folder made says about it."""

from __future__ import annotations

import json
import random
import sys

import pyarrow.parquet as pq
import pytest

from artifacts.errors import InputError, StageError, UserError
from data_curation.curate import CurateSettings, curate
from data_curation.decisions import Ledger
from data_curation.exact_dedup import ExactDedup, ExactDedupSettings
from data_curation.lineage import read_lineage
from data_curation.near_dedup import NearDedup, NearDedupSettings
from data_curation.records import make_records
from data_curation.shingles import jaccard, shingles
from data_curation.step import Drop, StepResult
from data_curation.survivors import survivor_order

WORDS = [f"w{index}" for index in range(400)]
TEXT = " ".join(WORDS[:60])
NEAR = TEXT + " more"
OTHER = " ".join(WORDS[100:160])


def records_of(*responses, source="set", quality=None):
    scores = quality or [None] * len(responses)
    return make_records(
        source, ((row, None, text, score) for row, (text, score) in enumerate(zip(responses, scores, strict=True)))
    )


def exact(**settings):
    return ExactDedup(ExactDedupSettings(**settings))


def near(**settings):
    return NearDedup(NearDedupSettings(**settings))


@pytest.mark.parametrize(("step", "reason"), [(exact(), "exact_duplicate"), (near(), "near_duplicate")])
def test_rows_like_one_of_the_reference_leave_because_of_it(step, reason):
    records, reference = records_of(TEXT, OTHER), records_of("else", TEXT, source="old")
    (drop,) = step.apply(records, None, reference).drops
    assert drop == Drop(records[0].row_id, f"{reason}_of_reference", reference[1].row_id, 1.0, "reference")
    assert step.apply(records, None).drops == []


def test_of_several_rows_of_the_reference_the_nearest_is_named():
    reference = records_of(NEAR, TEXT + " even more", TEXT, source="old")
    assert {drop.by for drop in near().apply(records_of(TEXT, TEXT), None, reference).drops} == {reference[2].row_id}


def test_the_reference_comes_before_a_nearer_row_of_the_set():
    kept, between, old = (" ".join(WORDS[start : start + 100]) for start in (10, 6, 0))
    kept += " longest"
    records, reference = records_of(kept, between), records_of(old, source="old")
    grams = {text: shingles(text, 5) for text in (kept, between, old)}
    assert jaccard(grams[kept], grams[old]) < 0.85 < jaccard(grams[between], grams[old])
    assert jaccard(grams[between], grams[old]) < jaccard(grams[between], grams[kept])
    step = near(threshold=0.85)
    (drop,) = step.apply(records, None, reference).drops
    assert (drop.row_id, drop.by) == (records[1].row_id, reference[0].row_id)


@pytest.mark.parametrize("make", [exact, near])
def test_within_false_compares_with_the_reference_only(make):
    records, reference = records_of(TEXT, TEXT, OTHER), records_of(OTHER, source="old")
    assert [drop.row_id for drop in make(within=False).apply(records, None, reference).drops] == [records[2].row_id]
    assert len(make().apply(records, None, reference).drops) == 2


@pytest.mark.parametrize("make", [exact, near])
def test_equal_rows_of_the_reference_count_once_and_the_smallest_is_named(make):
    records, reference = records_of(TEXT), records_of(*[TEXT] * 9, source="old")
    for seed in range(3):
        (drop,) = make().apply(records, None, random.Random(seed).sample(reference, 9)).drops
        assert drop.by == min(record.row_id for record in reference)


def test_duplicates_within_the_reference_are_none_of_our_business():
    result = near().apply(records_of(OTHER), None, records_of(TEXT, NEAR, NEAR, source="old"))
    assert result.drops == []
    assert result.measures["compared"] == 1


def test_a_row_that_left_for_the_reference_makes_no_other_leave():
    """B is like the reference and like C, but C is not like the reference: C stays."""
    reference = records_of(" ".join(WORDS[0:106]), source="old")
    b, c = " ".join(WORDS[8:113]), " ".join(WORDS[17:121])
    records = records_of(b, c)
    assert jaccard(shingles(b, 5), shingles(c, 5)) >= 0.8
    (drop,) = near().apply(records, None, reference).drops
    assert (drop.row_id, drop.by) == (records[0].row_id, reference[0].row_id)


def test_the_ledger_holds_a_drop_to_the_set_it_names():
    records, reference = records_of("a", "b"), records_of("a", source="old")
    a, old = records[0].row_id, reference[0].row_id
    drop = Drop(a, "copy_of_reference", old, 1.0, "reference")
    for ledger, named in (
        (Ledger(records, 0, reference), Drop(a, "copy", old, 1.0)),
        (Ledger(records, 0, reference), Drop(a, "copy", records[1].row_id, 1.0, "reference")),
        (Ledger(records), drop),
    ):
        with pytest.raises(StageError, match=r"which (is not kept either|the reference lacks)"):
            ledger.apply("exact_dedup", StepResult(drops=[named]))
    ledger = Ledger(records, 0, reference)
    ledger.apply("exact_dedup", StepResult(drops=[drop]))
    assert [row["by_set"] for row in ledger.decisions().to_pylist()] == ["reference", None]


def test_quality_decides_then_length_and_rows_without_a_score_come_last():
    records = records_of("aaaa", "bb", "cc c", "d", "eeeeeeee", quality=[0.5, 2.0, 0.5, -1.0, None])
    order = [records[place].response for place in survivor_order(records, "quality")]
    assert order[0] == "bb"
    assert set(order[1:3]) == {"aaaa", "cc c"}
    assert order[3:] == ["d", "eeeeeeee"]
    assert survivor_order([], "quality") == []


def test_where_no_row_brings_a_score_the_text_has_one():
    sound = "The kettle boils water for tea. It takes about three minutes, and then it switches itself off."
    leaking = f"{sound}\n\n### Human: And what about coffee?"  # longer, and worse
    records = records_of(leaking, sound, "")
    assert [records[place].response for place in survivor_order(records, "quality")] == [sound, leaking, ""]
    assert [records[place].response for place in survivor_order(records, "longest")] == [leaking, sound, ""]
    scored = records_of(leaking, sound, quality=[1.0, None])  # one score is enough: the column decides
    assert scored[survivor_order(scored, "quality")[0]].response == leaking


def clusters(seed):
    """Texts in overlapping families, with chains, copies and scores."""
    chooser = random.Random(seed)
    rows = []
    for _ in range(14):
        start = chooser.randrange(250)
        length = chooser.randrange(30, 70)
        for _ in range(chooser.randrange(1, 7)):
            shift = chooser.randrange(5)
            text = " ".join(WORDS[start + shift : start + shift + length])
            rows += [(text, chooser.choice([None, 0.1, 0.5, 0.5]))] * chooser.choice([1, 1, 2])
    return rows


@pytest.mark.parametrize("survivor", ["quality", "longest", "id", "first"])
@pytest.mark.parametrize("seed", range(4))
def test_what_leaves_is_like_what_it_left_for_and_no_order_matters(survivor, seed):
    """The properties that all of it is for, on real chains: 0.6 makes them likely."""
    rows, reference = clusters(seed), records_of(*(text for text, _ in clusters(seed + 100)), source="old")
    records = records_of(*(text for text, _ in rows), quality=[score for _, score in rows])
    by_id = {record.row_id: record for record in [*records, *reference]}
    place = {records[index].row_id: rank for rank, index in enumerate(survivor_order(records, survivor))}
    step = near(survivor=survivor, threshold=0.6, short_ngrams=0, recall=0.9999)
    for old in ([], reference):
        drops = step.apply(records, None, old).drops
        gone = {drop.row_id for drop in drops}
        assert drops
        for drop in drops:
            similarity = jaccard(*(shingles(by_id[name].response, 5) for name in (drop.row_id, drop.by)))
            assert drop.score == similarity >= 0.6
            if drop.by_set == "input":
                assert drop.by not in gone
                assert place[drop.by] < place[drop.row_id]
        stay = [record for record in records if record.row_id not in gone] + old
        grams = [shingles(record.response, 5) for record in stay]
        assert not any(
            jaccard(grams[i], grams[j]) >= 0.6 for i in range(len(stay) - len(old)) for j in range(len(stay)) if i != j
        )
        for shuffle in range(2):
            chooser = random.Random(shuffle)
            again = step.apply(chooser.sample(records, len(records)), None, chooser.sample(old, len(old))).drops
            assert set(again) == set(drops)


@pytest.mark.parametrize("survivor", ["quality", "longest", "id"])
def test_no_order_of_the_file_matters_but_for_first(tmp_path, survivor):
    rows = [{"response": text, "score": score} for text, score in clusters(5)]
    kept = set()
    for seed in range(2):
        path = tmp_path / f"{seed}" / "rows.jsonl"
        path.parent.mkdir()
        path.write_text("".join(json.dumps(row) + "\n" for row in random.Random(seed).sample(rows, len(rows))))
        recipe = {"steps": [{"step": name, "survivor": survivor} for name in ("exact_dedup", "near_dedup")]}
        made = curate(CurateSettings(recipe=recipe, columns={"quality": "score"}), tmp_path / f"out{seed}", path)
        table = pq.read_table(made.file("data.parquet"))
        assert table.num_rows < len(rows)
        scored = ["quality"] if survivor == "quality" else []  # equal rows may swap their scores
        kept.add(tuple(sorted(map(str, table.select(["response", *scored]).to_pylist()))))
    assert len(kept) == 1


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_the_folder_made_tells_which_set_dropped_what(tmp_path):
    mine = write(tmp_path / "mine.jsonl", *({"response": text} for text in (TEXT, OTHER, OTHER, NEAR)))
    old = write(tmp_path / "old.jsonl", {"text": TEXT}, {"text": None})
    recipe = {"steps": [{"step": "exact_dedup"}, {"step": "near_dedup"}]}
    settings = CurateSettings(recipe=recipe, reference_columns={"response": "text"})
    made = curate(settings, tmp_path / "out", mine, reference=old)
    rows = pq.read_table(made.file("decisions.parquet")).to_pylist()
    reasons = ("exact_duplicate_of_reference", None, "exact_duplicate", "near_duplicate_of_reference")
    assert sorted(str(row["reason"]) for row in rows) == sorted(map(str, reasons))
    assert [(row["by_set"], row["score"]) for row in (rows[0], rows[3])] == [("reference", 1.0), ("reference", 56 / 57)]
    assert rows[0]["by"] == rows[3]["by"] == make_records("old.jsonl", [(0, None, TEXT)])[0].row_id
    assert {row["by_set"] for row in rows[1:3]} == {None, "input"}
    assert made.summary["reference"] == {"response_set": "old.jsonl", "rows": 1, "quarantined": 1}
    assert made.summary["response_set"] == "mine.jsonl"
    assert [made.summary[key] for key in ("rows_in", "kept", "dropped", "quarantined")] == [4, 1, 3, 0]
    assert set(made.identity.inputs) == {"input", "reference"}
    artifact = curate(CurateSettings(recipe=recipe), tmp_path / "again", mine, reference=made.path)
    assert artifact.summary["reference"] == {"response_set": "mine.jsonl", "rows": 1}
    assert artifact.summary["kept"] == 1


def test_what_changed_a_rows_copy_in_the_reference_has_not_changed_the_row(tmp_path):
    raw = write(tmp_path / "mine.jsonl", {"response": TEXT + "\u200b and more"}, {"response": OTHER})
    clean = curate(CurateSettings(recipe={"steps": [{"step": "normalise"}]}), tmp_path / "clean", raw)
    recipe = {"steps": [{"step": "exact_dedup"}]}
    made = curate(CurateSettings(recipe=recipe), tmp_path / "made", raw, reference=clean.path)
    (row,) = read_lineage(made)["rows"].items()
    assert read_lineage(clean)["rows"][row[0]]["changed_by"] == ["normalise"]
    assert (row[1]["row"], row[1]["changed_by"]) == (0, [])


@pytest.mark.parametrize(
    ("steps", "reference", "message"),
    [
        ([{"step": "near_dedup"}], "mine.jsonl", "is the input itself"),
        ([{"step": "near_dedup"}], "absent.jsonl", "no such file"),
        ([{"step": "near_dedup"}], ".", "a folder without a manifest"),
        ([{"step": "normalise"}], "old.jsonl", "no step of the recipe compares"),
        ([{"step": "near_dedup", "within": False}], None, "no reference to compare with"),
    ],
)
def test_what_cannot_be_done_is_refused(tmp_path, monkeypatch, steps, reference, message):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "mine.jsonl", {"response": TEXT})
    write(tmp_path / "old.jsonl", {"response": TEXT})
    with pytest.raises(UserError, match=message):
        curate(CurateSettings(recipe={"steps": steps}), tmp_path / "out", "mine.jsonl", reference=reference)


def test_a_quality_score_is_a_number_or_missing(tmp_path):
    scores = [1, "2.5", None, float("nan"), "", True, "good", [1], float("inf")]
    mine = write(tmp_path / "mine.jsonl", *({"response": f"{TEXT} {n}", "q": q} for n, q in enumerate(scores)))
    made = curate(CurateSettings(recipe="paper", columns={"quality": "q"}), tmp_path / "out", mine)
    assert pq.read_table(made.file("data.parquet"))["quality"].to_pylist() == [1.0, 2.5, None, None, None]
    reasons = [json.loads(line)["reason"] for line in made.file("quarantine.jsonl").read_text().splitlines()]
    assert len(reasons) == 4
    assert all(reason.startswith("'q' is") for reason in reasons)
    with pytest.raises(InputError, match="no row has the quality column 'w'"):
        curate(CurateSettings(recipe="paper", columns={"quality": "w"}), tmp_path / "other", mine)


@pytest.fixture
def rt(tmp_path, monkeypatch, capsys):
    """Run `rt` in this process, in an own folder."""
    from paper_repro.cli import application, run_app

    own = application(["curate"])
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["rt", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            run_app(own, "rt")
        printed = capsys.readouterr()
        return stop.value.code or 0, printed.out, printed.err

    return run


def test_one_step_alone_from_the_command_line(rt, tmp_path):
    rows = [{"response": text, "q": score} for text, score in ((TEXT, 3), (NEAR, 1), (OTHER, 2), (OTHER, 2))]
    write(tmp_path / "mine.jsonl", *rows)
    write(tmp_path / "old.jsonl", {"response": OTHER})

    def kept(*options):
        status, out, err = rt("curate", "mine.jsonl", *options, "--out", "made", "--overwrite", "--json")
        assert status == 0, err
        steps = [entry["step"] for entry in json.loads(out)["summary"]["funnel"]]
        return steps, [row["row"] for row in pq.read_table("made/data.parquet").to_pylist()]

    steps, rows = kept("--step", "exact")
    assert (steps, len(rows)) == (["exact_dedup"], 3)
    assert len(kept("--step", "near", "--threshold", 0.99)[1]) == 3
    steps, rows = kept("--step", "near", "--survivor", "quality", "--quality-column", "q", "--reference", "old.jsonl")
    assert (steps, rows) == (["near_dedup"], [0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--step", "far"), "'exact', 'near', 'semantic'"),
        (("--step", "near", "--recipe", "paper"), "--step and --recipe exclude each other"),
        (("--step", "exact", "--threshold", "0.5"), "--threshold has no meaning for --step exact"),
        (("--threshold", "0.5"), "--threshold belongs to --step"),
        (("--survivor", "first"), "--survivor belongs to --step"),
        (("--step", "near", "--threshold", "0"), "threshold: Input should be greater than 0"),
        (("--step", "near", "--threshold", "1.5"), "less than or equal to 1"),
        (("--step", "near", "--survivor", "best"), "'quality', 'longest', 'first' or 'id'"),
        (("--step", "near", "--reference", "nothing.jsonl"), "nothing.jsonl: no such file"),
    ],
)
def test_options_that_do_not_fit_are_refused(rt, tmp_path, options, message):
    write(tmp_path / "mine.jsonl", {"response": TEXT})
    status, _, err = rt("curate", "mine.jsonl", *options, "--out", "made")
    assert status == 2
    assert message in err
    assert not (tmp_path / "made").exists()


def test_help_tells_of_the_step_and_the_reference(rt):
    status, out, _ = rt("curate", "--help")
    assert status == 0
    for word in ("--step", "exact|near|semantic", "--threshold", "--reference", "--survivor", "by_set"):
        assert word in out
