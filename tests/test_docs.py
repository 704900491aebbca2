"""Every command in README and docs runs: as written, or as a dry run where the fence says `bash dry`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FENCE = re.compile(r"^```(\w+)?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# the command's own tests cannot run inside themselves, and a set-up would replace the environment they run in
ONLY_PLANNED = re.compile(r"^make\b(?! reproduce$)", re.MULTILINE)
STUDIES = ("instructability", "refusal", "corpora", "formats", "declines", "curation")
SMALL = (
    *(f"studies.{study}.base_size=16 studies.{study}.seeds=[0]" for study in STUDIES),
    *(f"studies.{study}.num_refusals=[0,16]" for study in ("refusal", "declines")),
    "train.epochs=1 generate.limit=4 generate.max_new_tokens=8",
)


def documents():
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(path: Path) -> list[tuple[str, str]]:
    """`(mode, script)` of each bash fence; mode is '' or 'dry'."""
    found = []
    for language, mode, body in FENCE.findall(path.read_text(encoding="utf-8")):
        if language in ("sh", "shell", "console"):
            raise AssertionError(f"{path.name}: use ```bash, so that it is run")
        if language == "bash":
            found.append((mode.strip(), body))
    return found


def script_of(mode: str, body: str) -> str:
    assert mode in ("", "dry"), f"unknown mode {mode!r}"
    if mode == "dry":
        body = re.sub(r"^(rt .*?)$", r"\1 --dry-run", body.replace("\\\n", " "), flags=re.MULTILINE)
    # make -n shows what a target would do and fails where there is no such target
    body = ONLY_PLANNED.sub(f"make -C '{ROOT}' -n", body)
    # a whole run takes a quarter of an hour; here it has few rows, prompts and tokens
    return body.replace("make reproduce\n", f"make -C '{ROOT}' reproduce SET='{' '.join(SMALL)}'\n")


def with_commands():
    return [path for path in documents() if blocks(path)]


@pytest.mark.slow
@pytest.mark.parametrize("path", with_commands(), ids=lambda path: path.name)
def test_the_commands_of_a_document_run_in_order(path, tmp_path):
    script = "\n".join(script_of(mode, body) for mode, body in blocks(path))
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "RT_HOME": os.environ.get("RT_TEST_HOME", str(tmp_path / "home")),
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{script}\n---\n{done.stdout[-3000:]}\n---\n{done.stderr[-3000:]}"


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_links_and_pictures_lead_somewhere(path):
    text = path.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text) + re.findall(r'(?:src|srcset)="([^"]+)"', text)
    missing = [t for t in targets if not t.startswith(("http", "mailto:")) and not (path.parent / t).exists()]
    assert not missing


def test_the_test_command_of_the_readme_is_what_ci_calls():
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "make test" in ci.split("\n")
    assert re.search(r"^make test", "".join(body for _, body in blocks(ROOT / "README.md")), re.MULTILINE)
