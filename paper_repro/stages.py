"""Every stage of the package by what a manifest says: which code makes an artifact of this kind again."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from artifacts.errors import UserError
from artifacts.manifest import Identity
from artifacts.stage import Stage

# command word and kind of artifact to where the stage is; loaded only when it is asked for
STAGES = {
    ("annotate", "annotations"): "paper_repro.annotate.export:ANNOTATIONS",
    ("annotate", "verdicts"): "paper_repro.annotate.export:HUMAN_VERDICTS",
    ("capabilities", "scores"): "paper_repro.capabilities.stage:CAPABILITIES",
    ("collect", "corpus"): "data_curation.collect:COLLECT_CORPUS",
    ("collect", "prompts"): "data_curation.collect:COLLECT_PROMPTS",
    ("curate", "curated"): "data_curation.curate:CURATE",
    ("generate", "generations"): "paper_repro.generate.stage:GENERATE",
    ("judge", "verdicts"): "paper_repro.judge.stage:JUDGE",
    ("mix", "trainset"): "data_curation.mix:MIX",
    ("pretrain", "base-model"): "paper_repro.testbed.pretrain.stage:PRETRAIN",
    ("rank", "ranking"): "paper_repro.ranking.stage:RANK",
    ("report", "report"): "paper_repro.report.stage:REPORT",
    ("rewrite", "curated"): "data_curation.rewrite:REWRITE",
    ("score", "scores"): "paper_repro.score.stage:SCORE",
    ("testbed-corpus", "pretraining-corpus"): "paper_repro.testbed.corpus.stage:CORPUS",
    ("testbed-data", "corpus"): "paper_repro.testbed.sets.stage:TESTBED_CORPUS",
    ("testbed-data", "prompts"): "paper_repro.testbed.sets.stage:TESTBED_PROMPTS",
    ("testbed-faults", "verdicts"): "paper_repro.testbed.sets.faults:FAULTS",
    ("train", "model"): "paper_repro.train.stage:TRAIN",
    ("validate", "validation"): "paper_repro.judge.validation.stage:VALIDATE",
}
# a set curated in shards bears the same kind; its settings tell
SHARDED = "data_curation.shards.stage:CURATE_SHARDS"


def stage_of(identity: Identity) -> Stage:
    """The stage that makes artifacts like this one.

    Raises:
        UserError: no stage of this version of the package does.
    """
    key = identity.stage, identity.kind
    if key not in STAGES:
        known = ", ".join(sorted({kind for _, kind in STAGES}))
        raise UserError(
            f"no stage '{identity.stage}' of this version makes a '{identity.kind}'", fix=f"known kinds: {known}"
        )
    return _load(SHARDED if key == ("curate", "curated") and _is_sharded(identity.settings) else STAGES[key])


def _is_sharded(settings: Mapping[str, Any]) -> bool:
    return "shard_rows" in settings


def _load(place: str) -> Stage:
    module, name = place.split(":")
    return getattr(importlib.import_module(module), name)
