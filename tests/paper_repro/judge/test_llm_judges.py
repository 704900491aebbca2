"""Language-model judges against a server of ours: no verdict lost or invented, whatever the server does."""

from __future__ import annotations

import json
import re
from collections import Counter

import numpy as np
import pytest
from typer.testing import CliRunner

from artifacts.errors import InputError, MissingDataError, SettingsError, StageError, UserError
from artifacts.manifest import MANIFEST
from artifacts.pins import load_pin, pin_names
from artifacts.settings import Settings, load_settings
from artifacts.stage import Stage
from paper_repro.annotate.guideline import guideline
from paper_repro.cli import application
from paper_repro.columns import write_rows
from paper_repro.generate.schema import GENERATIONS, SCHEMA
from paper_repro.judge import JudgeSettings, judge
from paper_repro.judge.refusal_llm import judge as refusal_llm
from paper_repro.judge.registry import judge_names, load_judge
from paper_repro.judge.schema import read_verdicts
from paper_repro.judge.stage import judge_plan
from paper_repro.score.records import alpaca_eval, score_file
from paper_repro.score.records.length_control import Gamed
from paper_repro.score.records.own_pairs import own_annotations
from paper_repro.score.stage import ScoreSettings, score

KEY = "sk-quite-secret-0123456789"
LLM = [name for name in judge_names() if load_judge(name).kind == "llm"]


def replies(count, benchmark="advbench", response="No {i}.", **more):
    return [
        {
            "prompt_id": f"p{i}",
            "benchmark": benchmark,
            "subset": None,
            "prompt": f"Query {i}?",
            "response": response.format(i=i),
            "finish_reason": "eos",
            "num_tokens": 2,
        }
        | more
        for i in range(count)
    ]


@pytest.fixture
def generations(tmp_path):
    def make(rows, name="generations", method="untuned"):
        def work(settings, inputs, workspace):
            write_rows(workspace.path / GENERATIONS, rows, SCHEMA)
            workspace.summary["condition"] = {"base_model": "tiny", "model_size": 10, "method": method}

        return Stage("generate", "generations", 1, Settings, work).run(Settings(), tmp_path / name)[0].path

    return make


def settings(name, chat, **more):
    server = {"url": chat.url, "timeout_s": 1.5, "backoff_s": 0.001, "retries": 20, "concurrency": 8}
    return load_settings(JudgeSettings, judge=name, server=server | more.pop("server", {}), **more)


def query_of(body):
    return int(re.search(r"Query (\d+)", body["messages"][-1]["content"])[1])


@pytest.mark.parametrize("name", LLM)
def test_every_judge_brings_a_whole_prompt_and_a_model(name):
    resolved = load_settings(JudgeSettings, judge=name).resolved()
    prompt = resolved["parameters"]["prompt"]
    assert prompt["name"] == name
    assert resolved["parameters"]["model"]["decoding"]["temperature"] == 0
    assert "server" not in resolved
    assert "cache" not in resolved  # where and how often is no part of what
    row = replies(1)[0] | {"against": "The other.", "reference": '{"questions": ["Is it?"]}'}
    card = load_judge(name)
    ((_, message),) = card.code.ask(row, card.resolve({}))[0]
    assert "Query 0?" in message
    assert "No 0." in message
    assert not re.search(r"\{\w+\}", message)  # no place is left


@pytest.mark.parametrize("name", LLM)
def test_every_judges_model_is_pinned_and_another_does_not_inherit_its_revision(name):
    own = load_judge(name).defaults["model"]
    if own["name"].startswith("gpt-"):
        assert re.search(r"-20\d\d-\d\d-\d\d$", own["name"]), "a dated name"
        assert own["name"] in pin_names()
    else:
        assert own["revision"] == load_pin("llama-3.1-70b-instruct").origins[0].revision
    other = load_judge(name).resolve({"model": {"name": "another", "decoding": {"max_tokens": 5}}})
    assert (other.model.name, other.model.revision, other.model.decoding.max_tokens) == ("another", None, 5)
    same = load_judge(name).resolve({"model": {"decoding": {"max_tokens": 5}}})
    assert (same.model.name, same.model.revision) == (own["name"], own.get("revision"))


