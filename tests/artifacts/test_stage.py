"""Stages: done once, resumed when stopped, never over somebody else's files."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from artifacts.errors import DigestError, InputError, StageError, UserError
from artifacts.manifest import read_manifest
from artifacts.settings import Settings
from artifacts.stage import Stage, input_digest, thread_count


class Copies(Settings):
    times: int = 2


def copy(settings, inputs, workspace):
    """Write the input's text `times` times; a shard a time, so that it can be resumed."""
    text = inputs["text"].read_text()
    done = 0
    for index in range(settings.times):
        shard = workspace.scratch / f"{index}.txt"
        done += shard.exists()
        shard.write_text(text)
        if text == "stop\n" and index == 1 and not workspace.resumed:
            raise RuntimeError("stopped half way")
    (workspace.path / "out.txt").write_text(text * settings.times)
    workspace.summary["copies"] = settings.times
    workspace.provenance["shards_found"] = done


STAGE = Stage("copy", "copies", 1, Copies, copy, packages=("pydantic",))


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("hello\n")
    return path


def test_a_stage_writes_its_files_and_a_manifest_that_says_what_made_them(tmp_path, text):
    artifact, up_to_date = STAGE.run(Copies(times=3), tmp_path / "out", {"text": text})
    assert not up_to_date
    assert artifact.file("out.txt").read_text() == "hello\n" * 3
    identity = read_manifest(tmp_path / "out", kind="copies").identity
    assert identity.settings == {"times": 3}
    assert set(identity.outputs) == {"out.txt"}
    assert identity.packages["pydantic"][0].isdigit()
    assert identity.summary == {"copies": 3}


def test_the_second_run_does_nothing(tmp_path, text):
    first, _ = STAGE.run(Copies(), tmp_path / "out", {"text": text})
    before = (tmp_path / "out" / "manifest.json").read_bytes()
    second, up_to_date = STAGE.run(Copies(), tmp_path / "out", {"text": text})
    assert up_to_date
    assert second.digest == first.digest
    assert (tmp_path / "out" / "manifest.json").read_bytes() == before


def test_the_digest_depends_on_the_work_and_not_on_time_or_place(tmp_path, text):
    one, _ = STAGE.run(Copies(), tmp_path / "a", {"text": text})
    two, _ = STAGE.run(Copies(), tmp_path / "b", {"text": text})
    other, _ = STAGE.run(Copies(times=3), tmp_path / "c", {"text": text})
    assert one.digest == two.digest != other.digest


@pytest.mark.parametrize("change", ["settings", "input", "version"])
def test_a_finished_folder_is_not_replaced_unless_asked(tmp_path, text, change):
    out = tmp_path / "out"
    STAGE.run(Copies(), out, {"text": text})
    stage, settings = STAGE, Copies()
    if change == "settings":
        settings = Copies(times=5)
    elif change == "input":
        text.write_text("other\n")
    else:
        stage = Stage("copy", "copies", 2, Copies, copy, packages=("pydantic",))
    with pytest.raises(UserError, match="--overwrite"):
        stage.run(settings, out, {"text": text})
    artifact, up_to_date = stage.run(settings, out, {"text": text}, overwrite=True)
    assert not up_to_date
    assert artifact.file("out.txt").read_text() == text.read_text() * settings.times


def test_a_folder_with_other_peoples_files_is_refused_and_left_alone(tmp_path, text):
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").write_text("precious")
    with pytest.raises(UserError, match="not empty"):
        STAGE.run(Copies(), out, {"text": text}, overwrite=True)
    assert (out / "thesis.tex").read_text() == "precious"


def test_a_file_or_link_as_output_is_refused(tmp_path, text):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for out in (text, tmp_path / "link"):
        with pytest.raises(InputError, match="must be a folder"):
            STAGE.run(Copies(), out, {"text": text})


def test_a_stopped_run_is_resumed_if_its_plan_is_the_same(tmp_path, text):
    text.write_text("stop\n")
    with pytest.raises(RuntimeError):
        STAGE.run(Copies(times=4), tmp_path / "out", {"text": text})
    artifact, _ = STAGE.run(Copies(times=4), tmp_path / "out", {"text": text})
    assert artifact.provenance["shards_found"] == 2
    assert not (tmp_path / "out" / "_work").exists()


