"""Pre-training corpora of the testbed: one content, many layouts, one tokenizer."""

from __future__ import annotations

from paper_repro.testbed.corpus.documents import documents
from paper_repro.testbed.corpus.prompts import NativePrompt, native_prompts
from paper_repro.testbed.corpus.settings import PRESETS, CorpusSettings, corpus_name
from paper_repro.testbed.corpus.small_talk import small_talk
from paper_repro.testbed.corpus.stage import CORPUS, build_corpus
from paper_repro.testbed.corpus.tokenizer import train_tokenizer

__all__ = [
    "CORPUS",
    "PRESETS",
    "CorpusSettings",
    "NativePrompt",
    "build_corpus",
    "corpus_name",
    "documents",
    "native_prompts",
    "small_talk",
    "train_tokenizer",
]
