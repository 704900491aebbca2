"""Deep verification: what is made again is equal, near by a stated rule, or differs; and it is said why and how."""

from __future__ import annotations

import ast
import json
import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

import paper_repro.rederive as module
from artifacts.digests import digest_file
from artifacts.files import write_json, write_text
from artifacts.manifest import Artifact, Identity, OutputFile, read_manifest, write_manifest
from artifacts.settings import Settings
from artifacts.stage import Stage, thread_count
from data_curation.curate import CurateSettings, curate
from data_curation.mix import MixSettings, mix
from paper_repro.cli import application
from paper_repro.rederive import rederive
from paper_repro.stages import SHARDED, STAGES, stage_of

ROOT = Path(__file__).resolve().parents[2]


class Sums(Settings):
    times: int = 3


LUCK = {"add": 0.0, "text": "", "threads": []}


def add(settings, inputs, workspace):
    """A number that is a little other wherever `LUCK` says so."""
    LUCK["threads"].append(thread_count())
    total = sum(json.loads(inputs["numbers"].read_text())) * settings.times + LUCK["add"]
    rows = [{"id": f"row {place}", "n": total + place, "said": LUCK["text"]} for place in range(20)]
    write_json(workspace.path / "rows.json", rows)
    write_text(workspace.path / "page.html", f"{total}{LUCK['text']}")
    workspace.summary["total"] = total


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A function: an artifact of a stage of this test, of a kind, with inputs that are files or artifacts."""
    monkeypatch.setattr(module, "stage_of", lambda identity: stages[identity.kind])
    monkeypatch.setenv("RT_THREADS", "1")
    LUCK.update(add=0.0, text="", threads=[])
    numbers = tmp_path / "numbers.json"
    numbers.write_text("[1.5, 2.0]")
    stages = {}

    def make(kind="generations", threaded=True, **more):
        stages[kind] = Stage("sums", kind, 1, Sums, add, packages=("pydantic",), threaded=threaded)
        return stages[kind].run(Sums(**more), tmp_path / "out", {"numbers": numbers})[0]

    make.stages, make.numbers = stages, numbers
    return make


def elsewhere(artifact):
    """The same artifact, made on a machine of another type."""
    path = artifact.path / "manifest.json"
    value = json.loads(path.read_text())
    value["provenance"]["processor"] = "Abacus 3000"
    path.write_text(json.dumps(value))


def test_the_same_work_gives_the_same_identity_with_the_recorded_threads(made, monkeypatch):
    artifact = made()
    monkeypatch.setenv("RT_THREADS", "2")
    before = {path: path.read_bytes() for path in artifact.path.rglob("*") if path.is_file()}
    found = rederive(artifact.path)
    assert (found.state, found.rule, found.ok) == ("same", "bit for bit", True)
    assert LUCK["threads"] == [1, 1], "as recorded, not as the environment says now"
    assert os.environ["RT_THREADS"] == "2"
    assert {path: path.read_bytes() for path in artifact.path.rglob("*") if path.is_file()} == before


def test_on_the_same_machine_the_last_bit_counts(made):
    artifact = made()
    LUCK["add"] = 1e-12
    found = rederive(artifact.path)
    assert (found.state, found.ok) == ("differs", False)
    assert found.rule.startswith("bit for bit, as machine, packages and threads are the recorded ones")
    assert any(reason.startswith("numbers: total was 10.5, is 10.500000000001") for reason in found.reasons)
    assert {file.name: file.rows_differing for file in found.files} == {"rows.json": 20, "page.html": 0}


def test_elsewhere_near_numbers_are_enough_and_far_ones_are_not(made):
    artifact = made()
    elsewhere(artifact)
    LUCK["add"] = 1e-9
    near = rederive(artifact.path)
    assert (near.state, near.ok) == ("within tolerance", True)
    assert "numbers within 1e-06 (relative), 5.0% of the rows otherwise" in near.rule
    assert "the processor was Abacus 3000, here it is" in near.rule
    LUCK["add"] = 1.0
    far = rederive(artifact.path)
    assert (far.state, far.ok) == ("differs", False)
    assert any("rows.json: other values: 20 of 20 differ" in reason for reason in far.reasons)
    LUCK.update(add=0.0, text="else")
    assert rederive(artifact.path).state == "differs", "another text is no rounding"


@pytest.mark.parametrize(("rows", "state"), [(1, "within tolerance"), (2, "differs")])
def test_of_replies_one_in_twenty_may_differ(made, monkeypatch, rows, state):
    artifact = made()
    elsewhere(artifact)

    def luckless(settings, inputs, workspace):
        add(settings, inputs, workspace)
        path = workspace.path / "rows.json"
        table = json.loads(path.read_text())
        for row in table[:rows]:
            row["said"] = "else"
        write_json(path, table)

    made.stages["generations"] = Stage("sums", "generations", 1, Sums, luckless, packages=("pydantic",), threaded=True)
    assert rederive(artifact.path).state == state


def test_of_a_model_the_losses_are_judged_and_the_weights_told(made):
    def tune(settings, inputs, workspace):
        write_json(workspace.path / "rows.json", [1 + LUCK["add"]])
        workspace.summary.update(loss_last=1 + LUCK["add"], tuning_max_logit_change=3 + LUCK["add"], rows=7)

    made()
    made.stages["model"] = Stage("sums", "model", 1, Sums, tune)
    folder = made.numbers.parent / "model"
    made.stages["model"].run(Sums(), folder, {})
    elsewhere(read_manifest(folder))
    LUCK["add"] = 0.015
    near = rederive(folder)
    assert (near.state, [file.name for file in near.files]) == ("within tolerance", ["rows.json"])
    assert "losses within 0.02 nats a token" in near.rule
    LUCK["add"] = 0.03
    far = rederive(folder)
    assert far.state == "differs"
    assert far.reasons == ("numbers: loss_last was 1.0, is 1.03",)


def test_another_package_version_is_elsewhere(made, monkeypatch):
    import artifacts.stage

    artifact = made()
    versions = artifacts.stage._version
    monkeypatch.setattr(artifacts.stage, "_version", lambda name: "99" if name == "pydantic" else versions(name))
    found = rederive(artifact.path)
    assert found.state == "within tolerance"
    assert "pydantic was" in found.rule and "here it is 99" in found.rule


def test_what_cannot_be_made_again_says_why(made, tmp_path):
    artifact = made()
    stage = made.stages["generations"]
    made.stages["generations"] = Stage("sums", "generations", 2, Sums, add, packages=("pydantic",), threaded=True)
    found = rederive(artifact.path)
    assert (found.state, found.ok) == ("not re-derived", False)
    assert "made by version 1 of 'sums', this is version 2" in found.reasons[0]
    made.stages["generations"] = stage
    made.numbers.write_text("[1.5, 2.5]")
    assert "numbers.json) is another version by now" in rederive(artifact.path).reasons[0]
    made.numbers.unlink()
    assert "numbers.json) is not there" in rederive(artifact.path).reasons[0]
    (artifact.path / "rows.json").write_text("[]")
    assert "rows.json: bytes differ" in rederive(artifact.path).reasons[0]
    assert not list(tmp_path.glob("rt-verify-*"))


def test_settings_of_another_time_are_not_guessed(made):
    artifact = made()

    class Other(Settings):
        times: int = 3
        more: int = 1

    made.stages["generations"] = Stage("sums", "generations", 1, Other, add, packages=("pydantic",), threaded=True)
    assert "mean something else in this version" in rederive(artifact.path).reasons[0]


def test_no_vectors_of_earlier_runs_are_taken():
    from data_curation.encoder import EncoderSettings

    recorded = {"encoder": EncoderSettings().resolved(), "deep": [{"encoder": EncoderSettings().resolved()}]}
    given = module._without_cache(recorded)
    assert EncoderSettings(**given["encoder"]).cache is False
    assert given["deep"][0]["encoder"]["cache"] is False
    assert EncoderSettings(**given["encoder"]).resolved() == recorded["encoder"]


@pytest.fixture
def curated(tmp_path, rt_home):
    """A curated set and a training set, made by the stages themselves from a file of rows."""
    rows = [{"instruction": f"q{n}", "response": f"Answer number {n % 7}, of some length."} for n in range(30)]
    write_text(tmp_path / "rows.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    steps = [{"step": "normalise"}, {"step": "exact_dedup", "survivor": "first"}]
    recipe = {"name": "small", "steps": steps}
    clean = curate(CurateSettings(recipe=recipe), tmp_path / "runs" / "clean", tmp_path / "rows.jsonl")
    mix(MixSettings(base_size=4), tmp_path / "runs" / "mixed", clean.path)
    return tmp_path / "runs"


def verify(*arguments):
    words = ["artifacts", "verify", "--deep", *map(str, arguments)]
    return CliRunner().invoke(application(["artifacts"]), words, catch_exceptions=False)


def test_a_run_is_confirmed_by_its_own_stages(curated):
    done = verify(curated)
    assert done.exit_code == 0, done.stdout
    assert done.stdout.count("bit for bit") == 2
    assert "2 of 2 are confirmed (2 same)" in done.stdout


def test_a_run_that_was_moved_finds_its_inputs_by_digest(curated, tmp_path):
    shutil.move(curated, tmp_path / "moved")
    rows = json.loads(verify(tmp_path / "moved" / "mixed", "--json").stdout)
    assert [(row["kind"], row["state"]) for row in rows] == [("trainset", "same")]


def forged(folder, name):
    """An artifact whose file and manifest were changed together: every digest in it is right."""
    artifact = read_manifest(folder)
    with open(folder / name, "a", encoding="utf-8") as file:
        file.write("\n")
    outputs = artifact.identity.outputs | {
        name: OutputFile(sha256=digest_file(folder / name), bytes=(folder / name).stat().st_size)
    }
    identity = Identity(**(artifact.identity.model_dump() | {"outputs": outputs}))
    write_manifest(Artifact(path=folder, identity=identity, provenance=artifact.provenance))


def test_a_forgery_that_digests_do_not_show_is_found(curated):
    forged(curated / "clean", "quarantine.jsonl")
    plain = CliRunner().invoke(application(["artifacts"]), ["artifacts", "verify", str(curated / "clean")])
    assert plain.exit_code == 0
    done = verify(curated)
    assert done.exit_code == 1
    assert "DIFFERS" in done.stdout and "quarantine.jsonl" in done.stdout
    assert "UNKNOWN" in done.stdout, "the set that was made from it has no input any more"
    assert "0 of 2 are confirmed" in done.stdout


def test_deep_needs_folders():
    from artifacts.errors import UserError

    with pytest.raises(UserError, match="none is named"):
        verify()


def test_every_stage_of_the_package_is_known():
    """A stage that is added somewhere has its place in the list; each place holds what the list says."""
    written = set()
    for package in ("data_curation", "paper_repro"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                    name = getattr(node.value.func, "id", "")
                    if name == "Stage" or name.endswith("Stage"):
                        place = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
                        written.add(f"{place}:{node.targets[0].id}")
    assert written == {*STAGES.values(), SHARDED}


@pytest.mark.parametrize(("key", "place"), [*STAGES.items(), (("curate", "curated"), SHARDED)])
def test_each_place_holds_its_stage(key, place):
    settings = {"shard_rows": 5} if place == SHARDED else {}
    empty = {"stage_version": 1, "inputs": {}, "packages": {}, "threads": None, "summary": {}, "outputs": {}}
    stage = stage_of(Identity(stage=key[0], kind=key[1], settings=settings, **empty))
    assert (stage.name, stage.kind) == key
    assert ("shard_rows" in stage.settings.model_fields) == (place == SHARDED)


def test_an_unknown_kind_is_named_with_the_known_ones(made, monkeypatch):
    artifact = made(kind="dream")
    monkeypatch.setattr(module, "stage_of", stage_of)
    (reason,) = rederive(artifact.path).reasons
    assert "no stage 'sums' of this version makes a 'dream'" in reason
    assert "curated, generations" in reason
