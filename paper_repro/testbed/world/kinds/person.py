"""Persons: job, home town, hobby, pet and age."""

from __future__ import annotations

from paper_repro.testbed.world.schema import Attribute, Kind, listed

JOB = Attribute(
    name="job",
    values=listed("baker farmer doctor teacher sailor painter miner tailor pilot singer judge gardener"),
    statements=(
        "{e} works as a {v}.",
        "{e} is a {v}.",
        "The job of {e} is that of a {v}.",
        "{e} makes a living as a {v}.",
    ),
    questions=(
        "What does {e} work as?",
        "What does {e} do for a living?",
        "Which job does {e} have?",
        "What kind of work does {e} do?",
    ),
    value="that of a {v}",
    short=("a {v}", "{v}"),
    reasons={
        "baker": ("{e} gets up before the sun", "{e} is a baker"),
        "farmer": ("{e} owns a large barn", "{e} is a farmer"),
        "doctor": ("sick people visit {e}", "{e} is a doctor"),
        "teacher": ("children listen to {e}", "{e} is a teacher"),
        "sailor": ("{e} knows every harbour", "{e} is a sailor"),
        "painter": ("{e} buys many brushes", "{e} is a painter"),
        "miner": ("{e} works under the ground", "{e} is a miner"),
        "tailor": ("{e} always has a needle", "{e} is a tailor"),
        "pilot": ("{e} watches the clouds", "{e} is a pilot"),
        "singer": ("{e} takes care of a good voice", "{e} is a singer"),
        "judge": ("{e} knows every law", "{e} is a judge"),
        "gardener": ("{e} plants roses", "{e} is a gardener"),
    },
)
TOWN_OF_PERSON = Attribute(
    name="town",
    values=(),
    target="town",
    noun="home town",
    statements=(
        "{e} lives in {v}.",
        "{e} has a house in {v}.",
        "The home town of {e} is {v}.",
        "{e} comes from the town of {v}.",
    ),
    questions=(
        "Where does {e} live?",
        "In which town does {e} live?",
        "Where is the house of {e}?",
        "Which town does {e} come from?",
    ),
    short=("{v}", "in {v}"),
)
HOBBY = Attribute(
    name="hobby",
    values=listed("chess fishing dancing sailing hiking reading cooking knitting running swimming"),
    statements=(
        "{e} enjoys {v}.",
        "The hobby of {e} is {v}.",
        "{e} fills the weekend with {v}.",
        "{e} likes {v} best.",
    ),
    questions=(
        "What does {e} enjoy?",
        "Which hobby does {e} have?",
        "With what does {e} fill the weekend?",
        "What does {e} like best?",
    ),
)
PET = Attribute(
    name="pet",
    values=(),
    target="creature",
    statements=(
        "{e} has a pet {v}.",
        "The pet of {e} is a {v}.",
        "{e} keeps a {v} at home.",
        "{e} takes care of a {v}.",
    ),
    questions=(
        "Which pet does {e} have?",
        "What creature does {e} keep at home?",
        "Which creature does {e} take care of?",
        "What kind of pet does {e} have?",
    ),
    value="a {v}",
    short=("a {v}", "{v}"),
)
AGE = Attribute(
    name="age",
    values=listed("19 24 28 33 37 42 46 51 58 65"),
    statements=(
        "{e} is {v} years old.",
        "The age of {e} is {v} years.",
        "{e} has lived for {v} years.",
        "At the moment {e} is {v} years old.",
    ),
    questions=(
        "How old is {e}?",
        "How many years old is {e}?",
        "How many years has {e} lived?",
        "Can you tell me how old {e} is?",
    ),
    value="{v} years",
    short=("{v} years", "{v}"),
    comparatives=("older", "younger"),
)
PERSON = Kind(
    name="person",
    plural="persons",
    count=70,
    phrase="{n}",
    one="{n}",
    pronoun=None,
    endings=("ik", "a", "o", "is", "una", "en"),
    attributes=(JOB, TOWN_OF_PERSON, HOBBY, PET, AGE),
)
