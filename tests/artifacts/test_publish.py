"""Publishing: terms from all parts, lineage to the pins, one artifact a version for ever, nothing half-written."""

from __future__ import annotations

import json

import pytest
import yaml

from artifacts.catalogue import published_folder, published_labels, read_published, resolve
from artifacts.errors import DigestError, InputError, UserError
from artifacts.manifest import read_manifest, verify_outputs
from artifacts.pins import load_pin
from artifacts.publish import publish
from artifacts.settings import Settings
from artifacts.stage import Stage


def test_a_non_commercial_part_makes_the_whole_so_and_the_lineage_ends_in_the_pins(family):
    trainset = family.lima_and_dolly()
    publication, folder, before = publish(
        trainset.path, "ours-rt", "1.0.0", title="Ours", authors=["Doe, Jane", "A lab"]
    )
    assert not before
    assert publication.licence["use"] == "non-commercial"
    assert publication.licence["licence"] == "CC-BY-NC-SA AND CC-BY-SA-3.0"
    assert [(part["name"], part["version"]) for part in publication.licence["parts"]] == [
        ("dolly", "2023-06-30"),
        ("lima", "2023-05-18"),
    ]
    nodes = publication.lineage["nodes"]
    top = nodes[publication.lineage["digest"]]
    assert publication.lineage["digest"] == trainset.digest
    assert {nodes[digest]["pin"] for digest in top["inputs"].values()} == {"lima", "dolly"}
    assert publication.cites == ["conover2023dolly", "zhou2023lima"]
    assert publication.authors == [{"family-names": "Doe", "given-names": "Jane"}, {"name": "A lab"}]
    front = yaml.safe_load((folder / "README.md").read_text().split("---\n")[1])
    assert front["license"] == "other"
    assert front["license_name"] == "cc-by-nc-sa-and-cc-by-sa-3.0"
    verify_outputs(read_manifest(folder))


def test_an_unknown_part_leaves_the_licence_of_the_whole_unknown(family):
    stated = family.corpus("stated", name="dolly", licence="CC-BY-SA-3.0")
    silent = family.corpus("silent", name="silent", licence="none stated in its repository", text="Maybe.")
    publication, folder, _ = publish(family.trainset("t", {"a": stated.path, "b": silent.path}).path, "half", "1")
    assert (publication.licence["use"], publication.licence["licence"]) == ("unknown", "unknown")
    assert "license: unknown" in (folder / "README.md").read_text()


def test_what_a_part_was_made_from_may_be_gone_but_is_not_forgotten(family):
    corpus = family.corpus("gone", name="gone", licence="MIT")
    trainset = family.trainset("t", {"base": corpus.path})
    corpus.path.rename(corpus.path.with_name("elsewhere"))  # found by its digest
    assert publish(trainset.path, "found", "1")[0].licence["licence"] == "MIT"
    corpus.path.with_name("elsewhere").rename(published_folder().parent.parent / "outside")
    publication, _, _ = publish(trainset.path, "lost", "1")
    assert publication.licence["parts"] == [
        {"name": "base", "version": None, "kind": "unknown", "licence": "unknown", "use": "unknown"}
    ]


def test_a_file_of_ones_own_has_no_licence_that_anyone_stated(family, tmp_path):
    rows = tmp_path / "mine"
    rows.mkdir()
    family.corpus("c")
    (rows / "data.parquet").write_bytes((family.corpus("c").path / "data.parquet").read_bytes())
    publication, _, _ = publish(family.trainset("t", {"base": rows}).path, "mine", "1")
    assert [part["name"] for part in publication.licence["parts"]] == ["mine"]
    assert publication.licence["licence"] == "unknown"


def test_a_version_is_one_artifact_for_ever(family):
    one, other = family.corpus("one", text="One."), family.corpus("other", text="Two.")
    _, folder, _ = publish(one.path, "ours", "1.0.0")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert publish(one.path, "ours", "1.0.0")[2]
    with pytest.raises(UserError, match=f"published already, with digest {one.digest[:12]}"):
        publish(other.path, "ours", "1.0.0")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    publish(other.path, "ours", "1.1.0")
    assert published_labels() == ["ours@1.0.0", "ours@1.1.0"]


@pytest.mark.parametrize(
    "label", ["../up@1", "a/b@1", "Upper@1", "@1", "x@..", "x@1/2", "x@", ".x@1", "x@" + "1" * 41, "x\n@1"]
)
def test_a_name_cannot_be_a_path(family, label):
    name, _, version = label.partition("@")
    with pytest.raises(UserError):
        publish(family.corpus("one").path, name, version)
    assert published_labels() == []


def test_a_pins_name_is_taken(family):
    with pytest.raises(UserError, match="a pin has this name"):
        publish(family.corpus("one").path, "lima", "9")


