"""What stands beside a published artifact is as fixed as the artifact: terms, lineage, card and citations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from artifacts.catalogue import resolve
from artifacts.errors import DigestError, InputError, UserError
from artifacts.export.folders import new_folder
from artifacts.publication import name_of, read_publication, verify_publication
from artifacts.publish import publish
from paper_repro.cli import application


@pytest.fixture
def folder(family):
    """A published train set of a non-commercial and a free part."""
    return publish(family.lima_and_dolly().path, "ours-rt", "1.0.0")[1]


def rt(*arguments):
    return CliRunner().invoke(application(["artifacts"]), ["artifacts", *map(str, arguments)])


def edit(folder, change):
    path = folder / "publication.json"
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def in_a_circle(value):
    nodes, top = value["lineage"]["nodes"], value["lineage"]["digest"]
    lowest = next(digest for digest, node in nodes.items() if not node.get("inputs"))
    nodes[lowest]["inputs"] = {"base": top}


def without(*keys):
    def change(value):
        for key in keys:
            del value[key]

    return change


EDITS = {
    "terms": (lambda v: v["licence"].update(use="as stated", licence="MIT"), DigestError, "changed after it was"),
    "title": (lambda v: v.update(title="Another"), DigestError, "changed after it was written"),
    "digest of a page": (lambda v: v["pages"].update({"README.md": "0" * 64}), DigestError, "changed after"),
    "no digest": (without("record"), DigestError, "changed after it was written"),
    "missing licence": (without("licence"), InputError, r"not a publication: licence: required, not given$"),
    "unknown kind": (lambda v: v.update(kind="dream"), DigestError, "of another artifact"),
    "unknown key": (lambda v: v.update(licens="MIT"), InputError, "licens: unknown key; did you mean 'licence'"),
    "circular lineage": (in_a_circle, InputError, r"lineage: [0-9a-f]{12} is made from itself"),
    "a hole in the lineage": (
        lambda v: [v["lineage"]["nodes"].pop(d) for d in list(v["lineage"]["nodes"])[:] if d != v["digest"]],
        InputError,
        r"lineage: [0-9a-f]{12} is named and not there",
    ),
    "no lineage": (lambda v: v.update(lineage={}), InputError, "does not hold the artifact itself"),
}


@pytest.mark.parametrize("fault", EDITS)
def test_an_edited_record_is_refused_and_listed_as_wrong(folder, fault):
    change, error, said = EDITS[fault]
    before = (folder / "publication.json").read_bytes()
    edit(folder, change)
    with pytest.raises(error, match=said):
        read_publication(folder)
    rows = {row["name"]: row for row in json.loads(rt("list", "--json").stdout)}
    assert rows["ours-rt"]["verification"] == "WRONG" and rows["lima"]["verification"] == "pinned"
    assert rt("cite", "ours-rt@1.0.0").exit_code != 0
    assert rt("verify", folder).exit_code == 1
    (folder / "publication.json").write_bytes(before)
    assert rt("verify", folder).exit_code == 0


@pytest.mark.parametrize("page", ["README.md", "CITATION.cff", "citation.bib"])
def test_pages_beside_the_data_are_verified(folder, page):
    assert set(verify_publication(folder)[0].pages) == {"README.md", "CITATION.cff", "citation.bib"}
    path = folder / page
    whole = path.read_bytes()
    path.write_bytes(whole + b"\n")
    with pytest.raises(DigestError, match=f"{page}: bytes differ from publication.json"):
        verify_publication(folder)
    path.unlink()
    with pytest.raises(DigestError, match=f"{page}: missing"):
        verify_publication(folder)
    path.write_bytes(whole)
    verify_publication(folder)


def test_what_was_never_published_is_told_a_link_too(folder):
    (folder / "more.txt").write_text("more")
    (folder / "link").symlink_to("/etc/hostname")
    with pytest.raises(DigestError, match=r"link: belongs to nothing.*more\.txt: belongs to nothing"):
        verify_publication(folder)


def test_what_the_hub_adds_to_a_folder_that_is_fetched_from_it_is_passed_over(folder):
    added = (".gitattributes", ".git/HEAD", ".git/objects/ab/cd", ".cache/huggingface/.gitignore")
    for name in added:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("theirs")
    verify_publication(folder)
    assert rt("verify", folder).exit_code == 0
    (folder / "below" / ".cache").mkdir(parents=True)
    (folder / "below" / ".cache" / "more.txt").write_text("more")
    with pytest.raises(DigestError, match=r"^\S* ?below/\.cache/more\.txt: belongs to nothing that was published"):
        verify_publication(folder)


def test_a_damaged_record_stops_what_would_build_on_it(folder, family):
    edit(folder, EDITS["terms"][0])
    report = family.report("end", {"base": folder})
    with pytest.raises(DigestError, match="changed after it was written"):
        publish(report.path, "more", "1")


def test_a_link_in_the_place_of_a_version_is_not_followed(folder, tmp_path):
    elsewhere = folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(elsewhere)
    (row,) = (row for row in json.loads(rt("list", "--json").stdout) if row["name"] == "ours-rt")
    assert "a link that leads out of the store" in row["availability"]
    with pytest.raises(InputError, match="a link that leads out of the store"):
        resolve("ours-rt@1.0.0")


def test_it_goes_by_its_name_wherever_it_is_told(folder, family):
    assert name_of(folder) == "ours-rt@1.0.0"
    assert name_of(family.corpus("plain").path) == "plain"


def test_two_processes_do_not_fill_one_folder(tmp_path):
    out = tmp_path / "out"
    with new_folder(out) as first:
        (first / "a.txt").write_text("one")
        with pytest.raises(UserError, match="another process is writing there"), new_folder(out):
            pass
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (out / "a.txt").read_text() == "one"
    with pytest.raises(UserError, match="is there already"), new_folder(out):
        pass


def test_what_a_killed_export_left_is_no_hindrance(tmp_path):
    left = Path(tmp_path / ".out.part")
    left.mkdir()
    (left / "half.txt").write_text("half")
    with new_folder(tmp_path / "out") as building:
        (building / "a.txt").write_text("one")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.txt"]
