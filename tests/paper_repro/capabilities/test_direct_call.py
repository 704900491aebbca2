"""Our scores are those of lm-eval called directly: its own model loader, its own task files, the hub's columns."""

from __future__ import annotations

import json
import math
import shutil

import pytest

from artifacts.files import read_json
from paper_repro.capabilities.stage import ITEMS, SCHEMA
from paper_repro.columns import read_rows
from paper_repro.sequences import inference_ids

TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}<|user|>\n{{ m.content }}\n"
    "{% elif m.role == 'assistant' %}<|assistant|>\n{{ m.content }}{{ eos_token }}\n"
    "{% else %}{{ raise_exception('no such role') }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)


def lines(mirror, name):
    return [json.loads(line) for line in (mirror / "eval" / name).read_text(encoding="utf-8").split("\n") if line]


def hub(mirror):
    """(data set, configuration) to a split and its rows, as lm-eval's task files ask the hub for them."""

    def mmlu(subject):
        return {
            split: [row for row in lines(mirror, f"mmlu_{split}.jsonl") if row["subject"] == subject]
            for split in ("test", "dev")
        }

    def arc(name):
        rows = lines(mirror, f"{name}_test.jsonl")
        return {
            "test": [
                {
                    "question": row["question"],
                    "choices": {"text": row["choices"], "label": [str(k + 1) for k in range(len(row["choices"]))]},
                    "answerKey": str(row["answer_index"] + 1),
                }
                for row in rows
            ]
        }

    swag = [
        {"activity_label": label, "ctx_a": text, "ctx_b": "", "endings": row["choices"], "label": str(row["gold"])}
        for row in lines(mirror, "hellaswag_val_sample1000.jsonl")
        for label, text in [row["query"].split(": ")]
    ]
    labels = (mirror / "eval" / "piqa_valid-labels.lst").read_text().split()
    piqa = [row | {"label": int(one)} for row, one in zip(lines(mirror, "piqa_valid.jsonl"), labels, strict=True)]
    return {
        "cais/mmlu": mmlu,
        "allenai/openbookqa": lambda name: {"test": lines(mirror, "openbookqa_test.jsonl")},
        "Rowan/hellaswag": lambda name: {"validation": swag},
        "allenai/ai2_arc": lambda name: arc(name.lower().replace("-", "_")),
        "openai/gsm8k": lambda name: {"test": lines(mirror, "gsm8k_test.jsonl")},
        "baber/piqa": lambda name: {"validation": piqa},
    }


@pytest.fixture(scope="module")
def direct(made_mirror, small, tmp_path_factory):
    """What lm-eval gives on its own, with nothing of ours but the made rows."""
    import datasets
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager
    from transformers import AutoTokenizer

    from paper_repro.capabilities.tasks import configs_folder

    folder = tmp_path_factory.mktemp("direct") / "model"
    shutil.copytree(small, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    sets = hub(made_mirror.mirror)

    def load(path, name=None, **ignored):
        rows = sets[path](name)
        # no training or validation examples are asked for; lm-eval's files name these splits all the same
        splits = {
            split: rows.get(split) or next(iter(rows.values())) for split in ("train", "validation", "test", *rows)
        }
        return datasets.DatasetDict({split: datasets.Dataset.from_list(given) for split, given in splits.items()})

    own = [str(configs_folder() / name) for name in ("mmlu/default", "openbookqa", "hellaswag", "arc", "gsm8k", "piqa")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "load_dataset", load)
        return simple_evaluate(
            model="hf",
            model_args={"pretrained": str(folder), "dtype": "float32"},
            tasks=["mmlu", "openbookqa", "hellaswag", "ai2_arc", "gsm8k_cot_llama", "piqa"],
            batch_size=2,
            device="cpu",
            limit=3,
            num_fewshot=None,
            apply_chat_template=True,
            fewshot_as_multiturn=True,
            task_manager=TaskManager(include_path=own, include_defaults=False),
        )


def test_every_number_is_the_direct_calls(scored, direct):
    ours = read_json(scored.file("lm_eval.json"))
    assert set(ours["results"]) == set(direct["results"])
    compared = 0
    for task, numbers in direct["results"].items():
        for key, value in numbers.items():
            if isinstance(value, int | float):
                assert math.isclose(ours["results"][task][key], value, abs_tol=1e-12), (task, key)
                compared += "stderr" not in key
    assert compared > 57 + 5 * 2
    assert ours["n-shot"] == direct["n-shot"]
    assert ours["n-samples"] == direct["n-samples"]
    assert 0 < ours["results"]["mmlu"]["acc,none"] < 1  # numbers that a fault could change


def test_every_prompt_and_likelihood_is_the_direct_calls(scored, direct):
    items = {(row["task"], row["item"], row["filter"]): row for row in read_rows(scored.file(ITEMS), SCHEMA)}
    samples = [(task, one) for task, found in direct["samples"].items() for one in found]
    assert len(items) == len(samples)
    for task, sample in samples:
        item = items[task, sample["doc_id"], sample["filter"]]
        assert item["prompt_digest"] == sample["prompt_hash"], task
        if item["reply"] is None:
            assert item["log_likelihoods"] == pytest.approx([one[0][0] for one in sample["resps"]], abs=1e-4)
        else:
            assert item["reply"] == sample["resps"][0][0]


def test_the_prompts_are_those_our_models_are_trained_for(direct, small):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(small)
    prompt, _ = direct["samples"]["arc_easy"][0]["arguments"][0]
    question = direct["samples"]["arc_easy"][0]["doc"]["question"]
    ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    assert ids == inference_ids(tokenizer, f"Question: {question}\nAnswer:")


def test_the_problems_of_gsm8k_come_after_eight_turns(direct):
    prompt, _ = direct["samples"]["gsm8k_cot_llama"][0]["arguments"][0]
    assert prompt.count("<|user|>\n") == prompt.count("<|assistant|>\n") == 9
    assert prompt.count("</s>\n") == 8
    assert prompt.endswith("<|assistant|>\n")
    assert prompt.count("<s>") == 1
