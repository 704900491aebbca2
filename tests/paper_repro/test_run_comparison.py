"""Two runs side by side: what was done otherwise is told from what only follows, and numbers stand beside numbers."""

from __future__ import annotations

import json
import shutil

import pytest
from typer.testing import CliRunner

from artifacts.digests import digest_json
from artifacts.errors import DigestError, UserError
from artifacts.files import write_json, write_text
from artifacts.settings import Settings
from artifacts.stage import Stage
from paper_repro.cli import application
from paper_repro.file_differences import compare_files
from paper_repro.run_comparison import causes, compare_runs, find_artifact

HEAD = "study,base_model,method,benchmark,metric,judge,value\n"


class Rate(Settings):
    rate: float = 0.1
    targets: tuple[str, ...] = ("a", "b")


PLAIN = Rate()


def stage(name, kind, work, version=1):
    return Stage(name, kind, version, Rate, work)


def tune(settings, inputs, workspace):
    write_json(workspace.path / "weights.json", {"size": settings.rate})
    workspace.summary["loss"] = round(1 - settings.rate, 6)


def answer(settings, inputs, workspace):
    write_text(workspace.path / "replies.txt", (inputs["model"] / "weights.json").read_text())


def score(settings, inputs, workspace):
    size = json.loads((inputs["verdicts-x"] / "replies.txt").read_text())["size"]
    rows = [("it", "easy", size), ("it", "hard", size / 2), ("rt", "easy", 0.5)]
    text = "".join(f"one,base,{method},{name},rate,judge,{value}\n" for method, name, value in rows)
    write_text(workspace.path / "results.csv", HEAD + text)
    workspace.summary["study"] = "one"


def report(settings, inputs, workspace):
    write_text(workspace.path / "index.html", "".join(sorted(p.name for p in inputs.values())))


def run(home, rate=0.1, text="rows", version=1, more=(), luck=""):
    """A small run in folders as a profile makes them; returns its report's folder."""
    data = home / "data.txt"
    write_text(data, text)

    def lucky(settings, inputs, workspace):
        answer(settings, inputs, workspace)
        write_text(workspace.path / "replies.txt", (workspace.path / "replies.txt").read_text() + luck)

    def make(name, kind, work, label, inputs, settings=PLAIN, version=1):
        folder = home / name / f"{label}-{digest_json([label, rate, text, version])[:10]}"
        return stage(name, kind, work, version).run(settings, folder, inputs)[0].path

    model = make("train", "model", tune, "rt-0", {"data": data}, Rate(rate=rate), version)
    replies = make("generate", "generations", lucky, "rt-0", {"model": model})
    other = make("generate", "generations", answer, "fixed", {"model": fixed(home)})
    scores = make("score", "scores", score, "one", {"verdicts-x": replies, f"verdicts-{home.name}": other})
    extra = {f"curated-{name}": make("curate", "curated", tune, name, {"data": data}) for name in more}
    return make("report", "report", report, "small", {"scores-one": scores, **extra})


def fixed(home):
    """A model that is the same in every run."""
    return stage("train", "model", tune).run(Rate(rate=7.0), home / "train" / "fixed")[0].path


@pytest.fixture
def compared(rt_home, tmp_path):
    """A function: the comparison of a plain run with one made otherwise."""

    def call(**otherwise):
        one, other = run(tmp_path / "one"), run(tmp_path / "other", **otherwise)
        return compare_runs(find_artifact(str(one)), find_artifact(str(other)))

    return call


def by_cause(found):
    return {(pair.stage, pair.name): pair.cause for pair in found.pairs}


def test_a_run_and_the_same_run_elsewhere_are_equal(compared):
    found = compared()
    assert found.a.digest != found.b.digest, "one input is called after its home"
    assert by_cause(found) == {("score", "one"): "follows"}, "and yet that is no other data"
    assert not found.scores and not found.only_a and not found.only_b


