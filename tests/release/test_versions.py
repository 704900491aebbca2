"""One version, told alike wherever it is told."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import yaml

import artifacts

ROOT = Path(__file__).resolve().parents[2]


def test_package_changelog_and_citation_agree():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    newest = re.search(r"^## (\S+)( \(.*\))?$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert citation["version"] == newest[1] == artifacts.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+", newest[1])
    # a day stands in both or in none of them
    day = citation.get("date-released")
    assert newest[2] == (f" ({day})" if isinstance(day, date) else " (unreleased)")


def test_the_version_is_written_once():
    """The build reads it from the package."""
    assert not re.search(r'^version = "', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_citation_file_says_whose_and_on_what_terms():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert re.search(r'^license = "(.*)"', pyproject, re.MULTILINE)[1] == citation["license"]
    assert "2410.02465" in citation["references"][0]["identifiers"][0]["value"]
    assert citation["cff-version"] == "1.2.0" and citation["message"] and citation["authors"]
