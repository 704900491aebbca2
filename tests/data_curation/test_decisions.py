"""The ledger: every row has one decision, and a step that breaks its promises is stopped."""

from __future__ import annotations

import pytest

from artifacts.errors import StageError
from data_curation.decisions import DECISIONS, STEPS, Ledger
from data_curation.records import make_records, record_id
from data_curation.step import Drop, StepResult

RECORDS = make_records("s", [(0, None, "a"), (1, None, "b"), (2, None, "a"), (4, None, "c")])
A, B, A2, C = (record.row_id for record in RECORDS)


def test_kept_dropped_and_changed_rows_are_booked():
    ledger = Ledger(RECORDS, quarantined=1)
    ledger.apply("normalise", StepResult(responses={B: "bb", C: "c"}, measures={"changed.unicode": 1}))
    ledger.apply("exact_dedup", StepResult(drops=[Drop(A2, "copy", by=A, score=1.0)]))
    ledger.apply("too_long", StepResult(drops=[Drop(B, "many_words", score=7.0)]))

    assert [(record.row_id, record.response) for record in ledger.kept] == [(A, "a"), (C, "c")]
    table = ledger.decisions()
    assert table.schema.equals(DECISIONS)
    rows = table.to_pylist()
    assert [(row["row_id"], row["row"], row["kept"]) for row in rows] == [
        (A, 0, True),
        (B, 1, False),
        (A2, 2, False),
        (C, 4, True),
    ]
    assert [rows[1][key] for key in ("step", "reason", "by", "score")] == ["too_long", "many_words", None, 7.0]
    assert [rows[2][key] for key in ("step", "reason", "by", "score")] == ["exact_dedup", "copy", A, 1.0]
    assert [rows[0][key] for key in ("step", "reason", "by", "score")] == [None] * 4
    assert ledger.changed() == 0  # the one changed row was dropped later


def test_steps_table_holds_every_measurement():
    ledger = Ledger(RECORDS, quarantined=1)
    ledger.apply("normalise", StepResult(responses={B: "bb", C: "c"}, measures={"changed.unicode": 1}))
    ledger.apply("dedup", StepResult(drops=[Drop(A2, "copy", by=A), Drop(B, "alike", by=C)]))
    table = ledger.steps()
    assert table.schema.equals(STEPS)
    values = {(row["position"], row["step"], row["measure"]): row["value"] for row in table.to_pylist()}
    assert values == {
        (0, "read", "rows_in"): 5,
        (0, "read", "kept"): 4,
        (0, "read", "quarantined"): 1,
        (1, "normalise", "rows_in"): 4,
        (1, "normalise", "kept"): 4,
        (1, "normalise", "dropped"): 0,
        (1, "normalise", "changed"): 1,
        (1, "normalise", "changed.unicode"): 1,
        (2, "dedup", "rows_in"): 4,
        (2, "dedup", "kept"): 2,
        (2, "dedup", "dropped"): 2,
        (2, "dedup", "dropped.alike"): 1,
        (2, "dedup", "dropped.copy"): 1,
        (2, "dedup", "changed"): 0,
    }


def test_a_changed_text_has_its_own_record_id_and_the_old_row_id():
    ledger = Ledger(RECORDS)
    ledger.apply("normalise", StepResult(responses={B: "new"}))
    changed = ledger.kept[1]
    assert (changed.row_id, changed.record_id) == (B, record_id("new"))
    assert ledger.decisions().to_pylist()[1]["record_id"] == record_id("b")
    assert ledger.changed() == 1


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (StepResult(drops=[Drop("nobody", "x")]), "not among its rows"),
        (StepResult(drops=[Drop(A, "x"), Drop(A, "y")]), "twice"),
        (StepResult(drops=[Drop(A, "x", by="nobody")]), "not kept either"),
        (StepResult(drops=[Drop(A, "x", by=A)]), "not kept either"),
        (StepResult(drops=[Drop(A, "x", by=B), Drop(B, "x", by=C)]), "not kept either"),
        (StepResult(drops=[Drop(A, "")]), "without a reason"),
        (StepResult(drops=[Drop(A, "x", score=float("nan"))]), "no number"),
        (StepResult(responses={"nobody": "x"}), "not among the rows it keeps"),
        (StepResult(drops=[Drop(A, "x")], responses={A: "x"}), "not among the rows it keeps"),
        (StepResult(measures={"kept": 1}), "counted for it"),
        (StepResult(measures={"dropped.copy": 1}), "counted for it"),
        (StepResult(measures={"pairs": float("inf")}), "measures 'pairs'"),
    ],
)
def test_a_step_that_breaks_its_promises_is_stopped_and_named(result, message):
    ledger = Ledger(RECORDS)
    with pytest.raises(StageError, match=message) as error:
        ledger.apply("bad_step", result)
    assert "bad_step" in str(error.value)
    assert len(ledger.kept) == 4


def test_a_row_dropped_before_cannot_be_dropped_or_named_again():
    for result in (StepResult(drops=[Drop(A, "y")]), StepResult(drops=[Drop(B, "y", by=A)])):
        ledger = Ledger(RECORDS)
        ledger.apply("first", StepResult(drops=[Drop(A, "x")]))
        with pytest.raises(StageError):
            ledger.apply("second", result)


def test_two_rows_with_one_id_are_refused():
    with pytest.raises(StageError, match="share one row_id"):
        Ledger([RECORDS[0], RECORDS[0]])
