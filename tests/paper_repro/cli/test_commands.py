"""The list of commands: one module a command, nothing loaded for the list, only what is asked for otherwise."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from paper_repro import cli

ROOT = Path(cli.__file__).parents[2]


def rt(*arguments: str) -> subprocess.CompletedProcess:
    script = (
        "import sys; from paper_repro.cli import main\n"
        "try:\n    main()\n"
        "finally:\n    print(sorted(m for m in sys.modules if m.startswith('paper_repro.cli.') or m == 'pyarrow'),"
        " file=sys.stderr)"
    )
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_list_names_every_command_and_loads_none():
    done = rt("--help")
    listed = [line for line in done.stdout.split("Commands:\n")[1].splitlines() if line.strip()]
    assert [line.split()[0] for line in listed] == list(cli.COMMANDS)
    assert not any("..." in line for line in listed)  # no summary is cut
    assert done.stderr.strip() == "[]"


def test_only_the_command_that_is_asked_for_is_loaded():
    done = rt("artifacts", "list", "--help")
    assert done.returncode == 0
    assert "paper_repro.cli.artifacts" in done.stderr
    assert "paper_repro.cli.train" not in done.stderr


@pytest.mark.parametrize("arguments", [(), ("nonsense",), ("nonsense", "--help")])
def test_no_command_and_unknown_ones_are_mistakes(arguments):
    done = rt(*arguments)
    assert done.returncode == 2
    assert "Usage: " in done.stdout + done.stderr


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_a_module_adds_the_command_of_its_name(name, monkeypatch):
    import importlib

    import typer

    application = typer.Typer()
    importlib.import_module(f"paper_repro.cli.{name}").register(application)
    names = [one.name or one.callback.__name__ for one in application.registered_commands]
    groups = application.registered_groups
    names += [one.name if isinstance(one.name, str) else one.typer_instance.info.name for one in groups]
    assert names == [name]


def test_no_module_is_forgotten():
    parts = {"annotate_text", "artifacts_own", "compare_text", "verify_deep"}
    parts |= {"testbed_curation", "testbed_data", "testbed_faults", "testbed_results"}
    shared = {"__init__", "__main__", "common"} | parts
    modules = {path.stem for path in Path(cli.__file__).parent.glob("*.py")} - shared
    assert modules == set(cli.COMMANDS)


@pytest.mark.parametrize("more", [[], ["--debug"]])
def test_debug_reaches_the_process_that_a_profile_runs_in(monkeypatch, more):
    from paper_repro.cli import reproduce

    calls = []
    monkeypatch.setattr(reproduce.subprocess, "call", lambda command, **_: calls.append(command) or 0)
    monkeypatch.setattr(sys, "argv", ["rt", "reproduce", *more, "--dry-run"])
    log = logging.getLogger("rt")
    level = log.level
    try:
        with pytest.raises(SystemExit) as ended:
            cli.main()
    finally:
        log.setLevel(level)
    assert ended.value.code == 0
    assert calls == [[sys.executable, "-m", "experiments", "--dry-run", *more]]
