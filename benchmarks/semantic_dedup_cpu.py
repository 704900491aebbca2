"""Semantic deduplication of Alpaca on a CPU, beside embedding everything the plain way and beside SemHash.

Stages run one at a time, each in a process of its own, and leave their numbers in a work folder; `report` joins them.
A stage that was stopped goes on where it was (vectors are cached in the work folder), except those that are timed.

    distil     make the static model (part of our cost on first use: its seconds are reported beside ours)
    calibrate  radius and sieve of the static model, on rows of Dolly: what share of the near pairs they find
    truth      every pair of the sample that the exhaustive comparison in 32 bits finds
    plain      time: sentence-transformers, float32, as it comes, every text of the sample (or of a smaller sample,
               `--rows`; the ratio is by the second a text)
    half       time: our encoder in 16 bits, every text of the sample
    ours       time: the step from records to drops, with an empty cache
    scale      `ours` on all of Alpaca, whatever --rows says; `plain --name plain_beside_scale` is measured after it.
               With --threads 2: `plain --name plain_before`, `scale --name scale_two_threads`,
               `plain --name plain_after`, the mean of which counts: torch's two threads on one batch vary
    semhash    time: SemHash with the same static model (its own comes from a model hub) at the same threshold, which
               is of the static model's cosine there; imports, distillation and the selection of texts are not timed
    report     the result file

Run: RT_MIRROR=... python benchmarks/semantic_dedup_cpu.py STAGE [--rows 10000] [--threads 1] [--work FOLDER]
The whole of Alpaca is `--rows 52002`. Processor seconds decide: they depend less on what else the machine does.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import shutil
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
import numpy as np
from common import SEED, hardware, timed, versions, write_result
from semantic_pairs import calibrate, compared, near_pairs, records

from artifacts.machine import peak_memory_mb

THRESHOLD = 0.9
BESIDE = {"scale": ("plain_beside_scale",), "scale_two_threads": ("plain_before", "plain_after")}  # on both sides
GOALS = {"times_faster": 3.5, "share_of_pairs_found": 0.99}


def distil(given: argparse.Namespace) -> dict[str, Any]:
    """Seconds of making the static model, from nothing."""
    from data_curation.embeddings import EncoderSettings
    from data_curation.static_model import static_vectors

    for folder in (given.home / "embeddings").glob("static-*"):
        shutil.rmtree(folder)
    seconds, vectors = timed(lambda: static_vectors(["a text"], EncoderSettings()))
    return {"seconds": seconds, "dimensions": vectors.shape[1]}


def truth(given: argparse.Namespace) -> dict[str, Any]:
    """Pairs, as positions among `compared`."""
    texts = compared("alpaca", given.rows)
    return {"texts": len(texts), "dtype": given.dtype, "pairs": near_pairs(texts, THRESHOLD, given.dtype)}


def plain(given: argparse.Namespace) -> dict[str, Any]:
    """Seconds of `SentenceTransformer.encode` on every response of the sample."""
    import torch
    from sentence_transformers import SentenceTransformer

    from data_curation.encoder import EncoderSettings, locate

    torch.set_num_threads(given.threads)
    texts = [record.response for record in records("alpaca", given.rows)]
    model = SentenceTransformer(locate(EncoderSettings())[0], device="cpu")
    model.encode(texts[:32])  # first allocations
    seconds, _ = timed(lambda: model.encode(texts))
    everything = [record.response for record in records("alpaca", sys.maxsize)]
    tokens = {"these": padded_tokens(model, texts), "all_rows": padded_tokens(model, everything)}
    return {"texts": len(texts), "seconds": seconds, "padded_tokens_a_text": tokens}


def padded_tokens(model: Any, texts: list[str], batch: int = 32) -> float:
    """Tokens a text that `encode` computes on: it takes the longest texts first, and pads each batch to its longest."""
    longest_first = sorted(texts, key=len, reverse=True)
    ids = model.tokenizer(longest_first, truncation=True, max_length=model.max_seq_length)["input_ids"]
    batches = [ids[first : first + batch] for first in range(0, len(ids), batch)]
    return round(sum(len(part) * max(map(len, part)) for part in batches) / len(ids), 2)


def half(given: argparse.Namespace) -> dict[str, Any]:
    """Seconds of our encoder in 16 bits on every response of the sample, and how far a cosine moves by them."""
    from data_curation.embeddings import EncoderSettings, embed_texts

    texts = [record.response for record in records("alpaca", given.rows)]
    settings = EncoderSettings(dtype="bfloat16", cache=False)
    seconds, vectors = timed(lambda: embed_texts(texts, settings))
    few = random.Random(SEED).sample(range(len(texts)), min(256, len(texts)))  # noqa: S311
    exact = embed_texts([texts[number] for number in few], EncoderSettings(cache=False))
    moved = np.abs(vectors[few] @ vectors[few].T - exact @ exact.T)
    own = (vectors[few] * exact).sum(axis=1)
    return {
        "texts": len(texts),
        "seconds": seconds,
        "least_cosine_to_float32": round(float(own.min()), 6),
        "cosines_of_pairs_moved_by_at_most": round(float(moved.max()), 5),
    }


def ours(given: argparse.Namespace) -> dict[str, Any]:
    """Seconds of the step with an empty cache of vectors, and which texts it compared in the end."""
    from data_curation.semantic_candidates import calibrated_sieve, worth_embedding
    from data_curation.semantic_dedup import SemanticDedup, SemanticDedupSettings

    for library in ("torch", "transformers", "sentence_transformers", "faiss", "model2vec"):
        importlib.import_module(library)  # as `plain` has before its clock starts
    settings = SemanticDedupSettings(threshold=THRESHOLD)
    cache = given.home / "embeddings"
    for folder in [path for path in cache.glob("*") if path.is_dir() and not path.name.startswith("static-")]:
        shutil.rmtree(folder)
    rows = records("alpaca", given.rows)
    seconds, result = timed(lambda: SemanticDedup(settings).apply(rows, given.work))
    bytes_cached = sum(path.stat().st_size for path in cache.rglob("part-*"))
    texts = compared("alpaca", given.rows)
    sieve = calibrated_sieve(settings.encoder, THRESHOLD)
    read, near = worth_embedding(texts, settings.encoder, THRESHOLD, sieve)  # from the cache
    return {
        "rows": len(rows),
        "texts": len(texts),
        "seconds": seconds,
        "peak_memory_mb": peak_memory_mb(),
        "cache_mb": round(bytes_cached / 1e6, 1),
        "dropped": len(result.drops),
        "measures": result.measures,
        "share_read_by_encoder": round(len(read) / len(texts), 4),
        "share_read_in_32_bits": round(len(near) / len(texts), 4),
        "compared": near.tolist(),
    }


def scale(given: argparse.Namespace) -> dict[str, Any]:
    """`ours` on all rows: the more rows there are, the fewer are alone and leave early."""
    given.rows = sys.maxsize
    return ours(given)


def semhash(given: argparse.Namespace) -> dict[str, Any]:
    """Seconds of SemHash, and which pairs it names."""
    from semhash import SemHash

    from data_curation.encoder import EncoderSettings
    from data_curation.static_model import load_static

    texts = compared("alpaca", given.rows)
    model = load_static(EncoderSettings())

    def work() -> Any:
        return SemHash.from_records(records=texts, model=model).self_deduplicate(threshold=THRESHOLD)

    seconds, result = timed(work)
    place = {text: number for number, text in enumerate(texts)}
    pairs = sorted((place[entry.record], place[entry.duplicate_of]) for entry in result.filtered)
    return {"texts": len(texts), "seconds": seconds, "dropped": len(result.filtered), "pairs": pairs}


def pairs_found(found: dict[str, Any]) -> dict[str, Any]:
    """Of the pairs that the exhaustive comparison finds: what each side makes of them."""
    pairs = {(left, right) for left, right, _ in found["truth"]["pairs"]}
    result: dict[str, Any] = {"of_the_exhaustive_comparison": len(pairs)}
    if "ours" in found and found["ours"]["texts"] == found["truth"]["texts"]:
        read = set(found["ours"]["compared"])
        both = sum(left in read and right in read for left, right in pairs)
        result["ours"] = {"compared": both, "share": round(both / len(pairs), 4)}
    if "semhash" in found and found["semhash"]["texts"] == found["truth"]["texts"]:
        named = [tuple(sorted(pair)) for pair in found["semhash"]["pairs"]]
        gone = {left for left, _ in found["semhash"]["pairs"]}
        settled = sum(left in gone or right in gone for left, right in pairs)
        result["semhash"] = {
            "not_both_stay": settled,
            "share": round(settled / len(pairs), 4),
            "dropped_for_a_text_that_is_not_that_similar": sum(pair not in pairs for pair in named),
        }
    return result


def times_faster(found: dict[str, Any], kind: str) -> dict[str, float]:
    """How many times faster than `plain` each stage is, by the seconds a text; those of `BESIDE`: than theirs."""
    result = {}
    for name in ("half", "ours", *BESIDE, "semhash"):
        beside = [found[one] for one in BESIDE.get(name, ("plain",)) if one in found]
        if name not in found or not beside:
            continue
        base = sum(one["seconds"][kind] * longer(one, name) for one in beside) / sum(one["texts"] for one in beside)
        seconds = found[name]["seconds"][kind] / found[name].get("rows", found[name]["texts"])
        result[name] = round(base / seconds, 2)
    return result


def longer(plain: dict[str, Any], name: str) -> float:
    """How much longer the texts of all rows are than a sample's, where a stage that read all is set against it."""
    tokens = plain.get("padded_tokens_a_text") if name in BESIDE else None
    return tokens["all_rows"] / tokens["these"] if tokens else 1.0


