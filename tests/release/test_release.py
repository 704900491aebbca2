"""The release: what is built holds all it needs, installs in an empty environment, and works outside the repository.

`make release` names the folder of what it built (RT_RELEASE) and has both installed with what they depend on; the plain
tests build from the working tree and let the installed package see this environment's libraries.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from functools import cache
from pathlib import Path

import pytest

import artifacts
from artifacts.shipped import shipped_names

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("artifacts", "data_curation", "experiments", "paper_repro")
GIVEN = os.environ.get("RT_RELEASE")
FULL = os.environ.get("RT_RELEASE_FULL")
pytestmark = pytest.mark.slow
TINY = """
extends: testbed
name: tiny
lanes: 1
corpora: [testbed-terse]
refusals: null
prompts: [testbed-tasks]
curation: {{corpora: [], recipes: []}}
studies: null
train: {{base: {{name: {base}, weights: shipped}}, epochs: 1}}
generate: {{limit: 4, max_new_tokens: 8}}
judges: [{{judge: testbed-acceptable}}]
report: {{tables: [], figures: []}}
"""
# the plain tests ask the untuned base alone: loading what tunes takes longer than all else
STUDY = "{response_sets: [testbed-terse], methods: METHODS, base_size: 16, seeds: [0], prompts: [testbed-tasks]}"


@cache
def sources():
    """Paths of the files that git knows or does not ignore; without git, of all that a source distribution holds."""
    if not (ROOT / ".git").exists():
        files = (path for path in ROOT.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        return frozenset(str(path.relative_to(ROOT)) for path in files)
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", *(() if GIVEN else ("--others",))]
    listed = subprocess.run([*command, "--exclude-standard"], capture_output=True, text=True, check=True).stdout
    return frozenset(name for name in listed.split("\0") if name and (ROOT / name).is_file())


def below(*folders):
    return {name for name in sources() if name.split("/")[0] in folders}


def call(*command, **more):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **more)
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """The checkout, or for the plain tests a copy of it: building leaves files behind."""
    if GIVEN:
        return ROOT
    folder = tmp_path_factory.mktemp("source")
    for name in sources():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def built(source, tmp_path_factory):
    """Folder with the source distribution, and the wheel that was made from it."""
    if GIVEN:
        return Path(GIVEN).resolve()
    out = tmp_path_factory.mktemp("dist")
    call(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, source)
    return out


@pytest.fixture(scope="module")
def wheel(built):
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def sdist(built):
    (found,) = built.glob("*.tar.gz")
    return found


def environment(home):
    """Without the mirror, the network and anything that could lead back to the checkout."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("RT_", "PYTHON", "VIRTUAL_ENV"))}
    kept["RT_HOME"] = str(home)
    return kept | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}


