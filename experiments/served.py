"""A model's server as a job: it is started, all cells that ask it are run, it is stopped.

The plan is a JSON file: the server (`experiments.machines.ServedJudge`), the cells as `experiments.lanes` reads them,
and the server's log. Cells run on the machine that the server runs on, so nobody has to be told where it is; a job that
was stopped goes on with the cells that are left, and they with the answers that are kept.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from artifacts.errors import StageError
from artifacts.files import read_json
from artifacts.settings import validate_settings
from experiments.lanes import read_tasks, run_lanes, tail
from experiments.machines import ServedJudge
from paper_repro.cli import run_app

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
HOST = "127.0.0.1"
ENDS_S = 30  # time that a server has to end by itself
POLL_S = 0.5


@contextlib.contextmanager
def serving(server: ServedJudge, log: Path) -> Iterator[str]:
    """The address of the server, which runs as long as the context does.

    It stays in the group of this process, so that whoever ends the job ends the server.

    Raises:
        StageError: it cannot be started, ended, or did not answer in time; the message shows the end of its log.
    """
    port = _free_port()
    command = [
        word.replace("{model}", server.model).replace("{port}", str(port)) for word in shlex.split(server.command)
    ]
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w", encoding="utf-8") as file:
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)
        except OSError as error:
            raise StageError(f"the server of {server.model} cannot be started: {error}", where=command[0]) from None
    try:
        _wait_until_ready(process, server, port, log)
        yield f"http://{HOST}:{port}/v1"
    finally:
        process.terminate()
        try:
            process.wait(ENDS_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((HOST, 0))
        return free.getsockname()[1]


def _wait_until_ready(process: subprocess.Popen, server: ServedJudge, port: int, log: Path) -> None:
    ends = time.monotonic() + 60 * server.start_minutes
    while server.model not in _models(port):
        if process.poll() is not None:
            problem = f"the server of {server.model} ended with status {process.returncode} before it answered"
            raise StageError(f"{problem}:\n{tail(log)}", where=str(log))
        if time.monotonic() > ends:
            problem = f"the server of {server.model} does not serve it after {server.start_minutes} minutes"
            raise StageError(f"{problem}:\n{tail(log)}", where=str(log))
        time.sleep(POLL_S)


def _models(port: int) -> list[str]:
    """Names of the models that a server on this machine says it has; none while it does not answer."""
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", "/v1/models")
        return [one["id"] for one in json.loads(connection.getresponse().read())["data"]]
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return []
    finally:
        connection.close()


@app.command()
def main(plan: Annotated[Path, typer.Argument(help="JSON file of a server and its cells.")]) -> None:
    """Run the cells of a plan beside their server."""
    given = read_json(plan)
    server = validate_settings(ServedJudge, given["server"], where=str(plan))
    with serving(server, Path(given["log"])) as url:
        tasks = [replace(task, command=(*task.command, "--server", url)) for task in read_tasks(given["cells"])]
        run_lanes(tasks, server.side_by_side)


if __name__ == "__main__":
    run_app(app, "served")
