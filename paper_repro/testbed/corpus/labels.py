"""Labels of turns: who speaks, between which marks. The chat template's own marks are never drawn."""

from __future__ import annotations

from random import Random

_NAMES = (
    "Anu Bero Carl Dorrit Edvin Fenna Gorm Hetty Ilva Jorun Kesia Loma Mirte Nesta Oda Piet Quill Runa Silas Tamik "
    "Ursel Vigo Wanda Yori Zella Aske Britta Corin Delph Esker Finna Gusta Henk Ingo Jette Kalle"
)
PERSONS: tuple[str, ...] = tuple(_NAMES.split())
ROLES: tuple[tuple[str, str], ...] = (
    ("question", "answer"),
    ("q", "a"),
    ("user", "assistant"),
    ("student", "teacher"),
    ("customer", "clerk"),
    ("caller", "expert"),
    ("guest", "host"),
    ("child", "parent"),
    ("reader", "editor"),
    ("visitor", "guide"),
    ("player", "coach"),
    ("patient", "nurse"),
    ("me", "you"),
    ("human", "machine"),
    ("problem", "solution"),
    ("member", "admin"),
    ("she", "he"),
    ("query", "reply"),
    ("first", "second"),
    ("listener", "speaker"),
    ("friend", "neighbour"),
    ("asked", "answered"),
    ("task", "result"),
    ("input", "output"),
    ("judge", "witness"),
    ("red", "blue"),
    ("left", "right"),
    ("sailor", "captain"),
)
WORDY: tuple[tuple[str, str], ...] = (
    ("a reader asks", "we answer"),
    ("here is a question", "here is the answer"),
    ("somebody asked", "somebody replied"),
    ("the question is", "the answer is"),
    ("what people ask", "what we say"),
    ("from the letters", "from the editor"),
    ("first voice", "second voice"),
    ("my question", "my answer"),
)
TEMPLATE_ROLES = ("user", "assistant")  # the names that the chat template puts between its marks
TEMPLATE_SIGNS = ("<", "|", ">")  # which its marks are made of
_MARKS = "< > [ ] ( ) { } * ** # ## = == | ~ - -- : :: >> << / + ^ $ % & ! ; @ _ ... // \\ ,"
MARKS = tuple(_MARKS.split())
MIRRORED = {"<": ">", "[": "]", "(": ")", "{": "}", "<<": ">>", ">": "<", "]": "[", ")": "(", "}": "{", ">>": "<<"}
# frames that web pages really use; the rest is drawn from MARKS
PLAIN = (
    ("", ":"),
    ("", ":"),
    ("", " -"),
    ("**", ":**"),
    ("[", "]"),
    ("<", ">"),
    ("(", ")"),
    ("## ", ""),
    ("### ", ":"),
)


def speakers(random: Random, count: int = 4) -> list[str]:
    """Names for the asker and `count - 1` repliers."""
    chance, case = random.random(), random.random()
    persons = random.sample(PERSONS, count)
    if chance < 0.32:
        return persons
    if chance < 0.74:
        asker, replier = random.choice(ROLES)
        names = [asker, replier, *(f"{replier} {i}" for i in range(2, count))]
    elif chance < 0.84:
        asker, replier = random.choice(WORDY)
        names = [asker] + [replier] * (count - 1)
    else:  # any two words: which one asks is to be read from the text
        words = [random.choice(pair) for pair in random.sample(ROLES, 2)]
        names = [*words, *persons[2:]]
    return [_cased(name, case) for name in names]


def _cased(name: str, chance: float) -> str:
    if chance < 0.5:
        return name[0].upper() + name[1:]
    return name.upper() if chance > 0.9 else name


def marks(random: Random) -> tuple[str, str]:
    """Text before and after a name: at least one mark in all, and never those of the chat template."""
    if random.random() < 0.35:
        return random.choice(PLAIN)
    while True:
        left = [random.choice(MARKS) for _ in range(random.choice((0, 0, 1, 1, 2, 2)))]
        if left and random.random() < 0.6:
            right = [MIRRORED.get(mark, mark) for mark in reversed(left)]
        else:
            right = [random.choice(MARKS) for _ in range(random.choice((0, 1, 1, 2)))]
        used = "".join(left + right)
        if used and not ("|" in used and ("<" in used or ">" in used)):
            return _joined(random, left, right)


def _joined(random: Random, left: list[str], right: list[str]) -> tuple[str, str]:
    between, beside = random.choice(("", "", " ")), random.choice(("", "", " "))
    before, after = between.join(left), between.join(right)
    return (before + beside if before else ""), (beside + after if after else "")


def labelled(random: Random, names: list[str]) -> list[str]:
    """Each name between the same marks."""
    left, right = marks(random)
    while "|" in left + right and any(name.lower() in TEMPLATE_ROLES for name in names):
        left, right = marks(random)  # "|user|" is too close to the template's own mark
    return [f"{left}{name}{right}" for name in names]
