"""The train stage on a tiny random model: the same bytes twice and after a kill, the loss that was asked for."""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from artifacts.errors import InputError, SettingsError, StageError, UserError
from artifacts.portable import copy_artifact
from artifacts.settings import Settings, load_settings
from artifacts.stage import Stage
from paper_repro.models import ModelSource, load_base
from paper_repro.sequences import build, inference_prompt
from paper_repro.train import TrainSettings, train
from paper_repro.train.data import condition_facts, load_data
from paper_repro.train.loss import summed_loss
from paper_repro.train.merge import save_model
from paper_repro.train.order import epoch_order
from paper_repro.train.trainer import build_trainer
from paper_repro.train.trajectory import Trajectory

TOKENIZER = Path(__file__).resolve().parents[1] / "golden" / "sequences" / "tokenizer_tiny"
WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
PAIRS = [(f"Say {WORDS[i % 10]}.", " ".join(WORDS[: 1 + i * 7 % 10]) + ".") for i in range(20)]


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    """A random Llama of 60,000 parameters with the golden tokenizer, as a folder."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    tokenizer = AutoTokenizer.from_pretrained(TOKENIZER)
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        bos_token_id=0, eos_token_id=1, pad_token_id=None, initializer_range=0.3, max_position_embeddings=4096,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def rows(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("data") / "numbers.jsonl"
    path.write_text("".join(json.dumps({"instruction": i, "response": r}) + "\n" for i, r in PAIRS))
    return path


def settings(base: Path, *overrides: str, **given) -> TrainSettings:
    source = {"name": str(base), "weights": "path"}
    small = {"r": 4, "alpha": 8, "dropout": 0.1}
    given = {
        "base": source,
        "lora": small,
        "learning_rate": 0.01,
        "checkpoint_every": 2,
        "epochs": 2,
        "dtype": "float32",
        "per_device_batch": 4,
        **given,
    }
    return load_settings(TrainSettings, None, overrides, **given)


def trainer_for(base: Path, data: Path, folder: Path, **given):
    """A trainer as the stage builds it, with its trajectory."""
    chosen = settings(base, lora={"r": 4, "alpha": 8, "dropout": 0.0}, **given)
    tokenizer = AutoTokenizer.from_pretrained(base)
    sequences = load_data(tokenizer, data, chosen).sequences
    folder.mkdir(exist_ok=True)
    model = load_base(chosen.base)
    return build_trainer(chosen, model, tokenizer, sequences, folder, Trajectory(folder / "t.jsonl", 0)), sequences


def weights(artifact, name="merged/model.safetensors") -> str:
    return artifact.identity.outputs[name].sha256


@pytest.fixture(scope="module")
def straight(base, rows, tmp_path_factory):
    """One whole run that others are compared with."""
    return train(settings(base), rows, tmp_path_factory.mktemp("runs") / "straight")


def test_two_runs_give_the_same_bytes(base, rows, straight, tmp_path):
    again = train(settings(base), rows, tmp_path / "again")
    assert again.digest == straight.digest
    assert {*straight.identity.outputs} >= {
        "adapter/adapter_config.json", "adapter/adapter_model.safetensors", "merged/config.json",
        "merged/model.safetensors", "merged/tokenizer.json", "merged/chat_template.jinja", "trajectory.json",
    }  # fmt: skip


def test_another_seed_gives_another_adapter(base, rows, straight, tmp_path):
    other = train(settings(base, seed=1), rows, tmp_path / "other")
    assert weights(other, "adapter/adapter_model.safetensors") != weights(straight, "adapter/adapter_model.safetensors")


KILLED = """
import os, signal, sys
from pathlib import Path
from artifacts.settings import load_settings
from paper_repro.train import TrainSettings, train, trajectory
step = int(sys.argv[4])
append = trajectory.Trajectory.append
def append_and_die(self, row):
    append(self, row)
    if row["step"] == step:
        os.kill(os.getpid(), signal.SIGKILL)
