"""A small chain of artifacts of our own: two collected sets, a train set made from both, a report made from that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from artifacts.manifest import Artifact
from artifacts.settings import Settings
from artifacts.stage import Stage


class Source(Settings):
    """What a made-up source says of itself."""

    name: str = "ours"
    licence: str | None = None
    pin: str | None = None
    version: str | None = None
    text: str = "Tea, please."


def _collect(settings, inputs, workspace):
    table = pa.table({"row_id": ["a", "b"], "response": [settings.text, "No."], "length": [12, 3]})
    pq.write_table(table, workspace.path / "data.parquet")
    facts = {"source": settings.name, "licence": settings.licence, "pin": settings.pin, "version": settings.version}
    workspace.summary.update({key: value for key, value in facts.items() if value})


def _mix(settings, inputs, workspace):
    rows = [row for path in inputs.values() for row in pq.read_table(path / "data.parquet").to_pylist()]
    pq.write_table(pa.Table.from_pylist(rows), workspace.path / "rt.parquet")


def _report(settings, inputs, workspace):
    (workspace.path / "index.html").write_text("<p>one</p>")


COLLECT = Stage("collect", "corpus", 1, Source, _collect)
MIX = Stage("mix", "trainset", 1, Settings, _mix)
REPORT = Stage("report", "report", 1, Settings, _report)


@pytest.fixture
def family(rt_home) -> SimpleNamespace:
    """Functions that make artifacts in RT_HOME: `corpus(name, **source)`, `trainset(name, **inputs)`, `report`."""

    def make(stage: Stage) -> Callable[..., Artifact]:
        def run(place: str, inputs: Mapping[str, Path] | None = None, **settings) -> Artifact:
            folder = rt_home / stage.name / place
            return stage.run(stage.settings(**settings), folder, inputs or {})[0]

        return run

    corpus, trainset, report = make(COLLECT), make(MIX), make(REPORT)

    def lima_and_dolly() -> Artifact:
        lima = corpus("lima", name="lima", pin="lima", version="2023-05-18", licence="CC-BY-NC-SA")
        dolly = corpus("dolly", name="dolly", pin="dolly", version="2023-06-30", licence="CC-BY-SA-3.0", text="Yes.")
        return trainset("both", {"base": lima.path, "more": dolly.path})

    return SimpleNamespace(corpus=corpus, trainset=trainset, report=report, lima_and_dolly=lima_and_dolly)
