"""Tables of model outputs: the same few prompts to every condition, with its reply (as Tables 2, 4, 17 to 21 do)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from artifacts.digests import digest_text
from artifacts.manifest import read_manifest
from paper_repro.conditions import METHODS, Condition
from paper_repro.generate.schema import read_generations
from paper_repro.report.names import called
from paper_repro.report.table import Column, Table
from paper_repro.score.metrics import benchmark_name, is_unsafe

LONGEST = 600  # characters of a text that are shown
LINE_END = " \u21b5 "
COLUMNS = (
    Column("prompt", "Prompt", names_row=True),
    Column("condition", "Condition", names_row=True),
    Column("reply", "Reply", names_row=True),
    Column("ended", "Ended by", names_row=True),
)
NOTES = (
    "Prompts are chosen by a digest of their id, one a subset first: neither replies nor verdicts had a part in it. "
    f"\u21b5 is a line end; texts are cut after {LONGEST} characters, which is said.",
)
ENDED = {"eos": "itself", "length": "the limit of tokens", "stop": "a stop rule"}
Row = dict[str, Any]


def sample_tables(folders: Iterable[Path], count: int, show_unsafe: bool) -> tuple[list[Table], list[str]]:
    """One table a benchmark, and the benchmarks that are not shown because their prompts are unsafe.

    Args:
        folders: Generations artifacts, one a condition; equal conditions (of two studies) are shown once.
        count: Prompts a benchmark.
        show_unsafe: Whether unsafe queries and the replies to them are shown.
    """
    replies = _read(folders)
    tables, hidden = [], []
    benchmarks = list(dict.fromkeys(name for rows in replies.values() for name in rows))
    for benchmark in sorted(benchmarks):
        if is_unsafe(benchmark) and not show_unsafe:
            hidden.append(called(benchmark))
            continue
        asked = {condition: rows[benchmark] for condition, rows in replies.items() if benchmark in rows}
        if table := _table(benchmark, asked, count):
            tables.append(table)
    return tables, hidden


def _read(folders: Iterable[Path]) -> dict[Condition, dict[str, dict[str, Row]]]:
    """Replies by condition, benchmark and prompt id, conditions in the order of the results."""
    found: dict[Condition, dict[str, dict[str, Row]]] = {}
    for folder in folders:
        artifact = read_manifest(folder, kind="generations")
        benchmarks = found.setdefault(Condition(**artifact.summary["condition"]), {})
        for row in read_generations(artifact.path):
            name = _benchmark(row)
            benchmarks.setdefault(name, {})[row["prompt_id"]] = row
    return dict(sorted(found.items(), key=lambda item: _order(item[0])))


def _benchmark(row: Mapping[str, Any]) -> str:
    """The benchmark, with its subset only where the subset decides whether it is unsafe."""
    name = benchmark_name(row["benchmark"], row["subset"])
    return name if is_unsafe(name) else row["benchmark"]


def _order(condition: Condition) -> tuple:
    given = condition.model_dump()
    rest = [(value is not None, value if value is not None else 0) for name, value in given.items() if name != "method"]
    return (condition.base_model, METHODS.index(condition.method), rest)


def _table(benchmark: str, asked: Mapping[Condition, dict[str, Row]], count: int) -> Table | None:
    """A row a prompt and condition; None where no prompt was asked of all."""
    common = set.intersection(*(set(rows) for rows in asked.values()))
    first = next(iter(asked.values()))
    chosen = choose([first[prompt_id] for prompt_id in common], count)
    if not chosen:
        return None
    names = _names(list(asked))
    rows = tuple(
        (shown(prompt["prompt"]), name, shown(rows[prompt["prompt_id"]]["response"]), _ended(rows, prompt))
        for prompt in chosen
        for name, rows in zip(names, asked.values(), strict=True)
    )
    title = f"Replies to {called(benchmark)}"
    return Table(f"replies_{benchmark.replace('-', '_')}", title, "this run's generations", COLUMNS, rows, NOTES)


def choose(rows: Sequence[Row], count: int) -> list[Row]:
    """`count` prompts by the digest of their id, one of every subset before a second of any."""
    seen: Counter[str | None] = Counter()
    ranked = []
    for row in sorted(rows, key=lambda row: digest_text(row["prompt_id"])):
        ranked.append((seen[row["subset"]], len(ranked), row))
        seen[row["subset"]] += 1
    return [row for *_, row in sorted(ranked, key=lambda one: one[:2])[:count]]


def _ended(rows: Mapping[str, Row], prompt: Row) -> str:
    reason = rows[prompt["prompt_id"]]["finish_reason"]
    return ENDED.get(reason, reason)


def _names(conditions: Sequence[Condition]) -> list[str]:
    """What tells each condition from the others: its method first, then only what differs between some of them."""
    parts = {
        "base_model": lambda c: c.base_model,
        "response_set": lambda c: c.response_set,
        "recipe": lambda c: c.recipe and f"recipe {c.recipe}",
        "num_refusals": lambda c: None if c.num_refusals is None else f"{c.num_refusals} refusals",
        "strategy": lambda c: c.strategy,
        "learning_rate": lambda c: None if c.learning_rate is None else f"rate {c.learning_rate:g}",
        "seed": lambda c: None if c.seed is None else f"seed {c.seed}",
    }
    varying = [name for name in parts if len({getattr(c, name) for c in conditions} - {None}) > 1]
    return [", ".join([c.method, *filter(None, (parts[name](c) for name in varying))]) for c in conditions]


def shown(text: str) -> str:
    """A text on one line, its line ends as a sign, cut after `LONGEST` characters; nothing is said to be nothing."""
    if not text.strip():
        return "(blank)"
    line = LINE_END.join(part.strip() for part in text.strip().split("\n"))
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}\u2026 ({len(line):,} characters)"
