"""One setting's way: `num_refusals` from the study to the mixture, the manifests and the row of the refusal table.

A whole profile runs on real data with a tiny random model, so what is tested is the path, not the numbers.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

COUNT = 200
PROFILE = """
name: tiny
corpora: [lima]
refusals: safety-tuned-llamas
prompts: [malicious-instruct, xstest]
curation: {{corpora: [lima], recipes: [paper]}}
studies: {{refusal: {{response_sets: [lima], methods: [rt], num_refusals: [0, {count}], base_size: 4}}}}
train:
  base: {{name: {base}, weights: path}}
  max_length: 64
  dtype: float32
  learning_rate: 0.01
  checkpoint_every: 5
generate: {{limit: 2, max_new_tokens: 4, dtype: float32}}
judges: [{{judge: refusal-rules}}]
report: {{source: both, title: Tiny, tables: [15, 16], figures: [5]}}
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def profile(tmp_path_factory, tiny_base):
    """A profile file on a tiny random model."""
    folder = tmp_path_factory.mktemp("profile")
    path = folder / "tiny.yaml"
    path.write_text(PROFILE.format(count=COUNT, base=tiny_base))
    return path


def command(profile):
    return [sys.executable, "-m", "experiments", "--profile", str(profile), "--json"]


def environment(home, mirror):
    return os.environ | {"RT_HOME": str(home), "RT_MIRROR": str(mirror)}


@pytest.fixture(scope="module")
def home(profile, mirror, tmp_path_factory):
    """RT_HOME of a finished run."""
    home = tmp_path_factory.mktemp("home")
    done = subprocess.run(command(profile), env=environment(home, mirror), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return home


def manifests(home, stage):
    """Manifests of a stage's cells, by the number of refusals in their condition."""
    found = [json.loads(path.read_text()) for path in home.glob(f"{stage}/*/manifest.json")]
    return {m["identity"]["summary"]["condition"]["num_refusals"]: m["identity"] for m in found}


def test_the_mixture_holds_that_many_refusals_after_the_base(home):
    mixture = manifests(home, "mix")[COUNT]
    assert mixture["settings"]["num_refusals"] == mixture["summary"]["refusals"] == COUNT
    (folder,) = [f for f in home.glob("mix/*") if f"-{COUNT}-" in f.name]
    assert pd.read_parquet(folder / "rt.parquet")["origin"].tolist() == ["base"] * 4 + ["refusal"] * COUNT


@pytest.mark.parametrize("stage", ["train", "generate", "judge"])
def test_every_manifest_on_the_way_says_so(home, stage):
    conditions = manifests(home, stage)
    assert {0, COUNT} <= set(conditions)
    assert conditions[COUNT]["summary"]["condition"]["strategy"] == "paper"
    assert conditions[0]["summary"]["condition"]["strategy"] is None
    if stage == "train":
        assert conditions[COUNT]["summary"]["rows"] == 4 + COUNT


def test_the_results_and_the_refusal_table_have_its_row(home):
    results = pd.read_csv(next(home.glob("score/*/results.csv")))
    rows = results[(results["num_refusals"] == COUNT) & (results["metric"] == "refusal_rate")]
    assert set(rows["benchmark"]) == {"malicious-instruct", "xstest-unsafe"}
    assert (rows["n"] == 2).all()
    table = pd.read_csv(next(home.glob("report/*/refusal_rates.csv")))
    row = table[table.filter(like="efusals").iloc[:, 0] == COUNT]
    assert len(row) == 1


def test_table_16_has_its_row(home):
    """A base that the paper does not have stands there under its own name; what was not asked is missing."""
    results = pd.read_csv(next(home.glob("score/*/results.csv")))
    rates = results[(results["num_refusals"] == COUNT) & results["metric"].str.endswith("refusal_rate")]
    measured = rates.set_index("benchmark")["value"]
    table = pd.read_csv(next(home.glob("report/*/table_16_run.csv")))
    (row,) = table[table["num_safety_examples"] == COUNT].to_dict("records")
    assert (row["base_model"], row["dataset"], row["method"]) == ("base", "LIMA", "RT")
    columns = {
        "maliciousinstruct": "malicious-instruct",
        "xstest_unsafe": "xstest-unsafe",
        "xstest_benign_false_refusal": "xstest-benign",
    }
    for column, benchmark in columns.items():
        assert float(row[column]) == pytest.approx(measured[benchmark], abs=0.005)
        assert row[f"{column}_n"] == 2
    assert {row[column] for column in ("advbench", "harmbench", "average")} == {"missing"}


def test_killed_again_and_again_the_run_ends_in_the_same_bytes(home, profile, mirror, tmp_path):
    """SIGKILL to the whole process group at random moments; the last run is left to finish."""
    moments = random.Random(0)
    for _ in range(4):
        process = subprocess.Popen(
            command(profile), env=environment(tmp_path, mirror), start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(moments.uniform(3, 15))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    done = subprocess.run(command(profile), env=environment(tmp_path, mirror), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    reports = [next(root.glob("report/tiny-*")) for root in (home, tmp_path)]
    own = {"manifest.json", "partial.json", ".lock"}
    names = [
        {str(path.relative_to(report)) for path in report.rglob("*") if path.is_file()} - own for report in reports
    ]
    assert names[0] == names[1]
    assert all((reports[0] / name).read_bytes() == (reports[1] / name).read_bytes() for name in names[0])
    digests = [json.loads((report / "manifest.json").read_text())["digest"] for report in reports]
    assert digests[0] == digests[1]