def installed(folder, archive):
    """A fresh environment with one archive in it; its `bin`. It sees this environment's libraries, not the checkout."""
    venv.create(folder, with_pip=bool(GIVEN), symlinks=True)
    python = folder / "bin" / "python"
    if GIVEN:
        extra = "[all]" if FULL and archive.suffix == ".whl" else ""
        constraints = ("--constraint", ROOT / "constraints.txt")
        call(python, "-m", "pip", "install", "--quiet", *constraints, f"{archive}{extra}", cwd=folder)
        call(folder / "bin" / "rt", "artifacts", "list", cwd=folder, env=environment(folder / "home"))
    if not FULL:
        site = Path(call(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
        if not GIVEN:
            pip = (sys.executable, "-m", "pip", "--python", python)
            call(*pip, "install", "--quiet", "--no-deps", "--no-compile", archive, cwd=folder)
        # a plain line: the .pth files of that folder, one of which leads to the checkout, are not read
        (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


@pytest.fixture(scope="module")
def tools(wheel, tmp_path_factory):
    """The `bin` folder of an environment with the wheel."""
    return installed(tmp_path_factory.mktemp("wheel") / "env", wheel)


def test_the_archives_bear_the_version(wheel, sdist):
    assert wheel.name == f"response_tuning-{artifacts.__version__}-py3-none-any.whl"
    assert sdist.name == f"response_tuning-{artifacts.__version__}.tar.gz"


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(wheel):
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == below(*PACKAGES)


def test_the_source_distribution_holds_what_one_needs_to_test_and_cite(sdist):
    with tarfile.open(sdist) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    own = {"README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff", "Makefile", "constraints.txt", "pyproject.toml"}
    assert own <= held
    assert not below(*PACKAGES, "tests", "docs") - held


def test_the_installed_command_knows_its_version_bases_and_pins(tools, tmp_path):
    home = tmp_path / "home"
    run = {"cwd": tmp_path, "env": environment(home)}
    where = call(tools / "python", "-c", "import artifacts, experiments; print(artifacts.__file__)", **run)
    assert Path(where.strip()).is_relative_to(tools.parent), "the checkout was imported, not what is installed"
    assert "reproduce" in call(tools / "rt", "--help", **run)
    verified = json.loads(call(tools / "rt", "artifacts", "verify", "--json", **run))
    assert set(shipped_names()) <= {row["name"] for row in verified}
    assert all(row["ok"] for row in verified)
    pins = json.loads(call(tools / "rt", "artifacts", "list", "--json", **run))
    assert {"lima", "xstest"} <= {row["name"] for row in pins}


def test_without_rt_home_runs_lie_where_the_user_stands(tools, tmp_path):
    without = {key: value for key, value in environment("").items() if key != "RT_HOME"}
    line = "from artifacts.store import rt_home; print(rt_home())"
    found = call(tools / "python", "-c", line, cwd=tmp_path, env=without)
    assert Path(found.strip()) == tmp_path / "rt-runs"


def test_the_testbed_is_planned_whole_from_the_wheel(tools, source, tmp_path):
    """Also beside a folder of the user's that is called like one of the packages."""
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "__init__.py").write_text("raise SystemExit('the wrong experiments')\n")
    arguments = ("reproduce", "--profile", "testbed", "--dry-run", "--json")
    plan = json.loads(call(tools / "rt", *arguments, cwd=tmp_path, env=environment(tmp_path / "home")))
    stages = {cell["stage"] for cell in plan["cells"]}
    assert {"testbed-data", "curate", "mix", "train", "generate", "judge", "score", "report"} <= stages
    assert plan["sources"] == {}
    assert not (tmp_path / "home").exists()
    # the same cells, by names that hold every setting, package version and base, as from the sources
    here = environment(tmp_path / "home") | {"PYTHONPATH": str(source), "PYTHONSAFEPATH": "1"}
    command = (sys.executable, "-m", "experiments", *arguments[1:])
    planned = json.loads(call(*command, cwd=tmp_path, env=here))["cells"]
    assert [cell["cell"] for cell in planned] == [cell["cell"] for cell in plan["cells"]]


def test_a_profile_runs_from_the_wheel_to_its_report(tools, tmp_path):
    """With FULL the testbed itself; else a study of it with few rows, on a shipped base, to its verdicts and report."""
    profile = "testbed"
    more = ()
    if not FULL:
        (tmp_path / "tiny.yaml").write_text(TINY.format(base=min(shipped_names(), key=len)))
        study = STUDY.replace("METHODS", "[rt]" if GIVEN else "[]")
        profile, more = "tiny.yaml", ("--set", f"studies={{instructability: {study}}}")
    run = {"cwd": tmp_path, "env": environment(tmp_path / "home")}
    result = json.loads(call(tools / "rt", "reproduce", "--profile", profile, *more, "--json", **run))
    page = Path(result["report"]) / "index.html"
    assert page.is_relative_to(tmp_path / "home")
    assert "acceptab" in page.read_text(encoding="utf-8")
    # what was released makes the same bytes again from what it recorded
    deep = ("--deep",) if GIVEN and not FULL else ()
    verified = json.loads(call(tools / "rt", "artifacts", "verify", tmp_path / "home", "--json", *deep, **run))
    assert not deep or {row["state"] for row in verified} == {"same"}
    stages = {Path(row["name"]).parent.name for row in verified}
    assert {"testbed-data", "generate", "judge", "score", "report"} <= stages
    assert not GIVEN or "train" in stages
    assert all(row["ok"] for row in verified)
    again = json.loads(call(tools / "rt", "reproduce", "--profile", profile, *more, "--json", **run))
    assert again["up_to_date"]


@pytest.mark.skipif(not GIVEN, reason="make release does it; the wheel of these tests was made from it")
def test_the_source_distribution_installs_too(sdist, tmp_path):
    tools = installed(tmp_path / "env", sdist)
    run = {"cwd": tmp_path, "env": environment(tmp_path / "home")}
    assert all(row["ok"] for row in json.loads(call(tools / "rt", "artifacts", "verify", "--json", **run)))


def test_no_address_of_a_package_registry_stands_in_what_is_built(wheel, sdist):
    """Where packages come from is the matter of whoever installs them."""
    hosts = re.compile(rb"(?:pypi|python[a-z]+)\.org|index-url|find-links|trusted-host")
    with tarfile.open(sdist) as archive:
        files = {m.name: archive.extractfile(m).read() for m in archive.getmembers() if m.isfile()}
    own = "tests/release/test_release.py"
    found = [name for name, data in files.items() if hosts.search(data) and not name.endswith(own)]
    assert found == []
