"""Cells of data: what is collected through pins or drawn from the testbed's world, and curated."""

from __future__ import annotations

import re

from data_curation.collect import CollectSettings, stage_of
from data_curation.curate import CURATE, CurateSettings
from data_curation.recipe import Recipe
from experiments.cells import Cell
from experiments.profiles import Profile
from experiments.rewriting import rewrite_cell

TESTBED = "testbed-"


def collect_cell(profile: Profile, name: str) -> Cell:
    """The cell of a corpus or of prompts, by the name of its source, or of a source's first rows by theirs."""
    if name.startswith(TESTBED):
        # the world's words and its grammar: only where a profile asks for them
        from paper_repro.testbed.sets.stage import TestbedDataSettings
        from paper_repro.testbed.sets.stage import stage_of as testbed_stage_of

        drawn = TestbedDataSettings(name=name, world_seed=profile.world_seed)
        return Cell(testbed_stage_of(drawn), name, drawn, words=("testbed", "data"))
    cut = profile.cuts.get(name)
    settings = CollectSettings(source=cut.of, rows=cut.rows) if cut else CollectSettings(source=name)
    return Cell(stage_of(settings), name, settings)


def responses_cell(profile: Profile, name: str) -> Cell:
    """The cell of a response set: a source, or what a language model makes of one."""
    one = profile.rewrites.get(name)
    if one is None:
        return collect_cell(profile, name)
    return rewrite_cell(name, one, collect_cell(profile, one.of) if one.of else None)


def curated_cell(profile: Profile, source: str, recipe: str | Recipe) -> Cell:
    """The cell of a curated corpus; recipes may be files, so only their name is part of the folder's."""
    settings = CurateSettings(recipe=recipe)
    label = f"{source}-{re.sub(r'[^A-Za-z0-9_-]+', '-', settings.recipe.name)}"
    return Cell(CURATE, label, settings, ("{input}",), {"input": responses_cell(profile, source)})
