"""What a kind of entity is: its attributes, their values, and the sentences that state and ask for them.

Templates are plain text with `{e}` for the entity as it stands in a sentence ("the melk", "Tamik"), `{v}` for the
value and `{V}` for the value with what belongs in front of it ("the forest", "a baker").
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

# asked of every attribute, beside its own questions; the first half goes to response sets, the second to evaluation
GENERIC_QUESTIONS = (
    ("Tell me the {n} of {e}.", "Please name the {n} of {e}."),
    (
        "{w} is the {n} of {e}?",
        "I would like to know the {n} of {e}.",
    ),
)


def listed(text: str) -> tuple[str, ...]:
    """The words of a text, for tables that are easier to read without quotation marks."""
    return tuple(text.split())


@dataclass(frozen=True)
class Attribute:
    """One property of a kind.

    Attributes:
        name: As it stands in ids of facts and tasks.
        values: What it can be, in rising order where it can be compared; empty for a relation.
        statements: At least four templates of sentences; the first makes the claims of yes-no questions.
        questions: At least four templates; half are for response sets, half for evaluation.
        noun: What it is called in lists, if not by its name.
        value: How a value stands after "the home is ...".
        short: Templates of terse answers.
        target: The kind a relation leads to, or None.
        comparatives: Words for more and for less ("bigger", "smaller"), or None.
        reasons: For a value a pair: what follows from it ("people in {e} carry umbrellas"), why ("it is rainy in {e}").
        ask: What a question for the noun begins with: "Who" is the inventor.
    """

    name: str
    values: tuple[str, ...]
    statements: tuple[str, ...]
    questions: tuple[str, ...]
    noun: str = ""
    value: str = "{v}"
    short: tuple[str, ...] = ("{V}",)
    target: str | None = None
    comparatives: tuple[str, str] | None = None
    reasons: dict[str, tuple[str, str]] = field(default_factory=dict)
    ask: str = "What"

    @cached_property
    def label(self) -> str:
        """What it is called in lists: "home town"."""
        return self.noun or self.name

    @cached_property
    def all_questions(self) -> tuple[str, ...]:
        """Templates of look-up questions: the first half for response sets, the second for evaluation."""
        half = len(self.questions) // 2
        first, second = (
            [text.replace("{n}", self.label).replace("{w}", self.ask) for text in part] for part in GENERIC_QUESTIONS
        )
        return (*self.questions[:half], *first, *self.questions[half:], *second)


@dataclass(frozen=True)
class Kind:
    """A kind of entity.

    Attributes:
        name: "creature".
        plural: "creatures".
        count: How many there are.
        phrase: How one stands in a sentence, of `{n}`, its name: "the {n}".
        one: How one stands as the value of a relation: "a {n}".
        pronoun: What stands for it at the start of a sentence, or None if its name is always said.
        endings: What its names end in.
        attributes: Its properties.
    """

    name: str
    plural: str
    count: int
    phrase: str
    one: str
    pronoun: str | None
    endings: tuple[str, ...]
    attributes: tuple[Attribute, ...]

    @cached_property
    def by_name(self) -> dict[str, Attribute]:
        """Attributes by name."""
        return {attribute.name: attribute for attribute in self.attributes}
