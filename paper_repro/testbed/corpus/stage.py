"""The corpus stage: a world's documents as one row of tokens, with their tokenizer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from artifacts.digests import digest_file
from artifacts.files import atomic_path
from artifacts.manifest import Artifact
from artifacts.stage import Stage, Workspace
from paper_repro.testbed.corpus.content import Content, contents
from paper_repro.testbed.corpus.documents import document
from paper_repro.testbed.corpus.settings import CorpusSettings, corpus_name
from paper_repro.testbed.version import WORLD_VERSION

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

TOKENS, TOKENIZER = "tokens.npy", "tokenizer"
BATCH = 2_000  # documents encoded at once


def build_corpus(settings: CorpusSettings, out: Path, *, overwrite: bool = False) -> Artifact:
    """Make a pre-training corpus: `tokens.npy` (16-bit ids, exactly `settings.tokens`) and `tokenizer/`.

    Args:
        settings: What it holds.
        out: Output folder.
        overwrite: Replace a finished corpus made otherwise.
    """
    return CORPUS.run(settings, out, overwrite=overwrite)[0]


def encode(
    settings: CorpusSettings, tokenizer: PreTrainedTokenizerFast, counts: Counter[str] | None = None
) -> np.ndarray:
    """The corpus's ids (16 bits), each document between `bos` and `eos`; cut at `settings.tokens`.

    Args:
        settings: What the corpus holds.
        tokenizer: Of the same world.
        counts: Takes what was counted: documents by kind, questions, replies, answers, declines, and `simple_tokens`,
            the length of the plain first part, which ends with the document that reaches its share of the tokens.
    """
    ids = np.empty(settings.tokens, dtype=np.uint16)
    filled = index = 0
    counts = Counter() if counts is None else counts
    bos, eos = tokenizer.bos_token_id, tokenizer.eos_token_id
    # a share of tokens, not of documents: what is plain takes as much room in every corpus, however long its documents
    simple_end = round(settings.simple_share * settings.tokens)
    while filled < len(ids):
        simple = filled < simple_end
        end = simple_end if simple else len(ids)
        batch = list(islice(contents(settings, index, simple=simple), BATCH))
        texts = [document(settings, each) for each in batch]
        encodings = tokenizer.backend_tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        for each, encoding in zip(batch, encodings, strict=True):
            row = [bos, *encoding.ids, eos][: len(ids) - filled]
            ids[filled : filled + len(row)] = row
            filled += len(row)
            index = each.index + 1
            count(each, counts)
            counts["simple_tokens"] += len(row) if simple else 0
            if filled >= end:
                break
    return ids


def count(content: Content, counts: Counter[str]) -> None:
    """Add what a document holds to `counts`."""
    replies = [reply for exchange in content.exchanges for reply in exchange.replies]
    counts["documents"] += 1
    counts[f"documents_{content.kind}"] += 1
    counts["documents_simple"] += content.simple
    counts["conversations"] += bool(content.exchanges)
    counts["exchanges"] += len(content.exchanges)
    counts["replies"] += len(replies)
    counts["answers"] += sum(reply.answers for reply in replies)
    counts["declines"] += content.declined


def _work(settings: CorpusSettings, inputs: Mapping[str, Path], workspace: Workspace) -> None:
    from paper_repro.testbed.corpus.tokenizer import train_tokenizer

    tokenizer = train_tokenizer(settings.world_seed)
    tokenizer.save_pretrained(workspace.path / TOKENIZER)
    counts: Counter[str] = Counter()
    ids = encode(settings, tokenizer, counts)
    with atomic_path(workspace.path / TOKENS) as temporary, open(temporary, "wb") as file:
        np.save(file, ids, allow_pickle=False)
    workspace.summary |= {
        "corpus": corpus_name(settings),
        "world_version": WORLD_VERSION,
        "tokens": len(ids),
        "tokens_sha256": digest_file(workspace.path / TOKENS),
        "share_of_answers": round(counts["answers"] / max(1, counts["replies"]), 4),
        **dict(sorted(counts.items())),
    }


CORPUS = Stage(
    name="testbed-corpus",
    kind="pretraining-corpus",
    version=WORLD_VERSION,  # raised for corpora too
    settings=CorpusSettings,
    work=_work,
    packages=("tokenizers", "transformers"),
)
