"""Word n-grams of many texts as 64-bit numbers, without a Python object for any of them.

The texts are laid end to end and looked at as arrays: a table says which characters make words, so the words' edges
are comparisons of neighbours, and a word's hash is a difference of prefix sums (a polynomial in its characters, modulo
2^64). The words are those of `shingles.words`, which a test holds this module to. Equal n-grams have equal
numbers; different ones have equal numbers with a chance of about 2^-64, so numbers find candidates and sets decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from data_curation.shingles import IDEOGRAPHS, SIGNS, folded

BATCH = 1 << 16  # characters looked at together (more where one text is longer): what the processor's cache holds
# a character's part in words, as bits; a digit is a letter too
_LETTER, _ALONE, _HYPHEN, _DIGIT = 1, 2, 4, 8
_GAP = "\n"  # between two texts; no part of a word
_BASE = 0x9E3779B97F4A7C15  # odd, so that its powers can be undone
_STEP = np.uint64(0xD1B54A32D192ED03)
_MIX = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)  # the finalizer of SplitMix64


@dataclass(frozen=True, slots=True)
class NgramHashes:
    """Hashed n-grams of texts.

    Attributes:
        hashes: uint64; the n-grams of row 0, then those of row 1, and so on; repeated ones stay repeated.
        offsets: int64, one more than rows: row i is `hashes[offsets[i]:offsets[i + 1]]`.
        texts: int64; which text a row belongs to. Rows are in another order than texts.
    """

    hashes: np.ndarray
    offsets: np.ndarray
    texts: np.ndarray

    def of(self, row: int) -> np.ndarray:
        """The row's n-grams, as they follow each other."""
        return self.hashes[self.offsets[row] : self.offsets[row + 1]]

    def distinct(self, row: int) -> np.ndarray:
        """The row's different n-grams, sorted."""
        return np.unique(self.of(row))


def hash_ngrams(texts: Sequence[str], ngram: int) -> NgramHashes:
    """Hash the word n-grams of every text; a text of fewer words has none.

    Memory: eight bytes an n-gram, and some 40 bytes a character of one batch.
    """
    plain = [index for index, text in enumerate(texts) if text.isascii()]
    chosen = set(plain)
    order = plain + [index for index in range(len(texts)) if index not in chosen]
    hashes = bytearray()  # grows in place
    counts = []
    for group in (order[: len(plain)], order[len(plain) :]):
        for batch in _batches(texts, group):
            found, per_text = _batch_words(batch)
            grams, per_text = _roll(found, per_text, ngram)
            hashes += grams.tobytes()
            counts.append(per_text)
    offsets = np.concatenate([[0], *counts]).astype(np.int64).cumsum()
    return NgramHashes(np.frombuffer(hashes, np.uint64), offsets, np.array(order, dtype=np.int64))


def _batches(texts: Sequence[str], group: Sequence[int]) -> Iterator[list[str]]:
    batch, size = [], 0
    for index in group:
        text = folded(texts[index])
        if batch and size + len(text) > BATCH:
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += len(text) + 1
    if batch:
        yield batch


def _batch_words(batch: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Hashes of all words of folded texts, in order, and the number of words of each text."""
    codes, classes = _characters(_GAP + _GAP.join(batch) + _GAP)
    letter = classes & _LETTER
    begin = np.zeros(len(codes), dtype=bool)
    end = np.zeros(len(codes), dtype=bool)  # one past a word's last character
    np.greater(letter[1:], letter[:-1], out=begin[1:])
    np.less(letter[1:], letter[:-1], out=end[1:])
    minus = (classes[:-1] & _HYPHEN) & ((classes[1:] & _DIGIT) >> 1)
    alone = ((classes[:-1] & _ALONE) | minus) != 0
    begin[:-1] |= alone
    end[1:] |= alone
    begins, ends = np.flatnonzero(begin), np.flatnonzero(end)
    power, inverse = _powers(1 << (len(codes) - 1).bit_length())
    sums = np.zeros(len(codes) + 1, dtype=np.uint64)
    np.cumsum(codes * power[: len(codes)], out=sums[1:])
    hashes = _mixed((sums[ends] - sums[begins]) * inverse[begins])
    firsts = np.cumsum([0] + [len(text) + 1 for text in batch])
    return hashes, np.diff(np.searchsorted(begins, firsts + 1))


def _characters(joined: str) -> tuple[np.ndarray, np.ndarray]:
    """Code points and classes of the characters."""
    if joined.isascii():
        data = joined.encode("ascii")
        codes = np.frombuffer(data, np.uint8)
        return codes, np.frombuffer(data.translate(_classes(256).tobytes()), np.uint8)
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    return codes, _classes(1 << int(codes.max()).bit_length())[codes]


@cache
def _classes(size: int) -> np.ndarray:
    """Class of every code point below `size`, read off the same expressions that `shingles.words` matches by."""
    table = np.zeros(size, dtype=np.uint8)
    every = "".join(map(chr, range(min(size, 0x110000))))
    for pattern, bit in (
        (rf"[^\W{IDEOGRAPHS}]", _LETTER),
        (rf"[{IDEOGRAPHS}{re.escape(SIGNS)}]", _ALONE),
        ("-", _HYPHEN),
        (r"\d", _DIGIT),
    ):
        members = np.frombuffer("".join(re.findall(pattern, every)).encode("utf-32-le", "surrogatepass"), np.uint32)
        table[members] |= bit
    return table


@cache
def _powers(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Powers of `_BASE` modulo 2^64 from 0, and their inverses."""
    inverse = pow(_BASE, -1, 1 << 64)
    return _running_product(_BASE, size), _running_product(inverse, size)


def _running_product(base: int, size: int) -> np.ndarray:
    factors = np.full(size, base, dtype=np.uint64)
    factors[0] = 1
    return np.cumprod(factors)


def _roll(found: np.ndarray, per_text: np.ndarray, ngram: int) -> tuple[np.ndarray, np.ndarray]:
    """Hashes of the n-grams of consecutive words that lie within one text, and the number of each text's."""
    count = max(len(found) - ngram + 1, 0)
    grams = found[:count].copy()
    for offset in range(1, ngram):
        grams *= _STEP
        grams += found[offset : offset + count]
    inside = np.ones(len(found), dtype=bool)
    ends = np.cumsum(per_text)
    for back in range(1, ngram):  # an n-gram that begins at one of a text's last words would reach into the next
        inside[(ends - back)[per_text >= back]] = False
    return _mixed(grams[inside[:count]]), np.maximum(per_text - ngram + 1, 0)


def _mixed(values: np.ndarray) -> np.ndarray:
    """Spread over all 64 bits, in place."""
    values ^= values >> np.uint64(30)
    values *= _MIX[0]
    values ^= values >> np.uint64(27)
    values *= _MIX[1]
    values ^= values >> np.uint64(31)
    return values
