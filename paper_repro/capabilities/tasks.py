"""Folders of task configurations: lm-eval's own files, included, with local data in place of the hub's.

Nothing else of a task is ours: prompts, choices, examples, filters and metrics are those of the installed lm-eval. What
is set is where the data lies (`dataset_path`, `dataset_name`, `dataset_kwargs`), that there is no other split, and no
preprocessing of HellaSwag where its rows are preprocessed already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from artifacts.digests import digest_json
from artifacts.errors import InputError, StageError
from artifacts.files import write_text
from artifacts.pins import fetch
from data_curation.optional import require
from paper_repro.capabilities.benchmarks import Benchmark, Task
from paper_repro.capabilities.rows import Row, is_preprocessed, task_rows


@dataclass(frozen=True, slots=True)
class Data:
    """Where a task's rows came from: facts for the summary."""

    task: str
    pin: str
    version: str
    origin: str
    coverage: str
    sha256: tuple[str, ...]
    rows: int
    rows_of_benchmark: int
    rows_digest: str

    def facts(self) -> dict[str, Any]:
        """As plain values; `coverage` is what the files hold of the benchmark, whatever the pin says."""
        whole = self.rows == self.rows_of_benchmark and self.coverage == "full"
        return {
            "pin": self.pin,
            "version": self.version,
            "origin": self.origin,
            "sha256": list(self.sha256),
            "rows": self.rows,
            "rows_of_benchmark": self.rows_of_benchmark,
            "rows_digest": self.rows_digest,
            "coverage": "full" if whole else "partial",
        }


def write_tasks(benchmarks: Sequence[Benchmark], folder: Path) -> list[Data]:
    """Fetch the benchmarks' files and write tasks that read them: YAML in `folder`, an include path.

    Args:
        benchmarks: Which; their lm-eval names can then be asked for.
        folder: Absent or empty.

    Raises:
        MissingDataError: files that no origin gives; names each and where it would come from.
        InputError: rows that cannot be used.
        StageError: the installed lm-eval has no such task file.
    """
    require("lm_eval", "eval")
    return [_write_task(part, folder) for benchmark in benchmarks for part in benchmark.parts]


def configs_folder() -> Path:
    """Folder of the installed lm-eval's own task configurations."""
    return Path(require("lm_eval.tasks", "eval").__file__).parent


def _write_task(task: Task, folder: Path) -> Data:
    fetched = fetch(task.pin)
    splits = dict(zip(task.splits, task_rows(task.name, fetched.paths), strict=True))
    own = configs_folder() / task.config
    if not own.exists():
        raise StageError(
            "the installed lm-eval has no such task",
            where=f"lm_eval/tasks/{task.config}",
            fix="install the version in constraints.txt",
        )
    if own.is_dir():
        _write_subjects(own, splits, folder)
    else:
        _write_config(own, task.name, splits, folder)
    rows = splits[task.splits[0]]
    return Data(
        task=task.name,
        pin=fetched.pin,
        version=fetched.version,
        origin=fetched.origin,
        coverage=fetched.coverage,
        sha256=fetched.sha256,
        rows=len(rows),
        rows_of_benchmark=task.rows,
        rows_digest=digest_json(splits),
    )


def _write_subjects(own: Path, splits: Mapping[str, Sequence[Row]], folder: Path) -> None:
    """MMLU: a task a subject, and lm-eval's groups of them."""
    configs = {_plain(path)["dataset_name"]: path for path in sorted(own.glob("mmlu_*.yaml"))}
    parts = {split: _by_subject(rows) for split, rows in splits.items()}
    for split, subjects in parts.items():
        if set(subjects) != set(configs):
            odd = ", ".join(sorted(set(subjects) ^ set(configs)))
            raise InputError(f"the subjects of the split '{split}' are not those of lm-eval: {odd}", where="mmlu")
    for subject, config in configs.items():
        _write_config(config, config.stem, {split: parts[split][subject] for split in splits}, folder)
    for path in sorted(own.glob("_mmlu*.yaml")):
        write_text(folder / path.name, yaml.safe_dump({"include": str(path)}))


def _by_subject(rows: Sequence[Row]) -> dict[str, list[Row]]:
    subjects: dict[str, list[Row]] = {}
    for row in rows:
        subjects.setdefault(row["subject"], []).append(row)
    return subjects


def _plain(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _write_config(own: Path, name: str, splits: Mapping[str, Sequence[Row]], folder: Path) -> None:
    """One task: Parquet files (typed, so that no reader guesses) and the configuration that points at them."""
    files = {}
    for split, rows in splits.items():
        path = folder / "data" / f"{name}-{split}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(list(rows)), path)
        files[split] = str(path)
    config: dict[str, Any] = {
        "include": str(own),
        "task": name,
        "dataset_path": "parquet",
        "dataset_name": None,
        "dataset_kwargs": {"data_files": files, "cache_dir": str(folder / "cache")},
        "training_split": None,
        "validation_split": "validation" if "validation" in splits else None,
        "test_split": "test" if "test" in splits else None,
    }
    if "validation" in splits and name == "hellaswag" and is_preprocessed(splits["validation"]):
        config["process_docs"] = None
    write_text(folder / f"{name}.yaml", yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
