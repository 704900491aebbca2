"""Replies do not depend on the batch, end where they should, and a stopped run goes on where it was."""

from __future__ import annotations

import json

import pytest

from artifacts.errors import InputError, SettingsError
from artifacts.settings import Settings, load_settings
from artifacts.stage import Stage
from paper_repro.columns import write_rows
from paper_repro.generate import GENERATE, GenerateSettings, generate
from paper_repro.generate import stage as stage_module
from paper_repro.generate.decode import Decoded, decode_batch
from paper_repro.generate.schema import PROMPTS, read_generations
from paper_repro.generate.stage import batches, choose
from paper_repro.models import ModelSource

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
WORDS = ["tell", "me", "a", "story", "about", "the", "fox", "and", "his", "hat"]


@pytest.fixture(scope="module")
def model():
    """A tiny random Llama; large weights make it choose different tokens."""
    torch.manual_seed(1)
    config = transformers.LlamaConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.6,
        eos_token_id=2,
        bos_token_id=1,
    )
    return transformers.LlamaForCausalLM(config).eval()


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    """The model with a word tokenizer, as a folder that transformers reads."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    out = tmp_path_factory.mktemp("base") / "tiny"
    vocabulary = ["<unk>", "<s>", "</s>", *WORDS, *(f"w{i}" for i in range(64 - 3 - len(WORDS)))]
    plain = Tokenizer(models.WordLevel({word: i for i, word in enumerate(vocabulary)}, unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=plain, eos_token="</s>", bos_token="<s>", unk_token="<unk>"
    ).save_pretrained(out)
    model.save_pretrained(out)
    return out


@pytest.fixture(scope="module")
def prompt_sets(tmp_path_factory):
    """Two prompts artifacts, one with subsets."""
    home = tmp_path_factory.mktemp("prompts")

    def work(settings, inputs, workspace):
        write_rows(workspace.path / "prompts.parquet", SETS[workspace.path.name], PROMPTS)

    for name in SETS:
        Stage("collect", "prompts", 1, Settings, work).run(Settings(), home / name)
    return [home / name for name in SETS]


def row(benchmark, subset, number):
    text = " ".join(WORDS[(number + i) % 10] for i in range(1 + number % 7))
    return {"prompt_id": f"{benchmark}-{subset}-{number}", "benchmark": benchmark, "subset": subset, "prompt": text}


SETS = {
    "alpaca-eval": [row("alpaca-eval", None, i) for i in range(9)],
    "xstest": [row("xstest", subset, i) for i in range(6) for subset in ("safe", "unsafe")],
}


def prompts_of(seed, count):
    random = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, 12, (count,), generator=random).tolist()
    return [torch.randint(3, 64, (length,), generator=random).tolist() for length in lengths]


def decode(model, prompts, size, **options):
    options = {"max_new_tokens": 24, "eos_ids": frozenset(range(2, 8)), "pad_id": 0} | options
    parts = [prompts[first : first + size] for first in range(0, len(prompts), size)]
    return [reply for part in parts for reply in decode_batch(model, part, **options)]


def test_a_reply_does_not_depend_on_the_batch(model):
    prompts = prompts_of(0, 24)
    alone = decode(model, prompts, 1)
    assert alone == decode(model, prompts, 8) == decode(model, prompts, 24)
    assert {reply.finish_reason for reply in alone} == {"eos", "length"}
    assert len({len(reply.ids) for reply in alone}) > 3, "rows must leave the batch at different steps"


def test_positions_do_not_count_the_filling():
    torch.manual_seed(2)
    absolute = transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=64,
            n_embd=32,
            n_layer=2,
            n_head=4,
            n_positions=64,
            initializer_range=0.6,
            bos_token_id=1,
            eos_token_id=2,
        )
    ).eval()
    prompts = prompts_of(0, 12)
    assert decode(absolute, prompts, 1) == decode(absolute, prompts, 12)


def test_the_text_is_that_of_the_reply_without_special_tokens(folder):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    reply = stage_module._reply(tokenizer, Decoded([3, 1, 4, 2], "length"), GenerateSettings())
    assert reply == {"response": "tell me", "finish_reason": "length", "num_tokens": 4}


def test_a_reply_is_that_of_the_stock_generate(model):
    for prompt, reply in zip(prompts_of(3, 6), decode(model, prompts_of(3, 6), 6), strict=True):
        stock = model.generate(
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            do_sample=False,
            max_new_tokens=24,
            eos_token_id=list(range(2, 8)),
            pad_token_id=0,
        )[0, len(prompt) :].tolist()
        assert reply.ids == [token for token in stock if token > 7][: len(reply.ids)]
        assert len(stock) == len(reply.ids) + (reply.finish_reason == "eos")


def test_the_filling_is_not_seen(model):
    prompts = prompts_of(1, 8)
    assert decode(model, prompts, 8, pad_id=0) == decode(model, prompts, 8, pad_id=63)


def test_a_stop_ends_a_reply(model):
    free = decode(model, prompts_of(0, 4), 4, eos_ids=frozenset())
    stopped = decode(model, prompts_of(0, 4), 4, eos_ids=frozenset(), stops=lambda ids: len(ids) == 5)
    assert [reply.ids for reply in stopped] == [reply.ids[:5] for reply in free]
    assert {reply.finish_reason for reply in stopped} == {"stop"}


def test_batches_hold_every_index_once_longest_first():
    plan = batches([3, 9, 9, 1, 5], 2)
    assert plan == [[1, 2], [4, 0], [3]]


def test_a_slice_is_chosen_by_seed_and_not_by_order():
    rows = [*SETS["alpaca-eval"], *SETS["xstest"]]
    four = choose(rows, 4, seed=0)
    assert [r["subset"] for r in four].count("safe") == [r["subset"] for r in four].count("unsafe") == 4
    ids = {r["prompt_id"] for r in four}
    assert {r["prompt_id"] for r in choose(rows[::-1], 4, seed=0)} == ids
    assert {r["prompt_id"] for r in choose(rows, 3, seed=0)} < ids
    assert {r["prompt_id"] for r in choose(rows, 4, seed=1)} != ids
    assert [r for r in rows if r["prompt_id"] in ids] == four, "the order of the set is kept"
    assert choose(rows, None, seed=0) == rows


def settings(folder, **change):
    base = {"base": ModelSource(name=str(folder), weights="path"), "limit": 5, "max_new_tokens": 12, "batch_size": 4}
    return GenerateSettings(**base | {"dtype": "float32", "device": "cpu"} | change)


def test_the_artifact_holds_a_reply_a_prompt_and_its_condition(folder, prompt_sets, tmp_path):
    made = generate(settings(folder), prompt_sets, tmp_path / "out")
    rows = read_generations(made.path)
    assert made.summary["prompts"] == {"alpaca-eval": 5, "xstest/safe": 5, "xstest/unsafe": 5}
    assert len(rows) == 15
    assert made.summary["condition"]["method"] == "untuned"
    assert made.summary["condition"]["base_model"] == "tiny"
    assert made.summary["tokens"] == sum(r["num_tokens"] for r in rows) > 0
    assert not any("</s>" in r["response"] or r["response"].startswith(r["prompt"]) for r in rows)
    assert str(folder) not in json.dumps(made.identity.model_dump(mode="json"))
    other = generate(settings(folder, batch_size=15), prompt_sets[::-1], tmp_path / "other")
    assert read_generations(other.path) == rows


def test_a_stop_text_is_cut_off(folder, prompt_sets, tmp_path):
    free = read_generations(generate(settings(folder), prompt_sets[:1], tmp_path / "free").path)
    word = next(r["response"].split()[2] for r in free if len(r["response"].split()) > 3)
    cut = read_generations(generate(settings(folder, stop=[word]), prompt_sets[:1], tmp_path / "cut").path)
    assert "stop" in {r["finish_reason"] for r in cut}
    for before, after in zip(free, cut, strict=True):
        assert after["response"] == before["response"].split(word)[0]


def test_a_stopped_run_does_not_decode_a_batch_twice(folder, prompt_sets, tmp_path, monkeypatch):
    whole = generate(settings(folder), prompt_sets, tmp_path / "whole")
    calls = []

    def stopping(*arguments, **options):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return decode_batch(*arguments, **options)

    monkeypatch.setattr(stage_module, "decode_batch", stopping)
    with pytest.raises(KeyboardInterrupt):
        generate(settings(folder), prompt_sets, tmp_path / "stopped")
    resumed = generate(settings(folder), prompt_sets, tmp_path / "stopped")
    assert len(calls) == 3 + 2, "four batches: two before the stop, two after it"
    assert resumed.digest == whole.digest


def test_what_answers_is_given_once(folder, prompt_sets, tmp_path):
    with pytest.raises(InputError, match="both a model and a base"):
        generate(settings(folder), prompt_sets, tmp_path / "a", model=folder)
    with pytest.raises(InputError, match="no model is given"):
        generate(GenerateSettings(), prompt_sets, tmp_path / "a")
    with pytest.raises(InputError, match="given twice"):
        generate(settings(folder), [*prompt_sets, prompt_sets[0]], tmp_path / "a")
    with pytest.raises(SettingsError, match="batch_size"):
        load_settings(GenerateSettings, overrides=["batchsize=2"])
    assert GENERATE.threaded


TEMPLATE = """
name: words
source: this test
system: "tell me a story "
zero_shot: "a story "
pair: "about {query} the {answer} "
response: "the {answer} "
opening: "about {query} the"
stops: [STOP]
"""


@pytest.fixture
def in_context(folder, tmp_path):
    """Settings of a style, with a template of a few words, and demonstrations in a file."""
    from paper_repro.in_context import load_template

    path = tmp_path / "words.yaml"
    path.write_text(TEMPLATE.replace("STOP", "never said"))
    (tmp_path / "shown.yaml").write_text("[{query: fox, answer: hat}]")
    assert load_template(str(path)).stops == ("never said",)
    return lambda style: settings(folder, style=style, template=str(path))


def test_untuned_weights_read_what_the_style_shows(in_context, prompt_sets, tmp_path, monkeypatch):
    texts = {}
    real = stage_module.prompt_ids

    def reading(tokenizer, text):
        texts.setdefault(style, []).append(text)
        return real(tokenizer, text)

    monkeypatch.setattr(stage_module, "prompt_ids", reading)
    methods = {}
    for style in ("urial", "urial-r", "zero-shot"):
        shown = None if style == "zero-shot" else tmp_path / "shown.yaml"
        made = generate(in_context(style), prompt_sets[:1], tmp_path / style, demonstrations=shown)
        methods[style] = made.summary["condition"]["method"]
        assert made.summary["condition"]["response_set"] is None
        assert all(r["response"] == r["response"].strip() for r in read_generations(made.path))
    assert methods == {"urial": "URIAL", "urial-r": "URIAL-R", "zero-shot": "0-shot"}
    prompt = choose(SETS["alpaca-eval"], 5, 0)[0]["prompt"]
    assert texts["urial"][0] == f"tell me a story about fox the hat about {prompt} the"
    assert texts["urial-r"][0] == f"tell me a story the hat about {prompt} the"
    assert texts["zero-shot"][0] == f"a story about {prompt} the"


def test_the_templates_stop_text_ends_a_reply(in_context, prompt_sets, tmp_path):
    free = read_generations(generate(in_context("zero-shot"), prompt_sets[:1], tmp_path / "free").path)
    word = next(r["response"].split()[1] for r in free if len(r["response"].split()) > 3)
    path = tmp_path / "words.yaml"
    path.write_text(TEMPLATE.replace("STOP", word))
    cut = read_generations(generate(in_context("zero-shot"), prompt_sets[:1], tmp_path / "cut").path)
    assert "stop" in {r["finish_reason"] for r in cut}
    for before, after in zip(free, cut, strict=True):
        assert after["response"] == before["response"].split(word)[0].strip()


def test_a_style_is_for_untuned_weights_and_needs_demonstrations(in_context, folder, prompt_sets, tmp_path):
    shown = tmp_path / "shown.yaml"
    with pytest.raises(InputError, match="has no demonstrations"):
        generate(in_context("urial"), prompt_sets, tmp_path / "a")
    with pytest.raises(InputError, match="shows no demonstrations"):
        generate(in_context("zero-shot"), prompt_sets, tmp_path / "a", demonstrations=shown)
    with pytest.raises(InputError, match="is for untuned weights"):
        model = in_context("urial").model_copy(update={"base": None})
        generate(model, prompt_sets, tmp_path / "a", model=folder, demonstrations=shown)
