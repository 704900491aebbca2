"""Label Studio: tasks out, ratings back, all or none."""

from __future__ import annotations

import json
from dataclasses import asdict
from xml.etree import ElementTree

import pytest

from artifacts.errors import InputError
from paper_repro.annotate import ratings
from paper_repro.annotate.campaign import Rater
from paper_repro.annotate.label_studio import import_tasks, labelling_page, write_tasks

ONE, TWO = Rater(1, "rater-1"), Rater(2, "rater-2")


def answers(made):
    with made.reading() as connection:
        query = "SELECT rater, position, state, first, second, preferred, comment FROM turns ORDER BY rater, position"
        return [tuple(row) for row in connection.execute(query)]


@pytest.fixture
def rated(campaign):
    """A campaign of 2 x 3 turns: two rated, one skipped, three open."""
    made, _ = campaign(3, 1, raters=2)
    ratings.rate(made, ONE, 1, 0, ratings.Answer("excellent", "not", "first", "a <b> comment\nof two lines"))
    ratings.rate(made, TWO, 1, 0, ratings.Answer("sufficient", "sufficient", "tie"))
    ratings.skip(made, TWO, 2, 0)
    return made


def test_tasks_make_the_round_trip(rated, campaign, tmp_path):
    assert write_tasks(rated, tmp_path / "tasks.json") == 6
    other, _ = campaign(3, 1, folder="other", raters=2)
    counts = import_tasks(other, tmp_path / "tasks.json")
    assert asdict(counts) == {"rated": 2, "skipped": 1, "already": 0, "without_annotation": 3}
    assert [row for row in answers(other) if row[2] == "rated"] == [row for row in answers(rated) if row[2] == "rated"]
    assert [row[:3] for row in answers(other)] == [row[:3] for row in answers(rated)]
    write_tasks(other, tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "tasks.json").read_bytes()
    assert asdict(import_tasks(other, tmp_path / "tasks.json"))["already"] == 3, "twice is as once"
    with other.reading() as connection:
        assert {row["source"] for row in connection.execute("SELECT source FROM events")} == {"label-studio"}


def test_tasks_name_no_system_and_the_labelling_page_fits_them(rated, tmp_path):
    write_tasks(rated, tmp_path / "tasks.json")
    text = (tmp_path / "tasks.json").read_text()
    assert "reply of one" in text and "zulu" not in text.lower() and "advbench" not in text
    task = json.loads(text)[0]
    assert task["data"]["turn"] == "rater-1:1" and task["annotations"][0]["result"]
    page = ElementTree.fromstring(labelling_page())
    texts = {element.get("name"): element.get("value") for element in page.iter("Text")}
    assert {value.removeprefix("$") for value in texts.values()} <= set(task["data"])
    controls = {element.get("name"): element for tag in ("Choices", "TextArea") for element in page.iter(tag)}
    for result in task["annotations"][0]["result"]:
        control = controls.pop(result["from_name"])
        assert control.get("toName") == result["to_name"] in texts
        if result["type"] == "choices":
            assert result["value"]["choices"][0] in {choice.get("alias") for choice in control}
    assert not controls


def result(task, control):
    return next(r for r in task["annotations"][0]["result"] if r["from_name"] == control)["value"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t[0]["data"].update(turn="rater-9:1"), "task 1 (id 1): data.turn: no turn 'rater-9:1'"),
        (lambda t: t[0]["data"].update(turn="rater-1:99"), "no turn 'rater-1:99'"),
        (lambda t: t[0]["data"].update(campaign="0" * 16), "data.campaign: 0000000000000000"),
        (lambda t: t[0].pop("annotations"), "JSON-MIN"),
        (lambda t: t[1]["data"].update(turn="rater-1:1"), "task 2 (id 2): data.turn: 'rater-1:1' occurs twice"),
        (lambda t: t[0]["annotations"].append(t[0]["annotations"][0]), "2 of one turn"),
        (lambda t: result(t[0], "response_1").update(choices=["superb"]), "Response 1 is not rated yet"),
        (lambda t: result(t[0], "preferred").update(choices=["tie", "first"]), "one value of 'preferred'"),
        (lambda t: t[0]["annotations"][0].update(result=[]), "Response 2 is not rated yet"),
        (lambda t: t[0].update(data=None), "data.turn: no such key"),
    ],
)
def test_a_wrong_task_is_named_and_nothing_is_taken_over(rated, campaign, tmp_path, change, said):
    write_tasks(rated, tmp_path / "tasks.json")
    tasks = json.loads((tmp_path / "tasks.json").read_text())
    change(tasks)
    (tmp_path / "tasks.json").write_text(json.dumps(tasks))
    other, _ = campaign(3, 1, folder="other", raters=2)
    with pytest.raises(InputError) as error:
        import_tasks(other, tmp_path / "tasks.json")
    assert said in str(error.value) and "tasks.json" in error.value.where
    assert {row[2] for row in answers(other)} == {"open"}


def test_another_answer_than_the_one_that_is_there_is_refused(rated, campaign, tmp_path):
    write_tasks(rated, tmp_path / "tasks.json")
    other, _ = campaign(3, 1, folder="other", raters=2)
    ratings.rate(other, ONE, 1, 0, ratings.Answer("not", "not", "tie"))
    with pytest.raises(InputError, match="turn rater-1:1 is rated already, with another answer"):
        import_tasks(other, tmp_path / "tasks.json")
    assert ratings.progress(other, TWO).open == 3
    (tmp_path / "tasks.json").write_text('{"data": 1}')
    with pytest.raises(InputError, match="expected a list of tasks"):
        import_tasks(other, tmp_path / "tasks.json")
