"""The page: what raters see and send, what never reaches a browser, and forms that count once."""

from __future__ import annotations

import re
import threading
import time

import pytest

from artifacts.errors import UserError
from paper_repro.annotate import AnnotateSettings, ratings, start_campaign
from paper_repro.annotate.app import LARGEST_FORM
from paper_repro.annotate.campaign import Rater, open_campaign
from paper_repro.annotate.inert import pieces
from paper_repro.annotate.server import host_of

ONE = Rater(1, "rater-1")


def state(campaign, rater=ONE):
    found = ratings.progress(campaign, rater)
    return found.rated, found.skipped, found.open


def test_a_rater_goes_through_all_turns_and_sees_the_end(campaign, rating):
    made, tokens = campaign(3, raters=1)
    client = rating(made, tokens["rater-1"])
    shown = []
    for _ in range(3):
        page = client.page()
        shown.append(page.texts["instruction"].strip())
        assert [page.texts[f"response-{n}"].strip()[-1] for n in (1, 2)] == [shown[-1][-1]] * 2
        client.rate()
    assert sorted(shown) == ["ask 0", "ask 1", "ask 2"]
    text = client.get(client.root).text
    assert "All done" in text and "You rated 3 and skipped 0 of 3" in text
    assert state(made) == (3, 0, 0)


def test_names_of_systems_never_reach_the_browser(campaign, rating, tmp_path):
    made, tokens = campaign(4, 1, raters=1)
    client = rating(made, tokens["rater-1"])
    first = client.rate(comment="hm")
    client.act("rate", **first)  # replayed
    client.act("rate", position="2", revision="0")  # incomplete
    client.act("undo", position=first["position"], revision="1")
    for act in ("page.css", "page.js", "nothing", "?show=1", "?note=stale", "?note=zulu-rt"):
        client.get(client.root + act)
    for _ in range(4):
        client.rate()
    client.get("/nowhere")
    assert len(client.seen) > 20
    secret = [str(value) for system in made.plan["systems"].values() for value in system["condition"].values()]
    secret = [value for value in secret if len(value) > 2] + [
        "zulu",
        str(tmp_path),
        "generations",
        "advbench",
        "alpaca",
    ]
    secret += [system["generations"][:12] for system in made.plan["systems"].values()]
    everything = "\n".join(client.seen).lower()
    assert "reply of one" in everything, "the scan reads what was sent"
    assert not [value for value in secret if value.lower() in everything]


def test_every_answer_is_under_the_policy_and_nothing_comes_from_outside(campaign, rating, read_page):
    made, tokens = campaign(1, raters=1)
    client = rating(made, tokens["rater-1"])
    answers = [client.get(path) for path in (client.root, client.root + "page.js", "/", "/r/x/")]
    answers += [client.act("rate"), client.act("rate", position="1", revision="0"), client.act("rate", position="x")]
    answers.append(client.get(client.root, headers={"host": "evil.example"}))
    assert [answer.status_code for answer in answers] == [200, 200, 404, 404, 400, 422, 400, 400]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert "http" not in policy and "*" not in policy
        assert answer.headers["cache-control"] == ("private, max-age=600" if answer is answers[1] else "no-store")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "server" not in answer.headers and "set-cookie" not in answer.headers
    page = read_page(answers[0].text)
    links = [attrs[name] for _, attrs in page.tags for name in ("src", "href", "action") if name in attrs]
    assert sorted(set(links)) == ["data:,", "page.css", "page.js", "rate"]
    inline = [name for _, attrs in page.tags for name in attrs if name.startswith("on") or name == "style"]
    assert not inline and not re.search(r"https?://", answers[0].text)


