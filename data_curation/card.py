"""README.md of a curated or mixed set: a dataset card whose front matter `datasets` and the Hugging Face hub read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

import yaml

from artifacts.files import write_text
from artifacts.licences import hub_word
from artifacts.manifest import Artifact
from artifacts.markdown import plain, table
from data_curation.card_map import similarity_map
from data_curation.inspect.measures import Lengths, lengths, style, word_counts
from data_curation.lineage import UNKNOWN, Part
from data_curation.records import Record

CARD = "README.md"
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_FILES = {
    "curated": {"default": "data.parquet", "decisions": "decisions.parquet", "steps": "steps.parquet"},
    "trainset": {"rt": "rt.parquet", "it": "it.parquet"},
}


def write_card(
    artifact: Artifact, records: Sequence[Record], sources: Sequence[Part], measures: Sequence[Mapping[str, Any]]
) -> None:
    """Write the card into the artifact's folder. It says the same whenever it is written: no times, no paths.

    Args:
        artifact: A `curated` or `trainset` artifact; its manifest need not be written yet.
        records: Its rows.
        sources: Where they come from, and on what terms.
        measures: Rows of `steps.parquet` (`position`, `step`, `measure`, `value`); none for a mixed set.
    """
    identity = artifact.identity
    name = _name(identity.summary)
    front = yaml.safe_dump(_front(artifact, name, len(records), sources), sort_keys=False, allow_unicode=True)
    sections = [
        _rows_section(identity.summary),
        _rewriting_section(identity.summary.get("rewrite")),
        # one text after the other: the records of a large set are read from disk as they are asked for
        _lengths_section(lengths(word_counts(map(attrgetter("response"), records), len(records)))),
        _style_section(records),
        _similarity_section(identity.settings, records, measures),
        _sources_section(sources),
        _load_section(artifact),
        _made_section(artifact),
    ]
    head = f"# {plain(name)}\n\n{_opening(identity.kind, identity.stage, len(records))}"
    write_text(artifact.path / CARD, f"---\n{front}---\n\n" + "\n\n".join([head, *filter(None, sections)]) + "\n")


def _name(summary: Mapping[str, Any]) -> str:
    condition = summary.get("condition") or summary
    name = f"{condition.get('response_set')}, recipe {condition.get('recipe')}"
    refusals = condition.get("num_refusals")
    return f"{name}, {refusals} refusals ({condition['strategy']})" if refusals else name


def _front(artifact: Artifact, name: str, rows: int, sources: Sequence[Part]) -> dict[str, Any]:
    """The YAML front matter, in the hub's vocabulary."""
    outputs = artifact.identity.outputs
    files = {}
    for key, file in _FILES[artifact.identity.kind].items():
        if file in outputs:
            files[key] = file
        elif any(name.startswith(f"{file}/") for name in outputs):
            files[key] = f"{file}/*.parquet"  # a table in parts
    configs: list[dict[str, Any]] = [
        {"config_name": key, "data_files": [{"split": "train", "path": file}]} for key, file in files.items()
    ]
    configs[0]["default"] = True
    return (
        {"pretty_name": name}
        | _licence(sources)
        | {
            "task_categories": ["text-generation"],
            "size_categories": [next((word for most, word in _SIZES if rows < most), "n>1M")],
            "tags": ["response-tuning", artifact.identity.kind],
            "configs": configs,
        }
    )


def _licence(sources: Sequence[Part]) -> dict[str, Any]:
    """`license` of the front matter: each part's, `unknown` included; `other` for one the hub has no word for."""
    found = sorted({hub_word(part.licence) for part in sources}) or [UNKNOWN]
    value = {"license": found[0] if len(found) == 1 else found}
    if "other" in found:
        value["license_name"] = ", ".join(sorted({p.licence for p in sources if hub_word(p.licence) == "other"}))
    return value


