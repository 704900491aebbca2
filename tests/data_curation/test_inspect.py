"""inspect: the numbers add up, what is near a threshold is shown, and nothing from data becomes part of the page."""

from __future__ import annotations

import html.parser
import json
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from artifacts.aside import PARTIAL
from artifacts.errors import InputError
from data_curation.curate import CurateSettings, curate
from data_curation.embeddings import EncoderSettings, held
from data_curation.inspect.borders import borders
from data_curation.inspect.difference import difference, sides, visible
from data_curation.inspect.inspection import InspectSettings, inspect_set, numbers
from data_curation.inspect.page import inline_json, number, share, shown, write_inspection
from data_curation.inspect.subject import read_subject
from data_curation.inspect.topics import topics
from data_curation.mix import MixSettings, mix

SUBJECTS = ("river", "engine", "violin", "harvest", "planet", "kitchen")
WORDS = (
    *("slow", "bright", "under", "between", "copper", "window", "paper"),
    *("seven", "garden", "across", "never", "every", "circle"),
)
HOSTILE = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    "</script><!-- [click](javascript:alert(1)) ![i](http://a.example/x.png) \u2028 {{ 7*191 }} &lt;b&gt;"
)
RECIPE = {
    "steps": [
        {"step": "normalise"},
        {"step": "near_empty"},
        {"step": "too_long", "max_words": 60},
        {"step": "exact_dedup", "survivor": "first"},
        {"step": "near_dedup", "threshold": 0.8},
    ]
}
WORDS_ONLY = InspectSettings(vectors="words")


def text_of(topic: str, length: int, salt: int = 0) -> str:
    """A text of so many words that no other topic or salt gives."""
    return " ".join(f"{WORDS[(i * (salt + 3) + i // 5) % len(WORDS)]}{topic if i % 2 else ''}" for i in range(length))


def base_text(place: int | None = None, word: str = "") -> str:
    """A text of forty words, one of them replaced: of its 36 stretches of five words the last word spoils but one."""
    words = text_of("river", 40, 20).split()
    return " ".join(words if place is None else [*words[:place], word, *words[place + 1 :]])


def rows() -> list[dict]:
    """Six topics of eight texts each; then a near copy, a less near one, a long, a longer, an equal, a hostile one."""
    found = [{"instruction": f"q {t} {n}", "response": text_of(t, 30, n)} for t in SUBJECTS for n in range(8)]
    found += [{"instruction": "base", "response": base_text()}]
    found += [{"instruction": "near", "response": base_text(39, "other")}]
    found += [{"instruction": "less near", "response": base_text(20, "changed")}]
    found += [{"instruction": "long", "response": text_of("engine", 58, 30)}]
    found += [{"instruction": "too long", "response": text_of("violin", 61, 31)}]
    found += [{"instruction": "again", "response": text_of("river", 30, 0)}]
    found += [{"instruction": f"hostile {HOSTILE}", "response": f"{HOSTILE} \r\n end"}]
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inspect")
    path = folder / "in <b>.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows()) + "not json\n", encoding="utf-8")
    return curate(CurateSettings(recipe=RECIPE), folder / "set", path)


@pytest.fixture
def inspection(made, rt_home):
    return inspect_set(made.path, WORDS_ONLY)


@pytest.fixture
def page(inspection, tmp_path) -> Path:
    write_inspection(tmp_path / "page.html", inspection)
    return tmp_path / "page.html"


