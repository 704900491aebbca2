"""The metrics: name, unit, how it is estimated, and which judge gives it on which benchmark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

REFUSAL_JUDGES = ("refusal-rules", "refusal-llm")
UNSAFE = frozenset(
    {
        "advbench",
        "harmbench-standard",
        "harmbench-contextual",
        "malicious-instruct",
        "xstest-unsafe",
        "just-eval-safety",
    }
)
UNSAFE_WORDS = frozenset({"unsafe", "safety"})  # in the name of a set or subset
INFOBENCH = ("infobench", "infobench-easy", "infobench-hard")
BENIGN = frozenset({"xstest-benign", "alpaca-eval", "just-eval-regular", *INFOBENCH})
WIN, LOSS = ("win",), ("loss",)
# parts of the testbed whose requests are all harmless
HARMLESS = ("tasks", "formats", "look-alike", "benign")
WHOLE = frozenset({"infobench"})  # reported by subset and as a whole, as the testbed's
# how the paper's tables call a benchmark and its subset
PAPER_NAMES = {("xstest", "unsafe"): "xstest-unsafe", ("xstest", "safe"): "xstest-benign"}
# planted in the testbed's dirty sets: how the metrics call them, and the aspect of the verdicts
FAULTS = {
    "exact_duplicate": "exact-duplicate",
    "near_duplicate": "near-duplicate",
    "template_leak": "template-leak",
    "wrong_answer": "wrong-answer",
    "truncated": "truncated",
    "blank": "blank",
}
# judges that are people (rt annotate), and the metrics of their verdicts on any benchmark
PEOPLE = {
    "human-acceptability": ("human_acceptable_rate", "human_excellent_rate", "human_sufficient_rate"),
    "human-preference": ("human_win_rate", "human_tie_rate", "human_loss_rate", "human_lead"),
}
ASPECTS = ("helpfulness", "factuality", "clarity", "depth", "engagement")
# beginning of the names of rates corrected for the judge's errors (rt score --validation)
CORRECTED = "corrected_"
# language-model judges, and the metrics of their verdicts on any benchmark
MODELS = {
    "acceptability-llm": ("judged_acceptable_rate", "judged_excellent_rate", "judged_sufficient_rate"),
    "aspects-llm": (*ASPECTS, "mean_of_aspects"),
    "safety-llm": ("safety",),
    "requirements-llm": ("requirements_rate",),
    "preference-llm": ("judged_win_rate", "judged_tie_rate", "judged_loss_rate"),
}
# judge and benchmark of the testbed (without `testbed-` or `testbed-dev-`, with its subsets): the metrics they give
TESTBED = {
    ("testbed-acceptable", "tasks"): (
        "acceptable_rate",
        "excellent_rate",
        "content_rate",
        "stopping_rate",
        "first_line_acceptable_rate",
    ),
    ("testbed-style", "tasks"): ("style_friendly_rate",),
    ("testbed-requirements", "formats"): ("requirements_rate",),
    ("planted-faults", "training-rows"): ("faulty_rate", *(f"faulty_{name}_rate" for name in FAULTS)),
    ("testbed-refusal", "unsafe"): ("refusal_rate", "compliance_rate"),
    ("testbed-refusal", "never-declined"): ("refusal_rate", "compliance_rate"),
    ("testbed-refusal", "look-alike"): ("false_refusal_rate", "compliance_rate"),
    ("testbed-refusal", "benign"): ("false_refusal_rate", "compliance_rate"),
}


@dataclass(frozen=True, slots=True)
class Metric:
    """One kind of number in the results table.

    Attributes:
        name: Its name in the column `metric`.
        kind: `rate` (share of all prompts judged, Wilson interval), `mean` (over those with a score, percentile
            bootstrap over prompts), `ratio` (of two sums over those with a verdict, the same bootstrap), `raters`
            (share of a prompt's raters, its mean over the prompts that somebody rated, the same bootstrap),
            `corrected` (a rate corrected for the judge's errors, `paper_repro.score.correction`), `pooled` (of two
            subsets together, `paper_repro.score.pooled`), `length-controlled` (a regression over
            the pairs of AlpacaEval, `paper_repro.score.length_controlled`) or `lm-eval` (of `rt capabilities`, not of
            verdicts).
        unit: Unit of `value`, `low` and `high`.
        meaning: What it measures, in words for a reader of the report.
        labels: For a rate of labels: those that are counted.
        minus: Those that are counted as -1.
        aspects: For a rate or mean of one aspect of the verdicts: that aspect. For a ratio: the part and the whole.
    """

    name: str
    kind: Literal["rate", "mean", "ratio", "raters", "corrected", "pooled", "length-controlled", "lm-eval"]
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()
    aspects: tuple[str, ...] = ()
    minus: tuple[str, ...] = ()


METRICS = {
    metric.name: metric
    for metric in (
        Metric("refusal_rate", "rate", "share", "Replies to unsafe queries that refuse", ("refusal",)),
        Metric("false_refusal_rate", "rate", "share", "Replies to harmless queries that refuse", ("refusal",)),
        Metric("compliance_rate", "rate", "share", "Replies that attempt to give what was asked", ("compliance",)),
        *(
            Metric(f"{CORRECTED}{name}", "corrected", "share", f"{meaning}, corrected for the judge's measured errors")
            for name, meaning in (
                ("refusal_rate", "Replies to unsafe queries that refuse"),
                ("false_refusal_rate", "Replies to harmless queries that refuse"),
            )
        ),
        *(
            Metric(name, "pooled", "share", meaning)
            for name, meaning in (
                ("refusal_precision", "Refusals that are of unsafe queries, of all refusals of XSTest's queries"),
                ("refusal_recall", "Unsafe queries of XSTest that are refused"),
                ("refusal_f1", "Harmonic mean of that precision and recall"),
                ("behaviour_accuracy", "Replies to XSTest that refuse an unsafe or comply with a benign query"),
            )
        ),
        Metric(
            "acceptable_rate",
            "rate",
            "share",
            "Replies whose content is right and that stop where the answer ends",
            ("excellent", "sufficient"),
        ),
        Metric(
            "excellent_rate",
            "rate",
            "share",
            "Acceptable replies that also stand on their own: a full sentence that names its subject",
            ("excellent",),
        ),
        Metric(
            "content_rate",
            "rate",
            "share",
            "Replies whose answer is right, whatever follows it",
            aspects=("content",),
        ),
        Metric(
            "stopping_rate",
            "rate",
            "share",
            "Replies that are one whole answer and end by themselves, right or wrong",
            aspects=("stopping",),
        ),
        Metric(
            "first_line_acceptable_rate",
            "rate",
            "share",
            "Replies that are acceptable when cut at their first newline",
            aspects=("first_line",),
        ),
        Metric(
            "style_friendly_rate",
            "rate",
            "share",
            "Replies with the opening and the closing of the testbed's own friendly responses: a style, no quality",
            ("friendly",),
        ),
        Metric(
            "requirements_rate",
            "ratio",
            "share",
            "Requirements of the instructions that are met, of all that are asked for (DRFR)",
            aspects=("met", "asked"),
        ),
        Metric("faulty_rate", "rate", "share", "Rows tuned on that have one of the planted faults", ("faulty",)),
        *(
            Metric(
                f"faulty_{name}_rate", "rate", "share", f"Rows tuned on with the planted fault '{fault}'", (), (fault,)
            )
            for name, fault in FAULTS.items()
        ),
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
            ("own-prompt",),
        ),
        *(
            Metric(f"human_{name}_rate", "raters", "share", meaning, labels)
            for name, meaning, labels in (
                ("acceptable", "Replies that human raters find acceptable, both levels", ("excellent", "sufficient")),
                ("excellent", "Replies that human raters find acceptable (excellent)", ("excellent",)),
                ("sufficient", "Replies that human raters find acceptable (sufficient)", ("sufficient",)),
                ("win", "Replies that human raters prefer to the other system's", ("win",)),
                ("tie", "Replies that human raters find as helpful as the other system's", ("tie",)),
                ("loss", "Replies to which human raters prefer the other system's", ("loss",)),
            )
        ),
        Metric(
            "human_lead", "raters", "share", "The share of wins of human raters less that of losses", WIN, minus=LOSS
        ),
        *(
            Metric(f"judged_{name}_rate", "rate", "share", meaning, labels)
            for name, meaning, labels in (
                (
                    "acceptable",
                    "Replies that a language model finds acceptable, both levels; a stand-in for raters",
                    ("excellent", "sufficient"),
                ),
                ("excellent", "Replies that a language model finds acceptable (excellent)", ("excellent",)),
                ("sufficient", "Replies that a language model finds acceptable (sufficient)", ("sufficient",)),
                ("win", "Replies that a language model prefers to the other system's", ("win",)),
                ("tie", "Replies that a language model finds as helpful as the other system's", ("tie",)),
                ("loss", "Replies to which a language model prefers the other system's", ("loss",)),
            )
        ),
        Metric(
            "length_controlled_win_rate",
            "length-controlled",
            "share",
            "Replies to AlpacaEval that a language model would prefer to the other system's, were both equally long",
        ),
        *(
            Metric(name, "mean", "1 to 5", f"{name.capitalize()} of the replies, by a language model", aspects=(name,))
            for name in (*ASPECTS, "safety")
        ),
        Metric("mean_of_aspects", "mean", "1 to 5", "Mean of the five aspects, by a language model"),
        Metric("response_tokens", "mean", "tokens", "Length of the reply, end-of-sequence not counted"),
        Metric("finished_rate", "rate", "share", "Replies that end by themselves before the token limit"),
        *(
            Metric(name, "lm-eval", "share", meaning)
            for name, meaning in (
                ("accuracy", "Questions whose right choice is the likeliest (lm-eval: acc; ARC: mean of its parts)"),
                ("accuracy_normalised", "The same, likelihoods divided by the length of the choice (acc_norm)"),
                ("exact_match_strict", "Problems solved, the answer given in the sentence asked for (strict-match)"),
                ("exact_match_flexible", "Problems solved by the last number of the reply (flexible-extract)"),
                ("core_average", "Mean of the six core benchmarks, of the first metric of each"),
            )
        ),
    )
}


def benchmark_name(benchmark: str, subset: str | None) -> str:
    """One name for a benchmark and its subset, the paper's where it has one (`xstest` + `safe`: `xstest-benign`)."""
    if (benchmark, subset) in PAPER_NAMES:
        return PAPER_NAMES[benchmark, subset]
    return benchmark if subset is None else f"{benchmark}-{subset}"


def is_unsafe(benchmark: str) -> bool:
    """Whether a benchmark (a `benchmark_name`) is of unsafe queries: those of the paper's, or one that is called so."""
    return benchmark in UNSAFE or not UNSAFE_WORDS.isdisjoint(benchmark.split("-")) or "never-declined" in benchmark


def metrics_of(judge: str, benchmark: str) -> tuple[Metric, ...]:
    """Metrics that verdicts of `judge` on `benchmark` (a `benchmark_name`) give.

    A refusal of a harmless query is a false one. Relevance is not reported on unsafe queries, where a refusal that
    repeats the query's words would score well, nor on XSTest, whose queries differ by single words. The testbed's
    judges are for their own benchmarks alone (see `TESTBED`).
    """
    if metrics := (PEOPLE | MODELS).get(judge):
        return tuple(METRICS[metric] for metric in metrics)
    if judge in REFUSAL_JUDGES:
        return (METRICS["false_refusal_rate" if _is_benign(benchmark) else "refusal_rate"],)
    if judge == "embedding-relevance" and benchmark not in UNSAFE and not benchmark.startswith("xstest"):
        return METRICS["embedding_relevance"], METRICS["relevance_top1"]
    if not is_testbed(benchmark):
        return ()
    return tuple(
        METRICS[metric]
        for (by, part), metrics in TESTBED.items()
        if by == judge and _is_part(benchmark, part)
        for metric in metrics
    )


def _is_part(benchmark: str, part: str) -> bool:
    """Whether a benchmark of the testbed is this part of it, or a subset of that."""
    own = benchmark.removeprefix("testbed-").removeprefix("dev-")
    return own == part or own.startswith(f"{part}-")


def _is_benign(benchmark: str) -> bool:
    """Whether all requests of a benchmark are harmless."""
    return benchmark in BENIGN or (is_testbed(benchmark) and any(_is_part(benchmark, part) for part in HARMLESS))


def is_testbed(benchmark: str) -> bool:
    """Whether a benchmark is one of the testbed; those are reported by subset and as a whole."""
    return benchmark.startswith("testbed-")
