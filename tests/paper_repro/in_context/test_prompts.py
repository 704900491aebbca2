"""In-context prompts: the paper's structure, what each style shows, and demonstrations from files."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from artifacts.errors import InputError, SettingsError, UserError
from artifacts.settings import load_settings
from paper_repro.generate import GenerateSettings
from paper_repro.in_context import (
    Demonstration,
    load_template,
    prompt_text,
    read_demonstrations,
    template_names,
    trimmed,
)

PAIRS = (Demonstration(query="Is {answer} 2?", answer="Yes: {query}."), Demonstration(query="Why?", answer="So."))


@pytest.mark.parametrize("name", template_names())
def test_pairs_come_in_order_and_the_query_stays_open(name):
    template = load_template(name)
    text = prompt_text(template, "urial", "What {query} now?", PAIRS)
    assert text.startswith(template.system)
    marks = [text.index(part) for part in ("Is {answer} 2?", "Yes: {query}.", "Why?", "So.", "What {query} now?")]
    assert marks == sorted(marks)
    assert text.count("What {query} now?") == 1, "braces of a text are no fields"
    assert text.endswith(template.opening.split("{query}")[1])


@pytest.mark.parametrize("name", template_names())
def test_urial_r_is_urial_without_the_queries(name):
    template = load_template(name)
    pairs, responses = (prompt_text(template, style, "Now?", PAIRS) for style in ("urial", "urial-r"))
    for pair in PAIRS:
        assert pair.query not in responses
        asked = template.pair.split("{answer}")[0].replace("{query}", pair.query)
        pairs = pairs.replace(asked, template.response.split("{answer}")[0], 1)
    assert responses == pairs


@pytest.mark.parametrize("name", template_names())
def test_zero_shot_shows_nothing(name):
    template = load_template(name)
    text = prompt_text(template, "zero-shot", "Now?", PAIRS)
    assert text == template.zero_shot + template.opening.replace("{query}", "Now?")


def test_the_fences_have_the_papers_structure():
    template = load_template("fences")
    assert len(template.demonstrations) == 3
    text = prompt_text(template, "urial", "Now?", template.demonstrations)
    assert text.count("# Query:\n```\n") == 4
    assert text.count("\n```\n\n# Answer:\n```\n") == 4
    assert text.endswith("# Query:\n```\nNow?\n```\n\n# Answer:\n```\n")
    assert template.demonstrations[2].answer.startswith("I will not help"), "one of them is declined"
    assert "```" in template.stops
    assert not any(stop in pair.answer for stop in template.stops for pair in template.demonstrations)


def test_the_plain_template_leaves_room_in_a_short_context():
    template = load_template("plain")
    spent = len(prompt_text(template, "urial", "", PAIRS)) - sum(len(pair.query + pair.answer) for pair in PAIRS)
    assert spent < 100  # characters


def test_a_template_by_file_and_what_it_must_hold(tmp_path):
    path = tmp_path / "mine.yaml"
    texts = "system: ''\nzero_shot: ''\npair: '{answer}'\nresponse: x\nopening: '{query}'\nstops: [x]\n"
    path.write_text(f"name: mine\nsource: own\n{texts}")
    with pytest.raises(SettingsError) as caught:
        load_template(str(path))
    assert "pair: " in str(caught.value)
    assert "response: " in str(caught.value)
    with pytest.raises(UserError, match=r"known templates: fences, plain"):
        load_template("fence")


def test_demonstrations_come_from_lists_and_lines(tmp_path):
    rows = [pair.resolved() for pair in PAIRS]
    (tmp_path / "a.yaml").write_text(json.dumps(rows))
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    (tmp_path / "odd.jsonl").write_text('{"query": "a", "answer": "b\u2028c\u0085d"}\n', encoding="utf-8")
    assert read_demonstrations(tmp_path / "odd.jsonl")[0].answer == "b\u2028c\u0085d"
    assert read_demonstrations(tmp_path / "a.yaml") == read_demonstrations(tmp_path / "a.jsonl") == PAIRS
    (tmp_path / "none.yaml").write_text("[]")
    with pytest.raises(InputError, match="holds no demonstrations"):
        read_demonstrations(tmp_path / "none.yaml")
    (tmp_path / "b.yaml").write_text("[{query: a, reply: b}]")
    with pytest.raises(SettingsError, match="row 1"):
        read_demonstrations(tmp_path / "b.yaml")


def test_settings_hold_the_template_whole_and_only_where_it_counts():
    assert load_settings(GenerateSettings).template is None
    settings = load_settings(GenerateSettings, style="urial")
    assert settings.template == load_template("fences")
    assert GenerateSettings(**settings.resolved()) == settings
    assert "# Query:" in settings.stops
    with pytest.raises(SettingsError, match="without effect under style: chat"):
        load_settings(GenerateSettings, template="plain")
    with pytest.raises(SettingsError, match="no template is called 'x'"):
        load_settings(GenerateSettings, style="urial", template="x")


HEADINGS = "# Query:\n```\n{}\n```\n\n# Answer:\n```\n{}\n```\n\n"
OPEN = "# Query:\n```\n{instruction}\n```\n\n# Answer:\n```"
FILES = {
    "urial": "Read on.\n\n" + HEADINGS.format("Why?", "So:\n\n1. a") + HEADINGS.format("Is it? ", "Yes {x}.") + OPEN,
    "urial-r": "Read replies.\n\n# Answer:\n```\nSo:\n\n1. a\n```\n\n# Answer:\n```\nYes {x}.\n```\n\n" + OPEN,
    "zero-shot": OPEN,
}


@pytest.fixture
def official_files(tmp_path, monkeypatch):
    """Files built as the authors', with words of our own, in the place of the downloads; edit them in the test."""
    from paper_repro.in_context import official

    def fetched(pin):
        style = next(style for style, name in official.PINS.items() if name == pin)
        path = tmp_path / f"{style}.txt"
        path.write_text(FILES[style] + "\n", encoding="utf-8")
        return SimpleNamespace(paths=(path,))

    monkeypatch.setattr(official, "fetch", fetched)