def test_another_setting_is_the_cause_and_the_rest_follows(compared):
    found = compared(rate=0.3)
    assert causes(found) == {("settings", "rate", "0.1", "0.3"): ["train rt-0"]}
    assert by_cause(found) == {
        ("train", "rt-0"): "own",
        ("generate", "rt-0"): "follows",
        ("score", "one"): "follows",
    }
    assert found.equal == 2, "the other model and its replies"
    cells = {cell.row: (cell.a, cell.b) for cell in found.scores["one"].examples}
    assert cells == {
        "one, base, it, easy, rate, judge": (0.1, 0.3),
        "one, base, it, hard, rate, judge": (0.05, 0.15),
    }


def test_other_code_and_other_data_are_causes_too(compared, tmp_path):
    assert causes(compared(version=2)) == {("code", "stage_version", "1", "2"): ["train rt-0"]}
    (reason,) = causes(compare_runs(*(find_artifact(str(run(tmp_path / n, text=n))) for n in ("p", "q"))))
    assert reason[:2] == ("data", "data")


def test_the_same_recipe_with_another_result_is_told_apart(compared):
    found = compared(luck=" ")
    assert by_cause(found)["generate", "rt-0"] == "unexplained"
    (pair,) = [pair for pair in found.pairs if pair.cause == "unexplained"]
    assert [one.key for one in pair.differences] == ["replies.txt"]


def test_what_only_one_run_has_is_named(compared):
    found = compared(more=("extra",))
    assert (found.only_a, found.only_b) == ([], ["curate extra"])


def test_a_folder_with_one_report_is_a_run_and_with_two_it_is_not(rt_home, tmp_path):
    report = run(tmp_path / "one")
    assert find_artifact(str(tmp_path / "one")).path == report
    run(tmp_path / "one", rate=0.5)
    with pytest.raises(UserError, match=r"(?s)2 reports below it.*small-"):
        find_artifact(str(tmp_path / "one"))
    with pytest.raises(UserError, match="no reports below it"):
        find_artifact(str(tmp_path / "one" / "train"))


def test_two_kinds_and_a_changed_file_are_refused(rt_home, tmp_path):
    one, other = run(tmp_path / "one"), run(tmp_path / "other")
    model = next((tmp_path / "one" / "train").glob("rt-0-*"))
    with pytest.raises(UserError, match="'report' and 'model' have nothing to compare"):
        compare_runs(find_artifact(str(one)), find_artifact(str(model)))
    (other / "index.html").write_text("forged")
    with pytest.raises(DigestError, match=r"index\.html"):
        compare_runs(find_artifact(str(one)), find_artifact(str(other)))


def test_the_command_tells_runs_in_words_and_as_json(rt_home, tmp_path):
    run(tmp_path / "one")
    run(tmp_path / "other", rate=0.3)
    words = ["compare", str(tmp_path / "one"), str(tmp_path / "other")]
    done = CliRunner().invoke(application(["compare"]), words, catch_exceptions=False)
    assert "settings rate: 0.1 -> 0.3 (train rt-0)" in done.stdout
    assert "follow from these: 1 generate, 1 score" in done.stdout
    assert "one: 2 of 3 values changed" in done.stdout
    assert "it, easy, rate, judge: 0.1 -> 0.3 (+0.2)" in done.stdout
    shown = json.loads(CliRunner().invoke(application(["compare"]), [*words, "--json"], catch_exceptions=False).stdout)
    assert shown["artifacts"] == {"equal": 2, "differing": 3, "only_a": [], "only_b": [], "lost": []}
    with pytest.raises(UserError, match="two response sets alone"):
        CliRunner().invoke(application(["compare"]), [*words, "--out", "x.html"], catch_exceptions=False)