def test_model_output_is_inert_text(campaign, rating, read_page):
    hostile = (
        "<script>document.title='owned'</script><img src=x onerror=alert(1)></div></form><input name=first value=not>"
        "[click](javascript:alert(1)) ![p](http://127.0.0.1/p.png) &lt;b&gt; {{ 7 * 7 }} {% raw %}\r\n<!-- -->\n"
    )
    texts = (hostile + "safe \u202eevil\u2066 \x00 \x1b[31m \u0627\u0644", "<a href=//x.example>y</a>")
    made, tokens = campaign(1, raters=1, texts=texts)
    client = rating(made, tokens["rater-1"])
    text = client.get(client.root).text
    page = read_page(text)
    assert {tag for tag, _ in page.tags} & {"img", "a", "iframe", "object", "b"} == {"b"}  # ours: <b>0 of 1</b>
    assert [attrs.get("src") for tag, attrs in page.tags if tag == "script"] == ["page.js"]
    assert [tag for tag, _ in page.tags].count("form") == 1 and len(page.form("rate")) == 2
    shown = page.texts["response-1"] + page.texts["response-2"]
    assert hostile.replace("\r\n", "\n").strip() in shown and "<a href=//x.example>y</a>" in shown
    assert "{{ 7 * 7 }}" in shown and "49" not in shown
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b]", text), "shown by name, not obeyed"
    for name in ("U+202E", "U+2066", "U+0000", "U+001B"):
        assert f">{name}</span>" in text
    assert "\u0627\u0644" in shown, "other scripts stay as they are"


def test_pieces_lose_nothing_but_the_line_ends_of_windows():
    text = "a\r\nb\u202ec\n\td\u2069\r"
    found = pieces(text)
    restored = "".join(chr(int(p.text[2:], 16)) if p.mark else p.text for p in found)
    assert restored == "a\nb\u202ec\n\td\u2069\r"
    assert [p.text for p in found if p.mark] == ["U+202E", "U+2069", "U+000D"]
    assert [p.text for p in pieces("")] == [""]


@pytest.mark.parametrize(("text", "word"), [("", "empty"), (" \n\u200b", "blank")])
def test_an_empty_reply_is_said_to_be_empty(campaign, rating, text, word):
    made, tokens = campaign(1, raters=1)
    with made.writing() as connection:
        connection.execute("UPDATE items SET a = json_set(a, '$.response', ?)", (text,))
    assert f"the text is {word}" in rating(made, tokens["rater-1"]).get(f"/r/{tokens['rater-1']}/").text


def test_a_reply_of_a_megabyte_is_shown_whole(campaign, rating):
    long = "word <b> " * 120_000
    made, tokens = campaign(1, raters=1, texts=(long, "short"))
    client = rating(made, tokens["rater-1"])
    started = time.monotonic()
    page = client.page()
    assert time.monotonic() - started < 5
    assert long.strip() in page.texts["response-1"] + page.texts["response-2"]
    client.rate()
    assert state(made) == (1, 0, 0)


# ---- links ----


def test_a_guessed_link_is_like_any_other_wrong_path(campaign, rating):
    made, tokens = campaign(1, raters=2)
    assert len(set(tokens.values())) == 2 and all(len(token) >= 32 for token in tokens.values())
    client, token = rating(made, tokens["rater-1"]), tokens["rater-1"]
    wrong = [token[:-1], token + "A", token[::-1], "rater-1", "1", "%00", "..", token.swapcase(), "é", "'--"]
    paths = [f"/r/{guess}/{act}" for guess in wrong for act in ("", "rate", "page.js")]
    answers = [
        client.get(path) for path in [*paths, "/", "/r", "/r/", "/static", "/docs", f"/r/{token}/x", f"/R/{token}/"]
    ]
    answers += [
        client.post(f"/r/{wrong[0]}/rate", data={"position": "1"}),
        client.delete(client.root),
        client.put("/x"),
    ]
    kinds = {(a.status_code, a.text, tuple(sorted(a.headers.items()))) for a in answers}
    assert len(kinds) == 1, kinds
    assert kinds.pop()[:2] == (404, "Not Found")
    redirect = client.get(f"/r/{token}")
    assert (redirect.status_code, redirect.headers["location"]) == (307, client.root)


def test_links_are_kept_nowhere_compared_in_constant_time_and_replaced(campaign, rating, monkeypatch):
    import hmac

    made, tokens = campaign(1, raters=3)
    stored = b"".join(path.read_bytes() for path in made.folder.iterdir())
    assert not [token for token in tokens.values() if token.encode() in stored]
    compared, real = [], hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda *pair: compared.append(pair) or real(*pair))
    assert made.rater_of(tokens["rater-1"]).name == "rater-1"
    assert len(compared) == 3, "also those after the one that fits"
    new = made.new_link("rater-1")
    assert made.rater_of(tokens["rater-1"]) is None and made.rater_of(new).name == "rater-1"


# ---- forms ----


