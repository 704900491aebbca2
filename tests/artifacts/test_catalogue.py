"""Names never move: NAME@VERSION, or a name that the lock file has; everything else is an error that says how."""

from __future__ import annotations

import json
import multiprocessing

import pytest

from artifacts.catalogue import digest_of, label_of, lockable, resolve
from artifacts.errors import DigestError, InputError, UserError
from artifacts.lock import lock_as, lock_digest, lock_key, lock_names, locked_version
from artifacts.pins import load_pin, pin_names
from artifacts.publish import publish

A, B = "a" * 64, "b" * 64


@pytest.fixture
def two_versions(family):
    publish(family.corpus("one", text="One.").path, "ours", "1.0.0")
    publish(family.corpus("two", text="Two.").path, "ours", "2.0.0")


def test_a_name_alone_is_an_error_until_it_is_locked(two_versions):
    with pytest.raises(UserError, match="a name without a version") as caught:
        resolve("ours")
    assert "ours@1.0.0, ours@2.0.0" in str(caught.value)
    one = resolve("ours@1.0.0")
    lock_names({label_of(one): digest_of(one)})
    assert resolve("ours")[0].version == "1.0.0"
    assert resolve("ours@2.0.0")[0].version == "2.0.0"


def test_a_locked_name_moves_only_when_asked(two_versions):
    one, two = resolve("ours@1.0.0"), resolve("ours@2.0.0")
    lock_names({"ours@1.0.0": digest_of(one)})
    with pytest.raises(UserError, match=r"'ours' is locked at 1\.0\.0, not 2\.0\.0"):
        lock_names({"ours@2.0.0": digest_of(two)})
    assert locked_version("ours") == "1.0.0"
    assert lock_names({"ours@2.0.0": digest_of(two)}, update=True) == {"ours@2.0.0": "moved from 1.0.0"}
    assert resolve("ours")[0].version == "2.0.0"


def test_a_locked_digest_never_changes_not_even_with_update(rt_home):
    assert lock_names({"ours@1": A}) == {"ours@1": "added"}
    assert lock_names({"ours@1": A}) == {"ours@1": "kept"}
    for update in (False, True):
        with pytest.raises(DigestError, match=f"digest is {B}, locked is {A}"):
            lock_names({"ours@1": B}, update=update)


def test_a_pin_that_another_version_of_the_package_says_more_of_is_taken_only_when_asked(rt_home):
    lock_names({"dolly@2023-06-30": A})
    with pytest.raises(DigestError, match="--update takes it as it is"):
        lock_names({"dolly@2023-06-30": B}, pins=["dolly@2023-06-30"])
    assert lock_names({"dolly@2023-06-30": B}, update=True, pins=["dolly@2023-06-30"]) == {
        "dolly@2023-06-30": "changed"
    }


def test_one_name_that_cannot_be_locked_locks_none(rt_home):
    lock_names({"ours@1": A})
    with pytest.raises(UserError):
        lock_names({"new@1": B, "ours@2": B})
    assert locked_version("new") is None


def test_names_and_files_share_one_file(rt_home):
    lock_digest(lock_key("ours", "1", "url", "a.txt"), B)
    assert locked_version("ours") is None  # a file of a pin is not its name
    lock_names({"ours@1": A})
    assert json.loads((rt_home / "pins" / "lock.json").read_text()) == {"ours@1": A, "ours@1/url/a.txt": B}


def test_a_pin_is_its_one_version_and_no_other(rt_home):
    assert resolve("xstest") == resolve("xstest@2") == load_pin("xstest")
    with pytest.raises(UserError, match="is pinned at version 2, not 3"):
        resolve("xstest@3")
    lock_names({"xstest@3": A})  # a lock from another version of this package
    with pytest.raises(UserError, match="is pinned at version 2, not 3"):
        resolve("xstest")


def test_unknown_names_and_versions_are_refused_with_the_known_ones(two_versions):
    with pytest.raises(UserError, match=r"published: ours@1\.0\.0, ours@2\.0\.0"):
        resolve("theirs@1")
    with pytest.raises(UserError, match=r"did you mean dolly\? rt artifacts list shows all"):
        resolve("dolyl")
    with pytest.raises(UserError, match=r"versions: 1\.0\.0, 2\.0\.0"):
        resolve("ours@3.0.0")


def test_all_that_a_name_alone_can_mean_is_lockable(two_versions, family):
    publish(family.corpus("single").path, "single", "1")
    assert [label_of(one).partition("@")[0] for one in lockable()] == [*pin_names(), "single"]
    lock_names({"ours@2.0.0": digest_of(resolve("ours@2.0.0"))})
    assert "ours@2.0.0" in [label_of(one) for one in lockable()]


def test_a_pins_digest_is_of_its_bytes_not_of_its_words():
    pin = load_pin("dolly")
    assert digest_of(pin) == digest_of(pin.model_copy(update={"note": "other words", "title": "Another"}))
    assert digest_of(pin) != digest_of(pin.model_copy(update={"version": "2"}))


def _lock(home, number):
    import os

    os.environ["RT_HOME"] = str(home)
    lock_names({f"name{number}@1": A})


def test_processes_that_lock_at_once_lose_nothing(rt_home):
    processes = [multiprocessing.get_context("fork").Process(target=_lock, args=(rt_home, one)) for one in range(6)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [locked_version(f"name{number}") for number in range(6)] == ["1"] * 6


def test_somebodys_lock_file_is_taken_over_whole_or_not_at_all(two_versions, rt_home, tmp_path):
    theirs = tmp_path / "theirs.json"
    file = lock_key("lima", "2023-05-18", "hub", "a.jsonl")
    theirs.write_text(json.dumps({"ours@1.0.0": digest_of(resolve("ours@1.0.0")), file: B}))
    assert lock_as(theirs) == {"ours@1.0.0": "added", file: "added"}
    assert resolve("ours")[0].version == "1.0.0"
    assert lock_digest(file, A) == B
    before = (rt_home / "pins" / "lock.json").read_bytes()
    theirs.write_text(json.dumps({"new@1": A, file: A}))
    with pytest.raises(DigestError, match=r"a\.jsonl: digest is"):
        lock_as(theirs, update=True)
    theirs.write_text("[]")
    with pytest.raises(InputError, match="not a lock"):
        lock_as(theirs)
    assert (rt_home / "pins" / "lock.json").read_bytes() == before


def test_what_is_here_under_a_locked_name_has_to_be_what_was_locked(two_versions):
    lock_names({"ours@1.0.0": A, "lima@2023-05-18": B})
    for label in ("ours", "ours@1.0.0", "lima"):
        with pytest.raises(DigestError, match="locked is"):
            resolve(label)
    assert resolve("ours@2.0.0")