class Page(html.parser.HTMLParser):
    """Tags with their attributes, and the text outside scripts and styles."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.words: list[str] = []
        self.inside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self.inside.append(tag)

    def handle_endtag(self, tag):
        if tag in ("script", "style"):
            self.inside.pop()

    def handle_data(self, data):
        if not self.inside:
            self.words.append(data)


def test_the_numbers_add_up(inspection):
    found = numbers(inspection)
    funnel = found["funnel"]
    assert (funnel[0]["rows_in"], funnel[0]["reasons"]) == (56, {"quarantined": 1})
    for before, after in pairwise(funnel):
        assert before["kept"] == after["rows_in"]
        assert after["rows_in"] == after["kept"] + after["dropped"] == after["kept"] + sum(after["reasons"].values())
    assert funnel[-1]["kept"] == found["rows"] == 52
    assert sum(cluster["points"] for cluster in found["clusters"]) == 55
    assert sum(cluster["dropped"] for cluster in found["clusters"]) == 3 == found["map"]["dropped_points"]
    json.dumps(found, allow_nan=False)


def test_the_same_set_gives_the_same_page(made, page, tmp_path, rt_home):
    write_inspection(tmp_path / "again.html", inspect_set(made.path, WORDS_ONLY))
    assert (tmp_path / "again.html").read_bytes() == page.read_bytes()
    assert str(made.path.parent) not in page.read_text(encoding="utf-8")


def test_what_is_just_beyond_and_just_within_each_threshold(inspection):
    found = {(b.step, b.setting): b for b in inspection.borders}
    near = found["near_dedup", "threshold"]
    # the near copy shares 35 of 37 stretches of five words, the less near one 31 of 41
    assert [round(item.score, 3) for item in near.dropped] == [0.946]
    scores = [item.score for item in near.kept]
    assert round(scores[0], 3) == 0.756
    assert scores == sorted(scores, reverse=True) and all(score < 0.8 for score in scores)
    assert {near.kept[0].text, near.kept[0].other} == {base_text(), base_text(20, "changed")}
    assert {near.dropped[0].text, near.dropped[0].other} == {base_text(), base_text(39, "other")}
    long = found["too_long", "max_words"]
    assert [item.score for item in long.dropped] == [61]
    assert [item.score for item in long.kept] == [58, 40, 40]
    assert (long.value, long.looked_at) == (60, 52)


def test_drops_of_a_step_that_stands_twice_are_shown_once(tmp_path, rt_home):
    path = tmp_path / "in.jsonl"
    texts = [text_of("river", 61), text_of("engine", 45), *(text_of(topic, 20) for topic in SUBJECTS)]
    path.write_text("".join(json.dumps({"response": text}) + "\n" for text in texts))
    steps = [{"step": "too_long", "max_words": words} for words in (60, 40)]
    made = curate(CurateSettings(recipe={"steps": steps}), tmp_path / "set", path)
    found = borders(read_subject(made.path), tmp_path / "scratch")
    assert {border.value: [item.score for item in border.dropped] for border in found} == {60: [61], 40: [45]}


def test_a_threshold_that_nothing_is_near_says_so(tmp_path, rt_home):
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps({"response": text_of(topic, 20)}) + "\n" for topic in SUBJECTS))
    made = curate(CurateSettings(recipe={"steps": [{"step": "near_dedup"}]}), tmp_path / "set", path)
    assert borders(read_subject(made.path), tmp_path / "scratch") == []


def test_a_step_that_embeds_is_not_run_again_unasked(tmp_path, rt_home, tiny_encoder):
    recipe = {"steps": [{"step": "semantic_dedup", "encoder": {"model": str(tiny_encoder)}, "min_words": 1}]}
    path = tmp_path / "in.jsonl"
    texts = ["abcd efgh ijkl", "abcd efgh ijkl mnop", "zzzz yyyy", "qqqq wwww eeee"]
    path.write_text("".join(json.dumps({"response": text}) + "\n" for text in texts))
    made = curate(CurateSettings(recipe=recipe), tmp_path / "set", path)
    subject = read_subject(made.path)
    unasked = borders(subject, tmp_path / "scratch")
    assert len(unasked) == 1
    assert all(border.kept == () and "embeds every text" in border.problem for border in unasked)
    asked = borders(subject, tmp_path / "scratch", with_encoder=True)
    assert len(asked) == 1
    assert all(border.problem is None for border in asked)


def test_without_the_input_the_numbers_stay_and_the_texts_are_missing(made, tmp_path, rt_home):
    elsewhere = shutil.copytree(made.path, tmp_path / "set")
    manifest = json.loads((elsewhere / "manifest.json").read_text())
    moved = Path(manifest["provenance"]["inputs"]["input"])
    manifest["provenance"]["inputs"]["input"] = str(tmp_path / "gone.jsonl")
    (elsewhere / "manifest.json").write_text(json.dumps(manifest))
    found = inspect_set(elsewhere, WORDS_ONLY)
    assert numbers(found)["texts_of_dropped_rows"].startswith("missing: input: ")
    assert numbers(found)["map"]["dropped_points"] == 0
    assert [item.text for border in found.borders for item in border.dropped] == [None, None]
    write_inspection(tmp_path / "page.html", found)
    assert "Give the input with --input" in (tmp_path / "page.html").read_text()
    again = inspect_set(elsewhere, WORDS_ONLY, moved)
    assert numbers(again)["texts_of_dropped_rows"] == "at hand"
    (tmp_path / "other.jsonl").write_text('{"response": "x"}\n')
    with pytest.raises(InputError, match="another version"):
        inspect_set(elsewhere, WORDS_ONLY, tmp_path / "other.jsonl")


def test_nothing_from_data_becomes_mark_up_or_script(page):
    text = page.read_text(encoding="utf-8")
    found = Page(text)
    names = [name for name, _ in found.tags]
    assert names.count("script") == 2, "the data block and the page's own script"
    assert not {"img", "iframe", "link", "object", "form", "base", "b-"} & set(names)
    assert not any(key.startswith("on") for _, attributes in found.tags for key in attributes)
    assert all(a.get("href", "#").startswith("#") for _, a in found.tags), "no link leaves the page"
    assert any("<script>document.title" in words for words in found.words), "and yet the text can be read"
    assert "1337" not in text, "a template expression of the data was evaluated"
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1]
    assert not set("<>&\u2028") & set(data)
    assert any(HOSTILE.split("\u2028")[0][:20] in start for start in json.loads(data)["text"])
    policy = next(a["content"] for _, a in found.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy
    assert not re.search(r"https?://(?!a\.example)", text)


def test_the_text_of_a_row_of_the_reference_is_shown(tmp_path, rt_home):
    held, given = tmp_path / "held.jsonl", tmp_path / "in.jsonl"
    held.write_text(json.dumps({"answer": base_text()}) + "\n")
    given.write_text("".join(json.dumps({"response": text}) + "\n" for text in (base_text(39, "other"), "one two")))
    settings = CurateSettings(recipe={"steps": [{"step": "near_dedup"}]}, reference_columns={"response": "answer"})
    (drop,) = (subject := read_subject(curate(settings, tmp_path / "set", given, reference=held).path)).dropped
    assert subject.text_of(drop.by) == base_text()


def test_the_evaluation_prompt_that_a_row_holds_is_shown_beside_its_instruction(tmp_path, rt_home):
    prompt = "Which of the two bridges over the river was closed after the flood in spring?"
    (tmp_path / "asked.txt").write_text(f"Name a colour.\n{prompt}\n")
    rows = [{"instruction": prompt, "response": "The old one."}, {"instruction": "Say yes.", "response": "Yes."}]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    step = {"step": "decontaminate", "prompts": [str(tmp_path / "asked.txt")], "similarity": None}
    made = curate(CurateSettings(recipe={"steps": [step]}), tmp_path / "set", tmp_path / "in.jsonl")
    inspection = inspect_set(made.path, WORDS_ONLY)
    (drop,) = inspection.subject.dropped
    assert inspection.subject.text_of(drop.by) == prompt
    assert drop.compared == f"{prompt}\n\nThe old one."
    write_inspection(tmp_path / "page.html", inspection)
    found = Page((tmp_path / "page.html").read_text())
    assert "the evaluation prompt" in " ".join(found.words)
    (tmp_path / "asked.txt").write_text("Other prompts.\n")  # not those of the set any more: said, not shown
    assert read_subject(made.path).text_of(drop.by) is None


def test_vectors_of_the_cache_are_used_where_all_are_there_and_none_are_made(tmp_path, rt_home, tiny_encoder):
    given = tmp_path / "in.jsonl"
    texts = [f"{letter * 4} {letter}bc {number}" for letter in "az" for number in range(4)]
    given.write_text("".join(json.dumps({"response": text}) + "\n" for text in texts))
    encoder = {"model": str(tiny_encoder)}
    step = {"step": "semantic_dedup", "encoder": encoder, "min_words": 1, "threshold": 0.999999, "exhaustive": True}
    made = curate(CurateSettings(recipe={"steps": [step]}), tmp_path / "set", given)
    looked = InspectSettings(borders=False)
    assert numbers(inspect_set(made.path, looked))["map"]["vectors"].startswith("embeddings")
    more = {"steps": [{**step, "threshold": 0.99, "min_words": 3}]}  # so the row of two words is not embedded
    given.write_text("".join(json.dumps({"response": text}) + "\n" for text in [*texts, "ab cd"]))
    again = curate(CurateSettings(recipe=more), tmp_path / "other", given)
    assert not held([record.response for record in read_subject(again.path).records], EncoderSettings(**encoder)).all()
    assert numbers(inspect_set(again.path, looked))["map"]["vectors"].startswith("their words")
    assert not held(["ab cd"], EncoderSettings(**encoder)).any(), "nothing was embedded for the page"


def test_other_sets_and_plain_files(made, tmp_path, rt_home):
    trainset = mix(MixSettings(base_size=20), tmp_path / "mixed", made.path)
    found = numbers(inspect_set(trainset.path, WORDS_ONLY))
    assert (found["kind"], found["rows"]) == ("trainset", 20)
    assert found["funnel"] == [
        {"step": "base", "rows_in": 52, "kept": 20, "changed": 0, "dropped": 32, "reasons": {"not drawn": 32}}
    ]
    assert found["sources"] == {"in <b>.jsonl": 20}
    plain = tmp_path / "plain.jsonl"
    plain.write_text('{"response": "one"}\n{"response": null}\n')
    inspection = inspect_set(plain, WORDS_ONLY)
    found = numbers(inspection)
    assert (found["kind"], found["rows"], found["map"]) == ("file", 1, None)
    assert found["funnel"][0]["reasons"] == {"quarantined": 1}
    write_inspection(tmp_path / "plain.html", inspection)
    folder = tmp_path / "folder"
    folder.mkdir()
    plain.rename(folder / "plain.jsonl")
    assert numbers(inspect_set(folder, WORDS_ONLY))["sources"] == {"folder": 1}
    (folder / PARTIAL).write_text("{}")
    with pytest.raises(InputError, match=r"without a manifest\.json"):
        inspect_set(folder)


def test_clusters_find_the_topics_and_name_them_by_their_words():
    texts = [f"{text_of(topic, 30, n)} {topic} {topic}" for topic in ("river", "engine") for n in range(10)]
    found = topics(texts, clusters=2)
    assert len(set(found.labels[:10])) == len(set(found.labels[10:])) == 1
    assert found.labels[0] != found.labels[10]
    assert all("river" in word for word in found.terms[found.labels[0]])
    assert found.places.shape == (20, 2) and abs(found.places).max() <= 1
    again = topics(texts, clusters=2)
    assert (again.places == found.places).all() and (again.labels == found.labels).all()


def test_a_t_sne_map_keeps_groups_together():
    texts = [f"{text_of(topic, 30, n)} {topic} {topic}" for topic in ("river", "engine") for n in range(10)]
    first, again = (topics(texts, clusters=2, method="tsne") for _ in range(2))
    assert first.method == "tsne" and first.places.shape == (20, 2) and abs(first.places).max() == 1
    assert (first.places == again.places).all()
    distances = np.linalg.norm(first.places[:, None] - first.places, axis=2) + 9 * np.eye(20)
    same = np.arange(20) // 10
    assert (same[distances.argmin(axis=1)] == same).all()


@pytest.mark.parametrize("texts", [["", "", "", ""], ["1", "2", "3"], ["the", "of", "and"], ["same"] * 5, ["a b"]])
def test_texts_that_give_nothing_to_compare(texts):
    found = topics(texts)
    assert found is None or len(found.labels) == len(texts)


def test_clusters_by_embeddings(tiny_encoder, tmp_path):
    from data_curation.encoder import EncoderSettings

    texts = ["aaaa bbbb", "aaaa bbbc", "zzzz yyyy", "zzzz yyyx"]
    found = topics(texts, encoder=EncoderSettings(model=str(tiny_encoder)), scratch=tmp_path, clusters=2)
    assert found.labels[0] == found.labels[1] != found.labels[2] == found.labels[3]
    assert found.vectors.startswith("embeddings")


def test_a_difference_tells_what_is_gone_and_what_is_new():
    assert difference("one two three", "one 2 three") == [
        ("same", "one "),
        ("gone", "two"),
        ("new", "2"),
        ("same", " three"),
    ]
    left, right = sides(difference("a b", "a c"))
    assert ("".join(t for _, t in left), "".join(t for _, t in right)) == ("a b", "a c")
    assert visible(difference("a \u200bb", "a b"))[1] == ("gone", "<U+200B>")
    assert visible([("gone", " \n")]) == [("gone", "\u00b7\u21b5\n")]


def test_a_difference_far_into_long_texts_is_found():
    common = "word " * 3_000
    pieces = difference(common + "old " + common, common + "new " + common)
    assert ("gone", "old") in pieces and ("new", "new") in pieces
    assert sum(len(text) for _, text in pieces) < 700
    assert pieces[0][0] == pieces[-1][0] == "cut"


def test_numbers_for_reading():
    assert (number(1234567), number(0.123456), number(2.0), number(None)) == ("1,234,567", "0.1235", "2", "missing")
    assert (share(1, 5_000), share(0, 5), share(1, 0), share(1, 8)) == ("under 0.1%", "0.0%", "missing", "12.5%")
    assert inline_json({"</script>": "&\u2029"}) == '{"\\u003c/script\\u003e":"\\u0026\\u2029"}'


def test_a_text_of_which_nothing_can_be_seen_says_so():
    assert [shown(text) for text in (None, "", " \n\t", "a ")] == [
        "(text not at hand)",
        "(blank)",
        "(blank: 3 characters of white space)",
        "a ",
    ]
    assert shown("word " * 10, 9) == "word word \u2026 (41 more characters)"


def test_the_command_prints_numbers_and_writes_the_page(made, tmp_path, rt_home):
    import typer
    from typer.testing import CliRunner

    from paper_repro.cli.inspect import register

    app = typer.Typer()
    register(app)
    words = [str(made.path), "--vectors", "words"]
    done = CliRunner().invoke(app, [*words, "--json", "--out", str(tmp_path / "p.html")], catch_exceptions=False)
    found = json.loads(done.stdout)
    assert (found["page"], found["rows"]) == (str(tmp_path / "p.html"), 52)
    assert (tmp_path / "p.html").stat().st_size > 20_000
    assert json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)["page"] is None
    assert f"page: {rt_home}" in CliRunner().invoke(app, words, catch_exceptions=False).stdout


# ---- in a browser ----


def chromium(page: Path, profile: Path, *options: str) -> subprocess.CompletedProcess:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs chromium")
    fixed = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    command = [program, *fixed, f"--user-data-dir={profile}", *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


@pytest.mark.browser
def test_the_page_runs_under_its_own_policy_and_lists_its_records(page, tmp_path):
    done = chromium(page, tmp_path / "profile", "--enable-logging=stderr", "--virtual-time-budget=4000", "--dump-dom")
    assert "Refused to" not in done.stderr and "Content Security Policy" not in done.stderr
    assert "Uncaught" not in done.stderr
    assert "55 of 55 records on this page" in done.stdout
    dom = Page(done.stdout)
    assert [name for name, _ in dom.tags].count("script") == 2
    assert "owned" not in re.search(r"<title>(.*?)</title>", done.stdout)[1]
    assert not [name for name, _ in dom.tags if name == "img"], "a text of the list became mark-up"


PROBE = """
<script>
addEventListener("load", () => setTimeout(() => {
  const canvas = document.getElementById("canvas");
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let inked = 0;
  for (let i = 3; i < pixels.length; i += 4) inked += pixels[i] > 0;
  const search = document.getElementById("search");
  search.value = "CHANGED";
  search.dispatchEvent(new Event("input"));
  const after = document.getElementById("found").textContent;
  const state = document.getElementById("state");
  search.value = "";
  state.value = "1";
  state.dispatchEvent(new Event("change"));
  const dropped = document.getElementById("found").textContent;
  const box = canvas.getBoundingClientRect();
  document.getElementById("whole").click();
  let tipped = "";
  for (let x = 0; x < box.width && !tipped; x += 6)
    for (let y = 0; y < box.height && !tipped; y += 6) {
      canvas.dispatchEvent(new PointerEvent("pointermove",
        { clientX: box.left + x, clientY: box.top + y, pointerType: "mouse", bubbles: true }));
      if (!document.getElementById("tip").hidden) tipped = document.getElementById("tip").textContent;
    }
  parent.postMessage(JSON.stringify({ inked, after, dropped, tipped, marks: document.querySelectorAll("mark").length,
    wide: document.documentElement.scrollWidth, inner: innerWidth }), "*");
}, 300));
</script></body>"""


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_the_map_is_drawn_the_search_finds_and_nothing_is_wider_than_the_screen(page, tmp_path, width):
    # the page itself lets no other script run; this copy measures itself inside a frame of the wanted width
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text(encoding="utf-8"))
    text = text.replace("<details", "<details open").replace("</body>", PROBE)
    (tmp_path / "inner.html").write_text(text, encoding="utf-8")
    (tmp_path / "outer.html").write_text(
        "<p id=found></p><script>onmessage = event => found.textContent = event.data</script>"
        f"<iframe src=inner.html width={width} height=800 frameborder=0></iframe>"
    )
    done = chromium(tmp_path / "outer.html", tmp_path / "profile", "--virtual-time-budget=6000", "--dump-dom")
    found = json.loads(html.unescape(re.search(r'<p id="found">(.*?)</p>', done.stdout, re.DOTALL)[1]))
    assert found["inked"] > 300
    assert found["after"].startswith("1 of 55")
    assert found["dropped"].startswith("3 of 55")
    assert "in <b>.jsonl, row" in found["tipped"] and "dropped" in found["tipped"]
    assert found["inner"] in range(width - 20, width + 1)
    assert found["wide"] <= found["inner"]


@pytest.mark.parametrize("method", ["pca", "tsne"])
@pytest.mark.parametrize("texts", [["tomato"] * 3, ["tomato soup"] * 8, ["tomato", "tomato", "a good tomato", "soup"]])
def test_small_and_uniform_sets_have_a_map(texts, method):
    places = topics(texts, method=method).places
    assert places.shape == (len(texts), 2)
    assert np.isfinite(places).all()
