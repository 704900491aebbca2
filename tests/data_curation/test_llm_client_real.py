"""The client against a real server: `transformers serve` with a tiny random model, on loopback, without a network."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from data_curation.llm_client import AnswerStore, Decoding, ModelSettings, Request, ServerSettings, complete

TOKENIZER = Path(__file__).parents[1] / "golden" / "sequences" / "tokenizer_tiny"
START_S = 240

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Address and model name of a running server."""
    for package in ("fastapi", "uvicorn"):
        pytest.importorskip(package, reason=f"transformers serve needs {package}")
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    folder = str(tmp_path_factory.mktemp("served"))
    tokenizer = AutoTokenizer.from_pretrained(TOKENIZER)
    tokenizer.chat_template = (
        "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}\n{% endfor %}<|assistant|>\n"
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **sizes)).save_pretrained(folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = [sys.executable, "-c", "from transformers.cli.transformers import main; main()", "serve", folder]
    command = [*program, "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with open(Path(folder) / "log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        _wait(process, f"http://127.0.0.1:{port}/health", Path(folder) / "log")
        yield f"http://127.0.0.1:{port}/v1", folder
    finally:
        process.kill()
        process.wait()


def _wait(process, address, log):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(START_S):
        assert process.poll() is None, log.read_text()
        try:
            opener.open(address, timeout=5).close()
            return
        except OSError:
            time.sleep(1)
    pytest.fail(f"the server did not start within {START_S} s:\n{log.read_text()}")


def test_a_real_server_answers_and_its_counts_are_kept(served, tmp_path):
    url, folder = served
    model = ModelSettings(name=folder, decoding=Decoding(max_tokens=6))
    requests = [Request((("user", text),)) for text in ("Name a fruit.", "Name a tree.", "Name a fruit.")]
    with AnswerStore(tmp_path / "answers.sqlite") as store:
        batch = complete(requests, model, ServerSettings(url=url, retries=0), store)
        again = complete(requests, model, ServerSettings(), store)
    assert [outcome.failure for outcome in batch.outcomes] == [None] * 3
    answers = [outcome.answer for outcome in batch.outcomes]
    assert all(answer.text.strip() and answer.prompt_tokens > 0 for answer in answers)
    assert {(answer.finish_reason, answer.completion_tokens) for answer in answers} == {("length", 6)}
    assert (batch.counts.calls, again.counts.calls, again.outcomes == batch.outcomes) == (2, 0, True)
