"""The corpus a base is trained on: named, and made once for a whole RT_HOME."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from artifacts.digests import digest_json
from artifacts.errors import UserError
from artifacts.settings import apply_overrides, validate_settings
from artifacts.store import rt_home
from paper_repro.testbed.corpus import CORPUS, PRESETS, CorpusSettings, build_corpus, corpus_name


def corpus_settings(name: str, overrides: Sequence[str] = (), **given: object) -> CorpusSettings:
    """Settings of the corpus of that name, with `given` values (None: not given), then `key=value` overrides.

    Raises:
        UserError: no corpus has the name.
        SettingsError: all faults of the overrides.
    """
    if name not in PRESETS:
        raise UserError(f"no corpus is called '{name}'", fix=f"known corpora: {', '.join(PRESETS)}")
    data = PRESETS[name].resolved() | {key: value for key, value in given.items() if value is not None}
    apply_overrides(data, overrides)
    return validate_settings(CorpusSettings, data)


def corpus_folder(settings: CorpusSettings) -> Path:
    """Where the corpus of those settings lives in RT_HOME, whether or not it is there yet."""
    return rt_home() / CORPUS.name / f"{corpus_name(settings)}-{digest_json(CORPUS.key(settings, {}))[:10]}"


def cached_corpus(settings: CorpusSettings) -> Path:
    """Folder of the corpus of those settings, made if need be."""
    folder = corpus_folder(settings)
    build_corpus(settings, folder, overwrite=True)
    return folder
