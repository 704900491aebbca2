"""Citations: BibTeX and CFF with version, digest and the paper; what the schema of CFF 1.2.0 says of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from artifacts.catalogue import pin_digest
from artifacts.cite import bibtex, cff, cff_text
from artifacts.pins import fetch, load_pin, pin_names
from artifacts.publish import publish
from artifacts.references import PAPER, entry, plain, reference, reference_entry, reference_keys, reference_text

ROOT = Path(__file__).resolve().parents[2]
FIELD = re.compile(r"^  ([a-z]+) = \{(.*)\},$")


def entries(text: str) -> dict[str, dict[str, str]]:
    """A strict reader of our own BibTeX: key to fields; braces have to match in every field."""
    found, fields = {}, None
    for line in text.split("\n"):
        if match := re.fullmatch(r"@(misc|article|inproceedings)\{([A-Za-z0-9._-]+),", line):
            fields = found[match[2]] = {}
        elif line == "}":
            fields = None
        elif line:
            match = FIELD.match(line)
            assert match, line
            assert fields is not None
            depth = 0
            for sign in re.sub(r"\\.", "", match[2]):
                depth += (sign == "{") - (sign == "}")
                assert depth >= 0
            assert depth == 0, line
            fields[match[1]] = match[2]
    assert fields is None
    return found


@pytest.mark.parametrize("key", reference_keys())
def test_every_reference_is_whole_in_bibtex_and_in_words(key):
    work = reference(key)
    fields = entries(reference_entry(key))[key]
    assert fields["title"] == f"{{{plain(work['title'])}}}"
    assert fields["year"] == str(work["year"])
    assert fields["author"].count(" and ") == len(work["authors"]) - 1
    assert f"({work['year']}). {work['title']}" in reference_text(key)
    assert (fields.get("booktitle") is not None) == (work["type"] == "conference-paper")


def test_the_paper_is_cited_as_citation_cff_says():
    ours = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["references"][0]
    assert dict(reference(PAPER)) == ours


def test_every_reference_is_used():
    used = {load_pin(name).citation for name in pin_names()}
    assert set(reference_keys()) - used <= {PAPER}


@pytest.fixture
def published(family):
    return publish(family.lima_and_dolly().path, "ours-rt", "1.0.0", title="50% {of} it_all", authors=["Doe, Jane"])[0]


def test_a_published_artifact_is_cited_with_version_digest_and_paper(published):
    found = entries(bibtex(published))
    assert list(found) == ["ours-rt-1.0.0", PAPER, "conover2023dolly", "zhou2023lima"]
    own = found["ours-rt-1.0.0"]
    assert own["version"] == "1.0.0"
    assert published.digest in own["howpublished"]
    assert own["author"] == "Doe, Jane"
    assert own["title"] == r"{50\% \{of\} it\_all}"
    value = yaml.safe_load(cff_text(published))
    assert value == cff(published)
    assert value["identifiers"][0]["value"] == f"sha256:{published.digest}"
    assert value["version"] == "1.0.0"
    assert "license" not in value  # CFF has no word for two licences that both hold
    assert "non-commercial" in value["abstract"]
    assert value["references"][0]["title"] == reference(PAPER)["title"]


def test_a_pin_is_cited_by_its_work_and_its_digest():
    pin = load_pin("lima")
    found = entries(bibtex(pin))
    assert list(found) == ["lima-2023-05-18", "zhou2023lima", PAPER]
    assert pin_digest(pin) in found["lima-2023-05-18"]["howpublished"]
    assert cff(load_pin("dolly"))["license"] == "CC-BY-SA-3.0"
    assert "license" not in cff(pin)  # CC-BY-NC-SA without a version is no name that CFF knows


def test_a_field_cannot_break_out_of_its_entry():
    text = entry("misc", "key", {"title": plain("}, evil = {x}\n@misc{y,"), "empty": None})
    assert list(entries(text)) == ["key"]
    assert list(entries(text)["key"]) == ["title"]


@pytest.mark.slow
def test_the_schema_of_cff_accepts_all_of_it(published):
    from jsonschema import Draft7Validator, FormatChecker

    schema = json.loads(fetch("citation-file-format").paths[0].read_text(encoding="utf-8"))
    validator = Draft7Validator(schema, format_checker=FormatChecker())
    ours = yaml.load((ROOT / "CITATION.cff").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    ours["references"][0]["year"] = int(ours["references"][0]["year"])
    validator.validate(ours)
    for cited in (published, *map(load_pin, pin_names())):
        faults = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(cff(cited))]
        assert not faults, cited.name
    assert not validator.is_valid(cff(published) | {"licence": "MIT"})