def report(given: argparse.Namespace) -> None:
    """Join what the stages left; a stage that did not run is missing, not zero."""
    found = {path.stem: json.loads(path.read_text()) for path in given.work.glob("*.json")}
    result: dict[str, Any] = {
        "what": f"semantic deduplication of Alpaca responses at {THRESHOLD}, each stage in a process of its own; "
        "a stage's `texts` (`rows`) says how many it read. Ratios are of seconds a text: where `plain` read fewer, it "
        "is scaled up to the others. Nothing else ran beside both `scale`; beside the others other work did, where "
        "the processor's seconds are the fairer ones",
        "goals": GOALS,
        **{
            name: {key: value for key, value in stage.items() if key not in ("pairs", "compared")}
            for name, stage in found.items()
        },
    }
    for kind in ("processor", "wall"):
        result[f"times_faster_than_plain_by_{kind}"] = times_faster(found, kind)
    if "truth" in found:
        result["pairs"] = pairs_found(found)
    result["hardware"] = hardware()
    result["versions"] = versions("torch", "transformers", "sentence-transformers", "model2vec", "faiss-cpu")
    write_result(given.out, result)


STAGES = {stage.__name__: stage for stage in (distil, calibrate, truth, plain, half, ours, scale, semhash)}


def main() -> None:
    """Run one stage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=[*STAGES, "report"])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--name", help="what the numbers are called (default: as the stage)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32", help="of calibrate and truth")
    parser.add_argument("--work", type=Path, default=Path("semantic_dedup_work"))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "semantic_dedup_cpu.json")
    given = parser.parse_args()
    if given.stage == "report":
        report(given)
        return
    given.work.mkdir(parents=True, exist_ok=True)
    # vectors that a stage may reuse lie apart from those of the stage that is timed with an empty cache
    given.home = (given.work / ("timed" if given.stage in ("ours", "scale") else "kept")).resolve()
    os.environ |= {"RT_HOME": str(given.home), "RT_THREADS": str(given.threads), "OMP_NUM_THREADS": str(given.threads)}
    numbers = STAGES[given.stage](given) | {"threads": given.threads}
    (given.work / f"{given.name or given.stage}.json").write_text(json.dumps(numbers, indent=1))
    print({name: value for name, value in numbers.items() if name not in ("pairs", "compared")})


if __name__ == "__main__":
    main()