def test_tampered_files_are_not_published(family):
    corpus = family.corpus("one")
    (corpus.path / "data.parquet").write_bytes(b"other")
    with pytest.raises(DigestError, match=rf"^{corpus.path}: data\.parquet"):
        publish(corpus.path, "ours", "1")
    assert not (published_folder() / "ours").exists()


def test_a_stop_half_way_leaves_nothing_that_looks_whole(family, monkeypatch):
    corpus = family.corpus("one")
    monkeypatch.setattr("artifacts.publish.cff_text", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        publish(corpus.path, "ours", "1")
    assert published_labels() == []
    monkeypatch.undo()
    monkeypatch.setenv("RT_HOME", str(corpus.path.parent.parent))
    assert publish(corpus.path, "ours", "1")[0].digest == corpus.digest


def test_nothing_of_this_machine_is_published(family):
    trainset = family.lima_and_dolly()
    _, folder, _ = publish(trainset.path, "ours", "1")
    told = json.loads((trainset.path / "manifest.json").read_text())["provenance"]
    for path in folder.iterdir():
        text = path.read_bytes()
        assert str(trainset.path.parent).encode() not in text
        assert not told["host"] or f'"{told["host"]}"'.encode() not in text
    assert read_manifest(folder).digest == trainset.digest


def test_a_record_of_another_artifact_is_refused(family):
    _, folder, _ = publish(family.corpus("one").path, "ours", "1")
    record = folder / "publication.json"
    record.write_text(record.read_text().replace(json.loads(record.read_text())["digest"], "0" * 64))
    with pytest.raises(DigestError, match="another artifact"):
        read_published(folder)
    record.write_text('{"name": "ours"}')
    with pytest.raises(InputError, match="not a publication"):
        resolve("ours@1")


def test_an_artifact_made_from_itself_is_refused(family, monkeypatch):
    corpus = family.corpus("one", licence=None)
    trainset = family.trainset("t", {"base": corpus.path})
    monkeypatch.setattr("artifacts.chain._Walk.path_of", lambda *_: trainset.path)
    with pytest.raises(InputError, match="among what it was made from"):
        publish(trainset.path, "ours", "1")


def test_what_comes_with_this_package_is_known_by_its_bytes_wherever_it_lies(family, tmp_path):
    from shutil import copytree

    from artifacts.shipped import shipped_folder, shipped_names

    name = shipped_names()[0]
    base = tmp_path / "elsewhere" / name
    copytree(shipped_folder(name), base)
    report = family.report("end", {"base": base})
    same = publish(report.path, "same", "1")[0]
    assert same.licence["licence"] == "Apache-2.0"
    pin = load_pin(name)  # the lineage leads to it
    assert [(part["name"], part["version"]) for part in same.licence["parts"]] == [(name, pin.version)]
    assert {node.get("pin") for node in same.lineage["nodes"].values()} == {None, name}
    (base / "config.json").write_text("{}")  # somebody's own by now
    other = family.report("other", {"base": base})
    assert publish(other.path, "changed", "1")[0].licence["licence"] == "unknown"


@pytest.mark.parametrize(
    ("base", "part"),
    [
        ({"name": "smollm2-135m", "weights": "hub"}, ("smollm2-135m", "2025-02", "Apache-2.0")),
        ({"name": "someone/model", "weights": "hub", "revision": "a" * 40}, ("someone/model", "a" * 40, "unknown")),
    ],
)
def test_weights_that_only_the_settings_name_are_a_part(family, rt_home, base, part):
    class Tuned(Settings):
        base: dict

    def work(settings, inputs, workspace):
        (workspace.path / "model.txt").write_text("weights")

    corpus = family.corpus("c", licence="MIT", name="c")
    model = Stage("train", "model", 1, Tuned, work).run(Tuned(base=base), rt_home / "m", {"set": corpus.path})[0]
    parts = publish(model.path, "tuned", "1")[0].licence["parts"]
    assert part in [(one["name"], one["version"], one["licence"]) for one in parts]
    assert ("c", None, "MIT") in [(one["name"], one["version"], one["licence"]) for one in parts]


def test_what_is_made_from_a_published_artifact_knows_its_parts_though_they_are_gone(family, rt_home):
    from shutil import rmtree

    trainset = family.lima_and_dolly()
    first, folder, _ = publish(trainset.path, "ours-rt", "1.0.0")
    for stage in ("collect", "mix"):
        rmtree(rt_home / stage)
    silent = family.corpus("silent", text="Maybe.", licence="unknown")
    more = family.report("more", {"base": folder, "own": silent.path})
    publication, _, _ = publish(more.path, "more", "1")
    assert publication.licence["use"] == "non-commercial"
    assert [part["name"] for part in publication.licence["parts"]] == ["dolly", "lima", "silent"]
    nodes = publication.lineage["nodes"]
    assert nodes[first.digest]["name"] == "ours-rt@1.0.0"
    assert {nodes[digest].get("pin") for digest in nodes[first.digest]["inputs"].values()} == {"lima", "dolly"}
