"""Embeddings: nothing of a text is lost, order and stops change nothing, a moved branch is no model."""

from __future__ import annotations

import numpy as np
import pytest

from artifacts.errors import InputError, SettingsError, UserError
from artifacts.settings import validate_settings
from data_curation import embeddings
from data_curation.embeddings import EncoderSettings, embed_texts, embed_windows
from data_curation.encoder import Encoder, cut, load_encoder

TEXTS = ["alpha beta", "a", "", "one two three four five six seven eight", "beta alpha", "alpha beta", "z" * 40]


@pytest.fixture
def settings(tiny_encoder) -> EncoderSettings:
    return EncoderSettings(model=str(tiny_encoder), device="cpu")


def test_every_text_has_one_unit_vector(settings):
    vectors = embed_texts(TEXTS, settings)
    assert vectors.shape == (len(TEXTS), 16)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-6)
    assert (vectors[0] == vectors[5]).all(), "equal texts, equal vectors"
    assert abs(vectors[0] - vectors[4]).max() > 0.01, "the encoder sees the order of words"


def test_no_texts_give_no_rows(settings):
    assert embed_texts([], settings).shape == (0, 16)


def test_a_short_text_has_the_vector_the_library_gives(settings, tiny_encoder):
    from sentence_transformers import SentenceTransformer

    expected = SentenceTransformer(str(tiny_encoder), device="cpu").encode(["alpha beta", "a"])
    assert embed_texts(["alpha beta", "a"], settings) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("length", "parts"), [(0, [0]), (1, [1]), (16, [16]), (17, [9, 8]), (40, [14, 13, 13])])
def test_windows_are_few_and_equal_and_lose_nothing(length, parts):
    ids = np.arange(length, dtype=np.int32)
    windows = cut(ids, 16)
    assert [len(window) for window in windows] == parts
    assert (np.concatenate(windows) == ids).all()


def test_a_long_text_is_the_mean_of_its_windows_by_length(settings):
    long = "abcdefghijklmnopqrstuvw"  # 23 tokens: windows of 12 and 11
    vectors = embed_windows([long, long[:12], long[12:]], settings)
    assert vectors.starts.tolist() == [0, 2, 3, 4]
    assert vectors.pieces.tolist() == [12, 11, 12, 11]
    assert vectors.of(0) == pytest.approx(np.vstack([vectors.pooled[1], vectors.pooled[2]]), abs=1e-6)
    mean = (12 * vectors.pooled[1] + 11 * vectors.pooled[2]) / 23
    assert vectors.pooled[0] == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)


def test_texts_with_a_shared_beginning_have_other_vectors(settings):
    beginning = "the same words "
    vectors = embed_texts([beginning + "q" * 30, beginning + "x" * 30], settings)
    assert float(vectors[0] @ vectors[1]) < 0.999


def test_the_order_of_texts_changes_no_bit(settings):
    turned = list(reversed(range(len(TEXTS))))
    there, back = embed_texts(TEXTS, settings), embed_texts([TEXTS[i] for i in turned], settings)
    assert (there[turned] == back).all()


def test_texts_in_another_order_find_the_same_shards(settings, tmp_path):
    texts = [f"{letter}{digit}" for letter in "abcdefgh" for digit in "0123456789"]
    embed_texts(texts, settings, tmp_path)
    shards = set(tmp_path.glob("*.npy"))
    embed_texts(texts[::-1], settings, tmp_path)
    assert set(tmp_path.glob("*.npy")) == shards


def test_a_batch_never_exceeds_its_tokens_and_loses_no_window():
    lengths = sorted([3, 5, 5, 8, 13, 40] * 50)
    batches = [batch for shard in embeddings._shards(lengths, 100) for batch in shard]
    assert [start for start, _ in batches] == [0] + [stop for _, stop in batches[:-1]]
    assert batches[-1][1] == len(lengths)
    assert all((stop - start) * lengths[stop - 1] <= 100 for start, stop in batches)


def test_a_stopped_call_goes_on_from_its_shards(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(embeddings, "SHARD_WINDOWS", 1)
    settings = settings.model_copy(update={"batch_tokens": 20})  # one window a batch
    whole = embed_texts(TEXTS, settings, tmp_path)
    shards = sorted(tmp_path.glob("*.npy"))
    assert len(shards) > 3
    shards[0].unlink()
    forwarded = []
    forward = Encoder.forward
    monkeypatch.setattr(Encoder, "forward", lambda self, ids: forwarded.append(ids) or forward(self, ids))
    assert (embed_texts(TEXTS, settings, tmp_path) == whole).all()
    assert len(forwarded) == 1, "only the missing shard is computed"


def test_shards_of_another_encoder_are_not_taken(settings, tmp_path):
    embed_texts(["alpha"], settings, tmp_path)
    embed_texts(["alpha"], settings.model_copy(update={"window": 8}), tmp_path)
    assert len(list(tmp_path.glob("*.npy"))) == 2


def test_a_hub_model_needs_its_commit():
    with pytest.raises(UserError, match="needs its commit") as caught:
        load_encoder(EncoderSettings(model="someone/some-encoder"))
    assert "all-minilm-l6-v2" in str(caught.value)
    with pytest.raises(SettingsError, match="revision"):
        validate_settings(EncoderSettings, {"model": "someone/some-encoder", "revision": "main"})


def test_a_pin_that_is_no_encoder_is_refused():
    with pytest.raises(UserError, match="kind 'dataset'"):
        load_encoder(EncoderSettings(model="dolly"))


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"no modules\.json"):
        load_encoder(EncoderSettings(model=str(tmp_path)))


def test_a_window_longer_than_the_model_reads_is_refused(settings):
    with pytest.raises(UserError, match=r"17 is more than the model reads at once \(16\)"):
        embed_texts(["a"], settings.model_copy(update={"window": 17}))


@pytest.mark.slow
def test_the_pinned_encoder_tells_meaning(rt_home):
    same, also, other = embed_texts(
        [
            "The sky is blue because air scatters blue light most.",
            "Air scatters blue light, so the sky looks blue.",
            "Knead the dough for ten minutes.",
        ],
        EncoderSettings(device="cpu"),
    )
    assert same @ also > 0.8
    assert same @ other < 0.3
