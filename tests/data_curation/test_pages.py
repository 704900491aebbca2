"""Templates: what data say is escaped, what was not given is an error, and every page is made this way."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import UndefinedError

from data_curation.pages import environment, trusted

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def page(tmp_path: Path):
    """Render the text of a template."""

    def render(template: str, **values: object) -> str:
        (tmp_path / "page.html.jinja").write_text(template)
        made = environment(
            tmp_path, filters={"twice": lambda x: x * 2}, tests={"odd": lambda n: n % 2 == 1}, values={"k": 7}
        )
        return made.get_template("page.html.jinja").render(**values)

    return render


def test_text_is_escaped_and_only_our_own_is_trusted(page):
    assert page("{{ a }} {{ b }}\n", a="<b>&", b=trusted("<i>")) == "&lt;b&gt;&amp; <i>\n"


def test_a_name_that_was_not_given_is_an_error(page):
    with pytest.raises(UndefinedError, match="'absent' is undefined"):
        page("{{ absent }}")


def test_filters_tests_and_values_are_there_and_blocks_leave_no_lines(page):
    assert page("{% if 3 is odd %}\n  {% if true %}\n{{ 'a' | twice }}{{ k }}\n  {% endif %}\n{% endif %}\n") == "aa7\n"


def test_every_page_of_the_package_is_set_up_here():
    own = [
        path
        for part in ("artifacts", "data_curation", "paper_repro", "experiments")
        for path in (ROOT / part).rglob("*.py")
    ]
    assert [path.name for path in own if "FileSystemLoader" in path.read_text(encoding="utf-8")] == ["pages.py"]
