"""The space of question-and-answer formats: drawn from freely (`many`, `many-apart`) or from a list (`formats-N`)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from random import Random

from paper_repro.testbed.corpus.labels import PERSONS, TEMPLATE_ROLES, TEMPLATE_SIGNS, labelled, speakers
from paper_repro.testbed.corpus.layout import CLOCK, NUMBER, QUOTED, Frame, Layout
from paper_repro.testbed.corpus.settings import CorpusSettings
from paper_repro.testbed.seeding import rng

TOPICS = (
    "questions",
    "small questions",
    "odds and ends",
    "the world",
    "things to know",
    "the town",
    "letters",
    "facts",
)
HEADS = ("", "", "", "", "", "# {}\n\n", "{}\n\n", "== {} ==\n", "About {}.\n", "**{}**\n\n", "{}:\n", "* * *\n")


def draw_layout(random: Random, *, one_line: bool = True) -> Layout:
    """Any layout of the space.

    Args:
        random: Its generator.
        one_line: Whether layouts will do whose turns have to be one line.
    """
    while True:
        layout = random.choices(_MAKERS, _WEIGHTS)[0](random)
        if one_line or not layout.one_line:
            return layout


@lru_cache(maxsize=8)
def fixed_layouts(world_seed: int, count: int) -> tuple[Layout, ...]:
    """The layouts of `formats-<count>`; those of a smaller count are the first of a larger one.

    The first is the plain one. The kinds of layout take turns, so that few layouts already differ in kind.
    """
    layouts = [plain_layout()]
    position = 0
    while len(layouts) < count:
        random = rng(world_seed, "fixed layout", position)
        position += 1
        layout = draw_layout(random, one_line=False)
        recent = {each.name for each in layouts[-3:]}
        if layout not in layouts and (layout.name == "labels" or layout.name not in recent):
            layouts.append(layout)
    return tuple(layouts[:count])


def layout_for(settings: CorpusSettings, random: Random, *, one_line: bool) -> Layout:
    """The layout of one document.

    Args:
        settings: `formats` decides whether it is drawn freely, apart from the chat template, or from the fixed list.
        random: The document's own generator for layouts.
        one_line: Whether each of its turns is one line.
    """
    if settings.formats == "apart":
        return _draw_apart(random, one_line=one_line)
    if settings.formats is None:
        return draw_layout(random, one_line=one_line)
    return random.choice(fixed_layouts(settings.world_seed, settings.formats))


def _draw_apart(random: Random, *, one_line: bool) -> Layout:
    """A layout that has nothing of the chat template's marks: neither their words, in any case, nor their signs."""
    while True:
        layout = draw_layout(random, one_line=one_line)
        frames = (layout.question, *layout.replies, layout.asker, layout.replier)
        text = "".join((layout.head, layout.tail, layout.answers or "", *(text for frame in frames for text in frame)))
        if not any(sign in text.lower() for sign in (*TEMPLATE_ROLES, *TEMPLATE_SIGNS)):
            return layout


def plain_layout() -> Layout:
    """`Question: ...`, newline, `Answer: ...`, newline."""
    question, answer = Frame("Question: ", "\n"), Frame("Answer: ", "\n")
    return Layout("labels", question, (answer,), question, answer)


def _topic(random: Random) -> str:
    topic = random.choice(TOPICS)
    return topic[0].upper() + topic[1:] if random.random() < 0.7 else topic


def _head(random: Random) -> str:
    return random.choice(HEADS).replace("{}", _topic(random))


def _labels(random: Random) -> Layout:
    names = labelled(random, speakers(random))
    after = random.choice((" ", " ", "\n"))
    end = (
        random.choice(("\n", "\n", "\n\n", "\n\n", "\n---\n", " \n", " "))
        if after == " "
        else random.choice(("\n", "\n\n"))
    )
    frames = [Frame(name + after, end) for name in names]
    return Layout("labels", frames[0], tuple(frames[1:]), frames[0], frames[1], head=_head(random))