def test_a_stopped_run_of_another_plan_is_begun_afresh_only_where_asked(tmp_path, text, monkeypatch):
    threaded = Stage("copy", "copies", 1, Copies, copy, threaded=True)
    text.write_text("stop\n")
    monkeypatch.setenv("RT_THREADS", "3")
    with pytest.raises(RuntimeError):
        threaded.run(Copies(times=4), tmp_path / "out", {"text": text})
    monkeypatch.setenv("RT_THREADS", "2")
    with pytest.raises(UserError, match=r"(?s)differs in: threads\).*use RT_THREADS=3; .*--overwrite"):
        threaded.run(Copies(times=4), tmp_path / "out", {"text": text})
    with pytest.raises(UserError, match=r"(?s)differs in: settings\.times, threads\).*settings, inputs.*RT_THREADS=3"):
        threaded.run(Copies(times=5), tmp_path / "out", {"text": text})
    assert len(list((tmp_path / "out" / "_work").iterdir())) == 2, "nothing was lost"
    text.write_text("go\n")
    artifact, _ = threaded.run(Copies(times=4), tmp_path / "out", {"text": text}, overwrite=True)
    assert artifact.provenance["shards_found"] == 0


def test_a_stopped_run_that_has_done_nothing_is_in_nobodys_way(tmp_path, text):
    stage = Stage("copy", "copies", 1, Copies, lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        stage.run(Copies(), tmp_path / "out")
    STAGE.run(Copies(times=3), tmp_path / "out", {"text": text})


def test_a_changed_output_is_noticed_and_redone_on_request(tmp_path, text):
    out = tmp_path / "out"
    first, _ = STAGE.run(Copies(), out, {"text": text})
    (out / "out.txt").write_text("HELLO\nhello\n")
    with pytest.raises(DigestError, match=r"out\.txt: bytes differ"):
        STAGE.run(Copies(), out, {"text": text})
    again, up_to_date = STAGE.run(Copies(), out, {"text": text}, overwrite=True)
    assert not up_to_date
    assert again.digest == first.digest


def test_an_edited_manifest_is_refused(tmp_path, text):
    out = tmp_path / "out"
    STAGE.run(Copies(), out, {"text": text})
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["identity"]["settings"]["times"] = 7
    (out / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(DigestError, match="changed after it was written"):
        read_manifest(out)


def test_a_manifest_of_another_kind_is_refused(tmp_path, text):
    STAGE.run(Copies(), tmp_path / "out", {"text": text})
    with pytest.raises(InputError, match="expected a 'model' artifact, found 'copies'"):
        read_manifest(tmp_path / "out", kind="model")


def test_a_stage_that_writes_nothing_is_a_failure(tmp_path):
    stage = Stage("copy", "copies", 1, Copies, lambda settings, inputs, workspace: None)
    with pytest.raises(StageError, match="wrote no file"):
        stage.run(Copies(), tmp_path / "out")


def test_an_input_artifact_with_changed_files_is_refused(tmp_path, text):
    """Its manifest alone would let other bytes through under the old digest."""
    STAGE.run(Copies(), tmp_path / "first", {"text": text})
    (tmp_path / "first" / "out.txt").write_text("forged\nforged\n")
    stage = Stage("read", "read", 1, Copies, lambda *_: None)
    with pytest.raises(DigestError, match=r"out\.txt"):
        stage.run(Copies(), tmp_path / "second", {"first": tmp_path / "first"})


def test_a_renamed_file_is_another_input(tmp_path, text):
    other = tmp_path / "other.txt"
    other.write_bytes(text.read_bytes())
    assert input_digest(other) != input_digest(text)


def test_a_missing_input_is_named(tmp_path):
    with pytest.raises(InputError, match=r"absent\.txt: no such file"):
        STAGE.run(Copies(), tmp_path / "out", {"text": tmp_path / "absent.txt"})


def test_killed_in_the_middle_the_same_call_finishes(tmp_path):
    """SIGKILL between two shards leaves no manifest; the next run keeps the first shard and ends the same."""
    script = textwrap.dedent(
        """
        import os, signal, sys
        from pathlib import Path
        from artifacts.settings import Settings
        from artifacts.stage import Stage

        def work(settings, inputs, workspace):
            shard = workspace.scratch / "one"
            found = shard.exists()
            shard.write_text("x")
            if not found:
                os.kill(os.getpid(), signal.SIGKILL)
            (workspace.path / "out").write_text("x")

        artifact, _ = Stage("s", "k", 1, Settings, work).run(Settings(), Path(sys.argv[1]))
        print(artifact.digest)
        """
    )
    command = [sys.executable, "-c", script, str(tmp_path / "out")]
    root = Path(__file__).resolve().parents[2]
    killed = subprocess.run(command, cwd=root, capture_output=True, text=True, env=os.environ)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "out" / "manifest.json").exists()
    again = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True, env=os.environ)
    assert again.stdout.strip() == read_manifest(tmp_path / "out").digest