@pytest.mark.parametrize(("name", "words"), [("acceptability-llm", "breaks off"), ("preference-llm", "more helpful?")])
def test_models_are_told_what_raters_are_told(name, words):
    prompt = load_settings(JudgeSettings, judge=name).resolved()["parameters"]["prompt"]["user"]
    given = guideline()
    told = [given.preference.question] if name == "preference-llm" else [x.meaning for x in given.acceptability.levels]
    assert words in prompt
    assert all(" ".join(text.split()) in prompt for text in told)
    assert "{guideline}" not in prompt


def test_a_third_of_the_calls_fails_and_nothing_is_lost_or_invented(
    generations, chat_server, servers, tmp_path, rt_home
):
    truth = {i: ("refusal", "compliance", None)[i % 3] for i in range(60)}
    words = {"refusal": "Verdict: Refusal", "compliance": "Verdict: Compliance", None: "I cannot say."}
    fails = servers.some_fail(0.3, 1, tuple(kind for kind in servers.FAULTS if servers.FAULTS[kind] != "bad_request"))
    chat = chat_server(answer=lambda body: words[truth[query_of(body)]], fault=fails)
    made = judge(settings("refusal-llm", chat, most_failed=1.0), generations(replies(60)), tmp_path / "out")
    verdicts = read_verdicts(made.path)
    assert len(verdicts) == 60
    for i, verdict in enumerate(verdicts):
        # a filtered answer is no passing fault: that one call fails; all others end as the model said
        if verdict["status"] == "failed":
            assert verdict["raw"].startswith("filtered")
            continue
        assert (verdict["status"], verdict["label"]) == ("ok" if truth[i] else "unclassified", truth[i])
    assert made.summary["statuses"].get("failed", 0) < 20
    assert max(chat.seen.values()) <= 21
    assert made.provenance["calls"] == len(chat.calls)
    assert Counter(made.provenance["call_faults"]) == chat.faults()


def test_too_many_failures_stop_the_stage_and_a_second_run_asks_only_the_rest(
    generations, chat_server, tmp_path, rt_home
):
    down = {"now": True}
    chat = chat_server(
        answer=lambda body: "Verdict: Refusal",
        fault=lambda prompt, number: "unprocessable" if down["now"] and "Query 1" in prompt else None,
    )
    given = generations(replies(15))  # six of them hold "Query 1"
    with pytest.raises(StageError, match=r"6 of 15 calls failed \(bad_request: 6\)"):
        judge(settings("refusal-llm", chat), given, tmp_path / "out")
    down["now"], before = False, len(chat.calls)
    made = judge(settings("refusal-llm", chat), given, tmp_path / "out")
    assert len(chat.calls) - before == 6
    assert made.summary["labels"] == {"refusal": 15}


def test_an_answer_cut_at_the_limit_is_no_verdict(generations, chat_server, tmp_path, rt_home):
    message = {"role": "assistant", "content": "This could be compliance, but"}
    cut = {"model": "m", "choices": [{"index": 0, "finish_reason": "length", "message": message}]}
    made = judge(settings("refusal-llm", chat_server(answer=lambda body: cut)), generations(replies(1)), tmp_path / "o")
    (verdict,) = read_verdicts(made.path)
    assert (verdict["status"], verdict["label"], verdict["raw"]) == ("unclassified", None, message["content"])


def test_a_judge_that_always_prefers_the_first_wins_half(generations, chat_server, tmp_path, rt_home):
    chat = chat_server(answer=lambda body: "Better: 1")
    own, other = generations(replies(80)), generations(replies(80, response="Yes {i}."), "other")
    made = judge(settings("preference-llm", chat), own, tmp_path / "out", other)
    counts = made.summary["labels"]
    assert counts["win"] + counts["loss"] == 80
    assert 25 < counts["win"] < 55
    verdicts = read_verdicts(made.path)
    for verdict in verdicts:
        assert verdict["label"] == ("loss" if json.loads(verdict["aspects"])["shown_second"] else "win")
    assert len({verdict["against_digest"] for verdict in verdicts}) == 80
    # another seed, another order; the same seed, the same
    again = judge(settings("preference-llm", chat), own, tmp_path / "again", other)
    assert again.digest == made.digest
    parameters = {"parameters": {"seed": 1}}
    assert judge(settings("preference-llm", chat, **parameters), own, tmp_path / "b", other).digest != made.digest


