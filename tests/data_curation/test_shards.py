"""curate in shards: the decisions of a run in memory, whatever the shards, the workers and the stops."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from artifacts.errors import InputError, StageError, UserError
from data_curation.curate import CurateSettings, curate
from data_curation.records import from_table
from data_curation.shards import near, reading, stage
from data_curation.shards.settings import ExecutorSettings, ShardedSettings
from data_curation.shards.stage import curate_shards, plan, sharded_inputs

WORDS = [f"{first}{second}" for first in "bcdfgklmnprstvz" for second in ("a", "ero", "imi", "ol", "une")]
LEXICAL = {
    "steps": [
        {"step": "normalise"},
        {"step": "near_empty"},
        {"step": "pii"},
        {"step": "exact_dedup"},
        {"step": "near_dedup", "threshold": 0.7},
    ]
}


def lines(seed=0, count=240):
    """JSON lines of answers, of which some repeat or nearly repeat another, some need repair and some are unusable."""
    chooser = random.Random(seed)

    def text():
        return " ".join(chooser.choice(WORDS) for _ in range(chooser.randint(8, 40))).capitalize() + "."

    pool = [text() for _ in range(count // 6)]
    rows = []
    for _ in range(count):
        answer = chooser.choice(pool) if chooser.random() < 0.4 else text()
        if chooser.random() < 0.3:
            answer = answer.replace(" ba", " bol", 1)
        answer += chooser.choice(["", "", "", " \r\n", "\n\n", " Write to ana.bell@lighthouse-mail.net."])
        answer = chooser.choice([answer] * 12 + [" ", "caf\u00c3\u00a9 " + answer])
        row = {"instruction": chooser.choice(["a", "b", None]), "response": answer}
        rows.append(json.dumps(row | {"rating": chooser.choice([None, 1, 2.5, 4])}))
    for place in range(3, count, 41):
        rows[place] = chooser.choice(['{"response": 7}', "no JSON", '{"instruction": "x"}', '{"response": "\\udc80"}'])
    return rows


def write(folder, name, rows):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(row + "\n" for row in rows), encoding="utf-8")
    return folder / name


@pytest.fixture
def one_file(tmp_path):
    return write(tmp_path, "answers.jsonl", lines())


def sharded(recipe=LEXICAL, shard_rows=80, **given):
    return ShardedSettings(recipe=recipe, shard_rows=shard_rows, **given)


def tables(artifact):
    return {name: pq.read_table(artifact.file(f"{name}.parquet")) for name in ("data", "decisions", "steps")}


def contents(artifact):
    return {name: (artifact.path / name).read_bytes() for name in artifact.identity.outputs}


def same(whole, parts):
    """That two artifacts say the same of every row."""
    left, right = tables(whole), tables(parts)
    for name in left:
        assert left[name].equals(right[name]), name
    summary = dict(parts.summary)
    assert summary.pop("shards") == len(list((parts.path / "data.parquet").glob("*")))
    assert summary == whole.summary
    assert whole.file("quarantine.jsonl").read_bytes() == parts.file("quarantine.jsonl").read_bytes()
    rows = [json.loads((one.path / "lineage.json").read_text())["rows"] for one in (whole, parts)]
    assert rows[0] == rows[1]
    cards = [(one.path / "README.md").read_text().partition("## Lengths")[2] for one in (whole, parts)]
    assert cards[0].partition("## Load")[0] == cards[1].partition("## Load")[0]


def both(recipe, tmp_path, given, shard_rows=80, reference=None, **settings):
    whole = curate(CurateSettings(recipe=recipe, **settings), tmp_path / "whole", given, reference=reference)
    parts = curate_shards(sharded(recipe, shard_rows, **settings), tmp_path / "parts", given, reference=reference)
    same(whole, parts)
    return whole, parts


def reasons(artifact):
    return {reason for entry in artifact.summary["funnel"] for reason in entry["reasons"]}


# --- the same decisions --------------------------------------------------------------------------------------------


def test_shards_of_a_file_give_the_decisions_of_the_whole(tmp_path, one_file):
    whole, parts = both(LEXICAL, tmp_path, one_file)
    assert {"exact_duplicate", "near_duplicate", "blank"} <= reasons(whole)
    assert whole.summary["quarantined"] == 6
    assert parts.summary["shards"] == 3
    masked = [row for row in tables(parts)["steps"].to_pylist() if row["measure"] == "masked.email"]
    assert masked[0]["value"] > 10


@pytest.mark.parametrize("survivor", ["quality", "first", "id"])
def test_the_survivor_is_that_of_the_whole_under_every_policy(tmp_path, one_file, survivor):
    recipe = {
        "steps": [
            {"step": "exact_dedup", "survivor": survivor},
            {"step": "normalise"},
            {"step": "near_dedup", "survivor": survivor, "threshold": 0.7},
        ]
    }
    scored = {"columns": {"quality": "rating"}} if survivor == "quality" else {}
    whole, _ = both(recipe, tmp_path, one_file, 37, **scored)
    assert {"exact_duplicate", "near_duplicate"} <= reasons(whole)


def test_without_scores_the_texts_are_scored_in_shards_as_in_the_whole(tmp_path, one_file):
    steps = [{"step": name, "survivor": "quality"} for name in ("exact_dedup", "near_dedup")]
    whole, _ = both({"steps": steps}, tmp_path, one_file, 60)
    assert {"exact_duplicate", "near_duplicate"} <= reasons(whole)


@pytest.mark.parametrize("within", [True, False])
def test_rows_of_a_reference_drop_the_same_rows_in_shards(tmp_path, one_file, within):
    old = write(tmp_path, "old.jsonl", lines()[:90] + lines(seed=5, count=60))
    recipe = {"steps": [step | {"within": within} for step in LEXICAL["steps"][3:]]}
    whole, parts = both(recipe, tmp_path, one_file, 40, reference=old)
    assert {"exact_duplicate_of_reference", "near_duplicate_of_reference"} <= reasons(whole)
    assert ("near_duplicate" in reasons(whole)) == within
    assert parts.summary["reference"]["quarantined"] > 0


def test_decontamination_goes_shard_by_shard(tmp_path, one_file):
    texts = [json.loads(row).get("response") for row in lines()[::30]]
    prompts = write(tmp_path, "prompts.jsonl", [json.dumps({"prompt": text}) for text in texts if text])
    step = {"step": "decontaminate", "prompts": [str(prompts)], "similarity": None, "ngram": 8}
    recipe = {"steps": [step, {"step": "exact_dedup"}, step | {"action": "report", "ngram": 5}]}
    whole, parts = both(recipe, tmp_path, one_file)
    assert whole.file("matches.jsonl").read_bytes() == parts.file("matches.jsonl").read_bytes()
    assert "contaminated_words" in reasons(whole)


def test_a_folder_of_files_is_read_as_one_set(tmp_path):
    rows = lines()
    for number, (start, stop) in enumerate([(0, 100), (100, 103), (103, 240)]):
        write(tmp_path / "shards", f"part-{number}.jsonl", rows[start:stop])
    _, parts = both(LEXICAL, tmp_path, tmp_path / "shards", 60)
    assert parts.summary["shards"] == 2 + 1 + 3
    files = {json.loads(line)["file"] for line in parts.file("quarantine.jsonl").read_text().splitlines()}
    assert files == {"shards/part-0.jsonl", "shards/part-2.jsonl"}


def test_an_artifact_goes_into_shards_and_shards_go_on(tmp_path, one_file):
    first = curate(CurateSettings(recipe="paper"), tmp_path / "first", one_file)
    whole, parts = both(LEXICAL, tmp_path, first.path)
    again = {"steps": [{"step": "near_dedup", "threshold": 0.5}]}
    in_memory = curate(CurateSettings(recipe=again), tmp_path / "memory", parts.path)
    in_shards = curate_shards(sharded(again, 30), tmp_path / "shards", parts.path)
    from_whole = curate(CurateSettings(recipe=again), tmp_path / "other", whole.path)
    assert tables(in_memory)["data"].equals(tables(from_whole)["data"])
    assert tables(in_shards)["decisions"].equals(tables(from_whole)["decisions"])


def test_the_result_loads_with_datasets(tmp_path, one_file):
    import datasets

    parts = curate_shards(sharded(), tmp_path / "parts", one_file)
    loaded = datasets.load_dataset(str(parts.path), split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded["response"][:] == [record.response for record in from_table(tables(parts)["data"])]


def test_an_identity_and_a_set_of_which_nothing_is_left(tmp_path, one_file):
    both({"steps": []}, tmp_path / "identity", one_file)
    nothing = {"steps": [{"step": "near_empty", "min_words": 500}, *LEXICAL["steps"][3:]]}
    whole, _ = both(nothing, tmp_path / "nothing", one_file)
    assert whole.summary["kept"] == 0


# --- what the shards rest on ---------------------------------------------------------------------------------------


def test_repetitions_are_counted_in_their_order():
    keys = np.array([[1, 2], [1, 3], [1, 2], [0, 2], [1, 2]], dtype=np.uint64)
    assert reading.repeats(keys).tolist() == [0, 0, 1, 0, 2]


def test_a_batch_holds_whole_groups_only(tmp_path, one_file, monkeypatch):
    """With batches of one row each group is one batch: more of them, and the same decisions."""
    made = []
    batches = near.make_batches
    monkeypatch.setattr(near, "make_batches", lambda *given: made.append(batches(*given)) or made[-1])
    both(LEXICAL, tmp_path / "a", one_file, 200)
    monkeypatch.setattr(near, "make_batches", lambda *given: made.append(batches(*given[:2], 1)) or made[-1])
    both(LEXICAL, tmp_path / "b", one_file, 200)
    assert made[0]["batches"] == 1 < made[1]["batches"]
    assert 2 <= made[1]["largest_group"] < 60


def test_rows_without_a_score_are_equals_where_others_have_one(tmp_path):
    """Also in a batch of which no row has one: there, too, the longer one stays, though its text is the worse one."""
    sound = "Water the seedlings in the morning, and turn the tray once a day so that they grow straight, not askew."
    rows = [{"response": "Another answer altogether.", "rating": 1}]
    rows += [{"response": text, "rating": None} for text in (sound, sound[:-1] + " and")]
    given = write(tmp_path, "answers.jsonl", map(json.dumps, rows))
    recipe = {"steps": [{"step": "near_dedup", "survivor": "quality"}]}
    _, parts = both(recipe, tmp_path, given, columns={"quality": "rating"})
    assert tables(parts)["data"]["row"].to_pylist() == [0, 2]


def test_a_shard_is_closed_by_its_characters_too(tmp_path, one_file, monkeypatch):
    monkeypatch.setattr(reading, "CHARACTERS", 2_000)
    _, parts = both(LEXICAL, tmp_path, one_file, 1_000)
    assert parts.summary["shards"] > 10


def test_consecutive_steps_are_one_phase_and_each_deduplication_is_one():
    phases = plan(ShardedSettings(recipe="strict").recipe)
    deduplications = ["exact_dedup", "near_dedup", "semantic_dedup"]
    assert [(kind, len(steps)) for kind, steps in phases] == [("rows", 12), *((name, 1) for name in deduplications)]


def test_inputs_that_cannot_be_read_in_parts(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="hub data set"):
        sharded_inputs(sharded(), "hub:a/b@" + "0" * 40)
    array = tmp_path / "rows.json"
    array.write_text('[{"response": "x"}]')
    monkeypatch.setattr(reading, "WHOLE_JSON", 10)
    with pytest.raises(UserError, match="JSON Lines"):
        curate_shards(sharded(), tmp_path / "out", array)
    bad = write(tmp_path, "bad.jsonl", ['{"response": 1}'])
    with pytest.raises(InputError, match="none of its 1 rows can be used"):
        curate_shards(sharded(), tmp_path / "other", bad)


# --- stopped, killed, failed ---------------------------------------------------------------------------------------


class Killed(BaseException):
    """Stands for a SIGKILL: nothing on the way may catch it."""


@pytest.mark.parametrize("seed", range(2))
def test_the_result_does_not_depend_on_how_often_the_run_was_killed(tmp_path, one_file, monkeypatch, seed):
    whole = curate_shards(sharded(), tmp_path / "whole", one_file)
    chooser = random.Random(seed)
    write_table = reading.write_table

    def killing(path, table):
        dies = chooser.choice(["before", "after", *["never"] * 14])
        if dies == "before":
            raise Killed
        write_table(path, table)
        if dies == "after":
            raise Killed

    for module in ("reading", "rows", "store", "near", "finish", "stage"):
        monkeypatch.setattr(f"data_curation.shards.{module}.write_table", killing)
    kills = 0
    while True:
        try:
            killed = curate_shards(sharded(), tmp_path / "killed", one_file)
            break
        except Killed:
            kills += 1
            assert not (tmp_path / "killed" / "manifest.json").exists()
    assert kills > 0
    assert contents(killed) == contents(whole)
    assert killed.identity == whole.identity


def test_a_phase_that_was_done_is_not_done_again(tmp_path, one_file, monkeypatch):
    runs = []

    class Counting(stage.rows.RowsTask):
        def __call__(self, rank):
            runs.append(rank)
            if rank == 2 and len(runs) == 3:
                raise Killed
            return super().__call__(rank)

    monkeypatch.setattr(stage.rows, "RowsTask", Counting)
    with pytest.raises(Killed):
        curate_shards(sharded(), tmp_path / "out", one_file)
    curate_shards(sharded(), tmp_path / "out", one_file)
    assert runs == [0, 1, 2, 2]


COMMAND = "from paper_repro.cli import main; main()"


def rt(*arguments, **more):
    environment = os.environ | {"RT_THREADS": "1", "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    command = [sys.executable, "-c", COMMAND, "curate", *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **more)


@pytest.mark.slow
def test_two_workers_killed_half_way_leave_nothing_behind_and_a_second_run_ends_in_the_same_bytes(tmp_path, one_file):
    whole = curate_shards(sharded("lexical", 60), tmp_path / "whole", one_file)
    options = (one_file, "--recipe", "lexical", "--executor", "local", "--workers", 2, "--shard-rows", 60)
    process = rt(*options, "--out", tmp_path / "out", start_new_session=True)
    rows = tmp_path / "out" / "_work" / "input" / "rows"
    deadline = time.monotonic() + 120
    while not list(rows.rglob("*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)  # the process alone: its workers must see that it is gone
    process.communicate()
    assert not (tmp_path / "out" / "manifest.json").exists()
    again = rt(*options, "--out", tmp_path / "out")
    _, said = again.communicate(timeout=240)
    assert again.returncode == 0, said
    assert "resuming" in said
    for name, data in contents(whole).items():
        assert (tmp_path / "out" / name).read_bytes() == data, name
    deadline = time.monotonic() + 30
    while _session(process.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _session(process.pid) == []


def _session(leader):
    """Processes of a session that still run."""
    listed = subprocess.run(["ps", "-eo", "sid=,pid=,stat="], capture_output=True, text=True, check=True).stdout
    entries = [line.split() for line in listed.splitlines()]
    return [pid for sid, pid, state in entries if int(sid) == leader and not state.startswith("Z")]


class Dying:
    """A task of which one rank is ended from outside."""

    def __call__(self, rank):
        if rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)


class Failing:
    """A task of which one rank says what is wrong with the input."""

    def __call__(self, rank):
        if rank == 1:
            raise InputError("something is wrong", where="rows.jsonl:7", fix="mend it")


def test_a_worker_that_is_killed_or_fails_is_told_of(tmp_path):
    from data_curation.shards.executors import runner

    run = runner(ExecutorSettings(workers=2))
    with pytest.raises(StageError, match=r"phase, shard 1: its process was ended from outside \(exit status -9\)"):
        run.run("phase", Dying(), 3, tmp_path / "dying")
    with pytest.raises(InputError, match=r"rows\.jsonl:7: something is wrong\n  mend it"):
        run.run("phase", Failing(), 2, tmp_path / "failing")


def test_a_set_without_rows_makes_a_set_without_rows(tmp_path, one_file):
    nothing = {"steps": [{"step": "near_empty", "min_words": 500}]}
    empty = curate(CurateSettings(recipe=nothing), tmp_path / "empty", one_file)
    whole = curate(CurateSettings(recipe=LEXICAL), tmp_path / "whole", empty.path)
    parts = curate_shards(sharded(LEXICAL), tmp_path / "parts", empty.path)
    left, right = tables(whole), tables(parts)
    assert all(left[name].equals(right[name]) and not len(right[name]) for name in ("data", "decisions"))
    assert parts.summary["funnel"] == whole.summary["funnel"]