def test_what_a_kill_leaves_of_a_file_half_written_is_in_nobodys_way(tmp_path, text):
    """Killed while it wrote partial.json, the folder is still this tool's; no half-written file becomes an output."""
    out = tmp_path / "out"
    out.mkdir()
    (out / ".partial.json.123.tmp").write_text('{"plan')
    whole, _ = STAGE.run(Copies(), tmp_path / "whole", {"text": text})
    made, _ = STAGE.run(Copies(), out, {"text": text})
    assert made.digest == whole.digest
    assert not list(out.glob(".*.tmp"))

    def work(settings, inputs, workspace):
        (workspace.path / "part").mkdir(exist_ok=True)
        (workspace.path / "part" / "file").write_text("whole")
        if not workspace.resumed:
            (workspace.path / "part" / ".file.123.tmp").write_text("ha")
            raise KeyboardInterrupt  # as a kill: nothing tidies up

    stage = Stage("parts", "parts", 1, Copies, work)
    with pytest.raises(KeyboardInterrupt):
        stage.run(Copies(), tmp_path / "parts")
    assert set(stage.run(Copies(), tmp_path / "parts")[0].identity.outputs) == {"part/file"}


def refuse(*_, **__):
    raise PermissionError(errno.EROFS, "Read-only file system")


def test_what_is_finished_in_a_store_that_may_only_be_read_is_found(tmp_path, text, monkeypatch):
    made, _ = STAGE.run(Copies(), tmp_path / "out", {"text": text})
    monkeypatch.setattr("artifacts.stage.FileLock", refuse)
    monkeypatch.setattr(Path, "mkdir", refuse)
    found, up_to_date = STAGE.run(Copies(), tmp_path / "out", {"text": text})
    assert up_to_date and found.digest == made.digest
    with pytest.raises(UserError, match="Read-only"):
        STAGE.run(Copies(times=3), tmp_path / "out", {"text": text}, overwrite=True)


def test_what_is_amiss_without_the_lock_is_looked_at_again_under_it(tmp_path, text, monkeypatch):
    """Another process may be moving the files just then."""
    made, _ = STAGE.run(Copies(), tmp_path / "out", {"text": text})
    looks = iter((DigestError("out.txt: missing"), None))

    def verify(artifact):
        if fault := next(looks):
            raise fault

    monkeypatch.setattr("artifacts.stage.verify_outputs", verify)
    found, up_to_date = STAGE.run(Copies(), tmp_path / "out", {"text": text})
    assert up_to_date and found.digest == made.digest


def test_scratch_that_cannot_be_removed_is_no_output(tmp_path, text, monkeypatch):
    whole, _ = STAGE.run(Copies(), tmp_path / "whole", {"text": text})
    monkeypatch.setattr("artifacts.stage.shutil.rmtree", lambda *_, **__: None)  # a network disk, a file still open
    made, _ = STAGE.run(Copies(), tmp_path / "out", {"text": text})
    assert (tmp_path / "out" / "_work" / "0.txt").is_file() and made.digest == whole.digest


@pytest.mark.parametrize("value", ["0", "two", "-1", ""])
def test_a_bad_thread_count_is_refused(monkeypatch, value):
    monkeypatch.setenv("RT_THREADS", value)
    with pytest.raises(UserError, match="RT_THREADS"):
        thread_count()


@pytest.mark.parametrize(("given", "out"), [("a", "a"), ("a/b", "a"), ("a", "a/b")])
def test_an_output_that_would_destroy_or_change_its_input_is_refused(tmp_path, given, out):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "text.txt").write_text("hello\n")
    with pytest.raises(UserError, match="the input 'text'"):
        STAGE.run(Copies(), tmp_path / out, {"text": tmp_path / given}, overwrite=True)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["text.txt"]