def test_a_replayed_form_counts_once_and_changes_nothing_later(campaign, rating):
    made, tokens = campaign(2, raters=1)
    client = rating(made, tokens["rater-1"])
    sent = client.rate("excellent", "not", "first")
    for _ in range(3):
        assert client.act("rate", **sent).headers["location"] == "./?note=stale"
    assert state(made) == (1, 0, 1)
    client.act("undo", position="1", revision="1")
    assert client.act("rate", **sent).headers["location"] == "./?note=stale", "the form from before the undo"
    client.rate("not", "sufficient", "second")
    client.act("rate", **sent)
    client.act("skip", **sent)
    turn = ratings.turn_at(made, ONE, 1)
    assert (turn.state, turn.answer.first, turn.answer.second, turn.answer.preferred) == (
        "rated",
        "not",
        "sufficient",
        "second",
    )
    assert state(made) == (1, 0, 1)
    assert (
        client.act("rate", position="99", revision="0", first="not", second="not", preferred="tie").status_code == 303
    )
    assert state(made) == (1, 0, 1)


def test_forms_from_other_sites_are_refused(campaign, rating):
    made, tokens = campaign(1, raters=1)
    client = rating(made, tokens["rater-1"])
    fields = {"position": "1", "revision": "0", "first": "not", "second": "not", "preferred": "tie"}
    for headers in ({"origin": "http://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}):
        assert client.post(client.root + "rate", data=fields, headers=headers).status_code == 403
    assert client.post(client.root + "rate", json=fields).status_code == 400, "no form"
    assert client.get(client.root + "rate", params=fields).status_code == 404, "a link rates nothing"
    assert state(made) == (0, 0, 1)
    own = {"origin": "http://127.0.0.1", "sec-fetch-site": "same-origin"}
    assert client.post(client.root + "rate", data=fields, headers=own).status_code == 303
    assert state(made) == (1, 0, 0)


def test_behind_a_proxy_the_name_that_raters_use_counts(campaign, rating):
    made, tokens = campaign(2, raters=1)
    client = rating(made, tokens["rater-1"], hosts=("127.0.0.1", "rate.example.org"))
    fields = {"first": "not", "second": "not", "preferred": "tie", "revision": "0"}
    origin = {"origin": "https://rate.example.org"}
    for position, host in (("1", "rate.example.org"), ("2", "127.0.0.1:8742")):
        headers = origin | {"host": host}
        assert (
            client.post(client.root + "rate", data=fields | {"position": position}, headers=headers).status_code == 303
        )
    assert client.get(client.root, headers={"host": "other.example.org"}).status_code == 400
    assert host_of("https://rate.example.org/") == "rate.example.org"
    for wrong in ("rate.example.org", "ftp://rate.example.org", "https://rate.example.org/people"):
        with pytest.raises(UserError, match="not an address of a server"):
            host_of(wrong)


def test_an_incomplete_form_says_what_is_missing_and_keeps_the_rest(campaign, rating, read_page):
    made, tokens = campaign(1, raters=1)
    client = rating(made, tokens["rater-1"])
    answer = client.act("rate", position="1", revision="0", first="sufficient", second="superb", comment="my <thought>")
    assert answer.status_code == 422
    assert "Response 2 is not rated yet" in answer.text and "more helpful response is not chosen" in answer.text
    assert "Response 1 is not rated" not in answer.text
    page = read_page(answer.text)
    assert page.form("rate")["first"] == "sufficient" and page.texts["comment"].strip() == "my <thought>"
    assert state(made) == (0, 0, 1)


@pytest.mark.parametrize("body", [b"position=1&revision=0&comment=" + b"a" * LARGEST_FORM, b"\xff=1", b"a=1&" * 50])
def test_a_form_that_is_none_is_refused(campaign, rating, body):
    made, tokens = campaign(1, raters=1)
    client = rating(made, tokens["rater-1"])
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert client.post(client.root + "rate", content=body, headers=headers).status_code == 400
    long = {
        "position": "1",
        "revision": "0",
        "first": "not",
        "second": "not",
        "preferred": "tie",
        "comment": "é" * 4001,
    }
    assert client.act("rate", **long).status_code == 422
    assert client.act("rate", **long | {"position": "9" * 400}).status_code == 400
    assert state(made) == (0, 0, 1)


def test_undo_opens_the_last_turn_with_its_answers_then_the_one_before(campaign, rating):
    made, tokens = campaign(3, raters=1)
    client = rating(made, tokens["rater-1"])
    assert not client.page().form("undo")
    client.rate("excellent", "sufficient", "tie", comment="one\r\ntwo")
    client.rate("not", "not", "second")
    undo = client.page().form("undo")
    assert undo == {"position": "2", "revision": "1"}
    assert client.act("undo", **undo).headers["location"] == "./?note=undone"
    client.act("undo", **undo)  # pressed twice
    assert state(made) == (1, 0, 2)
    page = client.page()
    assert page.form("rate") == {
        "position": "2",
        "revision": "2",
        "first": "not",
        "second": "not",
        "preferred": "second",
    }
    client.act("undo", **page.form("undo"))
    page = client.page()
    assert page.form("rate")["position"] == "1" and page.texts["comment"].strip() == "one\ntwo"
    assert state(made) == (0, 0, 3)


def test_flagged_turns_are_hidden_until_asked_for_and_may_be_skipped(campaign, rating):
    made, tokens = campaign(2, 2, raters=1)
    client = rating(made, tokens["rater-1"])
    page = client.page()
    seen = client.seen[-1]
    assert "may be disturbing" in seen and "reply of" not in seen and not re.search(r"ask \d", seen)
    assert client.act("skip", **page.form("skip")).headers["location"] == "./?note=skipped"
    page = client.page("?show=1")
    assert "reply of" not in client.seen[-1], "asked for another turn"
    page = client.page("?show=2")
    assert "from a set of harmful requests" in client.seen[-1] and page.texts["response-1"]
    client.act("skip", **page.form("rate"), comment="too much")
    assert state(made) == (0, 2, 0)
    assert ratings.turn_at(made, ONE, 2).answer.comment == "too much"
    assert "You rated 0 and skipped 2 of 2" in client.get(client.root).text


# ---- many at once, many in all, stopped at any time ----


def test_two_raters_at_once_do_not_disturb_each_other(campaign, rating):
    made, tokens = campaign(12, raters=2)
    faults = []

    def work(token, first):
        try:
            client = rating(made, token)
            for _ in range(12):
                client.rate(first, "not", "first")
        except BaseException as error:
            faults.append(error)

    levels = {"rater-1": "excellent", "rater-2": "sufficient"}
    threads = [threading.Thread(target=work, args=(tokens[name], level)) for name, level in levels.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    with made.reading() as connection:
        rows = connection.execute("SELECT rater, first, count(*) FROM turns WHERE state = 'rated' GROUP BY 1, 2")
        assert [tuple(row) for row in rows] == [(1, "excellent", 12), (2, "sufficient", 12)]
        assert connection.execute("SELECT count(*) FROM events").fetchone()[0] == 24


def test_the_same_form_sent_twice_at_once_counts_once(campaign):
    made, _ = campaign(8, raters=1)
    outcomes, answer = [], ratings.Answer("not", "not", "tie")

    def send(position):
        outcomes.append(ratings.rate(made, ONE, position, 0, answer))

    threads = [threading.Thread(target=send, args=(n,)) for n in range(1, 9) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["saved"] * 8 + ["stale"] * 8
    assert state(made) == (8, 0, 0)


def test_five_thousand_items_stay_fast(generations, rating, tmp_path):
    rows = [("alpaca-eval", None, f"ask {i}", "a reply " * 60) for i in range(5000)]
    a, b = (generations(name, rows) for name in ("zulu-rt", "zulu-it"))
    made, tokens = start_campaign(AnnotateSettings(raters=3), a, b, tmp_path / "big")
    with made.writing() as connection:
        connection.execute("UPDATE turns SET state = 'rated', event = id, revision = 1 WHERE position < 4900")
    client, taken = rating(made, tokens["rater-2"]), []
    for _ in range(15):
        started = time.process_time()
        client.rate()
        taken.append(time.process_time() - started)
    assert sorted(taken)[7] < 0.1, "a page and a rating, seconds of CPU"
    assert state(made, Rater(2, "rater-2")) == (4914, 0, 86)


def test_a_campaign_goes_on_after_the_server_is_gone(campaign, rating):
    made, tokens = campaign(3, raters=1)
    client = rating(made, tokens["rater-1"])
    client.rate("sufficient", "not", "first")
    again = rating(open_campaign(made.folder), tokens["rater-1"])
    assert again.page().form("rate")["position"] == "2"
    again.rate()
    assert state(made) == (2, 0, 1)
