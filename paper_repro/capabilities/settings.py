"""Settings of the capabilities stage."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from artifacts.settings import Settings
from paper_repro.capabilities.benchmarks import BY_TASK, CORE, Benchmark
from paper_repro.models import ModelSource

Positive = Annotated[int, Field(ge=1)]


class CapabilitiesSettings(Settings):
    """Which benchmarks a model is asked, and how. Shots, prompts and metrics are those of lm-eval's tasks.

    Attributes:
        study: Name of the study, in the column `study` of the results.
        base: Weights to ask untuned; None where a model artifact is asked.
        tasks: lm-eval's names of benchmarks, or `core` for all six. Kept in the order of the paper's table.
        limit: The first so many rows of each of lm-eval's tasks (of MMLU: of each of the 57 subjects); None takes all.
        batch_size: Requests computed together; `auto` lets lm-eval find what fits on a GPU.
        max_length: Longest input in tokens, None = the model's own. Longer ones lose their beginning; they are counted.
        dtype: Of weights and computation.
        device: `auto` takes a GPU where there is one.
    """

    study: Annotated[str, Field(min_length=1)] = "core"
    base: ModelSource | None = None
    tasks: tuple[str, ...] = ("core",)
    limit: Positive | None = None
    batch_size: Positive | Literal["auto"] = 16
    max_length: Positive | None = None
    dtype: Literal["float32", "bfloat16"] = "bfloat16"
    device: Literal["auto", "cpu", "cuda"] = "auto"

    @field_validator("tasks", mode="before")
    @classmethod
    def _resolve(cls, value: Any) -> Any:
        """Names may be joined by commas; `core` is all of them; the order given does not matter."""
        if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
            return value
        names = [name.strip() for part in value for name in part.split(",")]
        unknown = [name for name in names if name not in BY_TASK and name != "core"]
        if unknown or not names:
            raise ValueError(f"no task {', '.join(unknown) or 'is given'}; known: core, {', '.join(BY_TASK)}")
        return tuple(task for task in BY_TASK if task in names or "core" in names)

    @property
    def benchmarks(self) -> tuple[Benchmark, ...]:
        """The benchmarks asked for, in the order of the paper's table."""
        return tuple(benchmark for benchmark in CORE if benchmark.task in self.tasks)
