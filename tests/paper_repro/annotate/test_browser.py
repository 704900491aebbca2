"""In headless Chromium: ten items by keyboard, the server killed in between; and the page at every width."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from paper_repro.annotate import AnnotateSettings, ratings, start_campaign
from paper_repro.annotate.campaign import Rater, open_campaign
from paper_repro.annotate.export import export
from paper_repro.annotate.sample import PICTURE, make_picture
from paper_repro.annotate.schema import ASSIGNMENT_COLUMNS, ASSIGNMENTS
from paper_repro.annotate.screenshot import screenshot
from paper_repro.columns import read_rows

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[3]
HOSTILE = "<img src=http://127.0.0.1:9/x onerror=alert(1)><script>alert(2)</script> \u202eabc " + "long" * 400
RUN = "import sys; from paper_repro.cli import main; sys.argv[0] = 'rt'; main()"


@pytest.fixture(scope="module")
def chromium():
    """A headless Chromium of this machine."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs chromium")
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright (extra dev)")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


class Server:
    """`rt annotate` in a process of its own, on one port; `links` are those of the first start."""

    def __init__(self, folder, a, b):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.words = ["annotate", a, b, "--raters", "2", "--dir", folder, "--port", self.port, "--json"]
        self.links = self.start()["links"]

    def start(self):
        command = [sys.executable, "-c", RUN, *map(str, self.words)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"RT_THREADS": "1"}, text=True, **pipes)
        lines = []
        while not lines or lines[-1] != "}\n":
            line = self.process.stdout.readline()
            assert line, self.process.stderr.read()
            lines.append(line)
        return json.loads("".join(lines))

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()


@pytest.fixture
def server(generations, tmp_path):
    """A server on eleven prompts, two of them flagged, with hostile replies."""
    sets = ["advbench" if i < 2 else "alpaca-eval" for i in range(11)]
    a = generations("zulu-rt", [(name, None, f"ask {i}", f"{HOSTILE} {i}") for i, name in enumerate(sets)])
    b = generations("zulu-it", [(name, None, f"ask {i}", f"plain {i}") for i, name in enumerate(sets)])
    started = Server(tmp_path / "c", a, b)
    yield started
    started.kill()


def open_page(chromium, url, **context):
    page = chromium.new_context(**context).new_page()
    page.set_default_timeout(60_000)  # a busy machine is no fault
    page.faults = []
    page.on("dialog", lambda dialog: (page.faults.append(dialog.message), dialog.dismiss()))
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("console", lambda message: page.faults.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: page.faults.append(request.url) if not request.url.startswith(url) else None)
    assert page.goto(url).status == 200
    return page


def done(page):
    return page.locator(".where b").inner_text()


def reveal(page):
    """Open a flagged turn; keys count once the script is there."""
    page.wait_for_load_state()
    if page.locator("#show").count():
        page.keyboard.press("o")
        page.wait_for_selector("#rate")
        page.wait_for_load_state()


def by_keyboard(page, number, keys):
    """Rate the turn that is shown, which is number `number`."""
    reveal(page)
    for key in keys:
        page.keyboard.press(key)
    page.keyboard.press("c")
    page.keyboard.type(f"turn {number}, 1 u s")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    page.get_by_text(f"{number} of 11", exact=True).wait_for()


