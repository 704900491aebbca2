"""Defects made by code in real responses: what a filter must catch. Every function returns the damaged text or None.

The texts put in are our own, and none is copied from a filter's rules; numbers are made up and have right check digits.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable

_OTHER_LANGUAGES = (
    "Am Morgen gehe ich gern am Fluss spazieren, weil dort die Luft frisch ist und kaum jemand unterwegs ist. Danach "
    "trinke ich einen Kaffee und lese die Zeitung, bevor die Arbeit beginnt.",
    "Le matin, j'aime marcher le long de la rivière, parce que l'air y est frais et qu'il n'y a presque personne. "
    "Ensuite je bois un café et je lis le journal avant de commencer le travail.",
    "Por la mañana me gusta caminar junto al río, porque el aire es fresco y casi no hay nadie. Después tomo un café "
    "y leo el periódico antes de empezar a trabajar.",
    "La mattina mi piace camminare lungo il fiume, perché l'aria è fresca e non c'è quasi nessuno. Poi bevo un caffè "
    "e leggo il giornale prima di cominciare a lavorare.",
    "De manhã gosto de caminhar à beira do rio, porque o ar é fresco e quase não há ninguém. Depois tomo um café e "
    "leio o jornal antes de começar a trabalhar.",
    "Утром я люблю гулять вдоль реки, потому что там свежий воздух и почти никого нет. Потом я пью кофе и читаю "
    "газету, прежде чем начать работу.",
    "Rano lubię spacerować wzdłuż rzeki, ponieważ powietrze jest tam świeże i prawie nikogo nie ma. Potem piję kawę i "
    "czytam gazetę, zanim zacznę pracę.",
    "'s Ochtends wandel ik graag langs de rivier, omdat de lucht daar fris is en er bijna niemand is. Daarna drink ik "
    "koffie en lees ik de krant voordat het werk begint.",
    "朝は川沿いを散歩するのが好きです。空気がさわやかで、ほとんど人がいないからです。そのあとコーヒーを飲み、仕事を始める前に新聞を読みます。"
    "夜は家で本を読んだり、音楽を聞いたりして、ゆっくり過ごすことが多いです。週末には友だちと山へ行きます。",
)
_META = (
    "Here is my revised answer:\n\n{}",
    "Improved response:\n{}",
    "I have rewritten the response so that it reads better.\n\n{}",
    "As requested in the prompt, I keep this short. {}",
    "{}\n\nThis follows what the instruction asks: the instruction asks for a short answer.",
    "As a truthful and helpful AI assistant, I try to be of use. {}",
)
_LEAKS = ("{}\n\n### Human: And what else?", "{}<|im_end|>\n<|im_start|>user\nMore?", "{}</s> What is next?")


def cut_sentence(text: str, draw: random.Random) -> str | None:
    """The text up to a space in the middle of a sentence of prose, as a token limit cuts it."""
    places = [
        match.start()
        for match in re.finditer(r"(?<=[a-z]) (?=[a-z])", text)
        if 0.5 * len(text) < match.start() and len(text[: match.start()].split()) >= 250
    ]
    return text[: draw.choice(places)] if places and "```" not in text else None


def cut_code(text: str, draw: random.Random) -> str | None:
    """The text up to somewhere inside its last fenced block."""
    start, end = text.rfind("\n```", 0, text.rfind("\n```")), text.rfind("\n```")
    lines = text[start + 4 : end].count("\n")
    if start < 0 or lines < 4 or text.count("```") % 2:
        return None
    return text[: draw.randrange(start + 4 + (end - start) // 3, end)]


def open_fence(text: str, draw: random.Random) -> str | None:
    """A fence before the last paragraph but one that nothing closes."""
    parts = text.split("\n\n")
    if len(parts) < 3 or "```" in text:
        return None
    return "\n\n".join([*parts[:-2], "```python\n" + parts[-2], parts[-1]])


def leak(text: str, draw: random.Random) -> str:
    """Another turn, or an end mark, behind the text."""
    return draw.choice(_LEAKS).format(text)


def meta(text: str, draw: random.Random) -> str:
    """Talk about prompt, role or response, before or behind the text."""
    return draw.choice(_META).format(text)


def language(text: str, draw: random.Random) -> str:
    """A paragraph in another language."""
    return draw.choice(_OTHER_LANGUAGES)


def random_letters(text: str, draw: random.Random) -> str | None:
    """Every word in plain letters replaced by as many random ones."""
    if sum(character.isalpha() for character in text) < 100:
        return None
    return re.sub("[a-z]", lambda _: draw.choice(string.ascii_lowercase), text.lower())


def shuffled_letters(text: str, draw: random.Random) -> str | None:
    """The letters of every word in another order."""
    if sum(character.isalpha() for character in text) < 100:
        return None
    return re.sub("[a-z]{2,}", lambda match: "".join(draw.sample(match[0], len(match[0]))), text.lower())


def broken_characters(text: str, draw: random.Random) -> str | None:
    """One character in ten lost to a wrong encoding."""
    if len(text) < 50:
        return None
    return "".join("\ufffd" if draw.random() < 0.1 else character for character in text)


def loop(text: str, draw: random.Random) -> str | None:
    """The text's last twenty words again and again."""
    words = text.split()
    return None if len(words) < 40 else text + (" " + " ".join(words[-20:])) * (len(words) // 4)


def digits(count: int, draw: random.Random) -> str:
    """Random digits, the first not 0."""
    return str(draw.randrange(1, 10)) + "".join(draw.choices(string.digits, k=count - 1))


def email(text: str, draw: random.Random) -> str:
    """An address of a made-up person."""
    name = "".join(draw.choices("bdfgklmnprstv", k=3)) + "a" + "".join(draw.choices("bdfgklmnprst", k=3))
    return f"{text}\nWrite to {name}.{digits(2, draw)}@{draw.choice(['gmail.com', 'posteo.de', 'uni-kiel.de'])} today."


def phone(text: str, draw: random.Random) -> str:
    """A number of a made-up person, in one of the ways in which people write them."""
    area, exchange, line = draw.choice(["212", "415", "312", "608"]), digits(3, draw), digits(4, draw)
    exchange = exchange if exchange[0] in "23456789" and exchange not in ("555",) else "736"
    form = draw.choice(["({}) {}-{}", "{}-{}-{}", "+1 {}-{}-{}", "{}.{}.{}"])
    return f"{text}\nMy number is {form.format(area, exchange, line)}, call me."


def card(text: str, draw: random.Random) -> str:
    """A card's number with its check digit."""
    body = "4" + digits(14, draw)
    doubled = [int(digit) * (1 if place % 2 else 2) for place, digit in enumerate(reversed(body))]
    check = -sum(digit - 9 if digit > 9 else digit for digit in doubled) % 10
    number = f"{body}{check}"
    return f"{text}\nCharge {number[:4]} {number[4:8]} {number[8:12]} {number[12:]}."


def iban(text: str, draw: random.Random) -> str:
    """A German account's number with its check digits."""
    account = digits(18, draw)
    check = 98 - int(f"{account}131400") % 97
    return f"{text}\nPay to DE{check:02d}{account}."


def address(text: str, draw: random.Random) -> str:
    """A public IPv4 address."""
    return f"{text}\nLog in at {draw.randrange(60, 99)}.{draw.randrange(16, 99)}.{draw.randrange(100, 250)}.7 tonight."


PLANTED: dict[str, dict[str, Callable[[str, random.Random], str | None]]] = {
    "truncation": {"cut_sentence": cut_sentence, "cut_code": cut_code},
    "broken_fence": {"open_fence": open_fence},
    "template_leak": {"leak": leak},
    "meta_talk": {"meta": meta},
    "language": {"other_language": language},
    "gibberish": {
        "random_letters": random_letters,
        "shuffled_letters": shuffled_letters,
        "broken_characters": broken_characters,
    },
    "repetition": {"loop": loop},
    "near_empty": {"blank": lambda text, draw: " \n" * draw.randrange(3)},
    "pii": {"email": email, "phone": phone, "card": card, "iban": iban, "ip": address},
}
