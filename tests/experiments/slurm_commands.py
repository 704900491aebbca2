"""Commands named like Slurm's, for one machine: a job is a process that runs the script submitted.

    slurm_commands.py sbatch ... | sacct ... | srun ...

The folder STAND_IN_JOBS holds everything: a JSON file a job (`options`, `script`, `state`), and, for the tests,
`pretend` (jobs do nothing but make the files that they were to make) and `fail-<rule>` (so many jobs of a rule fail).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(os.environ["STAND_IN_JOBS"])


def submit(options: list[str]) -> None:
    """sbatch: keep the script, answer with a number at once, run it in a process of its own."""
    script = sys.stdin.read()
    number = _next()
    write(number, {"options": options, "script": script, "state": "PENDING"})
    output = options[options.index("--output") + 1].replace("%j", str(number))
    Path(output).parent.mkdir(parents=True, exist_ok=True)
    with open(output, "w") as log:
        command = [sys.executable, __file__, "job", str(number)]
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    print(number)


def _next() -> int:
    """A number that no other job has, also where two are submitted at once."""
    number = 1
    while True:
        try:
            (HERE / f"{number}.taken").open("x").close()
            return number
        except FileExistsError:
            number += 1


def job(number: int) -> None:
    """Run one job and keep how it ended."""
    about = read(number)
    write(number, about | {"state": "RUNNING"})
    rule, cell = about_rule(about["options"])
    folder = about["options"][about["options"].index("-D") + 1]
    failing = HERE / f"fail-{rule}"
    if failing.exists():
        failing.unlink()
        good = False
    elif (HERE / "pretend").exists():
        good = pretend(Path(folder), rule, cell)
    else:
        env = os.environ | {"SLURM_JOB_ID": str(number)}
        good = subprocess.run(["sh", "-s"], input=about["script"], text=True, cwd=folder, env=env).returncode == 0
    write(number, about | {"state": "COMPLETED" if good else "FAILED"})


def about_rule(options: list[str]) -> tuple[str, str]:
    """The rule and the cell that the plugin names in a job's comment."""
    found = re.fullmatch(r"rule_(.+?)(?:_wildcards_(.+))?", options[options.index("--comment") + 1])
    return found[1], found[2] or ""


def pretend(folder: Path, rule: str, cell: str) -> bool:
    """Make the files that a job was to make."""
    if rule.startswith("served"):
        (path,) = folder.glob(f"plans/*/{rule.replace('_', '-')}.json")
        plan = json.loads(path.read_text())
        places = [one["key"] for one in plan["cells"]]
    else:
        places = [f"{rule.replace('_', '-')}/{cell}"]
    for place in places:
        (folder / place).mkdir(parents=True, exist_ok=True)
        (folder / place / "manifest.json").write_text("{}")
    return True


def states() -> None:
    """sacct: a line a job."""
    for path in sorted(HERE.glob("*.json")):
        print(f"{path.stem}|{json.loads(path.read_text())['state']}")


def step(options: list[str]) -> None:
    """srun: run the command after the options, its standard input passed on."""
    while options and options[0].startswith("-"):
        options.pop(0)
    os.execvp(options[0], options)


def read(number: int) -> dict:
    return json.loads((HERE / f"{number}.json").read_text())


def write(number: int, about: dict) -> None:
    half = HERE / f"{number}.half-{time.monotonic_ns()}"
    half.write_text(json.dumps(about))
    half.rename(HERE / f"{number}.json")


if __name__ == "__main__":
    name, *rest = sys.argv[1:]
    commands = {"sbatch": submit, "srun": step}
    if name == "job":
        job(int(rest[0]))
    elif name == "sacct":
        states()
    elif name in commands:
        commands[name](rest)