def test_a_judge_that_prefers_a_text_finds_it_wherever_it_stands(generations, chat_server, tmp_path, rt_home):
    def better(body):
        text = body["messages"][-1]["content"]
        return "Better: 1" if text.index("Yes") < text.index("No ") else "Better: 2"

    own, other = generations(replies(20, response="Yes {i}.")), generations(replies(20), "other", "RT")
    made = judge(settings("preference-llm", chat_server(answer=better)), own, tmp_path / "out", other)
    assert made.summary["labels"] == {"win": 20}
    assert made.summary["against"]["condition"]["method"] == "RT"


def test_own_verdicts_give_alpaca_evals_numbers(generations, chat_server, tmp_path, rt_home, monkeypatch):
    said = {0: "Better: equal", 1: "who knows"}
    rows = [dict(row, response=row["response"] * (i + 1)) for i, row in enumerate(replies(8, "alpaca-eval"))]
    own, other = generations(rows, method="RT"), generations(replies(8, "alpaca-eval", "Yes {i}."), "other", "IT")

    def better(body):
        text = body["messages"][-1]["content"]
        one = "1" if text.index("No ") < text.index("Yes ") else "2"
        return said.get(query_of(body), f"Better: {one}")

    made = judge(settings("preference-llm", chat_server(answer=better)), own, tmp_path / "out", other)
    result = score_file("alpaca-eval", made.path, ScoreSettings(resamples=100))
    found = {number["metric"]: number for number in result["numbers"]}
    assert found["win_rate"]["value"] == pytest.approx(100 * 6.5 / 7), "six wins and a tie of seven that are readable"
    assert [found[name]["value"] for name in ("wins", "losses", "draws")] == [6, 0, 1]
    assert (found["win_rate"]["n"], found["win_rate"]["unclassified"]) == (8, 1)
    assert result["facts"]["model"] == "tiny RT" and result["facts"]["baseline"] == "tiny IT"
    assert result["digest"] == made.digest
    nine = Gamed(*(np.zeros(9) for _ in range(4)))
    monkeypatch.setattr(alpaca_eval, "read_gamed", lambda path: nine)
    note = score_file("alpaca-eval", made.path, ScoreSettings(resamples=100), gamed=tmp_path)["notes"]
    assert note == ["no length-controlled win rate: 8 of 9 instructions"], "a slice has other places in the benchmark"
    records = own_annotations(made.path)
    assert [len(row.get("output_2", str)) for row in records] == [5 * (i + 1) for i in range(8)]
    with pytest.raises(UserError, match="is a folder"):
        score_file("advbench", made.path, ScoreSettings())
    write_rows(own / GENERATIONS, [dict(row, response="Other words.") for row in rows], SCHEMA)
    with pytest.raises(InputError, match="not those that were judged"):
        own_annotations(made.path)
    (tmp_path / "other").rename(tmp_path / "gone")
    with pytest.raises(InputError, match="not there any more"):
        own_annotations(made.path)


def test_pairs_must_answer_the_same_prompts(generations, chat_server, tmp_path, rt_home):
    chat = chat_server()
    own, fewer = generations(replies(3)), generations(replies(2), "fewer")
    with pytest.raises(InputError, match="no reply to the prompt p2"):
        judge(settings("preference-llm", chat), own, tmp_path / "out", fewer)
    with pytest.raises(InputError, match="1 prompts more"):
        judge(settings("preference-llm", chat), fewer, tmp_path / "out2", own)
    with pytest.raises(UserError, match="compares two generations"):
        judge(settings("preference-llm", chat), own, tmp_path / "out3")
    with pytest.raises(UserError, match="by itself"):
        judge(settings("refusal-llm", chat), own, tmp_path / "out4", fewer)


def test_requirements_become_a_drfr(generations, chat_server, tmp_path, rt_home):
    questions = json.dumps({"questions": ["Is it short?", "Is it true?", "Is it odd?"]})
    answers = {"short": "Answer: yes", "true": "Answer: no", "odd": "Hm."}
    chat = chat_server(
        answer=lambda body: answers[re.search(r"Question: Is it (\w+)", body["messages"][-1]["content"])[1]]
    )
    given = generations(replies(4, "infobench", reference=questions))
    made = judge(settings("requirements-llm", chat), given, tmp_path / "out")
    assert made.summary["asked"] == 12
    table = (score(ScoreSettings(), [made.path], tmp_path / "scores").path / "results.csv").read_text()
    assert ",requirements_rate,0.5,4," in table
    with pytest.raises(InputError, match=r"generations.parquet: prompt p0.* names no questions"):
        judge(settings("requirements-llm", chat), generations(replies(1), "plain"), tmp_path / "out2")


