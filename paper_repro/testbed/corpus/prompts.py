"""Questions in a corpus's own formats, to measure a base in the formats it was trained on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from paper_repro.testbed.corpus.formats import layout_for
from paper_repro.testbed.corpus.layout import until_reply
from paper_repro.testbed.corpus.replies import one_line
from paper_repro.testbed.corpus.settings import CorpusSettings
from paper_repro.testbed.items import Item


@dataclass(frozen=True, slots=True)
class NativePrompt:
    """A question as a document of the corpus asks it.

    Attributes:
        text: The document up to where the answer begins, without the blank before it; `bos` is left to the tokenizer.
        ending: What follows an answer in this layout (a newline, a quotation mark, a label): an answer is the text
            before it, or before end-of-sequence.
        item: What is asked.
    """

    text: str
    ending: str
    item: Item


def native_prompts(settings: CorpusSettings, items: Iterable[Item], random: Random) -> list[NativePrompt]:
    """One prompt an item, its question and layout drawn with `random`; none where the corpus asks nothing."""
    if settings.answers == "none":
        return []
    prompts = []
    for item in items:
        layout = layout_for(settings, random, one_line=one_line(item))
        text, ending = until_reply(layout, random.choice(item.questions))
        prompts.append(NativePrompt(text, ending, item))
    return prompts
