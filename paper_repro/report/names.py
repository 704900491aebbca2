"""What benchmarks are called: one place for the tables and figures of the paper and of a run."""

from __future__ import annotations

# names of the scores to those of the paper, in the order of panels and of rows
BENCHMARKS = {
    "advbench": "AdvBench",
    "harmbench": "HarmBench",
    "harmbench-standard": "HarmBench standard",
    "harmbench-contextual": "HarmBench contextual",
    "malicious-instruct": "MaliciousInstruct",
    "xstest-unsafe": "XSTest unsafe",
    "xstest-benign": "XSTest benign",
    "xstest": "XSTest",
    "alpaca-eval": "AlpacaEval",
    "just-eval-regular": "JustEval regular",
    "just-eval-safety": "JustEval safety",
    "infobench": "InFoBench",
    "infobench-easy": "InFoBench easy",
    "infobench-hard": "InFoBench hard",
    "core": "Average of the six",
    "mmlu": "MMLU",
    "openbookqa": "OpenBookQA",
    "hellaswag": "HellaSwag",
    "arc": "ARC",
    "gsm8k": "GSM8K",
    "piqa": "PIQA",
}
TESTBED = "testbed"
ABBREVIATIONS = {"stem": "STEM"}


def called(name: str) -> str:
    """The paper's name of a benchmark of the scores, with its part behind it ('ARC challenge'); others as they are.

    Sets of the testbed are named as such: 'testbed look-alike'.
    """
    if name in BENCHMARKS:
        return BENCHMARKS[name]
    whole, _, part = name.partition("-")
    if whole == TESTBED:
        return f"{TESTBED} {part}"
    if whole not in BENCHMARKS or not part:
        return name
    return " ".join([BENCHMARKS[whole], *(ABBREVIATIONS.get(word, word) for word in part.split("-"))])


def benchmark_order(name: str) -> tuple[int, str]:
    """Sorts benchmarks in the order of `BENCHMARKS`, parts after their whole, others last."""
    order = list(BENCHMARKS)
    known = next((one for one in (name, name.partition("-")[0]) if one in order), None)
    return (order.index(known) if known else len(order), name)
