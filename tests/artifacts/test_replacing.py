"""Replacing what is finished: nothing of it is lost before the new is, whatever fails and wherever it is killed."""

from __future__ import annotations

import itertools
import os
import shutil
import signal

import pytest

from artifacts.aside import SLOTS
from artifacts.errors import InputError, UserError
from artifacts.manifest import is_artifact, read_manifest, verify_outputs
from artifacts.settings import Settings
from artifacts.stage import Stage

MOVES = ("rename", "replace", "unlink", "rmdir", "mkdir")  # all that changes a folder's entries


class Text(Settings):
    text: str = "old"


def stage(fails=False):
    """Two files; the first is not made again where the scratch folder says that it is there, as shards are."""

    def work(settings, inputs, workspace):
        done = workspace.scratch / "done"
        if not done.exists():
            (workspace.path / "one.txt").write_text(settings.text)
            done.mkdir()
        if fails:
            raise InputError("no such column")
        (workspace.path / "below").mkdir(exist_ok=True)
        (workspace.path / "below" / "two.txt").write_text(settings.text)

    return Stage("write", "texts", 1, Text, work)


def run(out, text, overwrite=False, fails=False):
    return stage(fails).run(Text(text=text), out, overwrite=overwrite)


def whole(out, text):
    artifact = read_manifest(out)
    verify_outputs(artifact)
    assert sorted(artifact.identity.outputs) == ["below/two.txt", "one.txt"]
    assert {artifact.file(name).read_text() for name in artifact.identity.outputs} == {text}


def slots(out):
    return {path.name for path in out.iterdir()} & SLOTS


@pytest.fixture
def out(tmp_path):
    run(tmp_path / "out", "old")
    return tmp_path / "out"


def test_a_replacement_that_fails_costs_nothing_and_goes_on_later(out):
    for _ in range(2):
        with pytest.raises(InputError, match="no such column"):
            run(out, "new", overwrite=True, fails=True)
        whole(out, "old")
    assert run(out, "old")[1], "up to date"
    run(out, "new", overwrite=True)
    whole(out, "new")
    assert slots(out) == set()


def test_a_mistake_that_is_seen_at_once_leaves_nothing_behind(out):
    def refuse(settings, inputs, workspace):
        raise InputError("no such column")

    before = {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    with pytest.raises(InputError):
        Stage("write", "texts", 1, Text, refuse).run(Text(text="new"), out, overwrite=True)
    assert {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert slots(out) == set()


def test_a_failed_replacement_is_dropped_for_one_of_another_plan(out):
    with pytest.raises(InputError):
        run(out, "new", overwrite=True, fails=True)
    run(out, "third", overwrite=True)
    whole(out, "third")
    assert slots(out) == set()


def test_a_damaged_artifact_that_cannot_be_made_again_stays_as_it_was(out):
    (out / "one.txt").write_text("bad")
    with pytest.raises(InputError):
        run(out, "old", overwrite=True, fails=True)
    assert (out / "one.txt").read_text() == "bad" and is_artifact(out)
    run(out, "old", overwrite=True)
    whole(out, "old")


def killed(at, out, **given):
    """Run in a child that is killed at its `at`-th change of a folder; whether it was."""
    child = os.fork()
    if child == 0:
        calls = itertools.count(1)

        def counting(real):
            def call(*given, **named):
                if next(calls) == at:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*given, **named)

            return call

        for name in MOVES:
            setattr(os, name, counting(getattr(os, name)))
        try:
            run(out, "new", overwrite=True, **given)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("before", ["nothing", "failed"])
def test_killed_anywhere_the_old_or_the_new_is_there_and_the_same_command_ends(tmp_path, out, fails, before):
    if before == "failed":
        with pytest.raises(InputError):
            run(out, "new", overwrite=True, fails=True)
    for at in itertools.count(1):
        again, other = tmp_path / f"again-{at}", tmp_path / f"other-{at}"
        shutil.copytree(out, again)
        if not killed(at, again, fails=fails):
            break
        shutil.copytree(again, other)
        run(again, "new", overwrite=True)
        whole(again, "new")
        assert slots(again) == set()
        try:  # what was finished before is asked for
            assert run(other, "old")[1], "it was not made anew"
            whole(other, "old")
        except UserError as error:
            assert "differs in: settings.text" in str(error)
            whole(other, "new")
    assert at > 15, "it was killed at every step"
