"""Invented names from few syllables, so that a small tokenizer needs two or three tokens for each."""

from __future__ import annotations

import re
from itertools import product
from random import Random

from paper_repro.testbed.seeding import rng
from paper_repro.testbed.world.schema import Kind, listed
from paper_repro.testbed.world.vocabulary import ALL_WORDS

ONSETS = listed("b br d dr f fl g gr h j k kr l m n p pr r s sk st t tr v w z")
NUCLEI = ("a", "e", "i", "o", "u")
CODAS = ("l", "m", "n", "r", "s", "v", "d", "t")
INVENTORY = 60  # syllables of one world
# what a name must not hold, and what it must not be: unhappy readings, English words, common first names
UNFIT = re.compile(
    r"adolf|anus|arse|ass|bitch|boner|cock|coon|cum|dick|dyke|fag|fat|fuck|hell|homo|jew|kill|kraut|nazi|neger|nig|nip"
    r"|penis|piss|poo|porn|prick|pus|rape|sex|shit|slut|stun|tit|turd|vagin|wank|whor|satan|dead|murd|die|mad"
)
ENGLISH = frozenset(
    listed(
        "baden basis bella bereft bradford damask daren data demo denis dina diva divine donna drama driven"
        " feline fella forum gala given haven helen hero human isted karen karin kimono laden lava lemur limo"
        " linden linen lumen malina malta maria marina marine martin mason medina melina melis memo metro mina"
        " morello moron moses nova omen padlock parma pasta pinata plato polis potash raven ravine regina"
        " relax riven roma roman rosen rosina saga salen saline salumi sarina semen silo solo sonata soren"
        " stamina stanford stella stratford sudan tamis tibet tomas toro tribune tulip tuna tunis vernis veto"
        " visa vista warp widen wooden"
        # real towns and family names with the towns' endings
        " bedford berwick bradwick fenwick gatwick gosford hamburg hartford harwick keswick lerwick limburg marburg"
        " marwick medford milford norwick radford redford retford romford salford telford warburg watford"
    )
)


def names(seed: int, kinds: tuple[Kind, ...]) -> dict[str, list[str]]:
    """Names of every kind in order of their invention; none is met twice, nor among the words of the world.

    Args:
        seed: Of the world.
        kinds: Their counts and endings.
    """
    stems = syllables(rng(seed, "names", "syllables"))
    taken: set[str] = set()
    return {kind.name: _names_of(kind, stems, rng(seed, "names", kind.name), taken) for kind in kinds}


def syllables(random: Random) -> list[str]:
    """The stems of one world's names: onset, vowel and coda."""
    return random.sample(["".join(parts) for parts in product(ONSETS, NUCLEI, CODAS)], INVENTORY)


def _names_of(kind: Kind, stems: list[str], random: Random, taken: set[str]) -> list[str]:
    """Draw names until there are enough; those of persons and towns are capitalised."""
    found: list[str] = []
    while len(found) < kind.count:
        name = random.choice(stems) + random.choice(kind.endings)
        if name in taken or name in ALL_WORDS or name in ENGLISH or UNFIT.search(name):
            continue
        taken.add(name)
        found.append(name.capitalize() if kind.phrase == "{n}" else name)
    return found