def _numbered(random: Random) -> Layout:
    question, answer = random.choice(
        (("Q", "A"), ("Question ", "Answer "), ("", ""), ("Exercise ", "Solution "), ("Card ", "Back "))
    )
    stop = random.choice((".", ")", ":", " -"))
    after, end = random.choice((" ", "\n")), random.choice(("\n", "\n\n"))
    reply = Frame(f"{answer}{NUMBER}{stop}{after}" if answer else random.choice(("", "   ", "> ", "- ")), end)
    first = Frame(f"{question}{NUMBER}{stop}{after}", random.choice(("\n", end)))
    return Layout("numbered", first, (reply,), Frame("", end), Frame("", end), head=_head(random))


def _forum(random: Random) -> Layout:
    names = random.sample(PERSONS, 4)
    says = random.choice((" wrote:\n", " says:\n", " posted at " + CLOCK + ":\n", " |\n", ":\n", " (" + CLOCK + ")\n"))
    rule = random.choice(("\n\n", "\n\n", "\n----\n", "\n* * *\n"))
    head = random.choice(("Topic", "Thread", "Board", "Subject")) + random.choice((": ", " - ")) + _topic(random)
    mark = random.choice(("", "", "@", "#", "> "))
    frames = [Frame(f"{mark}{name}{says}", rule) for name in names]
    start = random.randrange(1440)
    return Layout("forum", frames[0], tuple(frames[1:]), frames[0], frames[1], head=f"{head}\n\n", start=start)


def _mail(random: Random) -> Layout:
    asker, *others = random.sample(PERSONS, 4)
    subject = random.choice(("", "", f"Subject: {_topic(random)}\n"))
    quote = random.choice(("", f"> {QUOTED}\n\n", f"> {QUOTED}\n", f"You wrote: {QUOTED}\n"))
    signed = random.choice((True, True, False))

    def frame(sender: str, receiver: str, quoted: str) -> Frame:
        after = f"\n{sender}\n\n" if signed else "\n\n"
        return Frame(f"From: {sender}\nTo: {receiver}\n{subject}\n{quoted}", after)

    replies = tuple(frame(other, asker, quote) for other in others)
    question = frame(asker, others[0], "")
    return Layout("mail", question, replies, question, frame(others[0], asker, ""))


def _letters(random: Random) -> Layout:
    asker, *others = random.sample(PERSONS, 4)
    close = random.choice(("Yours,\n", "Your friend ", "Until soon, ", "Greetings from ", "- "))
    rule = random.choice(("\n\n", "\n\n", "\n* * *\n"))

    def frame(sender: str, receiver: str) -> Frame:
        return Frame(f"Dear {receiver},\n", f"\n{close}{sender}{rule}")

    replies = tuple(frame(other, asker) for other in others)
    return Layout("letters", frame(asker, others[0]), replies, frame(asker, others[0]), replies[0])


def _quiz(random: Random) -> Layout:
    style = random.choice((f"{NUMBER}. ", f"{NUMBER}) ", f"({NUMBER}) ", f"[{NUMBER}] "))
    head = random.choice(("Questions\n", "Quiz:\n", "# Quiz\n\n", "Questions:\n", "Test your knowledge.\n\n", ""))
    middle = random.choice(("\nAnswers\n", "Answers:\n", "\n# Answers\n\n", "\nSolutions:\n", "\n---\n"))
    frame, talk = Frame(style, "\n"), Frame("", "\n")
    return Layout("quiz", frame, (frame,), talk, talk, head=head, answers=middle)


def _faq(random: Random) -> Layout:
    left, right = random.choice(
        (
            ("## ", ""),
            ("### ", ""),
            ("**", "**"),
            ("== ", " =="),
            ("* ", ""),
            ("", ""),
            ("> ", ""),
            ("_", "_"),
            ("+ ", ""),
        )
    )
    gap, end = random.choice(("\n", "\n\n")), random.choice(("\n\n", "\n\n", "\n"))
    bullet = random.choice(("", "", "", "- ", "  ", "=> ", "-- "))
    head = random.choice(("FAQ\n\n", "# Common questions\n\n", "", "Help page\n\n", _head(random)))
    talk = Frame("", "\n\n")
    return Layout("faq", Frame(left, right + gap), (Frame(bullet, end),), talk, talk, head=head)