def test_ten_items_by_keyboard_with_the_server_killed_in_between(chromium, server, tmp_path):
    url = server.links["rater-1"]
    page = open_page(chromium, url)
    assert done(page) == "0 of 11"
    page.keyboard.press("1")
    page.keyboard.press("Enter")  # not complete: the browser says so, nothing is sent
    assert done(page) == "0 of 11" and page.evaluate("document.querySelectorAll(':invalid').length") > 0
    for number in range(1, 6):
        by_keyboard(page, number, "19l")
    page.wait_for_load_state()
    page.keyboard.press("u")
    page.get_by_text("4 of 11", exact=True).wait_for()
    reveal(page)
    assert page.locator("input[name=second]:checked").get_attribute("value") == "sufficient"
    page.locator("#comment").fill("")
    page.keyboard.press("Escape")
    by_keyboard(page, 5, "20k")
    server.kill()
    assert page.faults == [], "no dialog, no error, no request to anywhere else"
    page.keyboard.press("1")
    assert server.start()["links"] == {}, "links are shown once, and still work"
    page.reload()
    assert done(page) == "5 of 11"
    for number in range(6, 11):
        by_keyboard(page, number, "38j")
    page.wait_for_load_state()
    page.keyboard.press("s")
    page.wait_for_selector("text=All done")
    campaign = open_campaign(tmp_path / "c")
    assert ratings.progress(campaign, Rater(1, "rater-1")) == ratings.Progress(11, 10, 1, 0)
    made = export(campaign, tmp_path / "v")
    rows = read_rows(made["annotations"].file(ASSIGNMENTS), ASSIGNMENT_COLUMNS)
    mine = {row["position"]: row for row in rows if row["rater"] == "rater-1"}
    expected = {
        1: ("excellent", "sufficient", "second"),
        5: ("sufficient", "not", "tie"),
        9: ("not", "excellent", "first"),
    }
    for position, (first, second, better) in expected.items():
        row = mine[position]
        places = {"first": row["shown_first"], "second": "ab".replace(row["shown_first"], ""), "tie": "tie"}
        assert row[f"acceptability_{places['first']}"] == first and row[f"acceptability_{places['second']}"] == second
        assert row["preferred"] == places[better] and row["comment"] == f"turn {position}, 1 u s"
    assert mine[5]["undone"] == 1 and made["annotations"].summary["open"] == 11


def test_nothing_is_wider_than_the_screen_and_all_works_without_script(chromium, server):
    check_width(chromium, server.links["rater-1"], 360)
    check_width(chromium, server.links["rater-2"], 1280)


def check_width(chromium, url, width):
    page = open_page(chromium, url, viewport={"width": width, "height": 800}, java_script_enabled=False)
    if page.locator("#show").count():
        page.locator("#show").click()
    assert HOSTILE[:40] in page.locator(".pair").inner_text()
    boxes = [page.locator(name).first.bounding_box() for name in ("header", "#rate", ".response .text", "button.main")]
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
    for name in ("first", "second"):
        page.locator(f"input[name={name}][value=not]").check()
    page.locator("input[name=preferred][value=tie]").check()
    page.locator("button.main").click()
    assert done(page) == "1 of 11" and page.faults == []
    script = open_page(chromium, url, viewport={"width": width, "height": 800})
    assert script.evaluate("document.documentElement.scrollWidth") <= width
    assert script.locator(".pair img, .pair script, .pair a").count() == 0


def test_the_figure_is_a_picture_of_the_page(chromium, pair, tmp_path):
    from PIL import Image

    a, b = pair(2)
    made, _ = start_campaign(AnnotateSettings(), a, b, tmp_path / "c")
    screenshot(made, tmp_path / "figure.png", dark=True)
    with Image.open(tmp_path / "figure.png") as picture:
        assert picture.size == (2560, 1800)
        grey = picture.convert("L")
        assert grey.getpixel((5, 1700)) < 60 and len(grey.getcolors(256)) > 30
    assert ratings.progress(made, Rater(1, "rater-1")).open == 2


def test_the_shipped_picture_is_of_the_page_as_it_is(chromium, tmp_path):
    """Figure 7 of the report: made again from the page; a changed page is another picture."""
    from PIL import Image, ImageChops, ImageStat

    make_picture(tmp_path / "page.png")
    with Image.open(PICTURE) as shipped, Image.open(tmp_path / "page.png") as made:
        assert shipped.size == made.size
        difference = ImageChops.difference(shipped.convert("L"), made.convert("L"))
    mean = ImageStat.Stat(difference).mean[0]  # of 255; fonts of another machine move letters, not the page
    assert mean < 6, "make it again: python -m paper_repro.annotate.sample"
