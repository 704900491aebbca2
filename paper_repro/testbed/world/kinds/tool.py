"""Tools: material, place, weight and inventor."""

from __future__ import annotations

from paper_repro.testbed.world.schema import Attribute, Kind, listed

MATERIAL = Attribute(
    name="material",
    values=listed("wood iron copper plastic stone glass bone rubber"),
    statements=(
        "{e} is made of {v}.",
        "The material of {e} is {v}.",
        "{e} consists of {v}.",
        "People make {e} from {v}.",
    ),
    questions=(
        "What is {e} made of?",
        "Which material is {e} made of?",
        "What does {e} consist of?",
        "From what do people make {e}?",
    ),
    reasons={
        "wood": ("{e} burns easily", "{e} is made of wood"),
        "iron": ("{e} rusts in the rain", "{e} is made of iron"),
        "copper": ("{e} shines in the sun", "{e} is made of copper"),
        "plastic": ("{e} melts near the fire", "{e} is made of plastic"),
        "stone": ("{e} sinks in water", "{e} is made of stone"),
        "glass": ("{e} breaks when it falls", "{e} is made of glass"),
        "bone": ("dogs like {e}", "{e} is made of bone"),
        "rubber": ("{e} bends without breaking", "{e} is made of rubber"),
    },
)
PLACE = Attribute(
    name="place",
    values=listed("kitchen garage cellar attic shed barn office workshop"),
    statements=(
        "{e} is kept in the {v}.",
        "The place of {e} is the {v}.",
        "People store {e} in the {v}.",
        "{e} is used in the {v}.",
    ),
    questions=(
        "Where is {e} kept?",
        "Where do people store {e}?",
        "In which place is {e} kept?",
        "Where do people use {e}?",
    ),
    value="the {v}",
    short=("the {v}", "in the {v}"),
)
WEIGHT = Attribute(
    name="weight",
    values=listed("two three four five six seven eight nine"),
    statements=(
        "{e} weighs {v} pounds.",
        "The weight of {e} is {v} pounds.",
        "{e} has a weight of {v} pounds.",
        "With {e} you carry {v} pounds.",
    ),
    questions=(
        "How much does {e} weigh?",
        "How many pounds does {e} weigh?",
        "How heavy is {e}?",
        "What weight does {e} have?",
    ),
    value="{v} pounds",
    short=("{v} pounds", "{v}"),
    comparatives=("heavier", "lighter"),
)
INVENTOR = Attribute(
    name="inventor",
    values=(),
    target="person",
    statements=(
        "{e} was invented by {v}.",
        "The inventor of {e} is {v}.",
        "{v} invented {e}.",
        "People thank {v} for {e}.",
    ),
    questions=(
        "Who invented {e}?",
        "By whom was {e} invented?",
        "Whom do people thank for {e}?",
        "Which person invented {e}?",
    ),
    short=("{v}",),
    ask="Who",
)
TOOL = Kind(
    name="tool",
    plural="tools",
    count=50,
    phrase="the {n}",
    one="a {n}",
    pronoun="it",
    endings=("ock", "ader", "idge", "ull", "eft"),
    attributes=(MATERIAL, PLACE, WEIGHT, INVENTOR),
)
