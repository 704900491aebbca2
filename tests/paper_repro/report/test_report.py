"""The whole stage: whole, deterministic, refusing what it must; and the page it ends in."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from artifacts.errors import InputError, StageError, UserError
from artifacts.published import PUBLISHED
from artifacts.published_tables import SOURCES
from artifacts.settings import load_settings
from paper_repro.report import REPORT, ReportSettings, report, report_inputs
from paper_repro.score.schema import write_results

NOTE = "SmolLM2-135M-Instruct is instruction-tuned already: <b>no evidence</b>."
ELEMENTS_THAT_LOAD = {"script", "link", "iframe", "object", "embed", "audio", "video", "source", "base", "form"}


class Page(HTMLParser):
    """Tags, addresses and text of a page."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.alternatives: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        facts = dict(attrs)
        self.tags.append(tag)
        self.addresses += [facts[name] for name in ("src", "href", "srcset", "action") if name in facts]
        self.ids += [facts["id"]] if "id" in facts else []
        self.alternatives += [facts.get("alt") or ""] if tag == "img" else []

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def both(scores: Path, curated: Path, tmp_path_factory: pytest.TempPathFactory):
    """A report of both sources."""
    title = "A <script>alert(1)</script> & title"
    settings = ReportSettings(source="both", title=title, notes=(NOTE,), figures=(5, 6))
    return report(settings, tmp_path_factory.mktemp("reports") / "both", [scores], {"dolly": curated})


def test_the_published_report_holds_every_table_and_figure_in_every_form(tmp_path: Path):
    made = report(ReportSettings(), tmp_path / "out")
    files = set(made.identity.outputs)
    for number in (1, 3, 5, 11, 12, 13, 14, 15, 16, 25, 29, 31):
        assert {f"table_{number:02d}.csv", f"table_{number:02d}.md"} <= files
        assert f"table_{number:02d}.tex" in files
    for number in (1, 2, 3, 4, 5, 7, 8, 9):
        assert {f"figure_{number:02d}.{form}" for form in ("png", "svg", "pdf")} <= files
    for number in (2, 3, 4, 5, 8, 9):  # those that draw numbers
        assert {f"figure_{number:02d}.{form}" for form in ("csv", "md", "tex")} <= files
    assert {f"table_{number:02d}.csv" for number in (6, 7, 8, 9, 10, 23, 27)} <= files  # prompts, our own
    assert {"checks.csv", "claims_published.csv", "errata.csv", "items.csv", "index.html", "report.pdf"} <= files
    assert made.summary["checks"] == {"agrees": 207, "known": 2, "differs": 0}
    assert made.summary["claims_published"] == {"holds": 17, "does not hold": 1, "inconclusive": 0, "not run": 2}
    rows = list(csv.DictReader(made.file("items.csv").open()))
    assert [row["item"] for row in rows] == [
        *(f"Table {n}" for n in range(1, 32)),
        *(f"Figure {n}" for n in range(1, 10)),
    ]
    numbers = {row["item"]: row["published"] for row in rows if row["shows"] == "numbers"}
    assert numbers.pop("Figure 6") == "missing"
    assert set(numbers.values()) == {"given"}
    for row in rows:  # every item is there, or the reason why it is not
        there = row["published"] == "given"
        assert (f"{row['published_where']}.csv" in files or f"{row['published_where']}.pdf" in files) is there, row
        assert there or len(row["published_where"]) > 20, row


def test_a_selection_makes_only_what_was_named(tmp_path: Path):
    made = report(ReportSettings(tables=(11,), figures=()), tmp_path / "out")
    assert [name for name in made.summary["items"] if name.startswith(("table", "figure"))] == ["table_11"]


def test_equal_inputs_give_equal_bytes(scores: Path, curated: Path, tmp_path: Path):
    settings = ReportSettings(source="both", tables=(5, 10, 11, 16), figures=(1, 7))
    made = [report(settings, tmp_path / name, [scores], {"dolly": curated}) for name in ("one", "two")]
    assert made[0].identity.outputs == made[1].identity.outputs
    assert made[0].digest == made[1].digest
    assert {"report.pdf", "index.html", "figure_07.svg"} <= set(made[0].identity.outputs)


def test_numbers_that_do_not_add_up_fail_the_report_and_leave_no_manifest(tmp_path: Path, monkeypatch):
    folder = tmp_path / "published"
    shutil.copytree(PUBLISHED, folder)
    path = folder / SOURCES["table_12"].file
    path.chmod(0o644)
    path.write_text(path.read_text().replace("75.35,56.24", "75.35,57.24"))
    monkeypatch.setattr("paper_repro.report.stage.PUBLISHED", folder)
    with pytest.raises(StageError, match=r"table_12/average/Llama-3\.1-8B Alpaca IT: printed 57\.24"):
        report(ReportSettings(tables=(12,), figures=()), tmp_path / "out")
    assert not (tmp_path / "out" / "manifest.json").exists()
    assert "differs" in (tmp_path / "out" / "checks.csv").read_text()


def test_inputs_are_asked_for_by_source(scores: Path, curated: Path):
    both = report_inputs(ReportSettings(source="both"), [scores], {"dolly": curated})
    assert list(both) == ["published", f"scores-{scores.name}", "curated-dolly"]
    assert list(report_inputs(ReportSettings(source="run"), [scores])) == [f"scores-{scores.name}"]
    with pytest.raises(UserError, match="give each study once"):
        report_inputs(ReportSettings(source="run"), [scores, scores])
    with pytest.raises(UserError, match="source 'run' needs scores"):
        report_inputs(ReportSettings(source="run"))
    with pytest.raises(UserError, match="takes no scores"):
        report_inputs(ReportSettings(), [scores])
    with pytest.raises(InputError, match="inputs lack published"):
        REPORT.work(ReportSettings(source="both"), {"scores-x": scores}, None)


