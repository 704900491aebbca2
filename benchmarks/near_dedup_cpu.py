"""Near deduplication on one thread, from reading a file to written decisions, beside text-dedup and datatrove.

The rows are a seeded sample of the mirror's corpus of model responses, as Parquet. Each side runs in a process of its
own, start-up and imports included: `rt curate --step near` (its median run), text-dedup's MinHash (threshold 0.8, all
else as it comes) and datatrove's stock MinHash (four stages, one task, one worker). Processor seconds of the process
decide, because they depend less on what else the machine does; wall-clock seconds stand beside them.

Pairs are those of different texts, of at least ten different word 5-grams each and of Jaccard similarity 0.8 or more,
by an exhaustive search (`near_pairs.py`); missed are those that both stay. Rows outside that left: in no pair of at
least ten 5-grams, of equal texts neither; short responses with equal n-grams are among them, and, where a side verifies
nothing, rows that are like no other. Growth: our side alone on ever more rows, to the whole corpus.

Run: python3.11 -m venv peers && peers/bin/pip install --no-deps -r benchmarks/near_dedup_peers.txt
     RT_MIRROR=... python benchmarks/near_dedup_cpu.py --peers peers/bin/python [--rows 40000] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
import pyarrow as pa
import pyarrow.parquet as pq
from common import SEED, hardware, versions, write_result
from near_pairs import every_pair

THRESHOLD, NGRAM, SHORT = 0.8, 5, 10
CORPUS = "corpus/responses_alpacaeval.parquet"
GOALS = {"text-dedup": {"goal": 8, "stretch": 12}, "datatrove": {"goal": 25, "stretch": 35}}
LIMITED = ("RT_THREADS", "OMP_NUM_THREADS", "RAYON_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ARROW_NUM_THREADS")
ONE_THREAD = dict.fromkeys(LIMITED, "1")
# a small process between: a process inherits the peak memory of the one that started it
LAUNCHER = """
import json, os, subprocess, sys, time
started = time.perf_counter()
with open(sys.argv[1], "ab") as log:
    process = subprocess.Popen(sys.argv[2:], stdout=log, stderr=log)
    _, status, used = os.wait4(process.pid, 0)
wall, processor = time.perf_counter() - started, used.ru_utime + used.ru_stime
print(json.dumps({"wall": round(wall, 2), "processor": round(processor, 2), "peak_mb": round(used.ru_maxrss / 1024)}))
sys.exit(1 if status else 0)
"""
PEER = Path(__file__).with_name("near_dedup_peer.py")


def sample(corpus: Path, rows: int, path: Path) -> list[str]:
    """Write a seeded sample as Parquet, rows in the corpus's order, and return its responses."""
    table = pq.read_table(corpus, columns=["instruction", "output"])
    chosen = sorted(random.Random(SEED).sample(range(table.num_rows), min(rows, table.num_rows)))  # noqa: S311
    table = table.take(chosen)
    pq.write_table(table.append_column("position", pa.array(range(len(chosen)))), path)
    return table["output"].to_pylist()


def timed(command: list[str], folder: Path) -> dict[str, float]:
    """Run a command in `folder` on one thread: seconds by clock, and its peak memory."""
    environment = os.environ | ONE_THREAD | {"HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(folder / "cache")}
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent)
    log = folder / "log"
    launch = [sys.executable, "-c", LAUNCHER, str(log), *command]
    done = subprocess.run(launch, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"failed: {' '.join(command)}\n{done.stderr}{log.read_text()[-3000:]}")
    return json.loads(done.stdout)


def ours(path: Path, folder: Path) -> tuple[dict[str, float], set[int]]:
    """Seconds and rows kept of `rt curate --step near`."""
    command = "from paper_repro.cli import main; main()"
    seconds = timed([sys.executable, "-c", command, "curate", str(path), "--step", "near", "--out", "made"], folder)
    decisions = pq.read_table(folder / "made" / "decisions.parquet", columns=["row", "kept"]).to_pylist()
    return seconds, {decision["row"] for decision in decisions if decision["kept"]}


def text_dedup(python: str, path: Path, folder: Path) -> tuple[dict[str, float], set[int]]:
    """Seconds and rows kept of text-dedup's MinHash."""
    options = f"--path parquet --data_files {path} --split train --column output --num_proc 1 --threshold {THRESHOLD}"
    command = [python, "-m", "text_dedup.minhash", *options.split(), "--output", "made", "--cache_dir", "cache"]
    seconds = timed(command, folder)
    kept = set()
    for file in (folder / "made").glob("*.arrow"):
        with pa.OSFile(str(file)) as source:
            kept.update(pa.ipc.open_stream(source).read_all()["position"].to_pylist())
    return seconds, kept