@pytest.mark.parametrize("style", FILES)
def test_the_official_prompts_are_the_downloaded_texts_to_the_letter(style, official_files):
    template = load_template("official")
    asked = "How {instruction} is\n```\nthis?"
    text = prompt_text(template, style, asked, template.demonstrations)
    assert text == FILES[style].replace("{instruction}", asked)


def test_the_official_template_can_show_other_pairs_and_cuts_as_the_authors_script(official_files):
    template = load_template("official")
    assert "# Query:\n```\nIs {answer} 2?\n```" in prompt_text(template, "urial", "Now?", PAIRS)
    assert template.stops == ("# Query:", "# Answer:", "# Instruction")
    assert trimmed(" Take `x`.\n```\n\n", template) == "Take `x`."
    assert trimmed(" Take `x`\n", load_template("fences")) == "Take `x`"
    settings = load_settings(GenerateSettings, style="urial", template="official")
    assert load_settings(GenerateSettings, **settings.resolved()) == settings, (
        "kept whole, read again without a download"
    )


def test_an_official_file_that_is_built_otherwise_is_refused(official_files, monkeypatch):
    monkeypatch.setitem(FILES, "urial-r", FILES["urial-r"].replace("1. a", "1. b"))
    with pytest.raises(SettingsError, match=r"template: .*the urial-r prompt is not built as expected"):
        load_settings(GenerateSettings, style="urial-r", template="official")


def test_without_the_official_files_the_message_says_where_they_are_looked_for(tmp_path, monkeypatch, rt_home):
    from artifacts import origins

    def unreachable(pin, origin):
        raise origins.OriginUnavailable("cannot be reached")

    monkeypatch.setenv("RT_MIRROR", str(tmp_path))
    monkeypatch.setitem(origins.FETCHERS, "url", unreachable)
    with pytest.raises(SettingsError, match=r"response-tuning-urial"):
        load_settings(GenerateSettings, style="urial", template="official")
