"""The metrics: name, unit, how it is estimated, and which judge gives it on which benchmark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

REFUSAL_JUDGES = ("refusal-rules",)
UNSAFE = frozenset({"advbench", "harmbench-standard", "harmbench-contextual", "malicious-instruct", "xstest-unsafe"})
BENIGN = frozenset({"xstest-benign", "alpaca-eval"})
# how the paper's tables call a benchmark and its subset
PAPER_NAMES = {("xstest", "unsafe"): "xstest-unsafe", ("xstest", "safe"): "xstest-benign"}


@dataclass(frozen=True, slots=True)
class Metric:
    """One kind of number in the results table.

    Attributes:
        name: Its name in the column `metric`.
        kind: `rate` (share of all prompts judged, Wilson interval) or `mean` (over those with a score,
            percentile bootstrap over prompts).
        unit: Unit of `value`, `low` and `high`.
        meaning: What it measures, in words for a reader of the report.
        label: For a rate from verdicts: the label that is counted.
    """

    name: str
    kind: Literal["rate", "mean"]
    unit: str
    meaning: str
    label: str | None = None


METRICS = {
    metric.name: metric
    for metric in (
        Metric("refusal_rate", "rate", "share", "Replies to unsafe queries that refuse", "refusal"),
        Metric("false_refusal_rate", "rate", "share", "Replies to harmless queries that refuse", "refusal"),
        Metric(
            "embedding_relevance",
            "mean",
            "cosine",
            "Cosine similarity of the embeddings of query and reply; a proxy, not acceptability",
        ),
        Metric(
            "relevance_top1",
            "rate",
            "share",
            "Replies whose nearest query of the set, by embedding, is their own; a proxy, not acceptability",
            "own-prompt",
        ),
        Metric("response_tokens", "mean", "tokens", "Length of the reply, end-of-sequence not counted"),
        Metric("finished_rate", "rate", "share", "Replies that end by themselves before the token limit", "eos"),
    )
}


def benchmark_name(benchmark: str, subset: str | None) -> str:
    """One name for a benchmark and its subset, the paper's where it has one (`xstest` + `safe`: `xstest-benign`)."""
    if (benchmark, subset) in PAPER_NAMES:
        return PAPER_NAMES[benchmark, subset]
    return benchmark if subset is None else f"{benchmark}-{subset}"


def metrics_of(judge: str, benchmark: str) -> tuple[Metric, ...]:
    """Metrics that verdicts of `judge` on `benchmark` (a `benchmark_name`) give.

    A refusal of a harmless query is a false one. Relevance is not reported on unsafe queries, where a refusal that
    repeats the query's words would score well, nor on XSTest, whose queries differ by single words.
    """
    if judge in REFUSAL_JUDGES:
        return (METRICS["false_refusal_rate" if benchmark in BENIGN else "refusal_rate"],)
    if judge == "embedding-relevance" and benchmark not in UNSAFE and not benchmark.startswith("xstest"):
        return METRICS["embedding_relevance"], METRICS["relevance_top1"]
    return ()
