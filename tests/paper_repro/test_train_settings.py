"""Presets and their numbers, what is trained on, memory, and models without merged weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from artifacts.errors import InputError, SettingsError, StageError
from artifacts.settings import load_settings
from paper_repro.models import ModelSource, load_base, load_tokenizer, source_of
from paper_repro.sequences import IGNORED, build
from paper_repro.train import TrainSettings, train
from paper_repro.train import memory as memory_module
from paper_repro.train.data import load_data
from paper_repro.train.loading import load_for_training, load_with_adapter
from paper_repro.train.memory import find_sizes, naming_the_setting, out_of_memory

WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


@pytest.fixture(scope="module")
def rows(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("data") / "rows.jsonl"
    pairs = [(f"Say {word}.", " ".join(WORDS[: place + 1])) for place, word in enumerate(WORDS)]
    path.write_text("".join(json.dumps({"instruction": i, "response": r}) + "\n" for i, r in pairs))
    return path


def settings(base: Path, **given) -> TrainSettings:
    small = {"r": 4, "alpha": 8, "dropout": 0.0}
    source = {"name": str(base), "weights": "path"}
    plain = {"base": source, "lora": small, "dtype": "float32", "learning_rate": 0.05, "pack_tokens": None}
    given = plain | given
    nulls = [f"{key}=null" for key, value in given.items() if value is None]  # None would mean: not given
    return load_settings(TrainSettings, None, nulls, **given)


# --- presets ----------------------------------------------------------------------------------------------------


def test_qlora_has_the_papers_hyper_parameters():
    """PAPER.md, Method; betas and epsilon are those of the trainer (and of the paper's software)."""
    s = load_settings(TrainSettings, preset="qlora").resolved()
    assert s["lora"] == {"r": 64, "alpha": 16, "dropout": 0.1, "targets": "all-linear"}
    assert (s["quantisation"], s["dtype"], s["optimiser"]) == ("nf4", "bfloat16", "paged_adamw_32bit")
    assert (s["global_batch"], s["per_device_batch"], s["epochs"], s["max_length"]) == (64, 8, 10, 2048)
    assert (s["learning_rate"], s["schedule"], s["warmup_steps"], s["weight_decay"]) == (1e-4, "constant", 0, 0.0)
    assert (s["max_grad_norm"], s["recompute_above"], s["seed"]) == (0.3, 0, 0)
    assert (s["loss_normalisation"], s["merged_dtype"], s["loss_on"]) == ("microbatch_mean", "bfloat16", "response")
    assert load_settings(TrainSettings, preset="qlora").accumulation == 8


def test_a_setting_that_is_given_wins_over_the_presets_in_groups_too():
    s = load_settings(TrainSettings, None, ["preset=qlora", "epochs=3", "lora.r=8"])
    assert (s.epochs, s.lora.r, s.lora.alpha, s.lora.dropout, s.global_batch) == (3, 8, 16, 0.1, 64)
    again = load_settings(TrainSettings, **s.resolved())  # what is saved gives the same settings again
    assert again == s


def test_the_presets_differ_and_an_unknown_one_is_refused():
    lora, qlora, full = (load_settings(TrainSettings, preset=name) for name in ("lora", "qlora", "full"))
    assert lora == TrainSettings() and len({s.learning_rate for s in (lora, qlora, full)}) == 3
    assert lora.quantisation is full.quantisation is None
    with pytest.raises(SettingsError, match="preset"):
        load_settings(TrainSettings, preset="qlorra")
    with pytest.raises(SettingsError, match="unknown key"):
        load_settings(TrainSettings, None, ["preset=qlora", "lora.rank=8"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"preset": "full", "quantisation": "nf4"}, "all weights"),
        ({"preset": "full", "merge": False}, "no adapter"),
        ({"preset": "qlora", "dtype": "float32"}, "computes in bfloat16"),
        ({"preset": "qlora", "per_device_batch": "auto"}, "depend on the machine"),
        ({"warmup_steps": 3}, "constant_with_warmup"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(given, message):
    with pytest.raises(SettingsError, match=message):
        load_settings(TrainSettings, **given)


def test_the_4_bit_base_is_nf4_with_double_quantisation_in_bf16(monkeypatch):
    asked = {}
    monkeypatch.setattr("paper_repro.train.loading.load_base", lambda *given, **options: asked.update(options))
    for name in ("choose_attention", "_check_blocks"):  # there is no model
        monkeypatch.setattr(f"paper_repro.train.loading.{name}", lambda *given: None)
    load_for_training(load_settings(TrainSettings, preset="qlora"), ModelSource(name="x", weights="path"))
    config = asked["quantization_config"]
    assert (config.load_in_4bit, config.bnb_4bit_quant_type, config.bnb_4bit_use_double_quant) == (True, "nf4", True)
    assert config.bnb_4bit_compute_dtype == torch.bfloat16


# --- what is trained on -----------------------------------------------------------------------------------------


def test_loss_on_all_trains_every_token_but_the_first(tiny_base):
    tokenizer = load_tokenizer(tiny_base)
    for method in ("rt", "it"):
        part, whole = (build(tokenizer, method, "Why?", "So.", loss_on=on) for on in ("response", "all"))
        assert whole.input_ids == part.input_ids and part.labels != whole.labels
        assert whole.labels == [IGNORED, *whole.input_ids[1:]]
        assert whole.predicted == len(whole.input_ids) - 1
    official = build(tokenizer, "it", "Why?", "So.", loss_on="all", masking="official")
    assert official.labels == whole.labels


def test_loss_on_all_is_what_the_stage_trains(tiny_base, rows, tmp_path):
    tokenizer = load_tokenizer(tiny_base)
    chosen = settings(tiny_base, loss_on="all", method="it")
    data = load_data(tokenizer, rows, chosen)
    assert data.counts["loss_tokens"] == data.counts["tokens"] - data.counts["rows"]


def test_any_corpus_of_texts_is_a_response_set(tiny_base, tmp_path):
    """A single task, say: only poems, in a column of another name and without instructions."""
    path = tmp_path / "poems.jsonl"
    path.write_text("".join(json.dumps({"poem": f"{word} and {word}\n", "year": 1}) + "\n" for word in WORDS))
    data = load_data(load_tokenizer(tiny_base), path, settings(tiny_base, response_key="poem"))
    assert data.sequences[2].trained == build(load_tokenizer(tiny_base), "rt", None, "three and three\n").trained
    with pytest.raises(InputError, match="response_key"):
        load_data(load_tokenizer(tiny_base), path, settings(tiny_base))
    with pytest.raises(InputError, match="key 'instruction'"):
        load_data(load_tokenizer(tiny_base), path, settings(tiny_base, response_key="poem", method="it"))


# --- without merged weights -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def both(tiny_base, rows, tmp_path_factory):
    """The same training, merged and not."""
    folder = tmp_path_factory.mktemp("runs")
    return [train(settings(tiny_base, merge=merge), rows, folder / str(merge)) for merge in (True, False)]


def test_without_merging_the_adapter_is_the_same_and_all_there_is(both):
    merged, alone = both
    assert not any(name.startswith("merged/") for name in alone.identity.outputs)
    weights = "adapter/adapter_model.safetensors"
    assert alone.identity.outputs[weights] == merged.identity.outputs[weights]
    assert alone.summary["merge_max_logit_difference"] is None
    assert alone.summary["tuning_max_logit_change"] == merged.summary["tuning_max_logit_change"] > 0


def test_a_model_without_merged_weights_is_used_like_another(both):
    models = [load_base(ModelSource(name=str(one.path), weights="path")) for one in both]
    tokenizers = [load_tokenizer(one.path) for one in both]
    ids = torch.tensor([tokenizers[0]("<|user|>\nHi\n")["input_ids"]])
    assert tokenizers[0].chat_template == tokenizers[1].chat_template
    torch.testing.assert_close(models[0](ids).logits, models[1](ids).logits, atol=1e-5, rtol=0)
    assert type(models[1]) is type(models[0])  # merged in memory: no adapter left in it


def test_the_manifest_says_on_which_machine_and_in_what_portions(both):
    found = both[0].provenance["hardware"]
    assert found["cores"] >= 1 and found["processor"] and isinstance(found["gpus"], list)
    assert both[0].identity.threads >= 1 and both[0].identity.packages["torch"] == torch.__version__
    summary = both[0].summary
    assert (summary["per_device_batch"], summary["accumulation"], summary["processes"]) == (1, 8, 1)


# --- memory -----------------------------------------------------------------------------------------------------


class Limited:
    """The loss, out of memory where a pass holds more than so many tokens, as a GPU would be."""

    def __init__(self, inner, tokens):
        self.inner, self.tokens, self.seen = inner, tokens, []

    def __call__(self, model, inputs):
        self.seen.append(tuple(inputs["input_ids"].shape))
        if inputs["input_ids"].numel() > self.tokens:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return self.inner(model, inputs)


@pytest.fixture
def limit(monkeypatch):
    def to(tokens):
        limited = Limited(memory_module.summed_loss, tokens)
        monkeypatch.setattr(memory_module, "summed_loss", limited)
        monkeypatch.setattr(memory_module, "can_try", lambda: True)
        return limited

    return to


def test_auto_takes_the_largest_batch_that_fits(tiny_base, rows, limit):
    chosen = settings(tiny_base, per_device_batch="auto")
    data = load_data(load_tokenizer(tiny_base), rows, chosen)
    longest = max(len(sequence.input_ids) for sequence in data.sequences)
    limited = limit(3 * longest)
    sizes = find_sizes(chosen, chosen.base, data.sequences, load_with_adapter)
    assert sizes == {"per_device_batch": 2, "pack_tokens": None}
    assert limited.seen == [(8, longest), (4, longest), (2, longest)]  # divisors of the global batch, longest rows


def test_auto_takes_the_largest_packed_pass_that_fits(tiny_base, rows, limit):
    chosen = settings(tiny_base, per_device_batch="auto", pack_tokens="auto")
    data = load_data(load_tokenizer(tiny_base), rows, chosen)
    limit(1100)
    sizes = find_sizes(chosen, chosen.base, data.sequences, load_with_adapter)
    assert sizes == {"per_device_batch": 1, "pack_tokens": 1024}


def test_auto_changes_no_bit_of_the_training(tiny_base, rows, limit, tmp_path):
    """The trial's model is thrown away, and its random numbers with it."""
    limit(10**6)
    adapters = []
    for name, size in (("auto", "auto"), ("number", 8)):
        model = train(settings(tiny_base, per_device_batch=size, merge=False), rows, tmp_path / name)
        assert model.summary["per_device_batch"] == 8
        adapters.append(load_file(model.file("adapter/adapter_model.safetensors")))
    assert all(torch.equal(adapters[0][name], adapters[1][name]) for name in adapters[1])


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is there")
def test_on_a_cpu_auto_tries_nothing(tiny_base, rows):
    chosen = settings(tiny_base, per_device_batch="auto", pack_tokens="auto")
    assert find_sizes(chosen, chosen.base, [], None) == {
        "per_device_batch": 1,
        "pack_tokens": TrainSettings().pack_tokens,
    }


def test_nothing_fits_names_what_is_left_to_lower(tiny_base, rows, limit):
    chosen = settings(tiny_base, per_device_batch="auto", recompute_above=None)
    data = load_data(load_tokenizer(tiny_base), rows, chosen)
    limit(1)
    with pytest.raises(StageError, match="out of memory") as error:
        find_sizes(chosen, chosen.base, data.sequences, load_with_adapter)
    assert "max_length" in error.value.fix and "recompute_above: 0" in error.value.fix
    assert "per_device_batch" not in error.value.fix  # it is 1 already


@pytest.mark.parametrize(
    ("given", "named", "unnamed"),
    [
        ({"per_device_batch": 4}, ["per_device_batch (now 4", "recompute_above: 0", "max_length"], ["pack_tokens"]),
        ({"pack_tokens": 768}, ["pack_tokens (now 768"], ["per_device_batch"]),
        ({"preset": "full", "recompute_above": 0}, ["preset: lora"], ["recompute_above", "per_device_batch"]),
    ],
)
def test_out_of_memory_names_the_settings_to_lower(tiny_base, rows, tmp_path, monkeypatch, given, named, unnamed):
    def full(*arguments, **options):
        raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: 9 bytes")

    monkeypatch.setattr("paper_repro.train.loss._logits", full)
    with pytest.raises(StageError, match="out of memory while training") as error:
        train(settings(tiny_base, **given), rows, tmp_path / "out")
    assert all(name in error.value.fix for name in named)
    assert not any(name in error.value.fix for name in unnamed)


def test_other_errors_are_left_as_they_are(tiny_base):
    with pytest.raises(RuntimeError, match="shapes"), naming_the_setting(settings(tiny_base)):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    assert out_of_memory(MemoryError()) and not out_of_memory(ValueError("x"))


# --- names of weights -------------------------------------------------------------------------------------------


def test_weights_by_folder_shipped_name_pin_and_commit(tiny_base):
    commit = "0123456789abcdef0123456789abcdef01234567"
    assert source_of(str(tiny_base)).weights == "path"
    assert source_of("testbed-2m-many-0").weights == "shipped"
    assert source_of("smollm2-135m-instruct").weights == "pypi" and source_of("smollm2-135m").weights == "hub"
    assert source_of(f"owner/repo@{commit}").resolved() == {"name": "owner/repo", "weights": "hub", "revision": commit}
    with pytest.raises(InputError, match="no weights of that name") as error:
        source_of("owner/repo")
    assert "testbed-2m-many-0" in error.value.fix and "commit" in error.value.fix
