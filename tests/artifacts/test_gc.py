"""Garbage: leftovers go, what is referenced stays, and nothing goes without being asked."""

from __future__ import annotations

import shutil

import pytest
from filelock import FileLock

from artifacts.catalogue import digest_of, resolve
from artifacts.errors import InputError
from artifacts.gc import collect, remove
from artifacts.lock import lock_names
from artifacts.manifest import MANIFEST, read_manifest, verify_outputs
from artifacts.pins import load_pin
from artifacts.publish import publish
from artifacts.settings import Settings
from artifacts.stage import Stage
from artifacts.store import pins_folder


@pytest.fixture
def run(family):
    """A run: two corpora, of which one goes into a train set and a report; another artifact of its own."""
    used = family.corpus("used", text="Used.")
    trainset = family.trainset("set", {"base": used.path})
    report = family.report("end", {"trainset": trainset.path})
    return used, trainset, report, family.corpus("alone", text="Alone.")


def paths(found):
    return [waste.path for waste in found]


def test_nothing_of_a_run_goes_unless_nothing_refers_to_it(run):
    *kept, alone = run
    assert collect() == []
    assert paths(collect(unreferenced=True)) == [alone.path]
    assert paths(collect(unreferenced=True, keep=[alone.path])) == []
    assert (alone.path / MANIFEST).is_file()  # shown, not removed
    remove(collect(unreferenced=True))
    assert not alone.path.exists()
    for artifact in kept:
        verify_outputs(read_manifest(artifact.path))


def test_what_is_to_be_kept_may_lie_outside_the_home_and_keeps_what_it_was_made_from(run, tmp_path):
    used, trainset, report, alone = run
    shutil.rmtree(report.path)
    for name, source in (("one", trainset), ("two", alone)):  # two steps away from the home
        stage = Stage("mix", "trainset", 1, Settings, lambda s, i, w: (w.path / "data").write_text("x"))
        inner = stage.run(Settings(), tmp_path / "mine" / f"inner-{name}", {"base": source.path})[0]
        stage.run(Settings(), tmp_path / "outer" / name, {"base": inner.path})
    assert paths(collect(unreferenced=True, keep=[tmp_path / "outer" / "one"])) == [alone.path]
    assert paths(collect(unreferenced=True, keep=[tmp_path / "outer" / "two"])) == [used.path, trainset.path]
    assert collect(unreferenced=True, keep=[tmp_path / "outer"]) == []


@pytest.mark.parametrize("name", ["absent", "empty", "file"])
def test_a_folder_to_be_kept_without_an_artifact_is_refused(run, tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="holds no artifact"):
        collect(unreferenced=True, keep=[tmp_path / name])


def test_what_is_published_or_locked_keeps_what_it_was_made_from(run):
    _, trainset, report, alone = run
    publish(trainset.path, "ours", "1")
    publish(alone.path, "single", "1")
    for file in report.path.iterdir():
        file.unlink()
    assert collect(unreferenced=True) == []


def test_a_locked_digest_keeps_an_artifact(run):
    *_, alone = run
    lock_names({"single@1": alone.digest})
    assert collect(unreferenced=True) == []


def test_without_its_end_a_run_is_unreferenced(run):
    used, trainset, report, alone = run
    shutil.rmtree(report.path)
    assert paths(collect(unreferenced=True)) == sorted([used.path, trainset.path, alone.path])


def test_a_report_that_is_being_made_again_keeps_what_it_is_made_from(run):
    *_, report, alone = run
    (report.path / MANIFEST).unlink()
    assert paths(collect(unreferenced=True)) == [alone.path]


def test_what_a_process_works_in_stays(run):
    *_, alone = run
    with FileLock(alone.path / ".lock"):
        assert collect(unreferenced=True) == []
    found = collect(unreferenced=True)
    with FileLock(alone.path / ".lock"):  # begun since it was shown
        assert remove(found) == []
    assert (alone.path / MANIFEST).is_file()


def stop(out, base, overwrite=False):
    """A stage that is stopped at once, with something done."""

    def work(settings, inputs, workspace):
        (workspace.scratch / "shard").write_text("x")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Stage("mix", "trainset", 2, Settings, work).run(Settings(), out, {"base": base}, overwrite=overwrite)