trajectory.Trajectory.append = append_and_die
train(load_settings(TrainSettings, Path(sys.argv[1])), Path(sys.argv[2]), Path(sys.argv[3]))
"""


@pytest.mark.parametrize("step", [1, 5])
def test_killed_and_resumed_equals_straight(base, rows, straight, tmp_path, step):
    """Step 1: before the first checkpoint. Step 5: in the second epoch, after the checkpoint of step 4."""
    chosen, out = settings(base), tmp_path / "killed"
    file = tmp_path / "settings.yaml"
    file.write_text(json.dumps(chosen.resolved()))
    environment = os.environ | {"RT_THREADS": str(straight.identity.threads)}
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(file), str(rows), str(out), str(step)], env=environment, check=False
    )
    assert done.returncode == -signal.SIGKILL and not (out / "manifest.json").exists()
    resumed = train(chosen, rows, out)
    assert resumed.provenance["resumed_after_step"] == (0 if step == 1 else 4)
    assert resumed.digest == straight.digest


def test_killed_after_the_last_step_equals_straight(base, rows, straight, tmp_path, monkeypatch):
    def no_merge(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("paper_repro.train.stage._save", no_merge)
        with pytest.raises(KeyboardInterrupt):
            train(settings(base), rows, tmp_path / "out")
    resumed = train(settings(base), rows, tmp_path / "out")
    assert resumed.provenance["resumed_after_step"] == straight.summary["optimiser_steps"]
    assert resumed.digest == straight.digest


def test_16_bit_computation_is_deterministic_too(base, rows, tmp_path):
    first, second = (train(settings(base, dtype="bfloat16"), rows, tmp_path / name) for name in "ab")
    assert first.digest == second.digest and first.summary["loss_last"] < first.summary["loss_first"]


def test_a_checkpoint_cut_off_while_written_is_not_resumed_from(base, rows, straight, tmp_path, monkeypatch):
    from paper_repro.train import trainer

    def half(path, value):
        if value["step"] == 4:
            (path.parent / "adapter_model.safetensors").write_bytes(b"half")
            raise KeyboardInterrupt
        return trainer_write(path, value)

    trainer_write = trainer.write_json
    with monkeypatch.context() as patch:
        patch.setattr(trainer, "write_json", half)
        with pytest.raises(KeyboardInterrupt):
            train(settings(base), rows, tmp_path / "out")
    resumed = train(settings(base), rows, tmp_path / "out")
    assert resumed.provenance["resumed_after_step"] == 2
    assert resumed.digest == straight.digest


def test_the_summary_counts_what_was_trained(straight, base):
    tokenizer = AutoTokenizer.from_pretrained(base)
    built = [build(tokenizer, "rt", *pair) for pair in PAIRS]
    summary = straight.summary
    assert summary["rows"] == 20 and summary["rows_truncated"] == summary["rows_fully_masked"] == 0
    assert summary["loss_tokens"] == sum(len(sequence.trained) for sequence in built)
    assert summary["optimiser_steps"] == 6 and summary["accumulation"] == 2
    assert summary["parameters"] == load_base(ModelSource(name=str(base), weights="path")).num_parameters()
    rows = json.loads(straight.file("trajectory.json").read_text())
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert sum(row["loss_tokens"] for row in rows[:3]) == summary["loss_tokens"]
    assert rows[-1]["loss"] < rows[0]["loss"]


def test_the_condition_names_base_data_method_and_seed(straight):
    condition = straight.summary["condition"]
    assert condition["base_model"] == "tiny" and condition["response_set"] == "numbers"
    assert (condition["method"], condition["num_refusals"], condition["seed"]) == ("RT", 0, 0)
    assert condition["learning_rate"] == straight.identity.settings["learning_rate"]


def test_no_file_of_the_model_names_this_machine(straight, base):
    for path in straight.path.rglob("*"):
        if path.is_file() and path.name != "manifest.json":
            assert str(base.parent).encode() not in path.read_bytes(), path
    assert str(base.parent) not in straight.identity.model_dump_json()


@pytest.mark.parametrize(
    ("kind", "summary", "expected"),
    [
        ("curated", {"response_set": "dolly", "recipe": "careful"}, ("dolly", "careful")),
        ("corpus", {"source": "lima"}, ("lima", "paper")),
        ("trainset", {"condition": {"response_set": "alpaca", "recipe": "paper"}}, ("alpaca", "paper")),
    ],
)
def test_the_condition_names_what_was_trained_on(tmp_path, kind, summary, expected):
    def work(settings, inputs, workspace):
        (workspace.path / "data.parquet").write_bytes(b"")
        workspace.summary.update(summary)

    Stage("s", kind, 1, Settings, work).run(Settings(), tmp_path / "some-folder")
    facts = condition_facts(tmp_path / "some-folder", None)
    assert (facts["response_set"], facts["recipe"]) == expected
    assert condition_facts(tmp_path / "some-folder", "mine")["response_set"] == "mine"


def test_long_rows_are_cut_and_fully_masked_rows_left_out(base, tmp_path):
    path = tmp_path / "rows.jsonl"
    pairs = [("a", "b"), ("long " * 50, "never seen"), ("a", "long " * 50)]
    path.write_text("".join(json.dumps({"instruction": i, "response": r}) + "\n" for i, r in pairs))
    summary = train(settings(base, method="it", max_length=40, epochs=1), path, tmp_path / "out").summary
    assert (summary["rows"], summary["rows_truncated"], summary["rows_fully_masked"]) == (3, 2, 1)


def test_the_merged_model_loads_and_its_chat_template_is_the_inference_prompt(straight):
    tokenizer = AutoTokenizer.from_pretrained(straight.path / "merged")
    messages = [{"role": "user", "content": " What?\n"}]
    rendered = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    assert rendered == "<s>" + inference_prompt(" What?\n") == "<s><|user|>\n What?\n\n<|assistant|>\n"
    ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True)["input_ids"]
    assert ids == tokenizer(inference_prompt(" What?\n"))["input_ids"]
    answered = [*messages, {"role": "assistant", "content": "This."}]
    assert tokenizer.apply_chat_template(answered)["input_ids"] == build(tokenizer, "it", " What?\n", "This.").input_ids
    assert AutoModelForCausalLM.from_pretrained(straight.path / "merged").num_parameters() > 0


def test_config_and_vocabulary_stay_the_bases(straight, base):
    before, after = (json.loads((f / "config.json").read_text()) for f in (base, straight.path / "merged"))
    assert after == before  # pad, eos, vocabulary size: nothing set from the tokenizer, nothing resized


def test_merged_equals_base_with_adapter(straight, base):
    from peft import PeftModel

    source = ModelSource(name=str(base), weights="path")
    tuned = PeftModel.from_pretrained(load_base(source), straight.path / "adapter").eval()
    merged = load_base(ModelSource(name=str(straight.path), weights="path"))
    ids = torch.tensor([[0, 5, 77, 900]])
    assert (tuned(ids).logits - load_base(source)(ids).logits).abs().max() > 0.05
    torch.testing.assert_close(merged(ids).logits, tuned(ids).logits, atol=1e-4, rtol=0)
    assert straight.summary["merge_max_logit_difference"] < 1e-4 < straight.summary["tuning_max_logit_change"]


def test_saved_weights_that_lost_the_update_are_refused(base, rows, straight, tmp_path, monkeypatch):
    source = ModelSource(name=str(base), weights="path")
    adapter = straight.path / "adapter"
    sequences = load_data(AutoTokenizer.from_pretrained(base), rows, settings(base)).sequences
    check = save_model(source, adapter, "float32", sequences, tmp_path / "right")
    assert check.difference < 1e-4 < check.change
    # as if saving had rounded the update away: what is read back is the base
    monkeypatch.setattr("paper_repro.train.merge.load_base", lambda _, dtype: load_base(source, dtype))
    with pytest.raises(StageError, match="not those trained"):
        save_model(source, adapter, "float32", sequences, tmp_path / "wrong")


def test_full_tuning_saves_the_trained_weights(base, rows, tmp_path):
    model = train(settings(base, preset="full", epochs=1), rows, tmp_path / "out")
    assert not any(name.startswith("adapter") for name in model.identity.outputs)
    assert model.summary["trainable_parameters"] == model.summary["parameters"]
    assert json.loads(model.file("merged/config.json").read_text())["pad_token_id"] is None
    source = ModelSource(name=str(base), weights="path")
    before, after = load_base(source).state_dict(), load_base(source.at(model.path)).state_dict()
    assert all(not torch.equal(before[name], after[name]) for name in before if "norm" not in name)


@pytest.fixture(scope="module")
def unmerged(base, rows, tmp_path_factory):
    """An adapter on a copy of the base, without merged weights."""
    folder = tmp_path_factory.mktemp("unmerged")
    shutil.copytree(base, folder / "base")
    return train(settings(folder / "base", merge=False, epochs=1), rows, folder / "tuned")


def test_an_adapter_is_not_put_on_another_base(unmerged):
    source = ModelSource(name=str(unmerged.path), weights="path")
    tuned = {name: value.clone() for name, value in load_base(source).state_dict().items()}
    weights_file = unmerged.path.parent / "base" / "model.safetensors"
    before = weights_file.read_bytes()
    try:
        weights_file.unlink()  # the file is mapped into memory
        weights_file.write_bytes(before[:-4] + b"\0\0\0\0")
        with pytest.raises(InputError, match="not the one that the adapter was tuned on"):
            load_base(source)
        weights_file.unlink()
        weights_file.parent.rename(unmerged.path.parent / "elsewhere")
        with pytest.raises(InputError, match="an adapter without its base"):
            load_base(source)
    finally:
        if not weights_file.parent.exists():
            (unmerged.path.parent / "elsewhere").rename(weights_file.parent)
        weights_file.write_bytes(before)
    assert all(torch.equal(value, tuned[name]) for name, value in load_base(source).state_dict().items())


def test_a_published_adapter_says_that_its_base_is_not_there(unmerged, tmp_path):
    copy_artifact(unmerged, tmp_path / "copy")
    with pytest.raises(InputError, match="an adapter without its base"):
        load_base(ModelSource(name=str(tmp_path / "copy"), weights="path"))


@pytest.mark.parametrize(("targets", "named"), [("nolayer", "nolayer"), (["q_proj", "nolayer"], "nolayer")])
def test_a_layer_that_the_model_has_not_is_named_with_those_it_has(base, rows, tmp_path, targets, named):
    lora = {"r": 4, "alpha": 8, "dropout": 0.0, "targets": targets}
    with pytest.raises(UserError, match=f"no layer '{named}'") as caught:
        train(settings(base, lora=lora), rows, tmp_path / "out")
    assert "q_proj" in caught.value.fix


def test_a_plain_folders_name_is_the_sets_and_decides(base, tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        table = pa.table({"row_id": ["a", "b"], "response": ["one two", "three"]})
        pq.write_table(table, tmp_path / name / "rt.parquet")
    made = [train(settings(base, epochs=1), tmp_path / name, tmp_path / f"t-{name}") for name in ("one", "other")]
    assert [one.summary["condition"]["response_set"] for one in made] == ["one", "other"]
    assert made[0].digest != made[1].digest
    with pytest.raises(UserError, match="made otherwise"):
        train(settings(base, epochs=1), tmp_path / "other", tmp_path / "t-one")


# --- the loss ---------------------------------------------------------------------------------------------------


def first_step(base, data, folder, **given):
    """Adapter gradients of the first optimiser step, before clipping, and the sequences of that step by pass."""
    trainer, sequences = trainer_for(base, data, folder, epochs=1, max_grad_norm=1e9, **given)
    gradients = {}

    def keep(optimizer, *_):
        if not gradients:
            gradients.update({n: p.grad.clone() for n, p in trainer.model.named_parameters() if p.grad is not None})

    trainer.create_optimizer()
    trainer.optimizer.register_step_pre_hook(keep)
    trainer.train()
    return trainer, sequences, gradients


def by_hand(base, data, folder, sequences, passes, normalisation, **given):
    """The same gradients from single sequences, without batching, padding or trainer."""
    trainer, _ = trainer_for(base, data, folder, **given)
    model = trainer.model.train()
    counts = [sum(sequences[i].predicted for i in one) for one in passes]
    for one, count in zip(passes, counts, strict=True):
        for index in one:
            ids = torch.tensor([sequences[index].input_ids])
            logits = model(ids).logits[0, :-1]
            labels = torch.tensor(sequences[index].labels[1:])
            loss = torch.nn.functional.cross_entropy(logits, labels, reduction="sum")
            share = sum(counts) if normalisation == "token_mean" else count * len(passes)
            (loss / share).backward()
    return {n: p.grad for n, p in model.named_parameters() if p.grad is not None}


@pytest.fixture(scope="module")
def unequal(tmp_path_factory) -> Path:
    """Two rows of very unequal length."""
    path = tmp_path_factory.mktemp("data") / "unequal.jsonl"
    pairs = [("a", "one"), ("b", " ".join(WORDS * 3))]
    path.write_text("".join(json.dumps({"instruction": i, "response": r}) + "\n" for i, r in pairs))
    return path


@pytest.mark.parametrize("normalisation", ["token_mean", "microbatch_mean"])
def test_the_first_step_is_the_one_computed_by_hand(base, unequal, tmp_path, normalisation):
    given = {"global_batch": 2, "per_device_batch": 1, "loss_normalisation": normalisation, "method": "it"}
    _, sequences, found = first_step(base, unequal, tmp_path / "a", **given)
    expected = by_hand(base, unequal, tmp_path / "b", sequences, [[0], [1]], normalisation, **given)
    assert found.keys() == expected.keys() and found
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, atol=1e-6, rtol=1e-4)


def test_the_two_normalisations_differ_on_unequal_passes(base, unequal, tmp_path):
    given = {"global_batch": 2, "per_device_batch": 1}
    first, second = (
        first_step(base, unequal, tmp_path / mode, loss_normalisation=mode, **given)[2]
        for mode in ("token_mean", "microbatch_mean")
    )
    norm = sum((first[name] - second[name]).square().sum() for name in first).sqrt()
    assert norm > 0.05 * sum(first[name].square().sum() for name in first).sqrt()


STORED = Path(__file__).resolve().parents[1] / "golden" / "trajectories" / "rt_lora.json"


def test_batch_1_times_8_equals_8_times_1_and_the_stored_trajectory(base, rows, tmp_path):
    """Float sums in another order: 1e-6 of weights near 0.1 after three steps; a wrong weighting gives 1e-2.

    The stored trajectory guards what all of them share (order, labels, optimiser, schedule). Other processors and other
    builds of torch sum in other orders too, so 1e-3 there. RT_RECORD=1 stores it anew, which a change that means to
    alter training has to do, and say.
    """
    given = {"epochs": 1, "global_batch": 8, "lora": {"r": 4, "alpha": 8, "dropout": 0.0}}
    found = []
    for size in (1, 8):
        chosen = settings(base, "pack_tokens=null", per_device_batch=size, **given)
        assert chosen.pack_tokens is None and chosen.accumulation == 8 // size
        model = train(chosen, rows, tmp_path / str(size))
        found.append(json.loads(model.file("trajectory.json").read_text()))
    for key, near in (("loss", 2e-5), ("grad_norm", 2e-4)):
        assert [row[key] for row in found[0]] == pytest.approx([row[key] for row in found[1]], abs=near)
    if os.environ.get("RT_RECORD"):
        made_with = {"machine": platform.machine(), "packages": model.identity.packages}
        STORED.parent.mkdir(exist_ok=True)
        STORED.write_text(json.dumps({"made_with": made_with, "rows": found[0]}, indent=1) + "\n")
    stored = json.loads(STORED.read_text())["rows"]
    assert [row["loss_tokens"] for row in found[0]] == [row["loss_tokens"] for row in stored]
    for key in ("loss", "grad_norm"):
        assert [row[key] for row in found[0]] == pytest.approx([row[key] for row in stored], abs=1e-3)


def test_recomputing_activations_changes_nothing(base, rows, straight, tmp_path):
    model = train(settings(base, recompute_above=0), rows, tmp_path / "out")
    assert weights(model) == weights(straight)


def test_the_summed_loss_is_the_models_own_times_its_tokens(base):
    model = load_base(ModelSource(name=str(base), weights="path"))
    ids = torch.tensor([[0, 5, 6, 7, 8], [0, 9, 10, 2, 2]])
    labels = torch.tensor([[-100, -100, 6, 7, 8], [-100, 9, 10, -100, -100]])
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    loss, tokens = summed_loss(model, {"input_ids": ids, "attention_mask": mask, "labels": labels})
    own = model(input_ids=ids, attention_mask=mask, labels=labels).loss
    assert tokens == 5 and loss.item() == pytest.approx(own.item() * 5, rel=1e-5)


# --- data and order ---------------------------------------------------------------------------------------------


def test_rt_and_it_train_the_same_rows_and_the_same_response_tokens(base, rows):
    tokenizer = AutoTokenizer.from_pretrained(base)
    rt, it = (load_data(tokenizer, rows, settings(base, method=method)) for method in ("rt", "it"))
    assert [sequence.trained for sequence in rt.sequences] == [sequence.trained for sequence in it.sequences]
    assert rt.counts["loss_tokens"] == it.counts["loss_tokens"] and rt.counts["tokens"] < it.counts["tokens"]


def test_it_on_a_set_without_instructions_is_refused(base, tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "rt.parquet").write_bytes(b"")
    with pytest.raises(InputError, match="IT is impossible"):
        train(settings(base, method="it"), tmp_path / "set", tmp_path / "out")


def test_the_order_is_a_permutation_by_seed_and_epoch():
    lengths = [5, 1, 9, 2, 8, 3, 7]
    orders = [epoch_order(lengths, seed, epoch, 3, False) for seed in (0, 1) for epoch in (0, 1)]
    assert all(sorted(order) == list(range(7)) for order in orders)
    assert len({tuple(order) for order in orders}) == 4


def test_sorting_within_a_step_keeps_the_steps_content():
    lengths = list(range(50))
    plain, by_length = (epoch_order(lengths, 0, 0, 8, flag) for flag in (False, True))
    for start in range(0, 50, 8):
        step = by_length[start : start + 8]
        assert set(step) == set(plain[start : start + 8])
        assert [lengths[i] for i in step] == sorted((lengths[i] for i in step), reverse=True)


# --- settings ---------------------------------------------------------------------------------------------------


def test_a_batch_that_cannot_be_accumulated_is_refused():
    with pytest.raises(SettingsError, match="multiple of per_device_batch"):
        load_settings(TrainSettings, None, ["global_batch=6", "per_device_batch=4"])


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is there")
def test_qlora_without_a_gpu_is_refused(base, rows, tmp_path):
    with pytest.raises(UserError, match="CUDA device"):
        train(settings(base, preset="qlora", dtype="bfloat16"), rows, tmp_path / "out")


def test_a_loss_that_is_not_a_number_is_an_error(base, rows, tmp_path):
    with pytest.raises(StageError, match="not a number"):
        train(settings(base, preset="full", learning_rate=1e30), rows, tmp_path / "out")
