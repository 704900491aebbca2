"""What a sequence is, what of it is trained, and that both agree with the official code's own output."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from artifacts.errors import InputError
from paper_repro.sequences import IGNORED, build, build_all, inference_ids, inference_prompt, training_prompt

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "sequences"
EXAMPLES = json.loads((GOLDEN / "examples.json").read_text(encoding="utf-8"))
OFFICIAL = {m: json.loads((GOLDEN / f"official_{m}.json").read_text(encoding="utf-8")) for m in ("rt", "it")}
CASES = [(method, row) for method in ("rt", "it") for row in range(len(EXAMPLES))]
STARTS_WITH_NEWLINE, MARKER_IN_RESPONSE, PROMPT_FILLS_IT = 2, 5, 9
EXPLAINED = {("rt", 2), ("it", 2), ("rt", 5), ("it", 5), ("it", 9)}


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(GOLDEN / "tokenizer_tiny")


def make(tokenizer, method, row, **options):
    return build(tokenizer, method, EXAMPLES[row]["instruction"], EXAMPLES[row]["response"], **options)


def golden(method, row):
    return OFFICIAL[method][row]["input_ids"], OFFICIAL[method][row]["labels"]


@pytest.mark.parametrize(("method", "row"), CASES)
def test_official_masking_equals_the_official_code(tokenizer, method, row):
    sequence = make(tokenizer, method, row, masking="official")
    assert (sequence.input_ids, sequence.labels) == golden(method, row)


@pytest.mark.parametrize(("method", "row"), CASES)
def test_ids_are_the_official_ones_whatever_the_masking(tokenizer, method, row):
    assert make(tokenizer, method, row).input_ids == golden(method, row)[0]


@pytest.mark.parametrize(("method", "row"), [case for case in CASES if case not in EXPLAINED])
def test_default_masking_equals_the_official_code(tokenizer, method, row):
    assert make(tokenizer, method, row).labels == golden(method, row)[1]


@pytest.mark.parametrize("method", ["rt", "it"])
def test_differs_where_a_response_starts_with_a_newline_that_merges_with_the_markers(tokenizer, method):
    sequence, (_, official) = make(tokenizer, method, STARTS_WITH_NEWLINE), golden(method, STARTS_WITH_NEWLINE)
    assert tokenizer.decode(sequence.trained).endswith("\n\nStarts with newline.</s>\n")
    assert sequence.straddles
    trained = [label for label in official if label != IGNORED]
    # RT: the marker is not found, so nothing is trained; IT: the search hits the user marker, so the question is
    assert tokenizer.decode(trained).startswith("" if method == "rt" else "Q\n<|assistant|>")
    assert (trained == []) == (method == "rt")


@pytest.mark.parametrize("method", ["rt", "it"])
def test_differs_where_a_response_holds_the_marker(tokenizer, method):
    sequence, (_, official) = make(tokenizer, method, MARKER_IN_RESPONSE), golden(method, MARKER_IN_RESPONSE)
    assert tokenizer.decode(sequence.trained) == "Say <|assistant|>\nnow, and more.</s>\n"
    assert tokenizer.decode([label for label in official if label != IGNORED]) == "now, and more.</s>\n"


def test_differs_where_the_prompt_fills_the_sequence(tokenizer):
    sequence, (_, official) = make(tokenizer, "it", PROMPT_FILLS_IT), golden("it", PROMPT_FILLS_IT)
    assert sequence.trained == [] and sequence.truncated
    assert "long long" in tokenizer.decode([label for label in official if label != IGNORED])


@pytest.mark.parametrize("method", ["rt", "it"])
@pytest.mark.parametrize("response", ["It is 4.", "", " space", "\tTab", "über 漢字 🎈", "ends\n\n", "<|user|>\nhm"])
def test_trained_are_the_response_the_end_of_sequence_and_a_newline(tokenizer, method, response):
    sequence = build(tokenizer, method, "What is 2+2?", response)
    assert tokenizer.decode(sequence.trained) == response + "</s>" + "\n"


def test_text_of_an_it_sequence(tokenizer):
    ids = build(tokenizer, "it", " a\n", " b ").input_ids
    assert tokenizer.decode(ids) == "<s><|user|>\n a\n\n<|assistant|>\n b </s>\n"


def test_text_of_an_rt_sequence(tokenizer):
    assert tokenizer.decode(build(tokenizer, "rt", "a", " b ").input_ids) == "<s><|assistant|>\n b </s>\n"


def test_inference_prompt_is_what_stands_before_an_it_response(tokenizer):
    assert inference_prompt("a") == "<|user|>\na\n<|assistant|>\n" == training_prompt("it", "a")
    whole = build(tokenizer, "it", "a", "Fine.")
    assert inference_ids(tokenizer, "a") + whole.trained == whole.input_ids
    assert tokenizer.decode(inference_ids(tokenizer, "a")) == "<s><|user|>\na\n<|assistant|>\n"


def test_rt_is_it_with_the_instruction_removed_and_nothing_else(tokenizer):
    it, rt = build(tokenizer, "it", "What?", "This one."), build(tokenizer, "rt", "What?", "This one.")
    assert it.trained == rt.trained
    question = tokenizer.encode("<|user|>\nWhat?\n", add_special_tokens=False)
    assert it.input_ids == rt.input_ids[:1] + question + rt.input_ids[1:]


def test_cut_on_the_right_without_end_of_sequence(tokenizer):
    whole = build(tokenizer, "rt", None, "one two three")
    cut = build(tokenizer, "rt", None, "one two three", max_length=6)
    assert cut.input_ids == whole.input_ids[:6] and cut.labels == whole.labels[:6]
    assert cut.truncated and not whole.truncated and cut.trained != []


def test_it_without_an_instruction_is_refused(tokenizer):
    with pytest.raises(InputError, match="needs an instruction"):
        build(tokenizer, "it", None, "b")


def test_many_rows_equal_each_row_alone(tokenizer):
    rows = [(example["instruction"], example["response"]) for example in EXAMPLES] * 60  # more than one batch
    assert list(build_all(tokenizer, "it", rows))[-11:] == [build(tokenizer, "it", *row) for row in rows[-11:]]


def byte_tokenizer(ending: bool = False, trim_offsets: bool = False) -> PreTrainedTokenizerFast:
    """A byte-level tokenizer without merges, adding no token at the start and, with `ending`, eos at the end."""
    alphabet = {letter: index for index, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    backend = Tokenizer(models.BPE(vocab=alphabet | {"</s>": len(alphabet)}, merges=[]))
    backend.add_special_tokens(["</s>"])
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    steps = [processors.ByteLevel(trim_offsets=trim_offsets)]
    if ending:
        steps.append(processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", len(alphabet))]))
    backend.post_processor = processors.Sequence(steps)
    backend.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>")


@pytest.mark.parametrize("trim_offsets", [False, True])
def test_offsets_that_leave_white_space_out_lose_no_label(trim_offsets):
    tokenizer = byte_tokenizer(trim_offsets=trim_offsets)
    sequence = build(tokenizer, "rt", None, "\n  ü 漢\n")
    assert tokenizer.decode(sequence.trained) == "\n  ü 漢\n</s>\n"


def test_no_bos_where_the_tokenizer_adds_none():
    tokenizer = byte_tokenizer()
    assert tokenizer.decode(inference_ids(tokenizer, "a")) == "<|user|>\na\n<|assistant|>\n"


def test_a_token_added_at_the_end_is_refused_and_both_texts_are_shown():
    with pytest.raises(InputError) as error:
        build(byte_tokenizer(ending=True), "rt", None, "Fine.")
    assert "'Fine.</s>\\n'" in str(error.value)


class ShiftedOffsets:
    """A tokenizer whose offsets are one token late, as some have been."""

    is_fast, eos_token = True, "</s>"

    def __init__(self, inner):
        self.inner = inner

    def __call__(self, texts, **options):
        encoded = dict(self.inner(texts, **options))
        encoded["offset_mapping"] = [[(0, 0), *spans[:-2], spans[-1]] for spans in encoded["offset_mapping"]]
        return encoded

    def decode(self, *arguments, **options):
        return self.inner.decode(*arguments, **options)


def test_wrong_offsets_are_refused_and_both_texts_are_shown(tokenizer):
    with pytest.raises(InputError, match="labels would be wrong") as error:
        build(ShiftedOffsets(tokenizer), "rt", None, "Fine.")
    assert "'Fine.</s>\\n'" in str(error.value) and "'ine.</s>\\n'" in str(error.value)


def test_a_tokenizer_without_offsets_is_refused(tokenizer):
    class Slow:
        is_fast, eos_token = False, "</s>"

    with pytest.raises(InputError, match="which characters"):
        build(Slow(), "rt", None, "Fine.")


def test_official_masking_needs_a_marker_longer_than_its_cut(tokenizer):
    class Short:
        is_fast, eos_token = True, "</s>"

        def encode(self, text, add_special_tokens):
            return [1, 2, 3]

    with pytest.raises(InputError, match="nothing to search for"):
        build(Short(), "rt", None, "Fine.", masking="official")