def _tagged(random: Random) -> Layout:
    question, reply = random.choice(
        (("h2", "p"), ("q", "a"), ("question", "answer"), ("li", "p"), ("b", "i"), ("user", "assistant"))
    )
    inner, end = random.choice((("", "\n"), ("\n", "\n"), ("", "\n\n"), (" ", "\n")))
    left, right = random.choice((("<", ">"), ("<", ">"), ("[", "]"), ("{", "}")))

    def frame(tag: str) -> Frame:
        return Frame(f"{left}{tag}{right}{inner}", f"{inner}{left}/{tag}{right}{end}")

    return Layout("tagged", frame(question), (frame(reply),), frame(question), frame(reply))


def _bare(random: Random) -> Layout:
    gap, end = random.choice(
        (("\n", "\n"), ("\n", "\n\n"), ("\n\n", "\n\n"), (" ", "\n"), (" - ", "\n"), ("\n", "\n---\n"))
    )
    question, reply = Frame("", gap), Frame("", end)
    return Layout("bare", question, (reply,), reply, reply, head=_head(random))


def _narrated(random: Random) -> Layout:
    names = random.sample(PERSONS, 4)
    left, right = random.choice((('"', '"'), ('"', '"'), ("'", "'"), ("", "")))
    asks = random.choice(("asked", "asked the others", "wanted to know", "called out", "wrote"))
    says = random.choice(("said", "answered", "replied", "told them"))
    end = random.choice(("\n", " ", "\n\n")) if right else "\n"
    talk = [Frame(f"{name} said: {left}", right + end) for name in names]
    replies = tuple(Frame(f"{name} {says}: {left}", right + end) for name in names[1:])
    return Layout("narrated", Frame(f"{names[0]} {asks}: {left}", right + end), replies, talk[0], talk[1])


def _chat(random: Random) -> Layout:
    names = speakers(random)
    left, right = random.choice((("[", "]"), ("(", ")"), ("", ""), ("", " -"), ("", " |")))
    says = random.choice((": ", ": ", " > ", " - ", ":\n", " : "))
    frames = [Frame(f"{left}{CLOCK}{right} {name}{says}", "\n") for name in names]
    return Layout("chat", frames[0], tuple(frames[1:]), frames[0], frames[1], start=random.randrange(1440))


def _table(random: Random) -> Layout:
    first, second = random.choice((("Question", "Answer"), ("Asked", "Replied"), ("Q", "A"), ("Front", "Back")))
    edge = random.choice(("| ", ""))
    mark = random.choice((" | ", " | ", " ; ", " = ", " / ", " -> "))
    close = edge.rstrip() and f" {edge.rstrip()}"
    head = f"{edge}{first}{mark}{second}{close}\n" if random.random() < 0.7 else ""
    rest = Frame(f"{edge}{mark.strip()} " if edge else mark.lstrip(), f"{close}\n")
    talk = Frame("", "\n")
    return Layout("table", Frame(edge, mark), (Frame("", f"{close}\n"), rest), talk, talk, head=head, one_line=True)


def _fields(random: Random) -> Layout:
    question, reply = random.choice(
        (("question", "answer"), ("ask", "say"), ("prompt", "reply"), ("user", "assistant"), ("in", "out"))
    )
    mark = random.choice(('": "', '"="', '" : "'))
    end, lead = random.choice((('",\n', '"'), ('"\n', '"'), ('" }\n', '{ "')))
    frames = [Frame(f"{lead}{name}{mark}", end) for name in (question, reply)]
    return Layout("fields", frames[0], (frames[1],), frames[0], frames[1])


Maker = Callable[[Random], Layout]
_SPACE: tuple[tuple[Maker, float], ...] = (
    (_labels, 0.5),
    (_forum, 0.07),
    (_mail, 0.06),
    (_faq, 0.07),
    (_bare, 0.06),
    (_tagged, 0.05),
    (_chat, 0.04),
    (_quiz, 0.04),
    (_numbered, 0.03),
    (_narrated, 0.03),
    (_letters, 0.02),
    (_table, 0.02),
    (_fields, 0.01),
)
_MAKERS = tuple(maker for maker, _ in _SPACE)
_WEIGHTS = tuple(weight for _, weight in _SPACE)
