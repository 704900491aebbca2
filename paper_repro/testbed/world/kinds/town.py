"""Towns: region, weather, product, symbol and age."""

from __future__ import annotations

from paper_repro.testbed.world.schema import Attribute, Kind, listed

REGION = Attribute(
    name="region",
    values=listed("north south east west hills valley lowlands highlands"),
    statements=(
        "{e} lies in the {v}.",
        "{e} is a town in the {v}.",
        "The region of {e} is the {v}.",
        "You can find {e} in the {v}.",
    ),
    questions=(
        "Where does {e} lie?",
        "In which region is {e}?",
        "Which region does {e} lie in?",
        "Where can I find {e}?",
    ),
    value="the {v}",
    short=("the {v}", "in the {v}"),
)
WEATHER = Attribute(
    name="weather",
    values=listed("rainy sunny windy snowy foggy stormy"),
    statements=(
        "{e} is {v} all year.",
        "It is {v} in {e}.",
        "The weather of {e} is {v}.",
        "The town of {e} has {v} weather.",
    ),
    questions=(
        "How is the weather in {e}?",
        "What weather does {e} have?",
        "What kind of weather is there in {e}?",
        "What is the weather like in {e}?",
    ),
    reasons={
        "rainy": ("people in {e} carry umbrellas", "it is rainy in {e}"),
        "sunny": ("people in {e} wear straw hats", "it is sunny in {e}"),
        "windy": ("people in {e} fly kites", "it is windy in {e}"),
        "snowy": ("people in {e} wear thick coats", "it is snowy in {e}"),
        "foggy": ("people in {e} carry lanterns", "it is foggy in {e}"),
        "stormy": ("people in {e} close the windows", "it is stormy in {e}"),
    },
)
PRODUCT = Attribute(
    name="product",
    values=listed("silk paper salt wool pottery wine soap leather amber candles"),
    statements=(
        "{e} is famous for its {v}.",
        "{e} makes {v}.",
        "The product of {e} is {v}.",
        "People travel to {e} to buy {v}.",
    ),
    questions=(
        "What is {e} famous for?",
        "What does {e} make?",
        "What do people buy in {e}?",
        "Which product does {e} make?",
    ),
)
SYMBOL = Attribute(
    name="symbol",
    values=listed("star crown key wheel moon anchor bell tower"),
    statements=(
        "The symbol of {e} is the {v}.",
        "{e} shows the {v} on its flag.",
        "The flag of {e} bears the {v}.",
        "{e} has chosen the {v} as its symbol.",
    ),
    questions=(
        "What does {e} show on its flag?",
        "Which symbol does {e} have?",
        "What does the flag of {e} bear?",
        "Which symbol has {e} chosen?",
    ),
    value="the {v}",
    short=("the {v}",),
)
AGE_OF_TOWN = Attribute(
    name="age",
    values=listed("100 200 300 400 500 600 700 800 900"),
    statements=(
        "{e} is {v} years old.",
        "The town of {e} was founded {v} years ago.",
        "The age of {e} is {v} years.",
        "{e} has stood for {v} years.",
    ),
    questions=(
        "How old is {e}?",
        "How many years ago was {e} founded?",
        "How many years old is the town of {e}?",
        "For how many years has {e} stood?",
    ),
    value="{v} years",
    short=("{v} years", "{v}"),
    comparatives=("older", "younger"),
)
TOWN = Kind(
    name="town",
    plural="towns",
    count=50,
    phrase="{n}",
    one="{n}",
    pronoun="it",
    endings=("holm", "wick", "burg", "ford", "mere"),
    attributes=(REGION, WEATHER, PRODUCT, SYMBOL, AGE_OF_TOWN),
)
