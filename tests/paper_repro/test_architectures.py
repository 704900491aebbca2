"""The paper's architectures and their tokenizers' quirks: tiny random models train, save, merge, reload, generate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from artifacts.errors import InputError
from artifacts.settings import load_settings
from paper_repro.models import ModelSource, load_base, load_tokenizer, pad_id
from paper_repro.sequences import adds_bos, build, fitting_chat_template, inference_ids, inference_prompt
from paper_repro.train import TrainSettings, train

TEXT = ["<|user|>\nSay one two three.\n<|assistant|>\nIt is one, two and three.\n", "a  b\n\nc 12. Hello world"] * 20
SIZES = {
    "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 1, "max_position_embeddings": 256, "initializer_range": 0.3,
}  # fmt: skip
FAMILIES = ("llama-3", "gemma-2", "mistral", "olmo")
INSTRUCTIONS = ["Hi", " two\n\nlines ", "a <|user|>\nb", ""]


def byte_level(bos: str | None, eos: str, pad: str | None) -> PreTrainedTokenizerFast:
    """As Llama-3's and OLMo's: byte-level, no space before a text; the beginning is added where there is one."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    specials = [token for token in (bos, eos, pad) if token]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    backend.train_from_iterator(
        TEXT, trainers.BpeTrainer(vocab_size=400, special_tokens=specials, initial_alphabet=alphabet)
    )
    if bos:
        added = [(bos, backend.token_to_id(bos))]
        backend.post_processor = processors.TemplateProcessing(single=f"{bos} $A", special_tokens=added)
    return PreTrainedTokenizerFast(tokenizer_object=backend, bos_token=bos, eos_token=eos, pad_token=pad)


def sentence_piece(bos: str, eos: str, pad: str | None, space_before: bool) -> PreTrainedTokenizerFast:
    """As Gemma-2's and Mistral's: spaces are letters, bytes the last resort; Mistral's puts a space before a text."""
    backend = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    shown = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    if space_before:
        backend.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first", split=False)
        shown.append(decoders.Strip(" ", 1, 0))
    else:
        backend.normalizer = normalizers.Replace(" ", "▁")
        backend.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    backend.decoder = decoders.Sequence(shown)
    specials = [token for token in ("<unk>", bos, eos, pad) if token] + [f"<0x{byte:02X}>" for byte in range(256)]
    backend.train_from_iterator(TEXT, trainers.BpeTrainer(vocab_size=600, special_tokens=specials))
    added = [(bos, backend.token_to_id(bos))]
    backend.post_processor = processors.TemplateProcessing(single=f"{bos} $A", special_tokens=added)
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token=bos, eos_token=eos, unk_token="<unk>", pad_token=pad
    )


def tokenizer_of(family: str) -> tuple[PreTrainedTokenizerFast, str]:
    """A tokenizer with the family's habits, and the class that its repository names."""
    if family == "llama-3":
        return byte_level("<|begin_of_text|>", "<|end_of_text|>", None), "PreTrainedTokenizerFast"
    if family == "olmo":
        return byte_level(None, "<|endoftext|>", "<|padding|>"), "GPTNeoXTokenizer"
    if family == "gemma-2":
        return sentence_piece("<bos>", "<eos>", "<pad>", space_before=False), "GemmaTokenizer"
    return sentence_piece("<s>", "</s>", None, space_before=True), "LlamaTokenizer"


def model_of(family: str, tokenizer: PreTrainedTokenizerFast):
    import transformers

    ids = {"vocab_size": len(tokenizer), "eos_token_id": tokenizer.eos_token_id, "bos_token_id": tokenizer.bos_token_id}
    name = {"llama-3": "Llama", "gemma-2": "Gemma2", "mistral": "Mistral", "olmo": "Olmo"}[family]
    own = {
        "llama-3": {"rope_parameters": {"rope_type": "llama3", "rope_theta": 5e5, "factor": 8.0, "low_freq_factor": 1.0,
                    "high_freq_factor": 4.0, "original_max_position_embeddings": 64}},
        "gemma-2": {"head_dim": 8, "sliding_window": 8, "query_pre_attn_scalar": 8},
        "mistral": {"sliding_window": None},
        "olmo": {"clip_qkv": None},
    }[family]  # fmt: skip
    torch.manual_seed(0)
    config = getattr(transformers, f"{name}Config")(**SIZES, **ids, pad_token_id=tokenizer.pad_token_id, **own)
    return getattr(transformers, f"{name}ForCausalLM")(config)


@pytest.fixture(scope="module")
def bases(tmp_path_factory) -> dict[str, Path]:
    """A folder for each family, laid out as its repository."""
    folders = {}
    for family in FAMILIES:
        folder = folders[family] = tmp_path_factory.mktemp("bases") / family
        tokenizer, name = tokenizer_of(family)
        model_of(family, tokenizer).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        path = folder / "tokenizer_config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"tokenizer_class": name}))
    return folders


