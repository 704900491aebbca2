"""Self-contained HTML pages: own script and style inside, no outside resource, everything from data escaped."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from artifacts.files import write_text
from data_curation.inspect.difference import Piece, difference, sides, visible
from data_curation.inspect.inspection import Inspection, Point, numbers
from data_curation.inspect.measures import word_counts
from data_curation.inspect.subject import Decision, Subject
from data_curation.pages import environment, trusted

FOLDER = Path(__file__).parent
EXAMPLES = 4
START = 400  # characters of a text in the list and on the map
LONG = 1_500  # characters of a text in an example
BINS = 22
COLOURS = (
    *("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377"),
    *("#ee7733", "#009988", "#997700", "#8866cc", "#cc3311", "#777777"),
)


def write_page(path: Path, template: str, data: Any, **context: Any) -> None:
    """Render a template of this folder.

    The page's own script is the only one that its policy lets run (by digest), so even text that slipped through the
    escaping could not become one.

    Args:
        path: The HTML file.
        template: Name of the template.
        data: JSON-ready data for the script; None = a page without one.
        context: What the template names.
    """
    filters = {"number": number, "share": share, "shown": shown, "pieces": visible}
    templates = environment(FOLDER, filters=filters, extra="curate")
    script = (FOLDER / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(f"\n{script}".encode()).digest()).decode("ascii")
    page = templates.get_template(template).render(
        script=None if data is None else trusted(script),
        script_digest=None if data is None else digest,
        data=None if data is None else trusted(inline_json(data)),
        **context,
    )
    write_text(path, page)


def inline_json(value: Any) -> str:
    """JSON that can stand in a script element whatever texts it holds."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def number(value: Any) -> str:
    """A number to read: thousands parted, at most four decimals; `missing` for None."""
    if value is None:
        return "missing"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4f}".rstrip("0").rstrip(".")


def share(part: float, whole: float) -> str:
    """A share in percent; a small one is not shown as nothing."""
    if not whole:
        return "missing"
    value = part / whole
    return "under 0.1%" if 0 < value < 0.001 else f"{value:.1%}"


def shown(text: str | None, most: int = LONG) -> str:
    """The beginning of a text; says where it was cut, and where it is missing or nothing can be seen of it."""
    if text is None:
        return "(text not at hand)"
    if not text.strip():
        return f"(blank: {len(text):,} characters of white space)" if text else "(blank)"
    return text if len(text) <= most else f"{text[:most].rstrip()} \u2026 ({len(text) - most:,} more characters)"


def beginning(text: str, most: int) -> str:
    """The beginning of a text, in one line."""
    line = " ".join(text[: 2 * most].split())
    return line if len(line) <= most else f"{line[:most].rstrip()} \u2026"


def write_inspection(path: Path, inspection: Inspection) -> None:
    """Write the page of an inspection."""
    subject = inspection.subject
    write_page(
        path,
        "inspect.html.jinja",
        points_data(inspection),
        title=subject.name,
        numbers=numbers(inspection),
        groups=reason_groups(subject),
        examples=EXAMPLES,
        borders=[(border, _pairs(border.dropped), _pairs(border.kept)) for border in inspection.borders],
        opened=next((n for n, b in enumerate(inspection.borders) if b.dropped and b.kept), 0),
        text_of=subject.text_of,
        pair=pair,
        quarantined=subject.quarantined,
        changes=changes(inspection),
        changed=subject.summary.get("changed"),
        histogram=histogram(inspection),
        colours=COLOURS,
        starts=_cluster_starts(inspection),
        settings=inspection.settings.resolved(),
    )


def reason_groups(subject: Subject) -> list[tuple[str, str, list[Decision]]]:
    """`(step, reason, drops)` in the order of the steps, the commonest reason of a step first."""
    groups: dict[tuple[str, str], list[Decision]] = {}
    for drop in subject.dropped:
        groups.setdefault((drop.step, drop.reason), []).append(drop)
    # the funnel names steps that are in no recipe too, as that of a rewritten set
    lines = (*subject.recipe, *subject.summary.get("funnel", ()))
    steps = list(dict.fromkeys([*(line["step"] for line in lines), *(step for step, _ in groups)]))
    order = sorted(groups, key=lambda key: (steps.index(key[0]), -len(groups[key]), key[1]))
    return [(*key, groups[key]) for key in order]