def _opening(kind: str, stage: str, rows: int) -> str:
    if kind == "trainset":
        return (
            f"A training set of {rows:,} rows: `rt.parquet` holds the responses alone (Response Tuning), `it.parquet`, "
            "if there is one, the same rows with their instructions. Made by `rt mix`."
        )
    return (
        f"A curated response set of {rows:,} rows (`data.parquet`). `decisions.parquet` says of every row that came in "
        "whether it was kept, and if not, which step dropped it and why; `lineage.json` says of every row here where "
        f"it came from and which steps changed it. Made by `rt {stage}`."
    )


def _rows_section(summary: Mapping[str, Any]) -> str:
    if "funnel" in summary:
        readable = summary["rows_in"] - summary["quarantined"]
        rows = [("read", summary["rows_in"], 0, 0, summary["quarantined"], readable, "")]
        for step in summary["funnel"]:
            reasons = ", ".join(f"{plain(reason)} {count:,}" for reason, count in step["reasons"].items())
            rows.append(
                (plain(step["step"]), *(step[k] for k in ("rows_in", "changed", "dropped")), 0, step["kept"], reasons)
            )
        head = ("step", "rows in", "changed", "dropped", "quarantined", "kept", "reasons")
        return "## Rows\n\n" + table(head, rows)
    labels = {
        "rows": "rows of this set",
        "base_rows": "rows of the base set",
        "base_kept": "of these taken",
        "pool_rows": "rows of the refusal pool",
        "pool_passing": "of these refusals by the rule",
        "refusals": "of these taken",
        "quarantined": "unusable rows of the inputs (`quarantine.jsonl`)",
        "without_instruction": "rows without an instruction",
    }
    return "## Rows\n\n" + table(("", "rows"), [(text, summary[key]) for key, text in labels.items() if key in summary])


def _rewriting_section(facts: Mapping[str, Any] | None) -> str:
    """Who rewrote the responses, and how often that gave something; nothing for a set that was not rewritten."""
    if facts is None:
        return ""
    rows = [("rows asked about", facts["asked"]), ("rewritten", facts["rewritten"]), ("unchanged", facts["unchanged"])]
    rows += [(f"original kept: {plain(reason)}", count) for reason, count in facts["original_kept"].items()]
    rows += [(f"failed: {plain(reason)}", count) for reason, count in facts["failed"].items()]
    rate = "unknown" if facts["success_rate"] is None else f"{facts['success_rate']:.1%}"
    text = (
        f"The responses were rewritten by the language model {plain(facts['model'])} (prompt "
        f"{plain(facts['prompt'])}, version {facts['prompt_version']}); a text could be taken from {rate} of the "
        "replies. `rewrites.parquet` holds what was asked and answered for each row."
    )
    return f"## Rewriting\n\n{text}\n\n" + table(("", "rows"), rows)


def _lengths_section(found: Lengths) -> str:
    if found.mean is None:
        return "## Lengths\n\nNo rows."
    head = ("", "mean", "least", *found.quantiles, "most")
    row = ("words", f"{found.mean:,}", found.least, *(f"{value:,}" for value in found.quantiles.values()), found.most)
    return "## Lengths\n\nWords of the responses (runs of other than white space).\n\n" + table(head, [row])


def _style_section(records: Sequence[Record]) -> str:
    found = style(records)
    if found is None:
        return ""
    rows = [
        ("responses with a list (two items or more)", f"{found.list_share:.1%}"),
        ("responses with a code fence", f"{found.code_share:.1%}"),
        ("responses that end with a question", f"{found.question_share:.1%}"),
        ("mean number of sentences", f"{found.mean_sentences:,}"),
    ]
    first = ", ".join(f"{plain(word)} ({share:.1%})" for word, share in found.first_words)
    measured = "all rows" if found.rows == len(records) else f"{found.rows:,} of {len(records):,} rows, drawn by row id"
    text = f"Style measures: what can be counted, not how good it is. Measured on {measured}."
    return f"## Style\n\n{text}\n\n{table(('measure', 'value'), rows)}\n\nCommonest first words: {first or 'none'}."


