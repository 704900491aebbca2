"""A mirror of made rows in the forms of the real one, and one run of the stage on it that the tests share."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from artifacts import pins
from artifacts.errors import UserError
from artifacts.shipped import shipped_folder
from paper_repro.capabilities.benchmarks import CORE
from paper_repro.capabilities.settings import CapabilitiesSettings
from paper_repro.capabilities.stage import measure
from paper_repro.models import ModelSource

LIMIT = 3
STOCK = re.findall(r"\w+", "the mill grinds slow corn under a cold bright moon while nine geese sleep by old water")
OFFLINE_LIMIT = {"limit": LIMIT, "dtype": "float32", "device": "cpu", "batch_size": 4}


def words(seed: int, n: int) -> str:
    """A made sentence that differs from seed to seed."""
    return " ".join(STOCK[(seed * 7 + k * k) % len(STOCK)] for k in range(n))


def subjects() -> list[str]:
    from paper_repro.capabilities.tasks import configs_folder

    texts = [path.read_text() for path in sorted((configs_folder() / "mmlu/default").glob("mmlu_*.yaml"))]
    return [re.search(r'"dataset_name": "(\w+)"', text)[1] for text in texts]


def made_rows() -> dict[str, list[dict]]:
    """File of the mirror to its rows; a text of MMLU holds U+0085 and one a date."""
    mmlu = [
        {
            "question": f"What {words(i, 3 + i % 3)}\x85and {s}?",
            "subject": s,
            "choices": [words(i + c, 2) for c in range(3)] + ["1999-01-01"],
            "answer": i % 4,
        }
        for s in subjects()
        for i in range(4)
    ]
    lettered = {"label": ["A", "B", "C", "D"]}
    return {
        "mmlu_test.jsonl": mmlu,
        "mmlu_dev.jsonl": mmlu,
        "openbookqa_test.jsonl": [
            {
                "question_stem": words(i, 5),
                "choices": lettered | {"text": [words(9 * i + c, 4) for c in range(4)]},
                "answerKey": "ABCD"[i % 4],
            }
            for i in range(5)
        ],
        "hellaswag_val_sample1000.jsonl": [
            {
                "ind": i,
                "query": f"Geese: {words(i, 6)}",
                "choices": [words(5 * i + c, 5) for c in range(4)],
                "gold": i % 4,
            }
            for i in range(5)
        ],
        **{
            f"{name}_test.jsonl": [
                {"question": f"Why {words(i + k, 4)}?", "choices": [words(i * 3 + c, 3) for c in range(3 + i % 3)]}
                | {"answer_index": (i + k) % 3}
                for i in range(5)
            ]
            for k, name in enumerate(("arc_easy", "arc_challenge"))
        },
        "gsm8k_test.jsonl": [
            {
                "question": f"A goose has {i} eggs and lays {i + 2}. How many?",
                "answer": f"{i}+{i + 2}\n#### {2 * i + 2}",
            }
            for i in range(4)
        ],
        "piqa_valid.jsonl": [{"goal": words(i, 5), "sol1": words(i + 1, 6), "sol2": words(i + 2, 4)} for i in range(5)],
    }


def write_mirror(folder: Path) -> Path:
    for name, rows in made_rows().items():
        path = folder / "eval" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    (folder / "eval" / "piqa_valid-labels.lst").write_text("0\n1\n1\n0\n1\n")
    return folder


def write_pins(folder: Path) -> Path:
    """The real pins without digests and without other origins than the mirror."""
    folder.mkdir()
    for part in (part for benchmark in CORE for part in benchmark.parts):
        pin = yaml.safe_load((pins.PINS / f"{part.pin}.yaml").read_text())
        pin["origins"] = [one for one in pin["origins"] if one["kind"] == "mirror"]
        for file in pin["origins"][0]["files"]:
            file.pop("sha256"), file.pop("bytes")
            file["path"] = file["path"].removesuffix(".zst")
        (folder / f"{part.pin}.yaml").write_text(yaml.safe_dump(pin))
    return folder


@pytest.fixture(scope="session")
def made_mirror(tmp_path_factory) -> SimpleNamespace:
    """`mirror` and `pins`: folders of made rows and of pins that point at them."""
    try:
        subjects()
    except UserError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("core")
    return SimpleNamespace(mirror=write_mirror(folder / "mirror"), pins=write_pins(folder / "pins"))


@pytest.fixture
def made(made_mirror, monkeypatch):
    """The made mirror is the one that pins read."""
    monkeypatch.setattr(pins, "PINS", made_mirror.pins)
    monkeypatch.setenv("RT_MIRROR", str(made_mirror.mirror))
    return made_mirror


@pytest.fixture(scope="session")
def small(tmp_path_factory) -> Path:
    """Folder of a random Llama with a tokenizer of the testbed (for that of tiny_base see `check_choices`)."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("small") / "base"
    tokenizer = AutoTokenizer.from_pretrained(shipped_folder("testbed-0.5m-many-0"))
    torch.manual_seed(1)
    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = LlamaConfig(vocab_size=len(tokenizer), bos_token_id=0, eos_token_id=1, initializer_range=0.2, **sizes)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def scored(made_mirror, small, tmp_path_factory):
    """The stage's artifact: all six, the tiny random model, three rows of each task."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pins, "PINS", made_mirror.pins)
        patch.setenv("RT_MIRROR", str(made_mirror.mirror))
        settings = CapabilitiesSettings(base=ModelSource(name=str(small), weights="path"), **OFFLINE_LIMIT)
        return measure(settings, tmp_path_factory.mktemp("scored") / "scores")