def datatrove(python: str, path: Path, folder: Path) -> tuple[dict[str, float], set[int]]:
    """Seconds and rows kept of datatrove's stock MinHash."""
    seconds = timed([python, str(PEER), str(path), str(folder / "made")], folder)
    lines = [line for file in (folder / "made" / "kept").glob("*.jsonl") for line in file.read_text().split("\n")]
    return seconds, {json.loads(line)["metadata"]["position"] for line in lines if line}


def quality(kept: set[int], pairs: list[tuple[int, int]], similar: set[int], rows: int) -> dict[str, float]:
    """How many rows stay, the pairs of which both stay, and how many rows have left that are in no pair."""
    missed = sum(left in kept and right in kept for left, right in pairs)
    outside = sum(row not in kept and row not in similar for row in range(rows))
    found = round(1 - missed / len(pairs), 4) if pairs else None
    return {"kept": len(kept), "pairs_missed": missed, "pairs_found": found, "left_outside_pairs": outside}


def growth(corpus: Path, sizes: list[int]) -> list[dict[str, Any]]:
    """Our seconds and memory on ever more rows."""
    measured = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            rows = len(sample(corpus, size, Path(name) / "rows.parquet"))
            seconds, kept = ours(Path(name) / "rows.parquet", Path(name))
            measured.append({"rows": rows, "kept": len(kept), **seconds})
            print(measured[-1], flush=True)
    return measured


def compare(corpus: Path, rows: int, python: str | None, repeats: int) -> dict[str, Any]:
    """All sides on the same rows."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "rows.parquet"
        responses = sample(corpus, rows, path)
        sides: dict[str, Any] = {}
        runs = [("ours", ours)] * repeats
        if python is not None:
            runs[1:1] = [("text-dedup", text_dedup), ("datatrove", datatrove)]
        kept = {}
        for number, (side, run) in enumerate(runs):
            folder = Path(name) / f"{number}"
            folder.mkdir()
            seconds, kept[side] = run(path, folder) if side == "ours" else run(python, path, folder)
            sides.setdefault(side, []).append(seconds)
            print(side, seconds, flush=True)
    every = every_pair(responses, THRESHOLD, NGRAM, SHORT)
    similar = {row for pair in every for row in pair}
    pairs = [(left, right) for left, right in every if responses[left] != responses[right]]
    return {
        "rows": len(responses),
        **in_the_middle(sides),
        "similar_pairs": {"all": len(every), "of_different_texts": len(pairs)},
        "quality": {side: quality(rows_kept, pairs, similar, len(responses)) for side, rows_kept in kept.items()},
    }


def in_the_middle(sides: dict[str, Any]) -> dict[str, Any]:
    """Of each side the run of median processor seconds, and ratios of those: peers run once, so no best of ours."""
    middle = {side: sorted(runs, key=lambda one: one["processor"])[len(runs) // 2] for side, runs in sides.items()}
    ratio = {
        side: {clock: round(middle[side][clock] / middle["ours"][clock], 1) for clock in ("processor", "wall")}
        for side in GOALS
        if side in middle
    }
    return {"seconds": middle, "all_runs": sides, "ratio": ratio}


def peer_versions(python: str | None) -> dict[str, str]:
    """Versions in the peers' environment."""
    if python is None:
        return {}
    code = (
        "import json; from importlib.metadata import version as v;"
        "print(json.dumps({n: v(n) for n in ('text-dedup', 'datatrove', 'datasets', 'numpy', 'spacy')}))"
    )
    return json.loads(subprocess.run([python, "-c", code], capture_output=True, check=True).stdout)


def main() -> None:
    """Measure and store."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--peers", help="Python of the peers' environment; without it our side runs alone")
    parser.add_argument("--rows", type=int, default=40_000)
    parser.add_argument("--repeats", type=int, default=3, help="runs of our side; the peers run once")
    parser.add_argument("--growth", type=int, nargs="*", default=[16_000, 32_000, 64_000, 127_985])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "near_dedup_cpu.json")
    given = parser.parse_args()
    if "RT_MIRROR" not in os.environ:
        parser.error("the rows are real ones: set RT_MIRROR to a folder laid out as the pins say")
    corpus = Path(os.environ["RT_MIRROR"]) / CORPUS
    python = given.peers and str(Path(given.peers).absolute())
    result = {
        "what": f"near deduplication of a sample of {CORPUS}, one thread, process start to written decisions",
        "goals": GOALS,
        "hardware": hardware(),
        "threads": 1,
        "versions": versions("rensa", "numpy", "pyarrow") | {"peers": peer_versions(python)},
        "comparison": compare(corpus, given.rows, python, given.repeats),
        "growth": growth(corpus, given.growth),
    }
    write_result(given.out, result)


if __name__ == "__main__":
    main()