def test_what_a_stopped_stage_was_begun_from_stays(run, rt_home):
    used, trainset, report, alone = run
    shutil.rmtree(report.path)
    stop(rt_home / "mix" / "stopped", alone.path)
    assert paths(collect(unreferenced=True)) == [used.path, trainset.path]
    stop(rt_home / "mix" / "next", trainset.path)
    assert collect(unreferenced=True) == [], "nor what its inputs were made from"


def test_a_replacement_keeps_what_it_was_begun_from_and_what_the_replaced_was_made_from(run, monkeypatch):
    used, trainset, report, alone = run
    shutil.rmtree(report.path)
    stop(trainset.path, alone.path, overwrite=True)
    assert paths(collect(unreferenced=True)) == [used.path, trainset.path], "the failed one can be resumed"
    monkeypatch.setattr("artifacts.stage.put_back", lambda out: None)  # killed: what was finished lies aside
    stop(trainset.path, alone.path, overwrite=True)
    assert not (trainset.path / MANIFEST).exists()
    assert collect(unreferenced=True) == []


@pytest.fixture
def around(family, tmp_path):
    """A report in the home of a set outside of it, that is of a corpus in the home."""
    corpus = family.corpus("far", text="Far.")
    stage = Stage("mix", "trainset", 1, Settings, lambda s, i, w: (w.path / "data").write_text("x"))
    outside = stage.run(Settings(), tmp_path / "outside", {"base": corpus.path})[0]
    return corpus, outside, family.report("around", {"trainset": outside.path})


def test_a_chain_through_an_artifact_outside_the_home_keeps_its_far_end(around, run):
    assert paths(collect(unreferenced=True)) == [run[-1].path]


@pytest.mark.parametrize("place", ["home", "outside", "stopped"])
def test_what_cannot_be_read_stops_the_search_for_what_nothing_refers_to(around, run, rt_home, place):
    broken = {"home": run[1].path / MANIFEST, "outside": around[1].path / MANIFEST}.get(place)
    if place == "stopped":
        stop(rt_home / "mix" / "stopped", run[-1].path)
        broken = rt_home / "mix" / "stopped" / "partial.json"
    broken.write_text("{")
    with pytest.raises(InputError, match=str(broken)):
        collect(unreferenced=True)
    assert collect() == []


def test_no_published_name_or_version_is_a_leftover(family):
    for name, version in (("lima.part", "1"), ("limax", "2.part"), ("limax", "2.wrong")):
        publish(family.corpus(name + version).path, name, version)
    assert collect() == []


def test_leftovers_go_and_files_of_pins_in_use_stay(family):
    xstest = load_pin("xstest")
    now, old = pins_folder() / "xstest" / xstest.version, pins_folder() / "xstest" / "1"
    for folder in (now, old):
        (folder / "url").mkdir(parents=True)
        (folder / "url" / "xstest_prompts.csv").write_text("rows")
    (now / "url" / "xstest_prompts.csv.wrong").write_text("other")
    (now / "wheel").mkdir()
    (now / "pypi.part").mkdir()
    publish(family.corpus("one").path, "ours", "1")
    half = resolve("ours@1")[1].path.with_name(".2.part")
    half.mkdir()
    wanted = [now / "url" / "xstest_prompts.csv.wrong", now / "wheel", now / "pypi.part", old, half]
    assert paths(collect()) == sorted(wanted)
    with FileLock(half.parent / ".lock"):  # somebody publishes
        assert paths(collect()) == sorted(wanted[:-1])
    remove(collect())
    assert [path for path in wanted if path.exists()] == []
    assert (now / "url" / "xstest_prompts.csv").is_file()
    assert digest_of(resolve("ours@1"))


def test_a_link_is_not_followed(run, tmp_path):
    outside = tmp_path / "outside.part"
    outside.mkdir()
    pins_folder().mkdir(parents=True)
    (pins_folder() / "x.part").symlink_to(outside, target_is_directory=True)
    assert collect() == []


def test_an_empty_home_has_no_waste(rt_home):
    assert collect(unreferenced=True) == []
