"""The six benchmarks of core capabilities: lm-eval's tasks, their files, and which of their metrics is reported.

Source: Tables 1 and 12 of the paper. It names the tasks, the shots and the chat template, not the metric of each nor
the version of lm-eval. `acc` is reported where lm-eval gives `acc` and `acc_norm`, and both are kept: HellaSwag of
about 60 and OpenBookQA of about 33 % for the paper's models fit `acc`, not `acc_norm`. ARC is the plain mean of its two
parts. GSM8K is the strict match (the sentence that the prompt asks for); the flexible one stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Task:
    """One task of lm-eval, or the tasks of all subjects of MMLU.

    Attributes:
        name: lm-eval's name; of MMLU the name of the group.
        pin: Pin of its files.
        config: Its YAML file below lm-eval's folder of tasks; a folder, for all tasks in it.
        splits: Split that lm-eval reads to pinned file: `test` or `validation`, and `dev` for MMLU's examples.
        rows: Rows of the whole benchmark.
    """

    name: str
    pin: str
    config: str
    splits: tuple[str, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One column of Table 12.

    Attributes:
        name: As the results table calls it (a column of the published table).
        task: As lm-eval calls it: what `--tasks` takes.
        title: For people.
        parts: The tasks it is made of.
        metrics: lm-eval's keys (metric and filter) to our metrics, the reported one first.
        shots: Examples shown, as turns of the conversation.
    """

    name: str
    task: str
    title: str
    parts: tuple[Task, ...]
    metrics: dict[str, str]
    shots: int = 0

    @property
    def rows(self) -> int:
        """Rows of the whole benchmark."""
        return sum(part.rows for part in self.parts)

    @property
    def reported(self) -> str:
        """lm-eval's key of the metric that the average takes."""
        return next(iter(self.metrics))


ACC = {"acc,none": "accuracy"}
BOTH = ACC | {"acc_norm,none": "accuracy_normalised"}
EXACT = {"exact_match,strict-match": "exact_match_strict", "exact_match,flexible-extract": "exact_match_flexible"}
CORE = (
    Benchmark("mmlu", "mmlu", "MMLU", (Task("mmlu", "mmlu", "mmlu/default", ("test", "dev"), 14042),), ACC),
    Benchmark(
        "openbookqa",
        "openbookqa",
        "OpenBookQA",
        (Task("openbookqa", "openbookqa", "openbookqa/openbookqa.yaml", ("test",), 500),),
        BOTH,
    ),
    Benchmark(
        "hellaswag",
        "hellaswag",
        "HellaSwag",
        (Task("hellaswag", "hellaswag", "hellaswag/hellaswag.yaml", ("validation",), 10042),),
        BOTH,
    ),
    Benchmark(
        "arc",
        "ai2_arc",
        "ARC",
        (
            Task("arc_easy", "arc-easy", "arc/arc_easy.yaml", ("test",), 2376),
            Task("arc_challenge", "arc-challenge", "arc/arc_challenge.yaml", ("test",), 1172),
        ),
        BOTH,
    ),
    Benchmark(
        "gsm8k",
        "gsm8k_cot_llama",
        "GSM8K",
        (Task("gsm8k_cot_llama", "gsm8k", "gsm8k/gsm8k-cot-llama.yaml", ("test",), 1319),),
        EXACT,
        shots=8,
    ),
    Benchmark("piqa", "piqa", "PIQA", (Task("piqa", "piqa", "piqa/piqa.yaml", ("validation",), 1838),), BOTH),
)
BY_TASK = {benchmark.task: benchmark for benchmark in CORE}
