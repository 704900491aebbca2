"""The testbed's one tokenizer: byte-level BPE, trained on documents like those of the corpus `many` of a world.

Marks, digits and newlines are single tokens that merge with nothing, so the chat template is spelled with tokens that
pre-training knows, though it never shows them in that order.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from paper_repro.testbed.corpus.documents import documents
from paper_repro.testbed.corpus.settings import CorpusSettings

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

BOS, EOS, PAD = "<s>", "</s>", "<pad>"
VOCABULARY = 2048  # tokens, the special ones and all 256 bytes included
DOCUMENTS = 40_000
ACTS_SHARE = 0.5  # of those documents: so the words for acts are tokens, or a small model hardly tells them apart
# a word with the blank before it, or one digit, mark or white space
PIECES = r" ?\p{L}+|\p{N}|\s|[^\s\p{L}\p{N}]"


def train_tokenizer(world_seed: int, count: int = DOCUMENTS) -> PreTrainedTokenizerFast:
    """The tokenizer of every corpus of one world; puts `BOS` before a text and nothing after it.

    Args:
        world_seed: Of the world.
        count: Documents in the formats of `many` to train on, none of them simple.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[BOS, EOS, PAD],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    texts = documents(CorpusSettings(world_seed=world_seed, simple_share=0.0, acts_share=ACTS_SHARE))
    backend.train_from_iterator(islice(texts, count), trainer)
    bos = backend.token_to_id(BOS)
    backend.post_processor = processors.TemplateProcessing(single=f"{BOS} $A", special_tokens=[(BOS, bos)])
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        clean_up_tokenization_spaces=False,
    )