def test_a_table_the_paper_does_not_have_is_refused_with_the_known_ones():
    with pytest.raises(UserError, match="the paper has no table 99; its tables: 1 to 31"):
        load_settings(ReportSettings, None, ["tables=[99]"])


def test_two_curated_sets_that_would_share_a_file_are_refused(scores: Path, curated: Path, tmp_path: Path):
    with pytest.raises(InputError, match="curation_a-b"):
        report(ReportSettings(source="run"), tmp_path / "out", [scores], {"a b": curated, "a-b": curated})


def test_the_page_loads_nothing_and_escapes_everything(both):
    text = both.file("index.html").read_text()
    page = Page(text)
    assert not ELEMENTS_THAT_LOAD & set(page.tags)
    files = {name for name in page.addresses if not name.startswith(("#", "data:image/svg+xml;base64,"))}
    assert files <= {*both.identity.outputs, "manifest.json"}  # links to files beside it, and nothing else
    assert {"report.pdf", "results.csv", "table_16.csv", "table_16_published.tex", "figure_05.pdf"} <= files
    assert {"figure_05.csv", "figure_05_run.csv"} <= files  # the numbers that each draws, linked beside its pictures
    assert {address[1:] for address in page.addresses if address.startswith("#")} <= set(page.ids)
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in text
    assert "url(" not in text
    assert "@import" not in text
    assert not re.search(r"\son\w+=", text)
    words = " ".join(page.words)
    assert "A <script>alert(1)</script> & title" in words
    assert NOTE in words


def test_the_page_has_both_sources_the_funnel_and_a_word_for_every_picture(both):
    page = Page(both.file("index.html").read_text())
    order = (
        "findings",
        "claims-run",
        "claims-published",
        "errata-found",
        "all-items",
        "refusals",
        "replies",
        "paper-items",
        "item-figure-05",
        "item-table-11",
        "table_11_published",
        "table_16_run",
        "curation",
        "checks",
        "identity",
    )
    assert [part for part in page.ids if part in order] == list(order)
    assert len(page.alternatives) == 4  # refusals, the funnel, Figure 5 as published and of the run
    assert all(len(alternative) > 40 for alternative in page.alternatives)
    assert len(page.ids) == len(set(page.ids))


def test_the_run_is_one_table_and_every_cell_of_both_is_written(both):
    assert len(both.file("results.csv").read_text().splitlines()) == 1 + both.summary["results"]
    rows = list(csv.DictReader(both.file("table_11.csv").open()))
    assert {row["status"] for row in rows} == {"not run: this run has none of these numbers"}
    assert len(rows) == 28 * 3


def test_the_book_is_a_pdf_without_dates(both):
    data = both.file("report.pdf").read_bytes()
    assert data.startswith(b"%PDF")
    assert data.count(b"/Type /Page /Parent") > 10
    assert b"CreationDate" not in data


def test_the_page_names_its_inputs_and_no_time_host_or_path(both):
    text = both.file("index.html").read_text()
    for digest in both.identity.inputs.values():
        assert digest in text
    assert str(both.path.parent) not in text
    assert both.provenance["started"][:10] not in text
    assert not re.search(rf"\b{re.escape(both.provenance['host'])}\b", text)


def test_names_in_the_scores_are_escaped(results, tmp_path: Path):
    from dataclasses import replace

    folder = tmp_path / "hostile"
    folder.mkdir()
    write_results([replace(row, base_model="<img src=x onerror=alert(1)>") for row in results], folder)
    made = report(ReportSettings(source="run", tables=(16,), figures=()), tmp_path / "out", [folder])
    page = Page(made.file("index.html").read_text())
    assert page.tags.count("img") == 1
    assert any("<img src=x" in word for word in page.words)


def chromium(page: Path, profile: Path, *options: str) -> subprocess.CompletedProcess:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs chromium")
    command = [
        program,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--no-first-run",
        f"--user-data-dir={profile}",
        *options,
        page.as_uri(),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


@pytest.mark.browser
def test_the_browser_refuses_nothing_that_the_page_needs(both, tmp_path: Path):
    picture = tmp_path / "page.png"
    done = chromium(both.file("index.html"), tmp_path / "profile", "--enable-logging=stderr", f"--screenshot={picture}")
    assert picture.stat().st_size > 10_000
    assert "Refused to" not in done.stderr
    assert "Content Security Policy" not in done.stderr


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_wide_tables_scroll_in_their_box_and_not_the_page(both, tmp_path: Path, width: int):
    text = both.file("index.html").read_text()
    # the page itself forbids scripts; this copy measures itself inside a frame of the wanted width
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text).replace("<details", "<details open")
    measure = (
        "<script>onload = () => parent.postMessage([document.documentElement.scrollWidth, innerWidth, "
        "Math.round(document.querySelector('td.holds').getBoundingClientRect().right)], '*')"
        "</script></body>"
    )
    (tmp_path / "inner.html").write_text(text.replace("</body>", measure))
    (tmp_path / "outer.html").write_text(
        "<p id=found></p><script>onmessage = event => found.textContent = 'widths ' + event.data</script>"
        f"<iframe src=inner.html width={width} height=800 frameborder=0></iframe>"
    )
    done = chromium(tmp_path / "outer.html", tmp_path / "profile", "--virtual-time-budget=5000", "--dump-dom")
    found = re.search(r"widths (\d+),(\d+),(\d+)", done.stdout)
    assert found, "the page did not load"
    assert int(found[2]) in range(width - 20, width + 1)
    assert int(found[1]) <= int(found[2])
    assert int(found[3]) <= int(found[2])  # verdicts are seen without panning
