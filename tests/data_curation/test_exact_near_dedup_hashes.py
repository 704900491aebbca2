"""N-grams as numbers are the n-grams of the texts, and banding on them loses no pair that shares a band."""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path

import numpy as np
import pytest

from data_curation.minhash import BandIndex, banding, meeting_rows, signatures
from data_curation.ngram_hashes import BATCH, hash_ngrams
from data_curation.shingles import CACHED_SHINGLES, ShingleCache, jaccard, shingles, words

LETTERS = "abcAB -5-3 .,<>=+%$€£ \n\t_'" + "日本語カ。ßİéàœ٣५²½ǅΣς’“—🙂𝔸\u0301\u200d\u2028\x85\x1c\x00\ud800"
PLAIN = LETTERS[:18]


def random_texts(seed: int, count: int) -> list[str]:
    chooser = random.Random(seed)
    pools = [PLAIN, LETTERS, "ab ", "日a -3"]
    return ["".join(chooser.choices(chooser.choice(pools), k=chooser.randrange(70))) for _ in range(count)]


@pytest.mark.parametrize("ngram", [1, 2, 5])
def test_numbers_stand_for_the_n_grams_that_the_words_make(ngram):
    """Character by character the arrays must find the words that the expression finds, in any script."""
    texts = random_texts(ngram, 1500)
    hashed = hash_ngrams(texts, ngram)
    assert sorted(hashed.texts.tolist()) == list(range(len(texts)))
    number_of: dict[tuple[str, ...], int] = {}
    for row, text in enumerate(hashed.texts.tolist()):
        found = words(texts[text])
        expected = [tuple(found[start : start + ngram]) for start in range(len(found) - ngram + 1)]
        numbers = hashed.of(row).tolist()
        assert len(numbers) == len(expected), texts[text]
        for gram, number in zip(expected, numbers, strict=True):
            assert number_of.setdefault(gram, number) == number, gram
    assert len(set(number_of.values())) == len(number_of) > 300, "different n-grams have different numbers"


def test_a_text_is_the_same_in_any_company_and_longer_than_a_batch():
    long = " ".join(f"word{number % 977}" for number in range(BATCH // 4))
    alone = hash_ngrams([long], 5)
    among = hash_ngrams(["ä b c d e f", "", long, "a b c d e", long + " more"], 5)
    row = among.texts.tolist().index(2)
    assert len(long) > BATCH
    assert np.array_equal(among.of(row), alone.of(0))
    assert np.array_equal(among.distinct(row), np.unique(alone.of(0)))
    longer = among.texts.tolist().index(4)
    assert np.array_equal(among.of(longer)[:-1], alone.of(0))


def test_no_texts_and_texts_without_words():
    for texts in ([], ["", "...", "one two three four"]):
        hashed = hash_ngrams(texts, 5)
        assert len(hashed.hashes) == 0
        assert hashed.offsets.tolist() == [0] * (len(texts) + 1)
        assert meeting_rows(hashed, 32, 8, 0).tolist() == []


def test_rows_that_meet_are_those_whose_signatures_share_a_band():
    chooser = random.Random(3)
    vocabulary = [f"w{number}" for number in range(60)]
    base = [" ".join(chooser.choices(vocabulary, k=chooser.randrange(20, 60))) for _ in range(120)]
    texts = base + [text + " " + " ".join(chooser.choices(vocabulary, k=chooser.randrange(12))) for text in base[:80]]
    hashed = hash_ngrams(texts, 3)
    bands, rows = banding(0.8, 256, 0.99)
    everything = signatures(hashed, range(len(texts)), bands * rows, 7)
    banded = [[line[band * rows : (band + 1) * rows].tobytes() for band in range(bands)] for line in everything]
    meets = {
        row
        for row in range(len(texts))
        if any(
            a == b
            for other in range(len(texts))
            if other != row
            for a, b in zip(banded[row], banded[other], strict=True)
        )
    }
    found = meeting_rows(hashed, bands, rows, 7)
    assert 60 < len(meets) < len(texts)
    assert set(found.tolist()) == meets
    assert np.array_equal(signatures(hashed, found, bands * rows, 7), everything[found]), "the same signed apart"


def test_the_index_gives_back_what_shares_a_band_and_is_not_far_off():
    texts = [" ".join(f"w{(start + step) % 300}" for step in range(100)) for start in (0, 4, 40, 200)]
    hashed = hash_ngrams(texts, 5)
    at = [hashed.texts.tolist().index(text) for text in range(len(texts))]
    matrix = signatures(hashed, at, 256, 0)
    estimate = (matrix[0] == matrix[1]).mean()
    assert abs(estimate - jaccard(*(shingles(text, 5) for text in texts[:2]))) < 0.1
    index = BandIndex(matrix, 32, 0.8)
    assert list(index.near(0)) == []
    for line in (1, 2, 3):
        index.add(line)
    assert list(index.near(0)) == [1]
    wide = BandIndex(matrix, 256, 0.8)  # bands of one value: nearly everything meets, the estimate sorts it out
    wide.add(2)
    assert list(wide.near(0)) == []


def test_the_cache_forgets_and_gives_the_same_again(monkeypatch):
    monkeypatch.setattr("data_curation.shingles.CACHED_SHINGLES", 10)
    cache = ShingleCache(2)
    texts = {str(number): " ".join(f"{number}x{step}" for step in range(7)) for number in range(5)}
    for _ in range(2):
        for key, text in texts.items():
            assert cache.of(key, text) == shingles(text, 2)
            assert cache._held <= 10
    assert len(cache._sets) == 1
    assert CACHED_SHINGLES > 10


def test_the_benchmark_counts_every_pair_that_comparing_all_would_find():
    path = Path(__file__).parents[2] / "benchmarks" / "near_pairs.py"
    spec = importlib.util.spec_from_file_location("near_pairs", path)
    near_pairs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(near_pairs)
    chooser = random.Random(2)
    texts = []
    for _ in range(40):
        start, length = chooser.randrange(60), chooser.randrange(8, 40)
        texts.append(" ".join(f"w{word}" for word in range(start, start + length)))
    grams = [shingles(text, 3) for text in texts]
    long = [index for index in range(len(texts)) if len(grams[index]) >= 10]
    expected = [(i, j) for i in long for j in long if i < j and jaccard(grams[i], grams[j]) >= 0.5]
    assert near_pairs.every_pair(texts, 0.5, 3, 10) == expected
    assert len(expected) > 30
    assert len(long) < len(texts)
