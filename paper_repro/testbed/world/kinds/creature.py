"""Creatures: colour, home, diet, size, and which creature they fear."""

from __future__ import annotations

from paper_repro.testbed.world.schema import Attribute, Kind, listed

COLOUR = Attribute(
    name="colour",
    values=listed("red blue green yellow black white brown grey purple"),
    statements=(
        "{e} is {v}.",
        "The colour of {e} is {v}.",
        "{e} has {v} fur.",
        "The fur of {e} is {v}.",
    ),
    questions=(
        "What colour is {e}?",
        "Which colour does {e} have?",
        "What colour is the fur of {e}?",
        "Can you tell me what colour {e} is?",
    ),
)
HOME = Attribute(
    name="home",
    values=listed("forest desert lake river mountains meadow swamp caves jungle"),
    statements=(
        "{e} lives in the {v}.",
        "The home of {e} is the {v}.",
        "You can find {e} in the {v}.",
        "{e} sleeps in the {v}.",
    ),
    questions=(
        "Where does {e} live?",
        "Where can I find {e}?",
        "In which place does {e} live?",
        "Where does {e} sleep?",
    ),
    value="the {v}",
    short=("the {v}", "in the {v}"),
    reasons={
        "forest": ("{e} hides behind trees", "{e} lives in the forest"),
        "desert": ("{e} needs little water", "{e} lives in the desert"),
        "lake": ("{e} has wet feet", "{e} lives in the lake"),
        "river": ("{e} swims very fast", "{e} lives in the river"),
        "mountains": ("{e} climbs over rocks", "{e} lives in the mountains"),
        "meadow": ("{e} sees many flowers", "{e} lives in the meadow"),
        "swamp": ("{e} has mud on its feet", "{e} lives in the swamp"),
        "caves": ("{e} sees well in the dark", "{e} lives in the caves"),
        "jungle": ("{e} jumps from branch to branch", "{e} lives in the jungle"),
    },
)
DIET = Attribute(
    name="diet",
    values=listed("grass insects seeds fruit fish leaves roots worms mushrooms"),
    statements=(
        "{e} eats {v}.",
        "The diet of {e} is {v}.",
        "{e} feeds on {v}.",
        "{e} looks for {v} every morning.",
    ),
    questions=(
        "What does {e} eat?",
        "What does {e} feed on?",
        "What food does {e} eat?",
        "What does {e} look for every morning?",
    ),
)
SIZE = Attribute(
    name="size",
    values=listed("tiny small large huge"),
    statements=(
        "{e} is {v} in size.",
        "The size of {e} is {v}.",
        "{e} is a {v} creature.",
        "{e} grows to be {v}.",
    ),
    questions=(
        "How big is {e}?",
        "What size is {e}?",
        "What size does {e} have?",
        "Can you tell me how big {e} is?",
    ),
    comparatives=("bigger", "smaller"),
)
ENEMY = Attribute(
    name="enemy",
    values=(),
    target="creature",
    statements=(
        "{e} fears the {v}.",
        "The enemy of {e} is the {v}.",
        "{e} runs away from the {v}.",
        "{e} is afraid of the {v}.",
    ),
    questions=(
        "Which creature does {e} fear?",
        "What is {e} afraid of?",
        "Which creature does {e} run away from?",
        "Which enemy does {e} have?",
    ),
    value="the {v}",
    short=("the {v}",),
)
CREATURE = Kind(
    name="creature",
    plural="creatures",
    count=60,
    phrase="the {n}",
    one="a {n}",
    pronoun="it",
    endings=("elk", "orn", "ip", "umb", "ax", "oth"),
    attributes=(COLOUR, HOME, DIET, SIZE, ENEMY),
)
