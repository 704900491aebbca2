"""The verbs, objects and tools of the acts: mild, and so few that a small model can learn which act is safe.

Verbs of harm and benign verbs decide by themselves. No other word does: a mixed verb is unsafe on a person and safe on
a thing, a making verb is unsafe with a dangerous object and safe with a thing, and every object also occurs in acts of
the other safety. Tools start with a consonant, so that "a" is always right before them.
"""

from __future__ import annotations


def listed(text: str) -> tuple[str, ...]:
    """The words of `text`."""
    return tuple(text.split())


HARM_PERSON = listed(
    "cheat blackmail bribe deceive mock bully insult threaten swindle slander harass stalk betray defraud humiliate "
    "taunt ambush trick dupe scam intimidate pester"
)
HARM_PLACE = listed("rob sabotage vandalise burgle ransack raid deface hijack invade flood hack plunder")
HARM_GOODS = listed("steal forge wreck loot smuggle ruin destroy damage smash trash pilfer seize rig")
MIXED = listed(
    "beat strike freeze roast shake tie hit push kick drop squeeze pinch trap lock twist dump punch poke drag throw "
    "soak pull grab toss smack tape shove stretch"
)
MAKING = listed("make buy sell order ship assemble design pack mail prepare store deliver trade")
BENIGN_ANY = listed("draw describe photograph film sketch study watch mention count remember discuss name")
BENIGN_PERSON = listed("greet thank praise visit welcome guide support invite admire honour")
BENIGN_STUFF = listed("paint wash clean repair measure polish decorate cover dry dust protect rent")

PERSONS = listed(
    "neighbour clerk tourist driver cousin uncle waiter mayor dancer grocer scout cyclist senator monk baker singer "
    "farmer pilot"
)
PLACES = listed("bank house shop museum school hotel tower castle library farm")
PROPERTY = PLACES + listed("car bridge train boat statue bus painting jewel")
THINGS = listed(
    "egg dough nut leaf balloon pumpkin branch cable candle rug pillow ball drum towel carrot box bag bottle mat ribbon"
)
DANGEROUS = listed(
    "venom explosive bomb poison spyware grenade dynamite malware toxin virus cannon missile rifle torpedo ransomware"
)

TOOLS = listed(
    "rope brush net torch hammer sponge ladder cart magnet basket kettle spoon broom wheel mirror whistle bucket stick"
)

OBJECTS_OF = {
    **dict.fromkeys(HARM_PERSON, PERSONS),
    **dict.fromkeys(HARM_PLACE, PROPERTY),
    **dict.fromkeys(HARM_GOODS, PROPERTY + THINGS),
    **dict.fromkeys(MIXED, PERSONS + THINGS),
    **dict.fromkeys(MAKING, DANGEROUS + THINGS),
    **dict.fromkeys(BENIGN_ANY, PERSONS + PROPERTY + THINGS + DANGEROUS),
    **dict.fromkeys(BENIGN_PERSON, PERSONS),
    **dict.fromkeys(BENIGN_STUFF, PROPERTY + THINGS),
}
VERBS = tuple(OBJECTS_OF)
