"""Making a shipped base again from its card."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from artifacts.settings import validate_settings
from artifacts.store import rt_home
from paper_repro.testbed.corpus import CorpusSettings
from paper_repro.testbed.pretrain.corpora import cached_corpus
from paper_repro.testbed.pretrain.settings import PretrainSettings
from paper_repro.testbed.pretrain.ship import check_rebuilt
from paper_repro.testbed.pretrain.stage import pretrain


def rebuild(card: Mapping[str, Any], out: Path | None = None) -> str:
    """Make corpus and model again and compare them with the card; one line that says how they compare.

    Args:
        card: Of a shipped base.
        out: Folder for the model (default: in RT_HOME).

    Raises:
        StageError: it is not the same base.
    """
    # other threads add up in another order; RT_THREADS of the user's own still counts
    os.environ.setdefault("RT_THREADS", str(card["made"]["threads"]))
    settings = validate_settings(PretrainSettings, card["settings"])
    corpus = cached_corpus(validate_settings(CorpusSettings, card["corpus"]["settings"]))
    rebuilt = pretrain(settings, corpus, out or rt_home() / "rebuilt" / card["name"], overwrite=True)
    return check_rebuilt(rebuilt, card)