def _similarity_section(
    settings: Mapping[str, Any], records: Sequence[Record], measures: Sequence[Mapping[str, Any]]
) -> str:
    """A map of the set, and what the steps that used an encoder found; nothing if none did."""
    recipe = (settings.get("recipe") or {}).get("steps") or ()
    rows = []
    for position, step in enumerate(recipe, 1):
        if not isinstance(step.get("encoder"), Mapping):
            continue
        found = [row for row in measures if row["position"] == position]
        rows += [(plain(step["step"]), "encoder", plain(step["encoder"].get("model")))]
        if "threshold" in step:
            rows += [(plain(step["step"]), "threshold", f"{step['threshold']:g}")]
        rows += [(plain(row["step"]), plain(row["measure"]), f"{row['value']:,.6g}") for row in found]
    if not rows:
        return ""
    found_by = "What was found by comparing embeddings.\n\n" + table(("step", "measure", "value"), rows)
    # where no encoder was used the map would take longer than the steps, and `rt inspect` draws it
    return "\n\n".join(filter(None, ("## Similarity", similarity_map(records), found_by)))


def _sources_section(sources: Sequence[Part]) -> str:
    rows = [
        (plain(p.source), p.rows, plain(p.licence), ", ".join(f"{k} {plain(v)}" for k, v in p.facts.items()))
        for p in sources
    ]
    text = (
        "The licence of each part is the one stated for its source; `unknown` means that nobody stated one to this "
        "tool, not that there is none. The set as a whole must be used under all of them."
    )
    return "## Sources and licences\n\n" + text + "\n\n" + table(("source", "rows", "licence", "origin"), rows)


def _load_section(artifact: Artifact) -> str:
    lines = ["from datasets import load_dataset", ""]
    if artifact.identity.kind == "curated":
        lines += ['rows = load_dataset("path/of/this/folder", split="train")']
    else:
        lines += ['responses = load_dataset("path/of/this/folder", "rt", split="train")']
    if "it.parquet" in artifact.identity.outputs:
        lines += ['pairs = load_dataset("path/of/this/folder", "it", split="train")']
    if artifact.identity.kind == "curated" or "it.parquet" in artifact.identity.outputs:
        name = "rows" if artifact.identity.kind == "curated" else "pairs"
        lines += [
            "# for TRL's SFTTrainer, where every row has an instruction",
            f'pairs = {name}.select_columns(["instruction", "response"])',
            'pairs = pairs.rename_columns({"instruction": "prompt", "response": "completion"})',
        ]
    code = "\n".join(lines)
    return f"## Load it\n\n```python\n{code}\n```\n\n`rt train` trains on this folder with the paper's own sequences."


def _made_section(artifact: Artifact) -> str:
    identity = artifact.identity
    settings = yaml.safe_dump(_ordered(identity.settings), sort_keys=False, allow_unicode=True, width=100)
    rows = [("stage", f"{identity.stage}, version {identity.stage_version}")]
    rows += [(plain(name), plain(version)) for name, version in sorted(identity.packages.items())]
    digests = [("this artifact", f"`{artifact.digest}`")]
    digests += [(f"input {plain(name)}", f"`{digest}`") for name, digest in sorted(identity.inputs.items())]
    digests += [(plain(name), f"`{output.sha256}`") for name, output in sorted(identity.outputs.items())]
    return "\n\n".join(
        [
            "## How it was made",
            "Settings, resolved:",
            _indented(settings),
            table(("", "version"), rows),
            "Digests (SHA-256); `lineage.json` has the chain up to the pinned inputs:",
            table(("", "digest"), digests),
        ]
    )


def _ordered(value: Any) -> Any:
    """Settings in one order, names first: read back from a manifest they have lost that of their class."""
    if isinstance(value, Mapping):
        return {key: _ordered(value[key]) for key in sorted(value, key=lambda key: (key not in ("name", "step"), key))}
    return [_ordered(item) for item in value] if isinstance(value, list | tuple) else value


def _indented(text: str) -> str:
    """A Markdown code block that nothing inside can end."""
    return "\n".join(f"    {line}" for line in text.rstrip("\n").split("\n"))
