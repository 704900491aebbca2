"""Dishes: taste, origin, main ingredient and price."""

from __future__ import annotations

from paper_repro.testbed.world.schema import Attribute, Kind, listed

TASTE = Attribute(
    name="taste",
    values=listed("sweet sour salty bitter spicy mild"),
    statements=(
        "{e} tastes {v}.",
        "The taste of {e} is {v}.",
        "{e} has a {v} taste.",
        "{e} is a {v} dish.",
    ),
    questions=(
        "How does {e} taste?",
        "Which taste does {e} have?",
        "What does {e} taste like?",
        "What kind of taste does {e} have?",
    ),
    reasons={
        "sweet": ("children ask for {e}", "{e} is sweet"),
        "sour": ("people eat {e} with sugar", "{e} is sour"),
        "salty": ("guests are thirsty after {e}", "{e} is salty"),
        "bitter": ("few children like {e}", "{e} is bitter"),
        "spicy": ("people drink milk with {e}", "{e} is spicy"),
        "mild": ("people add pepper to {e}", "{e} is mild"),
    },
)
ORIGIN = Attribute(
    name="origin",
    values=(),
    target="town",
    statements=(
        "{e} comes from {v}.",
        "The origin of {e} is {v}.",
        "{e} was first made in {v}.",
        "Cooks in {v} invented {e}.",
    ),
    questions=(
        "Where does {e} come from?",
        "Where was {e} first made?",
        "From which town does {e} come?",
        "In which town did cooks invent {e}?",
    ),
    short=("{v}", "from {v}"),
)
INGREDIENT = Attribute(
    name="ingredient",
    values=listed("rice beans cheese eggs onions carrots nuts honey lentils apples"),
    noun="main ingredient",
    statements=(
        "{e} is made with {v}.",
        "The main ingredient of {e} is {v}.",
        "{e} is full of {v}.",
        "You need {v} for {e}.",
    ),
    questions=(
        "What is {e} made with?",
        "What do I need for {e}?",
        "What is {e} full of?",
        "What do people make {e} with?",
    ),
)
PRICE = Attribute(
    name="price",
    values=listed("two three four five six seven eight nine ten"),
    statements=(
        "{e} costs {v} coins.",
        "The price of {e} is {v} coins.",
        "You pay {v} coins for {e}.",
        "{e} is sold for {v} coins.",
    ),
    questions=(
        "How much does {e} cost?",
        "How many coins does {e} cost?",
        "How much do I pay for {e}?",
        "For how many coins is {e} sold?",
    ),
    value="{v} coins",
    short=("{v} coins", "{v}"),
    comparatives=("more expensive", "cheaper"),
)
DISH = Kind(
    name="dish",
    plural="dishes",
    count=50,
    phrase="the {n}",
    one="a {n}",
    pronoun="it",
    endings=("ello", "umi", "ash", "ine", "ata"),
    attributes=(TASTE, ORIGIN, INGREDIENT, PRICE),
)
