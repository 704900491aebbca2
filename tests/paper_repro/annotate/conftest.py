"""Two systems' replies, campaigns of them, and a client that reads the page as a browser would."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from starlette.testclient import TestClient

from artifacts.settings import Settings
from artifacts.stage import Stage
from paper_repro.annotate import AnnotateSettings, start_campaign
from paper_repro.annotate.app import make_app
from paper_repro.columns import write_rows
from paper_repro.generate.schema import GENERATIONS, SCHEMA

CONDITIONS = {
    "zulu-rt": {"base_model": "Zulubase-7", "model_size": 10, "method": "RT", "response_set": "zuluset", "seed": 3},
    "zulu-it": {"base_model": "Zulubase-7", "model_size": 10, "method": "IT", "response_set": "zuluset", "seed": 3},
}


class Page(HTMLParser):
    """Tags with their attributes, and the text inside elements that have an id."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.texts, self._open = [], {}, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        if tag not in ("meta", "link", "input", "br"):
            self._open.append((tag, attrs.get("id")))

    def handle_endtag(self, tag):
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        for _, name in self._open:
            if name:
                self.texts[name] = self.texts.get(name, "") + data

    def form(self, name):
        """Hidden fields of a form, and the choices that are made in it."""
        fields, inside = {}, False
        for tag, attrs in self.tags:
            if tag == "form":
                inside = attrs.get("id") == name
            elif inside and tag == "input" and (attrs["type"] == "hidden" or "checked" in attrs):
                fields[attrs["name"]] = attrs["value"]
        return fields


class Rating(TestClient):
    """A rater's browser; every response body and header it got is kept in `seen`."""

    def __init__(self, campaign, token, hosts=("127.0.0.1", "localhost")):
        super().__init__(make_app(campaign, hosts), base_url="http://127.0.0.1", follow_redirects=False)
        self.root, self.seen = f"/r/{token}/", []

    def request(self, *args, **kwargs):
        response = super().request(*args, **kwargs)
        self.seen.append(response.text + repr(response.headers.raw))
        return response

    def page(self, query=""):
        response = self.get(self.root + query)
        assert response.status_code == 200, response.text
        return Page(response.text)

    def act(self, act, **fields):
        return self.post(self.root + act, data=fields)

    def rate(self, first="excellent", second="not", preferred="first", **more):
        """Rate the turn that is shown (a flagged one is opened first); returns the fields that were sent."""
        page = self.page()
        if page.form("skip"):
            page = self.page(f"?show={page.form('skip')['position']}")
        hidden = {name: page.form("rate")[name] for name in ("position", "revision")}
        fields = hidden | {"first": first, "second": second, "preferred": preferred} | more
        response = self.act("rate", **fields)
        assert (response.status_code, response.headers["location"]) == (303, "./")
        return fields


@pytest.fixture
def generations(tmp_path):
    """Make a generations artifact: `generations(name, [(benchmark, subset, prompt, response), ...])`."""

    def make(name, rows, folder=None, ids=None):
        rows = [
            {
                "prompt_id": ids[i] if ids else f"p{i:04}",
                "benchmark": benchmark,
                "subset": subset,
                "prompt": prompt,
                "response": response,
                "finish_reason": "eos",
                "num_tokens": 5,
            }
            for i, (benchmark, subset, prompt, response) in enumerate(rows)
        ]

        def work(settings, inputs, workspace):
            write_rows(workspace.path / GENERATIONS, rows, SCHEMA)
            workspace.summary["condition"] = CONDITIONS[name]

        return Stage("generate", "generations", 1, Settings, work).run(Settings(), folder or tmp_path / name)[0].path

    return make


@pytest.fixture
def pair(generations):
    """Two systems on `count` prompts, the first `flagged` of an unsafe set. Replies say whose they are."""

    def make(count=4, flagged=0, a="reply of one to", b="reply of two to"):
        sets = ["advbench" if i < flagged else "alpaca-eval" for i in range(count)]
        return tuple(
            generations(name, [(sets[i], None, f"ask {i}", f"{words} {i}") for i in range(count)])
            for name, words in (("zulu-rt", a), ("zulu-it", b))
        )

    return make


@pytest.fixture
def campaign(pair, tmp_path):
    """Make a campaign: `(campaign, tokens)`."""

    def make(count=4, flagged=0, folder="campaign", texts=None, **settings):
        a, b = pair(count, flagged, *(texts or ()))
        return start_campaign(AnnotateSettings(**settings), a, b, tmp_path / folder)

    return make


@pytest.fixture
def rating():
    """The class of a rater's browser."""
    return Rating


@pytest.fixture
def read_page():
    """The parser of a page."""
    return Page
