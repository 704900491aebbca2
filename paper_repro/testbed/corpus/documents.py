"""Documents of a corpus: content, then layout, each from its own stream."""

from __future__ import annotations

from collections.abc import Iterator

from paper_repro.testbed.acts import build_acts
from paper_repro.testbed.corpus.content import Content, contents, stream
from paper_repro.testbed.corpus.formats import layout_for
from paper_repro.testbed.corpus.layout import render
from paper_repro.testbed.corpus.replies import one_line
from paper_repro.testbed.corpus.settings import CorpusSettings
from paper_repro.testbed.corpus.statements import act_statements, statement_document, without_questions
from paper_repro.testbed.world import build_world


def documents(settings: CorpusSettings) -> Iterator[str]:
    """The texts of the corpus's documents, without end and without special tokens."""
    return (document(settings, each) for each in contents(settings))


def document(settings: CorpusSettings, content: Content) -> str:
    """The text of one document."""
    random = stream(settings, "layout", content.index)
    if content.exchanges:
        if settings.answers == "none":
            return without_questions(content, random)
        lines = all(exchange.item is None or one_line(exchange.item) for exchange in content.exchanges)
        layout = layout_for(settings, random, one_line=lines)
        asked = [(each.question, [reply.text for reply in each.replies], each.remark) for each in content.exchanges]
        return render(layout, content.opening, asked)
    # what is stated does not depend on the format: one stream for both
    if content.kind == "acts":
        return act_statements(build_acts(settings.world_seed), random, content.simple)
    return statement_document(build_world(settings.world_seed), random, content.simple)