def pair(left: str | None, right: str | None) -> tuple[list[Piece], list[Piece]] | None:
    """Two texts as the two sides of their difference; None if one is not at hand."""
    return None if left is None or right is None else sides(difference(left, right))


def _pairs(items) -> list[tuple[Any, tuple[list[Piece], list[Piece]] | None]]:
    return [(item, pair(item.text, item.other) if item.by else None) for item in items]


def changes(inspection: Inspection, most: int = 2 * EXAMPLES) -> list[tuple[str, int, list[Piece]]]:
    """`(source, row, pieces)` of rows whose text was changed, those with most changes to see first."""
    before = inspection.subject.before
    found = []
    for record in inspection.subject.records:
        old = before.get(record.row_id)
        if old is not None and old.response != record.response:
            # visible changes first: stripped white space is by far the commonest
            same_words = old.response.split() == record.response.split()
            found.append((same_words, record.row_id, record.source, record.row, old.response, record.response))
    found.sort()
    return [(source, row, difference(old, new)) for _, _, source, row, old, new in found[:most]]


def histogram(inspection: Inspection) -> dict[str, Any] | None:
    """Bins of the responses' words, on a logarithmic scale: `edges`, `kept`, `dropped`, and the largest bin."""
    kept = word_counts([record.response for record in inspection.subject.records])
    gone = word_counts([drop.text for drop in inspection.subject.dropped if drop.text is not None])
    both = np.concatenate([kept, gone])
    if not len(both):
        return None
    edges = np.unique(np.concatenate([[0, 1], np.geomspace(1, both.max() + 1, BINS).round().astype(int)]))
    counts = [np.histogram(values, [*edges, both.max() + 2])[0].tolist() for values in (kept, gone)]
    bars = [
        {"low": int(low), "high": int(high) - 1, "kept": k, "dropped": d}
        for low, high, k, d in zip(edges, [*edges[1:], both.max() + 2], *counts, strict=True)
    ]
    return {"bars": bars, "most": max(bar["kept"] + bar["dropped"] for bar in bars)}


def _cluster_starts(inspection: Inspection) -> list[list[str]]:
    """Beginnings of a few texts of each cluster, those nearest to its middle on the map."""
    found = inspection.topics
    if found is None:
        return []
    starts = []
    for cluster in range(len(found.terms)):
        members = np.flatnonzero(found.labels == cluster)
        away = np.linalg.norm(found.places[members] - np.median(found.places[members], axis=0), axis=1)
        nearest = members[np.argsort(away, kind="stable")[:3]]
        starts.append([beginning(inspection.points[int(place)].text, 160) for place in nearest])
    return starts


def points_data(inspection: Inspection) -> dict[str, Any]:
    """The points for the script, by column; categories as numbers."""
    found, points = inspection.topics, inspection.points
    sources = sorted({point.source for point in points})
    reasons = sorted({_why(point) for point in points if point.reason is not None})
    return {
        "x": [] if found is None else [round(float(x), 3) for x in found.places[:, 0]],
        "y": [] if found is None else [round(float(y), 3) for y in found.places[:, 1]],
        "cluster": [] if found is None else found.labels.tolist(),
        "clusters": [] if found is None else [", ".join(terms[:3]) or "no words" for terms in found.terms],
        "source": [sources.index(point.source) for point in points],
        "sources": sources,
        "reason": [-1 if point.reason is None else reasons.index(_why(point)) for point in points],
        "reasons": reasons,
        "row": [point.row for point in points],
        "words": word_counts([point.text for point in points]).tolist(),
        "instruction": [beginning(point.instruction or "", 200) for point in points],
        "text": [shown(point.text, START) for point in points],
        "colours": COLOURS,
    }


def _why(point: Point) -> str:
    return f"{point.step}: {point.reason}"
