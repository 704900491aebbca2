"""What a profile says of machines: what cells need, which GPUs it is estimated for, and servers that are jobs."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from artifacts.settings import Settings

Positive = Annotated[int, Field(ge=1)]


class Hardware(Settings):
    """The GPUs that a plan is estimated for, where no benchmark result tells their rate.

    Attributes:
        device: Name of the GPU.
        peak_tflops: Its dense bf16 peak by the datasheet, in TFLOP/s.
        utilisation: Share of that peak which tuning is assumed to reach.
        margin: Times the estimate that a job may take before a cluster ends it.
    """

    device: str | None = None
    peak_tflops: Annotated[float, Field(gt=0)] | None = None
    utilisation: Annotated[float, Field(gt=0, le=1)] | None = None
    margin: Annotated[float, Field(ge=1)] = 2


class Needs(Settings):
    """What one cell of a stage needs of a machine.

    Attributes:
        memory_mb: Main memory; a further attempt asks for that much more.
        minutes: Time; where the plan estimates a cell's, the longer of the two. A further attempt gets that much more.
        gpus: GPUs.
    """

    memory_mb: Positive = 2000
    minutes: Positive = 10
    gpus: Annotated[int, Field(ge=0)] = 0


# of small models on a CPU, as measured with the profiles testbed and laptop
NEEDS: dict[str, dict[str, int]] = {
    "curate": {"minutes": 60},
    "mix": {"memory_mb": 3000},
    "train": {"memory_mb": 3000, "minutes": 60},
    "generate": {"memory_mb": 2500, "minutes": 60},
    "judge": {"memory_mb": 3000},
    "capabilities": {"memory_mb": 3000, "minutes": 60},
}


def _over_small_models(given: Any) -> Any:
    if not isinstance(given, dict) or not all(isinstance(one, dict | Needs) for one in given.values()):
        return given
    named = {name: one.resolved() if isinstance(one, Needs) else one for name, one in given.items()}
    return {name: NEEDS.get(name, {}) | named.get(name, {}) for name in {**NEEDS, **named}}


# by the name of a stage; what a profile leaves out is as for small models on a CPU
StageNeeds = Annotated[dict[str, Needs], BeforeValidator(_over_small_models)]


class ServedJudge(Settings):
    """A model's server that runs as a job of its own, with all cells of a stage that ask it: a judge's, or rewriting's.

    Attributes:
        model: The model's name on the server; cells that ask this model go to it.
        command: Command line that starts it, with OpenAI's interface; `{model}` and `{port}` are filled in.
        gated: Hub repository whose terms have to be accepted before the server can load it.
        needs: What the job needs, cells included.
        side_by_side: Cells that ask it at a time.
        start_minutes: Longest time until it answers.
    """

    model: Annotated[str, Field(min_length=1)]
    command: Annotated[str, Field(min_length=1)]
    gated: str | None = None
    needs: Needs = Needs()
    side_by_side: Positive = 1
    start_minutes: Positive = 30