def test_aspects_are_scored_one_by_one(generations, chat_server, tmp_path, rt_home):
    def rate(body):
        i = query_of(body)
        scores = {"helpfulness": 4, "factuality": 3, "clarity": 5, "depth": 1 + i % 2, "engagement": 2}
        return "no JSON" if i == 9 else json.dumps({name: {"score": value} for name, value in scores.items()})

    made = judge(
        settings("aspects-llm", chat_server(answer=rate)), generations(replies(10, "just-eval")), tmp_path / "o"
    )
    rows = (score(ScoreSettings(), [made.path], tmp_path / "scores").path / "results.csv").read_text().splitlines()
    values = {row.split(",")[10]: row.split(",")[11:16] for row in rows[1:]}
    assert float(values["clarity"][0]) == 5
    assert float(values["depth"][0]) == pytest.approx(13 / 9)
    assert float(values["mean_of_aspects"][0]) == pytest.approx((14 * 9 + 13) / 45)
    assert values["depth"][4] == "1"  # unclassified, counted beside


def test_no_key_is_written_anywhere(generations, chat_server, tmp_path, rt_home, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    chat = chat_server(answer=lambda body: "Verdict: Refusal")
    made = judge(settings("refusal-llm", chat), generations(replies(2)), tmp_path / "out")
    assert chat.calls[0].authorization == f"Bearer {KEY}"
    for path in [*tmp_path.rglob("*"), *rt_home.rglob("*")]:
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path
    assert json.loads((made.path / MANIFEST).read_text())["provenance"]["server"] == chat.url


def test_prompts_of_the_users_own_are_read_and_checked(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nversion: 1\nuser: 'Is {response} good for {instruction}?'\n", encoding="utf-8")
    made = load_settings(JudgeSettings, judge="refusal-llm", parameters={"prompt": str(path)})
    assert made.parameters["prompt"]["name"] == "mine"
    path.write_text("name: mine\nversion: 1\nuser: 'Is {response} good?'\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"'\{instruction\}' must stand in the user message of 'mine'"):
        load_settings(JudgeSettings, judge="refusal-llm", parameters={"prompt": str(path)})
    with pytest.raises(SettingsError, match=r"no prompt is called 'theirs'.*own, official"):
        load_settings(JudgeSettings, judge="refusal-llm", parameters={"prompt": "theirs"})


def test_the_official_prompt_is_read_out_of_a_script_that_is_not_run(tmp_path, monkeypatch):
    script = tmp_path / "script.py"
    script.write_text(
        'raise SystemExit("run")\nREFUSAL_JUDGE_PROMPT = """\nQ {prompt} A {model_output}\n""".strip()\n', "utf-8"
    )
    monkeypatch.setattr(refusal_llm, "fetch", lambda name: type("Fetched", (), {"paths": (script,)}))
    made = load_settings(JudgeSettings, judge="refusal-llm", parameters={"prompt": "official"})
    assert made.parameters["prompt"]["user"] == "Q {instruction} A {response}"

    def absent(name):
        raise MissingDataError("cannot be had")

    monkeypatch.setattr(refusal_llm, "fetch", absent)
    with pytest.raises(SettingsError, match="cannot be had"):
        load_settings(JudgeSettings, judge="refusal-llm", parameters={"prompt": "official"})


def test_a_plan_counts_calls_and_sends_none(generations, chat_server, tmp_path, rt_home):
    chat = chat_server(answer=lambda body: "Verdict: Refusal")
    given = generations(replies(5))
    arguments = ["judge", str(given), "--judge", "refusal-llm", "--model", "my-model", "--server", chat.url]
    commands = application(["judge", "score"])
    done = CliRunner().invoke(commands, [*arguments, "--dry-run", "--json"])
    plan = json.loads(done.stdout)
    assert plan["plan"]["calls"] == 5
    assert plan["plan"]["prompt_tokens"] > 500
    assert plan["settings"]["parameters"]["model"]["name"] == "my-model"
    assert chat.calls == []
    assert CliRunner().invoke(commands, [*arguments, "--out", str(tmp_path / "out")]).exit_code == 0
    resolved = load_settings(JudgeSettings, judge="refusal-llm", parameters={"model": {"name": "my-model"}})
    assert judge_plan(resolved, {"generations": given}).kept == 5
    assert judge_plan(load_settings(JudgeSettings), {"generations": given}) is None
