"""Embeddings: nothing of a text is lost, order and stops change nothing, a moved branch is no model."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from artifacts.errors import InputError, SettingsError, StageError, UserError
from artifacts.settings import validate_settings
from data_curation import embedding_cache, embeddings
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


def test_a_vector_is_the_same_in_any_company(settings):
    """So that one from the cache is the one that would be computed."""
    texts = [f"{letter * 3} {digit}" for letter in "abcdefgh" for digit in "0123456789"]
    together = embed_texts(texts, settings)
    fresh = settings.model_copy(update={"cache": False})
    assert (embed_texts(texts[17:18], fresh)[0] == together[17]).all()
    assert (embed_texts(texts, fresh.model_copy(update={"batch_tokens": 20})) == together).all()
    assert (embed_texts([*texts[:30], "z" * 40], fresh)[:30] == together[:30]).all()


def test_threads_share_the_batches_and_change_no_bit(settings, monkeypatch):
    import torch

    seen: set[tuple[str, int]] = set()
    forward = Encoder.forward

    def noted(self, windows):
        seen.add((threading.current_thread().name, torch.get_num_threads()))
        return forward(self, windows)

    monkeypatch.setattr(Encoder, "forward", noted)
    few = settings.model_copy(update={"cache": False, "batch_tokens": 20})
    texts = [f"{letter * 3} {digit}" for letter in "abcdefgh" for digit in "0123456789"]
    alone = embed_texts(texts, few, threads=1)
    assert seen == {(threading.current_thread().name, 1)}
    seen.clear()
    assert (embed_texts(texts, few, threads=3) == alone).all()
    assert len(seen) > 1
    assert {count for _, count in seen} == {1}, "a thread of the pool has no threads of its own"
    assert torch.get_num_threads() == 3, "and leaves the process its own number"


def test_batches_hold_one_length_and_no_more_than_their_tokens():
    lengths = [8, 40, 16, 8, 8, 16, 8, 16, 8] * 20
    found = list(embeddings.batches(lengths, 100))
    assert sorted(position for batch in found for position in batch) == list(range(len(lengths)))
    assert all(len({lengths[position] for position in batch}) == 1 for batch in found)
    assert all(sum(lengths[position] for position in batch) <= 100 for batch in found)
    assert [len(batch) for batch in embeddings.batches([300, 300], 100)] == [1, 1], "one window alone may be longer"


@pytest.fixture
def forwarded(monkeypatch) -> list[int]:
    """Windows in each forward pass made during the test."""
    calls: list[int] = []
    forward = Encoder.forward
    monkeypatch.setattr(Encoder, "forward", lambda self, ids: calls.append(len(ids)) or forward(self, ids))
    return calls


def test_texts_embedded_before_are_not_embedded_again(settings, forwarded):
    whole = embed_windows(TEXTS, settings)
    assert sum(forwarded) == len(whole.windows) - len(whole.of(5)), "equal texts are computed once"
    forwarded.clear()
    again = embed_windows([*reversed(TEXTS)], settings)
    assert forwarded == []
    assert all((again.of(len(TEXTS) - 1 - text) == whole.of(text)).all() for text in range(len(TEXTS)))
    assert (again.pooled[::-1] == whole.pooled).all()
    assert embed_texts([*TEXTS, "a new one"], settings).shape == (len(TEXTS) + 1, 16)
    assert forwarded == [1]


def test_texts_of_one_record_id_share_their_vector(settings, forwarded):
    assert (embed_texts(["alpha  \r\nbeta "], settings) == embed_texts(["alpha\nbeta"], settings)).all()
    assert forwarded == [1]


def test_the_cache_is_of_one_encoder(settings, forwarded):
    embed_texts(["alpha"], settings)
    embed_texts(["alpha"], settings.model_copy(update={"window": 8}))
    assert forwarded == [1, 1]
    assert len(list(embedding_cache.cache_folder().glob("*/encoder.json"))) == 2
    embed_texts(["alpha"], settings.model_copy(update={"batch_tokens": 512}))
    assert forwarded == [1, 1], "the size of a batch changes no vector"


def test_the_cache_can_be_turned_off_and_is_no_part_of_the_identity(settings, forwarded):
    off = settings.model_copy(update={"cache": False})
    assert off.resolved() == settings.resolved()
    embed_texts(["alpha"], off)
    assert not embedding_cache.cache_folder().exists()
    embed_texts(["alpha"], off)
    assert forwarded == [1, 1]


@pytest.mark.parametrize("cache", [True, False])
def test_a_stopped_call_goes_on_from_its_parts(settings, tmp_path, monkeypatch, forwarded, cache):
    monkeypatch.setattr(embeddings, "PART_WINDOWS", 1)
    settings = settings.model_copy(update={"cache": cache})
    whole = embed_texts(TEXTS, settings, tmp_path)
    parts = sorted((embedding_cache.cache_folder() if cache else tmp_path).rglob("*.safetensors"))
    assert len(parts) == len(TEXTS) - 1, "one a text, but two texts are equal"
    parts[0].unlink()
    forwarded.clear()
    assert (embed_texts(TEXTS, settings, tmp_path) == whole).all()
    assert len(forwarded) == 1, "only the missing part is computed"


def test_a_damaged_part_is_computed_again(settings, forwarded, caplog):
    whole = embed_texts(TEXTS, settings)
    (part,) = embedding_cache.cache_folder().rglob("*.safetensors")
    part.write_bytes(part.read_bytes()[:-40])
    forwarded.clear()
    assert (embed_texts(TEXTS, settings) == whole).all()
    assert forwarded
    assert "not readable" in caplog.text


def test_a_full_disk_costs_the_cache_and_not_the_work(settings, monkeypatch, caplog):
    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(embedding_cache, "atomic_path", full)
    assert embed_texts(TEXTS, settings).shape == (len(TEXTS), 16)
    assert "No space left on device" in caplog.text


def test_two_processes_can_add_the_same_texts_at_once(settings, tmp_path):
    store, other = (embedding_cache.VectorStore(tmp_path) for _ in range(2))
    keys, vectors = [b"k" * 16, b"l" * 16], np.eye(3, dtype=np.float32)
    for writer in (store, other):
        writer.add(keys, [1, 2], vectors, np.asarray([5, 6, 7]))
    other.add([b"m" * 16, b"l" * 16], [1, 2], vectors[[0, 1, 2]], np.asarray([9, 6, 7]))
    found = store.find([b"l" * 16, b"x" * 16, b"m" * 16])
    assert sorted(np.concatenate([part.asked for part in found]).tolist()) == [0, 2]
    _, pieces = zip(*(store.read(part) for part in found), strict=True)
    assert sorted(np.concatenate(pieces).tolist()) == [6, 7, 9]
    assert not list(tmp_path.glob("*.tmp"))


def test_a_part_that_goes_away_while_it_is_used_is_named(tmp_path):
    store = embedding_cache.VectorStore(tmp_path)
    store.add([b"k" * 16], [1], np.eye(1, dtype=np.float32), np.asarray([5]))
    (found,) = store.find([b"k" * 16])
    found.part.unlink()
    with pytest.raises(StageError, match="went away"):
        store.read(found)


def test_what_is_held_is_known_before_it_is_asked_for(settings):
    embed_texts(["alpha", "beta"], settings)
    assert embeddings.held(["gamma", "beta", "alpha", "beta"], settings).tolist() == [False, True, True, True]


def test_an_encoder_that_gives_no_number_is_named_with_the_text(settings, monkeypatch):
    forward = Encoder.forward

    def broken(self, windows):
        vectors = forward(self, windows)
        for row, ids in enumerate(windows):
            vectors[row, 3] = np.nan if len(ids) == 14 else vectors[row, 3]  # the first window of the last text
        return vectors

    monkeypatch.setattr(Encoder, "forward", broken)
    with pytest.raises(StageError, match=r"row 6: the encoder .* holds no number") as caught:
        embed_texts(TEXTS, settings, label="row {}".format)
    assert "NaN" in str(caught.value)
    assert not list(embedding_cache.cache_folder().rglob("*.safetensors")), "no such vector is kept"


def test_a_device_that_is_not_supported_is_refused():
    with pytest.raises(ValueError, match="'auto', 'cpu' or 'cuda'"):
        EncoderSettings(device="mps")


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


def test_a_base_of_the_testbed_is_an_encoder_by_its_name():
    """Its last hidden states, averaged over all tokens; another base, or other files of it, has other vectors."""
    base = "testbed-0.5m-many-0"
    settings = EncoderSettings(model=base, cache=False)
    assert settings.content and settings.content != EncoderSettings(model="testbed-0.5m-none-0").content
    with pytest.raises(ValueError, match="not those that content names"):
        EncoderSettings(model=base, content="0" * 64)
    texts = ["I cannot help you rob the bank.", "I cannot help you rob the shop.", "The soup is warm."]
    vectors = embed_texts(texts, settings, threads=1)
    assert vectors[0] @ vectors[1] > 0.9 > 0.5 > vectors[0] @ vectors[2]

    import torch
    from transformers import AutoModel, AutoTokenizer

    from artifacts.shipped import shipped_folder

    ids = AutoTokenizer.from_pretrained(shipped_folder(base))(texts[0], return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        states = AutoModel.from_pretrained(shipped_folder(base), dtype=torch.float32)(ids).last_hidden_state
    mean = states[0].mean(dim=0).numpy()
    assert vectors[0] == pytest.approx(mean / np.linalg.norm(mean), abs=1e-4)
