"""Fixtures shared by all tests: the mirror, an own RT_HOME, no network."""

from __future__ import annotations

import importlib.util
import itertools
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def mirror() -> Path:
    """Folder of the real data sets; tests that need it skip where RT_MIRROR is unset."""
    given = os.environ.get("RT_MIRROR")
    if not given:
        pytest.skip("needs real data sets: set RT_MIRROR to a folder laid out as the pins say")
    folder = Path(given).resolve()
    if not folder.is_dir():
        pytest.fail(f"RT_MIRROR={given} is not a folder")
    return folder


TINY_TOKENIZER = Path(__file__).parent / "golden" / "sequences" / "tokenizer_tiny"


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a Llama of two narrow layers with random weights, the same every time, and its tokenizer."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("tiny") / "base"
    tokenizer = AutoTokenizer.from_pretrained(TINY_TOKENIZER)
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = LlamaConfig(vocab_size=len(tokenizer), bos_token_id=0, eos_token_id=1, **sizes)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def rt_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty RT_HOME for one test."""
    home = tmp_path / "home"
    monkeypatch.setenv("RT_HOME", str(home))
    return home


@pytest.fixture(autouse=True)
def own_embedding_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test of this process begins without cached embeddings, and leaves none in the user's RT_HOME."""
    from data_curation import embedding_cache

    folder = tmp_path_factory.getbasetemp() / f"embeddings-{next(_NUMBERS)}"
    monkeypatch.setattr(embedding_cache, "cache_folder", lambda: folder)


def _servers() -> ModuleType:
    if "rt_test_servers" not in sys.modules:
        spec = importlib.util.spec_from_file_location("rt_test_servers", Path(__file__).with_name("servers.py"))
        module = importlib.util.module_from_spec(spec)
        sys.modules["rt_test_servers"] = module
        spec.loader.exec_module(module)
    return sys.modules["rt_test_servers"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test with the argument `fault_kind` runs once for each fault that `servers.ChatServer` knows."""
    if "fault_kind" in metafunc.fixturenames:
        metafunc.parametrize("fault_kind", _servers().FAULTS)


@pytest.fixture(scope="session")
def servers() -> ModuleType:
    """The module `tests/servers.py`: an OpenAI-compatible server whose calls fail by a plan."""
    return _servers()


@pytest.fixture
def chat_server(servers: ModuleType):
    """Start a `servers.ChatServer` with the given plan; it is closed after the test."""
    started = []

    def start(**plan):
        started.append(servers.ChatServer(**plan))
        return started[-1]

    yield start
    for server in started:
        server.close()
        assert server.errors == []
