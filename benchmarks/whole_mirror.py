"""Every recipe over every response set of the mirror: counts, seconds and memory, one cell after another.

A cell is one `curate` of one set by one recipe, in a process of its own with one thread. What a cell gives is stored at
once; a cell that is there already is not run again, so the run can be stopped and gone on with. Cells that were not run
are listed as missing. Each cell begins with an empty cache of vectors, or with `--home` goes on with what earlier cells
have left in that RT_HOME: `vectors_there_mb` says how much that was. There a cell that was stopped goes on, too, after
the last step it had done and with the vectors it had computed; its seconds are those of the last start.

Run: RT_MIRROR=FOLDER python benchmarks/whole_mirror.py [--recipes lexical paper] [--sets lima dolly] [--home FOLDER]
`--table` prints what is there.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
import pyarrow.parquet as pq
from common import hardware, versions

from artifacts.files import read_json, write_json
from artifacts.machine import peak_memory_mb
from artifacts.store import rt_home
from data_curation.recipe import recipe_names

SETS = {
    "lima": "train/lima_train.jsonl",
    "dolly": "train/dolly_15k.jsonl.zst",
    "alpaca": "train/alpaca_data.jsonl.zst",
    "responses": "corpus/responses_alpacaeval.parquet",
}
COLUMNS = {"responses": {"instruction": "instruction", "response": "output"}}
PACKAGES = ("datatrove", "faiss-cpu", "ftfy", "model2vec", "pyarrow", "rensa", "sentence-transformers", "torch")


def cell(name: str, recipe: str) -> dict[str, Any]:
    """Run one cell in this process."""
    from data_curation.curate import CurateSettings, curate
    from data_curation.embedding_cache import cache_folder

    there = sum(path.stat().st_size for path in cache_folder().rglob("part-*"))
    folder = rt_home() / "cells" / f"{name}-{recipe}"
    wall, processor = time.perf_counter(), processor_seconds()
    settings = CurateSettings(recipe=recipe, source=name, columns=COLUMNS.get(name, {}))
    made = curate(settings, folder, Path(os.environ["RT_MIRROR"]) / SETS[name])
    seconds = {"wall": time.perf_counter() - wall, "processor": processor_seconds() - processor}
    facts = {key: made.summary[key] for key in ("rows_in", "kept", "dropped", "quarantined", "changed")}
    if facts["rows_in"] != facts["kept"] + facts["dropped"] + facts["quarantined"]:
        raise SystemExit(f"{name}, {recipe}: rows are lost: {facts}")
    steps = pq.read_table(made.file("steps.parquet")).to_pylist()
    semantic = {row["measure"]: row["value"] for row in steps if row["step"] == "semantic_dedup"}
    found = {
        **facts,
        "dropped_by_step": {step["step"]: step["dropped"] for step in made.summary["funnel"]},
        **({"semantic_dedup": semantic} if semantic else {}),
        "seconds": {kind: round(value, 1) for kind, value in seconds.items()},
        **{kind: made.provenance[kind] for kind in ("seconds_per_step", "processor_seconds_per_step")},
        "resumed": None in made.provenance["seconds_per_step"].values(),
        "peak_memory_mb": peak_memory_mb(),
        "vectors_there_mb": round(there / 1e6, 1),
        "threads": 1,
        "versions": versions(*PACKAGES),
        "hardware": hardware(),
    }
    shutil.rmtree(folder)
    return found


def processor_seconds() -> float:
    """Seconds of all threads of this process, and of the processes it has started and waited for."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def fresh(name: str, recipe: str, home: Path | None) -> dict[str, Any] | str:
    """Run one cell in a process of its own, in this RT_HOME or an empty one; its last line of errors if it fails."""
    with tempfile.TemporaryDirectory() as empty:
        own = {"RT_HOME": str(home or empty), "RT_THREADS": "1", "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, __file__, "--one", name, recipe],
            env=os.environ | own,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no message"])[-1]
    return json.loads(done.stdout.strip().splitlines()[-1])


def store(out: Path, cells: dict[str, Any], failed: dict[str, str]) -> None:
    """Write what is there, and what is not."""
    wanted = [f"{name}/{recipe}" for name in SETS for recipe in recipe_names()]
    result = {
        "what": "curate by each recipe over each set of the mirror; each cell in a process of its own; "
        "`vectors_there_mb`: vectors that earlier cells had left in the cache (not said: none). `seconds_per_step` is "
        "of the wall clock; on a machine that does other work it is more than the processor's, which `seconds` and, "
        "in cells that have it, `processor_seconds_per_step` give. `seconds.processor`: all threads of the cell's one "
        "process (it starts no other that computes)",
        "cells": cells,
        "not_run": [key for key in wanted if key not in cells and key not in failed],
    }
    write_json(out, result | ({"failed": failed} if failed else {}))


def table(cells: dict[str, Any]) -> None:
    """Print one line a cell."""
    print(f"{'cell':<22}{'in':>9}{'kept':>9}{'dropped':>9}{'bad':>6}{'cpu s':>9}{'MB':>7}")
    for key, found in cells.items():
        counts = [found[name] for name in ("rows_in", "kept", "dropped")]
        print(
            f"{key:<22}" + "".join(f"{count:>9,}" for count in counts) + f"{found['quarantined']:>6}"
            f"{found['seconds']['processor']:>9}{found['peak_memory_mb']:>7}"
        )


def main() -> None:
    """Run what is missing of the cells asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="+", default=["paper", "lexical", "responses", "strict"])
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "whole_mirror.json")
    parser.add_argument("--home", type=Path, help="RT_HOME of all cells (default: an empty one for each)")
    parser.add_argument("--one", nargs=2, metavar=("SET", "RECIPE"), help=argparse.SUPPRESS)
    parser.add_argument("--table", action="store_true")
    given = parser.parse_args()
    if "RT_MIRROR" not in os.environ:
        raise SystemExit("needs real data sets: set RT_MIRROR to a folder laid out as the pins say")
    if given.one:
        print(json.dumps(cell(*given.one)))
        return
    there = read_json(given.out) if given.out.exists() else {}
    cells, failed = dict(there.get("cells", {})), {}
    for recipe in () if given.table else given.recipes:
        for name in given.sets:
            key = f"{name}/{recipe}"
            if key in cells:
                continue
            found = fresh(name, recipe, given.home and given.home.resolve())
            if isinstance(found, str):
                failed[key] = found
                print(f"{key}: {found}", flush=True)
            else:
                cells[key] = found
            store(given.out, cells, failed)
    table(cells)


if __name__ == "__main__":
    main()
