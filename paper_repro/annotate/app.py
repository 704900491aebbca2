"""The web application: one secret path a rater, forms that count once, and the same 404 for everything else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from paper_repro.annotate import page, ratings
from paper_repro.annotate.campaign import Campaign, Rater

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_FORM = 64 * 1024  # bytes; a comment of the greatest length, escaped, is below it
LOOPBACK = ("127.0.0.1", "localhost")
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # the path is the secret; 'no-referrer' would make browsers hide Origin as well
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_PATH = re.compile(r"/r/([^/]{1,200})(?:/([a-z.]*))?")
_NUMBER = re.compile(r"[0-9]{1,9}")


def make_app(campaign: Campaign, allowed_hosts: tuple[str, ...] = LOOPBACK) -> Starlette:
    """The application of a campaign.

    Args:
        campaign: What is rated.
        allowed_hosts: Host names it answers to (`*`: all); others are refused, against DNS rebinding.
    """

    async def every_path(request: Request) -> Response:
        form = await _form(request)
        return await run_in_threadpool(_answer, campaign, request, form, allowed_hosts)

    return Starlette(
        routes=[Route("/{path:path}", every_path, methods=METHODS)],
        middleware=[
            Middleware(_Headers),
            Middleware(TrustedHostMiddleware, allowed_hosts=list(allowed_hosts), www_redirect=False),
        ],
    )


class _Headers:
    """Puts the security headers on every response, errors too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _answer(campaign: Campaign, request: Request, form: Mapping[str, str] | None, hosts: tuple[str, ...]) -> Response:
    match = _PATH.fullmatch(request.url.path)
    rater = campaign.rater_of(match[1]) if match else None
    if match is None or rater is None:
        return _not_found()
    act, method = match[2], request.method
    if method in ("GET", "HEAD") and act is None:
        return RedirectResponse(f"/r/{match[1]}/", status_code=307)
    if method in ("GET", "HEAD") and act == "":
        return _turn(campaign, rater, request.query_params)
    if method in ("GET", "HEAD") and act in page.FILES:
        # kept for a while, so that the keys work as soon as the next turn is there; nothing in them is secret
        return Response(
            page.file(act), headers={"Content-Type": page.FILES[act], "Cache-Control": "private, max-age=600"}
        )
    if method == "POST" and act in ("rate", "skip", "undo"):
        if not _same_site(request, hosts):
            return PlainTextResponse("This form was sent from another site.", 403)
        if form is None:
            return PlainTextResponse("This is not a form of this page.", 400)
        return _act(campaign, rater, act, form)
    return _not_found()


def _not_found() -> Response:
    return PlainTextResponse("Not Found", 404)


def _turn(campaign: Campaign, rater: Rater, query: Mapping[str, str]) -> Response:
    """The rater's first open turn, or the end."""
    progress, undoable = ratings.progress(campaign, rater), ratings.last_done(campaign, rater)
    turn, notice = ratings.next_turn(campaign, rater), query.get("note", "")
    if turn is None:
        return HTMLResponse(page.done_page(rater.name, progress, undoable, notice))
    revealed = query.get("show") == str(turn.position)
    return HTMLResponse(page.turn_page(rater.name, turn, progress, undoable, revealed=revealed, notice=notice))


def _act(campaign: Campaign, rater: Rater, act: str, form: Mapping[str, str]) -> Response:
    numbers = [form.get(name, "") for name in ("position", "revision")]
    if not all(_NUMBER.fullmatch(number) for number in numbers):
        return PlainTextResponse("This is not a form of this page.", 400)
    position, revision = map(int, numbers)
    if act == "undo":
        outcome, note = ratings.undo(campaign, rater, position, revision), "undone"
    elif act == "skip":
        outcome, note = ratings.skip(campaign, rater, position, revision, _comment(form)), "skipped"
    else:
        answer = ratings.Answer(form.get("first"), form.get("second"), form.get("preferred"), _comment(form))
        if answer.faults():
            return _again(campaign, rater, position, revision, answer)
        outcome, note = ratings.rate(campaign, rater, position, revision, answer), ""
    note = note if outcome == "saved" else "stale"
    return RedirectResponse(f"./?note={note}" if note else "./", status_code=303)


def _again(campaign: Campaign, rater: Rater, position: int, revision: int, answer: ratings.Answer) -> Response:
    """The same turn with what was chosen and what is still missing; a form that is out of date changes nothing."""
    turn = ratings.turn_at(campaign, rater, position)
    if turn is None or turn.state != "open" or turn.revision != revision:
        return RedirectResponse("./?note=stale", status_code=303)
    progress, undoable = ratings.progress(campaign, rater), ratings.last_done(campaign, rater)
    faults = tuple(answer.faults())
    return HTMLResponse(page.turn_page(rater.name, turn, progress, undoable, faults=faults, answer=answer), 422)


def _comment(form: Mapping[str, str]) -> str:
    return form.get("comment", "").replace("\r\n", "\n").strip()


def _same_site(request: Request, hosts: tuple[str, ...]) -> bool:
    """Whether a form comes from our own page, as far as the browser says: another site cannot forge these headers.

    A proxy may put its own name for this server into Host, so a name that raters use counts as well.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    if origin is None:
        return True
    given = urlsplit(origin)
    return given.netloc == request.headers.get("host") or given.hostname in set(hosts) - {*LOOPBACK, "*"}


async def _form(request: Request) -> dict[str, str] | None:
    """Fields of a posted form, the first of each name; None for what is no form of ours, or too large."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method != "POST" or kind != "application/x-www-form-urlencoded":
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            return None
    try:
        fields: dict[str, Any] = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=20)
    except ValueError:  # not UTF-8, or too many fields
        return None
    return {name: values[0] for name, values in fields.items()}
