"""Exports are read back by their readers' own libraries, without a network, and hold every byte that they name."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from artifacts.catalogue import resolve
from artifacts.digests import digest_file
from artifacts.errors import DigestError, InputError, StageError, UserError
from artifacts.export.crate import write_crate
from artifacts.export.crate_check import check_crate
from artifacts.export.croissant import METADATA, write_croissant
from artifacts.export.hub import push, write_hub_folder
from artifacts.manifest import read_manifest, verify_outputs
from artifacts.publication import verify_publication
from artifacts.publish import publish
from artifacts.settings import Settings
from artifacts.stage import Stage


@pytest.fixture
def no_network(monkeypatch):
    """Any connection fails the test."""
    import socket

    def refuse(*arguments, **more):
        raise AssertionError(f"a connection to {arguments}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def report(family):
    return family.report("end", {"trainset": family.lima_and_dolly().path})


@pytest.fixture
def published(family):
    publish(family.lima_and_dolly().path, "ours-rt", "1.0.0")
    return resolve("ours-rt@1.0.0")


@pytest.mark.slow
def test_a_run_is_a_workflow_run_crate_by_its_own_validator(report, tmp_path, no_network):
    flow = tmp_path / "Snakefile"
    flow.write_text("rule all:\n    input: []\n")
    out = tmp_path / "crate"
    facts = write_crate(report, out, workflow=[flow], leave_out=["trainset"])
    assert facts == {"artifacts": 3, "files": 6, "left_out": 1, "profile": "workflow-run-crate"}
    metadata = out / "ro-crate-metadata.json"
    graph = {entity["@id"]: entity for entity in json.loads(metadata.read_text())["@graph"]}
    made = graph[f"#made-{report.digest[:12]}"]
    assert made["instrument"] == {"@id": "#rt-report"}
    inputs = report.identity.inputs["trainset"]
    assert made["object"] == [{"@id": f"#{inputs}"}]
    assert graph[f"#{inputs}"]["identifier"] == f"sha256:{inputs}"
    assert "non-commercial" in graph[graph["./"]["license"]["@id"]]["description"]
    hashed = {identifier: one["sha256"] for identifier, one in graph.items() if "sha256" in one}
    assert len(hashed) == 3  # data of two corpora, and the report's page
    assert all(digest_file(out / identifier) == digest for identifier, digest in hashed.items())
    verify_outputs(read_manifest(out / "report" / f"report-{report.digest[:12]}"))
    graph["#run"].pop("instrument")
    metadata.write_text(json.dumps(json.loads(metadata.read_text()) | {"@graph": list(graph.values())}))
    with pytest.raises(StageError, match="MUST have an instrument"):
        check_crate(out, "workflow-run-crate")


def test_a_crate_that_is_refused_is_not_left_behind(report, tmp_path, monkeypatch):
    def refuse(folder, profile):
        raise StageError(f"not {profile}")

    monkeypatch.setattr("artifacts.export.crate_check.check_crate", refuse)
    with pytest.raises(StageError, match="not process-run-crate"):
        write_crate(report, tmp_path / "crate")
    assert [path.name for path in tmp_path.iterdir() if "crate" in path.name] == []


def test_an_export_takes_only_a_new_folder(report, tmp_path):
    (tmp_path / "there").mkdir()
    with pytest.raises(UserError, match="is there already"):
        write_crate(report, tmp_path / "there")


def test_croissant_is_read_back_with_its_columns(published, tmp_path, no_network):
    publication, artifact = published
    facts = write_croissant(artifact, tmp_path / "out", publication)
    assert facts == {"tables": 1, "files": 1, "rows": {"rt.parquet": 3}}
    value = json.loads((tmp_path / "out" / METADATA).read_text())
    assert (value["name"], value["version"]) == ("ours-rt", "1.0.0")
    assert value["license"] == "CC-BY-NC-SA AND CC-BY-SA-3.0"
    assert value["distribution"][0]["sha256"] == artifact.identity.outputs["rt.parquet"].sha256
    types = {field["name"]: field["dataType"] for field in value["recordSet"][0]["field"]}
    assert types == {"row_id": "sc:Text", "response": "sc:Text", "length": "sc:Integer"}
    assert "an2025response" in value["citeAs"]


@pytest.mark.parametrize(("told", "day"), [("2001-02-03", "2001-02-03"), (None, "2004-05-06")])
def test_croissant_tells_the_day_of_publication_not_that_of_the_run(published, tmp_path, told, day):
    publication, artifact = published
    artifact = artifact.model_copy(update={"provenance": {"started": "2004-05-06T07:08:09+00:00"}})
    write_croissant(artifact, tmp_path / "out", publication.model_copy(update={"date": told}))
    assert json.loads((tmp_path / "out" / METADATA).read_text())["datePublished"].startswith(day)


def table_stage(tables):
    def work(settings, inputs, workspace):
        for name, table in tables.items():
            path = workspace.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(table, path)

    return Stage("collect", "corpus", 1, Settings, work)


def test_a_table_in_parts_is_one_table(rt_home, tmp_path):
    part = pa.table({"text": ["a", "b"], "scores": [[1.0], [2.0, 3.0]], "good": [True, None]})
    stage = table_stage({"data.parquet/part-00000.parquet": part, "data.parquet/part-00001.parquet": part})
    artifact = stage.run(Settings(), rt_home / "parts")[0]
    assert write_croissant(artifact, tmp_path / "out")["rows"] == {"data.parquet": 3}
    publish(artifact.path, "parts", "1")
    publication, copy = resolve("parts@1")
    assert write_hub_folder(copy, publication, tmp_path / "hub")["rows"] == {"data": 4}


def test_what_croissant_has_no_word_for_is_said(rt_home, tmp_path):
    table = pa.table({"nested": [{"a": 1}]})
    artifact = table_stage({"data.parquet": table}).run(Settings(), rt_home / "nested")[0]
    with pytest.raises(InputError, match="column 'nested' has type struct"):
        write_croissant(artifact, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_a_table_there_is_no_croissant(report, tmp_path):
    with pytest.raises(InputError, match="no Parquet table"):
        write_croissant(report, tmp_path / "out")


def test_columns_that_do_not_read_back_are_a_fault(published, tmp_path, monkeypatch):
    from artifacts.export import croissant

    monkeypatch.setattr(croissant, "_tables", lambda _: {"rt.parquet": (pa.schema({"other": pa.string()}), False)})
    with pytest.raises(StageError, match="mlcroissant refuses"):
        write_croissant(published[1], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_for_the_hub_loads_as_a_data_set(published, tmp_path, no_network):
    publication, artifact = published
    facts = write_hub_folder(artifact, publication, tmp_path / "hub")
    assert facts == {"repo_type": "dataset", "rows": {"rt": 4}}
    front = yaml.safe_load((tmp_path / "hub" / "README.md").read_text().split("---\n")[1])
    assert front["configs"] == [
        {"config_name": "rt", "data_files": [{"split": "train", "path": "rt.parquet"}], "default": True}
    ]
    assert front["license_name"] == "cc-by-nc-sa-and-cc-by-sa-3.0"
    assert (tmp_path / "hub" / "CITATION.cff").is_file()
    verify_publication(tmp_path / "hub")  # wherever it lies, with its card that names the tables


@pytest.mark.parametrize("fault", [b"cut off", b""])
def test_a_damaged_artifact_is_exported_in_no_form(published, tmp_path, fault):
    publication, artifact = published
    (artifact.path / "rt.parquet").write_bytes(fault)
    for write in (
        lambda out: write_croissant(artifact, out, publication),
        lambda out: write_hub_folder(artifact, publication, out),
        lambda out: write_crate(artifact, out),
    ):
        with pytest.raises(DigestError, match=rf"^{artifact.path}: rt\.parquet: bytes differ"):
            write(tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


class Hub:
    """In the place of huggingface_hub.HfApi."""

    calls: ClassVar[list] = []

    def __init__(self, token):
        self.calls.append(("token", token))

    def create_repo(self, repo, **options):
        self.calls.append(("create", repo, options))

    def upload_folder(self, **options):
        self.calls.append(("upload", options["repo_id"], options["folder_path"]))
        return SimpleNamespace(commit_url="https://example.org/commit/1")


def test_nothing_is_sent_without_a_key(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.HfApi", Hub)
    monkeypatch.setattr(Hub, "calls", [])
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with pytest.raises(UserError, match="HF_TOKEN is not set"):
        push(tmp_path, "owner/repo", "dataset")
    monkeypatch.setenv("HF_TOKEN", "a-key")
    with pytest.raises(UserError, match="expected OWNER/REPO"):
        push(tmp_path, "../repo", "dataset")
    assert Hub.calls == []
    assert push(tmp_path, "owner/repo", "dataset") == "https://example.org/commit/1"
    assert Hub.calls == [
        ("token", "a-key"),
        ("create", "owner/repo", {"repo_type": "dataset", "private": True, "exist_ok": True}),
        ("upload", "owner/repo", tmp_path),
    ]


def test_offline_nothing_is_sent(tmp_path, monkeypatch, no_network):
    monkeypatch.setenv("HF_TOKEN", "a-key")
    with pytest.raises(UserError, match="nothing was sent"):
        push(tmp_path, "owner/repo", "dataset")


@pytest.mark.parametrize(
    ("package", "write"),
    [
        ("rocrate.rocrate", lambda report, published, out: write_crate(report, out)),
        ("rocrate_validator", lambda report, published, out: write_crate(report, out)),
        ("mlcroissant", lambda report, published, out: write_croissant(published[1], out)),
        ("huggingface_hub", lambda report, published, out: write_hub_folder(published[1], published[0], out)),
        ("datasets", lambda report, published, out: write_hub_folder(published[1], published[0], out)),
    ],
)
def test_a_library_that_is_not_installed_is_named_and_nothing_is_left(
    package, write, report, published, tmp_path, monkeypatch
):
    import sys

    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match="which is not installed") as caught:
        write(report, published, tmp_path / "out")
    assert "extra 'export'" in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
