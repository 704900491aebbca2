"""What a cell needs of a machine, as its profile says; the time of tuning from the estimate, where there is one."""

from __future__ import annotations

import math

from experiments.cells import Cell
from experiments.estimate import cost_of, tuning_rate
from experiments.machines import Needs
from experiments.profiles import Profile


def stage_needs(profile: Profile, stage: str) -> Needs:
    """Of any cell of a stage."""
    return profile.needs.get(stage, Needs())


def needs_of(profile: Profile, cell: Cell) -> Needs:
    """Of one cell: a tuning job on GPUs gets the profile's margin over its estimate, and no less than its stage."""
    needs = stage_needs(profile, cell.stage.name)
    if cell.stage.name != "train" or not needs.gpus:
        return needs
    hours = cost_of(cell, tuning_rate(profile.hardware)).gpu_hours
    if hours is None:
        return needs
    minutes = math.ceil(60 * hours * profile.hardware.margin)  # one process, on one GPU, however many the job asks for
    return needs.model_copy(update={"minutes": max(needs.minutes, minutes)})
