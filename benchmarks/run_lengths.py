"""How many tokens a pass over each response set trains on, RT and IT: `benchmarks/results/run_lengths.json`.

What a run costs is estimated from these sums (`rt reproduce --dry-run`). Each row is built as in tuning and cut to the
paper's 2,048 tokens. The tokenizer is the one named in the result, not that of the paper's models.

Run: RT_MIRROR=... python benchmarks/run_lengths.py [--tokenizer smollm2-135m-instruct]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from common import hardware, versions, write_result

RESULT = Path(__file__).parent / "results" / "run_lengths.json"
MAX_LENGTH = 2048
SETS = ("alpaca", "alpaca-cleaned", "dolly", "lima", "safety-tuned-llamas")


def sums(tokenizer: Any, rows: list[tuple[str, str]], method: str) -> dict[str, int]:
    """Rows, tokens, tokens that bear loss, and squared lengths (which attention costs by), over one pass."""
    from paper_repro.sequences import build_all

    # nothing is trained of a row whose prompt alone is too long
    built = [one for one in build_all(tokenizer, method, rows, max_length=MAX_LENGTH) if one.predicted]
    return {
        "rows": len(built),
        "tokens": sum(len(one.input_ids) for one in built),
        "loss_tokens": sum(one.predicted for one in built),
        "squares": sum(len(one.input_ids) ** 2 for one in built),
    }


def main() -> None:
    """Collect every set, build its rows and store the sums."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", default="smollm2-135m-instruct", help="A pin, a folder, or owner/repo@commit.")
    given = parser.parse_args()
    from artifacts.pins import fetch
    from data_curation.collect import CollectSettings, collect
    from paper_repro.models import load_tokenizer, tokenizer_folder
    from paper_repro.rows import read_rows

    tokenizer = load_tokenizer(tokenizer_folder(given.tokenizer))
    found = {}
    for name in SETS:
        with tempfile.TemporaryDirectory() as folder:
            collect(CollectSettings(source=name), Path(folder) / name)
            rows = read_rows(Path(folder) / name / "data.parquet", needs_instruction=True)
        pairs = [(row.instruction, row.response) for row in rows]
        pin = fetch(name)
        found[name] = {method: sums(tokenizer, pairs, method) for method in ("rt", "it")}
        found[name] |= {"collected_rows": len(pairs), "version": pin.version, "coverage": pin.coverage}
    what = "tokens of one pass over each response set, as tuned on"
    result = {"what": what, "tokenizer": given.tokenizer, "max_length": MAX_LENGTH, "sets": found}
    write_result(RESULT, result | {"hardware": hardware(), "versions": versions("transformers", "tokenizers")})


if __name__ == "__main__":
    main()
