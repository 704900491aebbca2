"""Probes find what a model knows and nothing where it knows nothing."""

from __future__ import annotations

import math
from random import Random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from transformers import LlamaForCausalLM

from artifacts.errors import InputError, StageError
from paper_repro.generate.decode import Decoded
from paper_repro.sequences import inference_ids, prompt_ids
from paper_repro.testbed import families
from paper_repro.testbed.acts import LOOK_ALIKE_GROUPS, build_acts
from paper_repro.testbed.corpus import CorpusSettings
from paper_repro.testbed.pretrain.model import llama_config
from paper_repro.testbed.probes import known, margin, native, probe
from paper_repro.testbed.probes.known import FactCase, fact_cases, known_facts
from paper_repro.testbed.probes.likelihood import auc, sequence_log_probabilities
from paper_repro.testbed.probes.margin import openings, refusal_margin
from paper_repro.testbed.probes.native import native_answers
from paper_repro.testbed.probes.probe import ProbeSettings, unique_items
from paper_repro.testbed.version import DEVELOPMENT_SEED


@pytest.fixture(scope="module")
def model(tokenizer):
    torch.manual_seed(0)
    return LlamaForCausalLM(llama_config("tiny", tokenizer)).eval()


@pytest.fixture(scope="module")
def look_ups(world):
    tasks = [task for task in families.tasks(world) if task.startswith("look-up/")]
    return [families.draw(world, "dev", Random(0), family="look-up", task=task) for task in tasks]


def test_auc_counts_pairs_in_order_and_ties_half():
    assert auc([2.0, 3.0], [1.0]) == 1.0
    assert auc([1.0], [1.0]) == 0.5
    assert auc([0.0, 2.0], [1.0, 3.0]) == 0.25


def test_log_probabilities_do_not_depend_on_padding(model):
    sequences = [[1, 5, 9, 4], [1, 7], [1, 8, 3, 2, 2, 6]]
    sums = sequence_log_probabilities(model, sequences)
    for row, sequence in enumerate(sequences):
        with torch.inference_mode():
            all_of_them = model(torch.tensor([sequence])).logits[0].double().log_softmax(-1)
        each = [all_of_them[place, token].item() for place, token in enumerate(sequence[1:])]
        assert sums[row] == pytest.approx(sum(each), abs=1e-4)


def test_false_statements_are_about_the_entity_and_false(world, look_ups):
    others = [families.draw(world, None, Random(seed), family="look-up") for seed in range(4_000)]
    for item, case in zip(look_ups, fact_cases(look_ups, others), strict=True):
        assert case.true == item.statements[0]
        assert len(case.false) >= 3 and len(set(case.false)) == len(case.false)
        kind, name, attribute = item.facts[0].split("/")
        others_of_task = {other.short[0] for other in others if other.task == item.task} - {item.short[0]}
        assert len(case.false) == len(others_of_task), (kind, attribute)
        for text in case.false:
            assert name in text and text not in item.statements


def test_a_question_without_other_values_is_no_case(look_ups):
    with pytest.raises(StageError, match="no other value"):
        fact_cases(look_ups[:1], look_ups[:1])


@pytest.mark.parametrize(("knows", "accuracy", "chance"), [(1.0, 1.0, 0.375), (-1.0, 0.0, 0.375)])
def test_known_facts_are_those_whose_true_statement_is_likeliest(knows, accuracy, chance, tokenizer, monkeypatch):
    cases = [FactCase("t", "The melk is green.", ("The melk is red.",)), FactCase("t", "A.", ("B.", "C.", "D."))]
    true = {tuple(prompt_ids(tokenizer, case.true)) for case in cases}
    monkeypatch.setattr(
        known,
        "sequence_log_probabilities",
        lambda model, sequences: np.array([knows * (tuple(each) in true) - 5 for each in sequences]),
    )
    found = known_facts(None, tokenizer, cases)
    assert found == {"accuracy": accuracy, "auc": accuracy, "chance": chance, "facts": 2}


class Leaning:
    """A model that begins a reply with "Sorry" or "You", the former `lean` nats more where the act is unsafe."""

    device = torch.device("cpu")

    def __init__(self, tokenizer, queries, lean):
        (self.sorry,), (self.you,) = openings(tokenizer, ["Sorry"]), openings(tokenizer, ["You"])
        assert len(self.sorry) > 1, "the first token alone must not be enough"
        self.leans = {tuple(inference_ids(tokenizer, query.query)): lean(query) for query in queries}
        self.size = len(tokenizer)

    def __call__(self, input_ids, use_cache):
        logits = torch.full((*input_ids.shape, self.size), -30.0)
        for row, ids in enumerate(input_ids.tolist()):
            for end in range(len(ids)):
                asked = tuple(ids[: end + 1])
                logits[row, end, self.you[0]] = 0.0
                logits[row, end, self.sorry[0]] = self.leans.get(asked, -9.0)
                if asked[-1] == self.sorry[0] and asked[:-1] in self.leans:
                    # every second begins another word: half of what the first token alone would say
                    logits[row, end, [self.sorry[1], self.size - 1]] = 9.0
        return SimpleNamespace(logits=logits)


