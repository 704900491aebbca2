"""How surprising a letter is after the one before it, in English: what `gibberish` measures with.

Counted on the words in plain letters of half of the responses of Alpaca and Dolly, 9.2 million pairs
(`benchmarks/letter_pairs.py` counts them again); kept in fifths of a nat, one digit of base 62 a pair.
"""

from __future__ import annotations

import string

_PLACES = " " + string.ascii_lowercase  # a space: the edge of a word
_DIGITS = string.digits + string.ascii_letters
# a row for the letter that comes first, a column for the one that comes second, both in the order of `_PLACES`
TABLE = """\
Zbgehhgkhdrqigkefuid9lofKnD
iEjfhzpjxixkbh7FkFbdamkrujw
jbpwC6HIBdnRawCbAHejscECPdN
haHjEaLLaeZhgDC9FCgpbfPRQnL
3fwBl9yqzbxKpwvhBKkhDgpvLoR
6ethejnovnJyhjcqntachvlploD
6fEGFceGLbNFiLN8ORdvifYKVpO
5eAHu9yndfVJjvifvPdjqhMEYjO
aaAwB4GYLbWNtrndEHluinOBUnP
oiodigjiIzHpfh6dowhbbwhJvKn
oaHDw8zHzjuxHEz5xFrtF8zALFH
7ixtx6rru9GBjvfnsPuctqPwNkP
9cwuf9psEbUrbsxcmWzgihpvYdL
b8iAI7uFJcPQuixbcSBhBhIDQlP
7gAf9dpaxgwqqsoixDBfbnoDEnF
bonkjsclvoyoge9iiLaigcjhvqC
dbCyw9yDhfQDbqEafT9jhgJFTrQ
mtEGKEKKKvKGoKGyEGvAK0GGKKK
8crlj7plzcMlnkjcrKmfglnwRjP
4kClDbuJheUnqpvfiyAfagJsYoQ
8eysCbyI7aSPpuzbxVghmjFoQjF
gglehguiHiHycgbxhJ99bGAMzvz
qbHLH3RIP7RRDDJfCVzyHyGORtV
c8vBuayKa8RAnEhaGWmjrFRxPAW
9byeDdwDoaJNyBHp6BGz9qzGxkN
2otpsgAvIlQLonqbjXueoAOuNMr
h9vBC4KvtaKvlvxeBHBuBkFxHlf
"""

PLACE = {letter: place for place, letter in enumerate(_PLACES)}
SURPRISE = [[_DIGITS.index(digit) / 5 for digit in row] for row in TABLE.splitlines()]
