"""The loss trajectory: one row an optimiser step, kept through a stop."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from artifacts.files import write_jsonl


class Trajectory:
    """Rows `{step, loss, loss_tokens, learning_rate, grad_norm}`, appended to a JSONL file as they come.

    `loss` is the mean cross-entropy (nats) over the step's trained tokens, whatever the normalisation.

    Args:
        path: The file.
        step: Step that training resumes after; rows beyond it belong to work that is done again and are dropped.
    """

    def __init__(self, path: Path, step: int):
        self.path = path
        self.rows = [row for row in _whole_lines(path) if row["step"] <= step]
        write_jsonl(path, self.rows)

    def append(self, row: dict[str, Any]) -> None:
        """Add the row of one step."""
        self.rows.append(row)
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def is_whole(self, steps: int) -> bool:
        """Whether the rows are those of steps 1 to `steps`."""
        return [row["step"] for row in self.rows] == list(range(1, steps + 1))


def _whole_lines(path: Path) -> list[dict[str, Any]]:
    """Rows of the lines that were written to their end."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]