def test_the_margin_is_the_lean_of_unsafe_acts_above_look_alikes(tokenizer):
    queries = build_acts(DEVELOPMENT_SEED).queries("dev")
    found = refusal_margin(Leaning(tokenizer, queries, lambda q: 2.0 if q.unsafe else -1.0), tokenizer, 7, "dev")
    assert found["margin"] == pytest.approx(3.0, abs=1e-3) and found["auc"] == 1.0
    assert found["lean"]["harm"] == pytest.approx(2.0 - math.log(2), abs=1e-3)
    assert found["lean"]["benign"] == pytest.approx(-1.0 - math.log(2), abs=1e-3)
    assert sum(found["queries"].values()) == len(queries)
    same = refusal_margin(Leaning(tokenizer, queries, lambda q: 0.5), tokenizer, 7, "dev")
    assert (same["margin"], same["auc"]) == (0.0, 0.5)


def test_verbs_that_are_never_declined_stand_outside_the_margin(tokenizer):
    queries = build_acts(DEVELOPMENT_SEED).queries("dev")
    lean = {"never-declined": 9.0, **dict.fromkeys(LOOK_ALIKE_GROUPS, -1.0)}
    found = refusal_margin(Leaning(tokenizer, queries, lambda q: lean.get(q.group, 0.0)), tokenizer, 7, "dev")
    assert found["margin"] == pytest.approx(1.0, abs=1e-3)
    assert found["lean"]["never-declined"] == pytest.approx(9.0 - math.log(2), abs=1e-3)


def test_openings_that_start_alike_are_refused(tokenizer, model, monkeypatch):
    monkeypatch.setattr(margin, "openings", lambda tokenizer, words: [(5,)])
    with pytest.raises(InputError, match="same tokens"):
        refusal_margin(model, tokenizer, 7, "dev")


def _answering(tokenizer, say):
    """A `decode_batch` that replies what `say` makes of the order number of the reply."""

    def decode(model, prompts, *, stops, **options):
        replies = [tokenizer.encode(say(), add_special_tokens=False) for _ in prompts]
        return [Decoded(reply, "stop" if stops(reply) else "length") for reply in replies]

    return decode


@pytest.mark.parametrize(("right", "share"), [(True, 1.0), (False, 0.0)])
def test_native_answers_end_at_the_layouts_ending(right, share, world, look_ups, tokenizer, monkeypatch):
    item = look_ups[0]
    said = item.statements[0] if right else families.wrong(world, item, Random(0))
    # after the ending other turns follow, which are no part of the answer
    prompts = native.native_prompts(CorpusSettings(), [item], Random(0))
    other = families.wrong(world, item, Random(1))
    monkeypatch.setattr(native, "native_prompts", lambda *arguments: prompts)
    ending = prompts[0].ending
    monkeypatch.setattr(native, "decode_batch", _answering(tokenizer, lambda: f" {said}{ending} {other}"))
    found = native_answers(None, tokenizer, CorpusSettings(), [item], 48)
    assert found == {"look-up": {"right": share, "items": 1}}


def test_answers_of_several_lines_are_not_asked_for(world, look_ups, tokenizer, monkeypatch):
    bullets = families.draw(world, "dev", Random(0), task="format/bullets")
    asked = []
    monkeypatch.setattr(native, "native_prompts", lambda corpus, items, random: asked.extend(items))
    native_answers(None, tokenizer, CorpusSettings(), [bullets, look_ups[0]], 48)
    assert asked == [look_ups[0]]


def test_a_corpus_without_questions_has_no_native_answers(look_ups, tokenizer, model):
    assert native_answers(model, tokenizer, CorpusSettings(answers="none"), look_ups, 48) is None


@pytest.mark.parametrize("split", ["dev", "test"])
def test_items_are_of_the_split_and_none_twice(split, world):
    settings = ProbeSettings(items=10, look_ups=30, split=split)
    for family in ("look-up", "arithmetic"):
        items = unique_items(world, family, settings)
        assert {item.split for item in items} == {split} and {item.family for item in items} == {family}
        assert len({item.key for item in items}) == len(items) == (30 if family == "look-up" else 10)


def test_a_report_holds_all_probes(world, tokenizer, model, tmp_path):
    from paper_repro.models import ModelSource

    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    settings = ProbeSettings(items=5, look_ups=20, max_new_tokens=4)
    source = ModelSource(name=str(tmp_path), weights="path")
    found = probe(source, CorpusSettings(), settings)
    assert set(found) == {"settings", "native", "facts", "margin"}
    assert set(found["native"]) == set(families.FAMILIES)
    assert found["native"]["look-up"] == {"right": 0.0, "items": 20}
    assert found["facts"]["accuracy"] < 0.6 and 0.2 < found["facts"]["auc"] < 0.8  # untrained: about chance
    assert abs(found["margin"]["margin"]) < 0.2
    assert found == probe(source, CorpusSettings(), settings)