@pytest.fixture(scope="module")
def rows(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("data") / "rows.jsonl"
    words = ["one", "two", "three", "It is", "Hello"]
    path.write_text("".join(json.dumps({"instruction": f"Say {w}.", "response": f" {w}\n{w}."}) + "\n" for w in words))
    return path


@pytest.fixture(scope="module", params=FAMILIES)
def tuned(request, bases, rows, tmp_path_factory):
    """Family, base folder and the tuned model; merged into bf16."""
    small = {"r": 4, "alpha": 8, "dropout": 0.0}
    settings = load_settings(
        TrainSettings, base={"name": str(bases[request.param]), "weights": "path"}, method="it", lora=small,
        learning_rate=0.05, global_batch=2, per_device_batch=2, dtype="float32", merged_dtype="bfloat16",
    )  # fmt: skip
    out = tmp_path_factory.mktemp("tuned") / request.param
    return request.param, bases[request.param], train(settings, rows, out)


@pytest.mark.parametrize("family", FAMILIES)
def test_sequences_begin_as_the_tokenizer_says_and_train_the_response(bases, family):
    tokenizer = load_tokenizer(bases[family])
    sequence = build(tokenizer, "it", "Say one.", " one\n")
    assert adds_bos(tokenizer) == (family != "olmo")
    assert sequence.input_ids[:1] != [tokenizer.bos_token_id] if family == "olmo" else True
    assert sequence.input_ids.count(tokenizer.eos_token_id) == 1
    # Mistral's decoder drops the space at the beginning of what it shows; the token is there
    shown = tokenizer.decode(sequence.trained)
    assert shown.removeprefix(" ") == f"one\n{tokenizer.eos_token}\n"
    prompt = inference_ids(tokenizer, "Say one.")
    assert sequence.input_ids[: len(prompt)] == prompt and sequence.trained == sequence.input_ids[len(prompt) :]
    rt = build(tokenizer, "rt", "Say one.", " one\n")
    assert rt.trained == sequence.trained


def test_trained_saved_and_merged_with_the_bases_own_config(tuned):
    _, base, model = tuned
    assert model.summary["loss_last"] < model.summary["loss_first"]
    assert model.summary["merge_max_logit_difference"] < model.summary["tuning_max_logit_change"] / 2
    before, after = (json.loads((folder / "config.json").read_text()) for folder in (base, model.path / "merged"))
    assert after == before | {"dtype": "bfloat16"}  # no token set from the tokenizer, nothing resized
    with safe_open(model.file("merged/model.safetensors"), "pt") as merged:
        assert {merged.get_tensor(name).dtype for name in merged.keys()} == {torch.bfloat16}  # noqa: SIM118


def test_the_adapter_holds_no_embeddings_and_loads_on_the_original_base(tuned):
    from peft import PeftModel

    _, base, model = tuned
    with safe_open(model.file("adapter/adapter_model.safetensors"), "pt") as adapter:
        names = list(adapter.keys())
    assert names and not [name for name in names if "embed" in name or "lm_head" in name]
    loaded = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), model.path / "adapter").eval()
    ids = torch.tensor([inference_ids(load_tokenizer(base), "Say two.")])
    merged = load_base(ModelSource(name=str(model.path), weights="path"))
    assert (loaded(ids).logits - merged(ids).logits).abs().max() < model.summary["tuning_max_logit_change"] / 2


@pytest.mark.parametrize("part", ["merged", "adapter"])
def test_any_server_renders_the_ids_of_training(tuned, part):
    """Servers render the template to text and tokenise it without special tokens; transformers does both at once."""
    family, base, model = tuned
    tokenizer = AutoTokenizer.from_pretrained(model.path / part)
    for instruction in INSTRUCTIONS:
        messages = [{"role": "user", "content": instruction}]
        wanted = load_tokenizer(base)(inference_prompt(instruction))["input_ids"]
        assert tokenizer.apply_chat_template(messages, add_generation_prompt=True)["input_ids"] == wanted
        text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        assert tokenizer(text, add_special_tokens=False)["input_ids"] == wanted
        bos = "" if family == "olmo" else tokenizer.bos_token
        space = " " if family == "mistral" else ""
        assert text == bos + space + inference_prompt(instruction)
        answered = [*messages, {"role": "assistant", "content": "Fine."}]
        whole = build(load_tokenizer(base), "it", instruction, "Fine.").input_ids
        assert tokenizer.apply_chat_template(answered)["input_ids"] == whole


def test_reloaded_it_generates_and_stops(tuned):
    _, _, model = tuned
    source = ModelSource(name=str(model.path), weights="path")
    loaded, tokenizer = load_base(source), load_tokenizer(model.path)
    prompt = torch.tensor([inference_ids(tokenizer, "Say three.")])
    out = loaded.generate(
        prompt, max_new_tokens=5, do_sample=False, pad_token_id=pad_id(tokenizer), eos_token_id=tokenizer.eos_token_id
    )
    assert prompt.shape[1] < out.shape[1] <= prompt.shape[1] + 5 and out.max() < len(tokenizer)


def test_a_tokenizer_that_no_template_fits_is_refused(bases):
    tokenizer = load_tokenizer(bases["llama-3"])
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<|begin_of_text|> <|begin_of_text|> $A", special_tokens=[("<|begin_of_text|>", 0)]
    )
    with pytest.raises(InputError, match="no chat template"):
        fitting_chat_template(tokenizer)