def test_two_published_versions_are_compared_by_name(rt_home, tmp_path):
    from artifacts.publish import publish

    for version, rate in (("1", 0.1), ("2", 0.3)):
        run(rt_home / version, rate=rate)
        publish(next((rt_home / version / "score").iterdir()), "my-scores", version)
    words = ["compare", "my-scores@1", "my-scores@2"]
    done = CliRunner().invoke(application(["compare"]), words, catch_exceptions=False)
    assert "settings rate: 0.1 -> 0.3 (train rt-0)" in done.stdout
    assert "one: 2 of 3 values changed" in done.stdout
    for version in ("1", "2"):
        shutil.rmtree(rt_home / version / "generate")
    alone = CliRunner().invoke(application(["compare"]), words, catch_exceptions=False)
    assert "nothing is known of what made them: verdicts-x" in alone.stdout
    with pytest.raises(UserError, match="has no version 3"):
        CliRunner().invoke(application(["compare"]), ["compare", "my-scores@1", "my-scores@3"], catch_exceptions=False)
    with pytest.raises(UserError, match="a pin: its files are not made here"):
        CliRunner().invoke(application(["compare"]), ["compare", "my-scores@1", "xstest@2"], catch_exceptions=False)


FILES = {
    "rows.csv": ("id,n\na,1\nb,2\n", "id,n\nb,2\na,3\n", ("other values", 1, "a", 1.0, 3.0)),
    "rows.jsonl": ('{"id": "x", "t": {"n": 1}}\n', '{"id": "x", "t": {"n": 2}}\n', ("other values", 1, "x", 1, 2)),
    "value.json": ('{"a": [1, {"b": 2.0}]}', '{"a": [1, {"b": 2.5}]}', ("other values", 1, "a[1].b", 2.0, 2.5)),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_files_are_compared_by_what_they_hold(tmp_path, name):
    one, other, (how, rows, key, a, b) = FILES[name]
    paths = [tmp_path / f"{place}-{name}" for place in (0, 1)]
    for path, text in zip(paths, (one, other), strict=True):
        path.write_text(text)
    found = compare_files(name, *paths)
    assert (found.how, found.rows_differing) == (how, rows)
    assert [(cell.row, cell.a, cell.b) for cell in found.examples] == [(key, a, b)]
    assert found.largest == pytest.approx(abs(a - b) / max(a, b))
    near = compare_files(name, *paths, tolerance=0.9)
    assert (near.rows_differing, near.rows_beyond) == (1, 0)
    assert compare_files(name, paths[0], paths[0]) is None


def test_two_zeros_of_other_kinds_differ_by_nothing(tmp_path):
    for name, zero in (("a.json", "0"), ("b.json", "0.0")):
        (tmp_path / name).write_text(f'{{"n": {zero}}}')
    found = compare_files("n.json", tmp_path / "a.json", tmp_path / "b.json")
    assert (found.rows_differing, found.largest) == (1, 0.0)


def test_a_missing_row_an_unreadable_file_and_a_file_of_one_side(tmp_path):
    for name, text in (("a.csv", "id,n\nx,1\ny,2\n"), ("b.csv", "id,n\nx,1\n"), ("c.json", "{"), ("d.json", "{}")):
        (tmp_path / name).write_text(text)
    found = compare_files("n.csv", tmp_path / "a.csv", tmp_path / "b.csv")
    assert (found.how, found.rows_a, found.rows_b, found.rows_beyond) == ("other rows", 2, 1, 1)
    assert "not readable as .json" in compare_files("n.json", tmp_path / "c.json", tmp_path / "d.json").how
    assert compare_files("n.csv", tmp_path / "a.csv", tmp_path / "none").how == "only in the first"


def test_weights_are_compared_tensor_by_tensor(tmp_path):
    import numpy as np
    from safetensors.numpy import save_file

    one = {"a": np.array([1.0, 2.0]), "b": np.array([1.0, -4.0])}
    save_file(one, tmp_path / "one")
    save_file(one | {"b": np.array([1.0, -4.2])}, tmp_path / "two")
    save_file({"a": one["a"]}, tmp_path / "three")
    found = compare_files("w.safetensors", tmp_path / "one", tmp_path / "two", tolerance=0.1)
    assert (found.rows_a, found.rows_differing, found.rows_beyond) == (2, 1, 0)
    assert found.largest_absolute == pytest.approx(0.2) and found.largest == pytest.approx(0.2 / 4.2)
    assert compare_files("w.safetensors", tmp_path / "one", tmp_path / "three").how == "other tensors"
